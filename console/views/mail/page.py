"""One mail: its delivery, its content as far as the reader may read it; resending and withdrawing it."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from sqlalchemy import select

from console.billing.pdf.models import SOURCE, DocumentKind
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound, Text
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.mail import reading, service
from console.mail.models import Mail
from console.mail.queries import Stage, copies_of, stage_of
from console.mail.receiving.models import ARRIVED, DELAYED
from console.staff.roles import Permission
from console.tickets.mail_in.queries import bounces_of
from console.tickets.models import TicketAttachment
from console.tickets.queries import tree
from console.views.mail.serializers import mail_with_content_json
from console.views.shared.base import Page
from console.views.shared.labels import mail as mail_labels
from console.views.shared.labels.mail import mail_url
from console.views.shared.mail_access import find_mail
from console.web.answers import wants_json
from console.web.frames import framing, letter
from console.web.identity import current_actor

# Delivery reports about a mail that did not come back: how they look, and what they say.
_REPORTS: dict[str, tuple[str, str, Text]] = {
    ARRIVED: ("info", "check", lazy_gettext("This e-mail was delivered.")),
    DELAYED: ("warning", "clock", lazy_gettext("This e-mail is delayed; the mail server keeps trying.")),
}


def views() -> list[BaseView]:
    """Return the page of one mail; the list is ``console.views.mail.list``."""
    return [MailPage(name=lazy_gettext("Mail"), endpoint="mail_page", url="/console/mail/<id:key>")]


class MailPage(Page):
    """One mail, for those who may know that it was sent."""

    permission = Permission.SEE_MAIL
    permissions = dict.fromkeys(("resend", "withdraw"), Permission.RESEND_MAIL)
    parent = "mail"

    @expose("/")
    @expose("")  # its address in links
    def index(self, key: int) -> ResponseReturnValue:
        """Show one mail: its delivery and, to those who may read it, its content."""
        mail, opened = find_mail(current_actor(), key)
        content = reading.without_links(mail) if opened else None
        if wants_json():
            return jsonify(mail=mail_with_content_json(mail, content))
        actor, stage = current_actor(), stage_of(mail)
        may = actor.may(Permission.RESEND_MAIL)
        page = self.render(
            "admin/mail/page.html",
            mail=mail,
            opened=opened,
            content=content,
            label=mail_labels.stage_label(mail),
            stage=stage.value,
            story=mail_labels.story(mail),
            labels=mail_labels,
            subjects=mail_labels.subjects(actor, mail),
            files=_files(mail) if opened else [],
            copies=copies_of(mail),
            bounces=bounces_of(mail.id) if actor.may(Permission.READ_TICKETS) else [],
            reports=_REPORTS,
            sender=f"{settings().sender_name} <{mail.from_address or settings().mail_from}>",
            may_resend=may and stage in (Stage.FAILED, Stage.RETRY, Stage.SENT),
            may_withdraw=may and stage in (Stage.QUEUED, Stage.RETRY),
        )
        return framing(page)

    @expose("/html")
    def html(self, key: int) -> ResponseReturnValue:
        """Answer the HTML part, for the frame on the page."""
        mail, opened = find_mail(current_actor(), key)
        if not opened:
            raise NotFound
        return letter(reading.without_links(mail).html)

    @expose("/again", methods=["POST"])
    def resend(self, key: int) -> ResponseReturnValue:
        """Resend it."""
        with transaction():
            sent = service.resend(current_actor(), key)
            new, is_copy = sent.id, sent.id != key
        if wants_json():
            return jsonify(queued=new)
        flash(gettext("It will be sent as a new e-mail.") if is_copy else gettext("Queued again."), "success")
        return redirect(mail_url(new), 303)

    @expose("/withdraw", methods=["POST"])
    def withdraw(self, key: int) -> ResponseReturnValue:
        """Withdraw it before it is sent."""
        with transaction():
            service.withdraw(current_actor(), key)
        if wants_json():
            return jsonify(withdrawn=True)
        flash(gettext("The e-mail was withdrawn and will not be sent."), "success")
        return redirect(mail_url(key), 303)


def _files(mail: Mail) -> list[tuple[str, int, str | None]]:
    """Return name, size and where to download each file: from the ticket's page, which checks the access."""
    ticket = mail_labels.ticket_id(mail)
    addresses: dict[tuple[str, str], str] = {}
    if mail.attachments and ticket is not None:
        query = select(TicketAttachment.id, TicketAttachment.name, TicketAttachment.digest).where(
            TicketAttachment.ticket_id.in_(tree(ticket)), TicketAttachment.message_id.is_not(None)
        )
        number = mail_labels.ticket_number(ticket)
        for key, name, digest in db.session.execute(query):
            addresses[name, digest] = url_for("ticket.file", number=number, key=key)
    return [
        (str(one["name"]), int(one.get("size") or 0), _document_url(one) or addresses.get((one["name"], one["digest"])))
        for one in mail.attachments
    ]


def _document_url(attachment: dict[str, Any]) -> str | None:
    """Return where a document is that was attached: its page checks who may read it."""
    if attachment.get("source") != SOURCE:
        return None
    number, kind = str(attachment["name"]).removesuffix(".pdf"), str(attachment["key"]).partition(":")[0]
    if kind in (DocumentKind.PROFORMA, DocumentKind.STORNO):
        return url_for("proformas.pdf" if kind == DocumentKind.PROFORMA else "stornos.pdf", number=number)
    return url_for("migration.pdf", ref=number, side="old" if kind == DocumentKind.MIGRATION_OLD else "new")
