"""Mail in words: how far it is, which template, what it is about."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from console.chat.models import chat_number
from console.core.actor import Actor
from console.core.ids import CUSTOMER_BASE
from console.core.series import Series
from console.core.texts import gettext, lazy_pgettext
from console.mail.labels import TEMPLATES
from console.mail.models import Mail
from console.mail.queries import Stage, stage_of
from console.staff.roles import Permission
from console.tickets.models import TICKET_BASE
from console.views.shared.labels.chats import chat_url
from console.views.shared.labels.states import Label
from console.views.shared.labels.tickets import ticket_url
from console.views.shared.menu import customer_url
from console.web import filters

STAGE: dict[Stage, Label] = {
    Stage.QUEUED: Label(lazy_pgettext("mail", "waiting to be sent"), "clock"),
    Stage.RETRY: Label(lazy_pgettext("mail", "will be retried"), "refresh", "warn"),
    Stage.SENDING: Label(lazy_pgettext("mail", "sending"), "send", "info"),
    Stage.SENT: Label(lazy_pgettext("mail", "sent"), "ok", "ok"),
    Stage.FAILED: Label(lazy_pgettext("mail", "failed"), "alert", "danger"),
    Stage.WITHDRAWN: Label(lazy_pgettext("mail", "withdrawn"), "ban", "void"),
}


@dataclass(frozen=True)
class Subject:
    """What a mail is about. ``url`` only where the reader may open it."""

    text: str
    icon: str
    url: str | None


def stage_label(mail: Mail) -> Label:
    """Return how far ``mail`` is."""
    return STAGE[stage_of(mail)]


def template_name(template: str) -> str:
    """Return the template in words; one that a later version had, by its name."""
    return str(TEMPLATES.get(template, template))


def customer_number(customer_id: int) -> str:
    """Return the account's number, which is no secret among staff."""
    return Series.CUSTOMER.number(CUSTOMER_BASE + customer_id)


def ticket_number(key: int) -> str:
    """Return what people call the ticket."""
    return Series.TICKET.number(TICKET_BASE + key)


def ticket_id(mail: Mail) -> int | None:
    """Return the key of the ticket it is about, if it is about one."""
    kind, _, key = (mail.subject_ref or "").partition(":")
    return int(key) if kind == "ticket" and key.isascii() and key.isdigit() else None


def subjects(actor: Actor, mail: Mail) -> list[Subject]:
    """Return what ``mail`` is about: the ticket, chat or migration first, then the account."""
    found = []
    kind, _, key = (mail.subject_ref or "").partition(":")
    ticket = ticket_id(mail)
    if ticket is not None:
        number = ticket_number(ticket)
        found.append(Subject(number, "ticket", ticket_url(number) if actor.may(Permission.READ_TICKETS) else None))
    elif kind == "chat" and key.isascii() and key.isdigit():
        number = chat_number(int(key))
        found.append(Subject(number, "chat", chat_url(number) if actor.may(Permission.CHAT) else None))
    elif kind == "migration":
        may = actor.may(Permission.SEE_MIGRATIONS)
        found.append(Subject(key, "migrate", url_for("migration.index", ref=key) if may else None))
    elif kind in ("proforma", "storno"):
        may = actor.may(Permission.READ_DOCUMENTS)
        address = url_for(f"{kind}s.document", number=key) if may else None
        found.append(Subject(key, "file" if kind == "proforma" else "file-x", address))
    if mail.customer_id is not None:
        number = customer_number(mail.customer_id)
        found.append(Subject(number, "user", customer_url(number)))
    return found


def story(mail: Mail) -> str:
    """Return in one line the state of the mail and what comes next."""
    stage = stage_of(mail)
    if stage is Stage.FAILED:
        return gettext("Rejected by the mail server; it will not be retried automatically.")
    if stage is Stage.RETRY:
        return gettext("The last attempt failed. Next attempt: %(when)s.", when=filters.relative(mail.send_after))
    if stage is Stage.SENDING:
        return gettext("Being passed to the mail server.")
    if stage is Stage.QUEUED:
        return gettext("Will be sent shortly.")
    if stage is Stage.WITHDRAWN:
        return gettext("Withdrawn before it was sent.")
    return gettext("Accepted by the mail server.")


def mail_url(key: int) -> str:
    """Return the address of a mail's page."""
    return url_for("mail_page.index", key=key)
