"""The outbox: every mail with its delivery status; resending those that failed."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import load_only, with_expression

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.mail import relay
from console.mail.models import Mail, MailState
from console.mail.queries import LINE, WAITING, Stage, failed_lately, in_stage, matching, stage_of
from console.mail.service import resend
from console.staff.roles import Permission
from console.views.mail.filters import ANY_WAITING, FILTERS
from console.views.mail.serializers import mail_json
from console.views.shared import formatters, menu
from console.views.shared.base import BaseModelView
from console.views.shared.labels import mail as mail_labels
from console.views.shared.labels.mail import mail_url
from console.views.shared.mail_access import listed, readable
from console.views.shared.paging import ListPage, ListQuery
from console.web.answers import wants_json
from console.web.identity import current_actor

TAB_COUNT = 99
MAX_RESENT = 100  # mails that one mass action takes
TABS = (
    ("", lazy_gettext("All")),
    (ANY_WAITING, lazy_gettext("Waiting")),
    (Stage.FAILED.value, lazy_gettext("Failed")),
    (Stage.SENT.value, lazy_gettext("Sent")),
    (Stage.WITHDRAWN.value, lazy_gettext("Withdrawn")),
)


def views() -> list[BaseView]:
    """Return the list; the page of one mail is ``console.views.mail.page``."""
    return [MailList()]


class SearchMail:
    """The search box: addresses, Message-IDs, and the subjects of those mails that the reader may read."""

    def matches(self, _session: Any, _column: Any, text: str, **_how_many: bool) -> ColumnElement[bool] | None:
        """Return the condition. Nothing is cut off, neither for a page nor for an export."""
        return matching(text, readable(current_actor()))


def _stage(_view: Any, _context: Any, row: Mail, _name: str) -> Markup:
    return mail_labels.stage_label(row).status()


class MailList(BaseModelView):
    """Every mail that the reader may know of."""

    permission = Permission.SEE_MAIL
    permissions = {"resend_failed": Permission.RESEND_MAIL}
    group = "oversight"
    can_export = True
    list_template = "admin/mail/list.html"

    column_list = ("subject", "to_address", "about", "state", "created_at")
    column_export_list = (
        "id", "state", "template", "subject", "to_address", "about", "created_at", "sent_at", "attempts", "last_error",
        "message_id",
    )  # fmt: skip
    column_labels = {
        "id": lazy_gettext("Number"),
        "subject": lazy_gettext("Subject"),
        "template": lazy_gettext("Kind"),
        "to_address": lazy_gettext("To"),
        "about": lazy_gettext("About"),
        "state": lazy_gettext("State"),
        "attempts": lazy_gettext("Attempts"),
        "created_at": lazy_gettext("Created"),
        "sent_at": lazy_gettext("Sent"),
        "last_error": lazy_gettext("Mail server response"),
        "message_id": "Message-ID",
    }
    column_formatters = {"state": _stage, "created_at": formatters.ago, "sent_at": formatters.ago}
    column_options = (load_only(*LINE, Mail.message_id),)
    search_index = SearchMail()  # type: ignore[assignment]  # it has the one method that a list calls
    search_is_wordwise = False  # parts of addresses too, with their signs
    search_hint = lazy_gettext("Address, subject or Message-ID")
    list_filters = FILTERS
    lead = lazy_gettext("Every e-mail the console sends, with its delivery status.")
    empty_icon = "mail"
    empty_title = lazy_gettext("No e-mails yet")
    empty_text = lazy_gettext("E-mails to customers and staff appear here with their delivery status.")

    def __init__(self) -> None:
        super().__init__(Mail, name=lazy_gettext("Mail"), endpoint="mail", url="mail", menu_icon_value="mail")

    def badge_query(self) -> Select[int] | None:
        """Count for the sidebar: mails that failed lately, for those who can resend them."""
        return failed_lately(menu.BADGE_LIMIT + 1) if current_actor().may(Permission.RESEND_MAIL) else None

    # What may be read

    def scope(self, query: Any) -> Any:
        return query.where(listed(current_actor()))

    def with_row_data(self, query: Select[Any]) -> Select[Any]:
        return super().with_row_data(query).options(with_expression(Mail.is_readable, readable(current_actor())))

    def list_context(self, list_query: ListQuery, page: ListPage) -> dict[str, Any]:
        actor = current_actor()
        state = next((active.value for active in list_query.filters if active.filter.name == "state"), "")
        without_state = {name: value for name, value in list_query.without("state").items() if name != "page"}
        counts = self._tab_counts()
        return {
            "tabs": [
                (key, name, without_state | ({"state": key} if key else {}), counts.get(key)) for key, name in TABS
            ],
            "tab": state,
            "labels": mail_labels,
            "subjects": {row.id: mail_labels.subjects(actor, row) for row in page.rows},
            "stage_of": stage_of,
            "may_resend": actor.may(Permission.RESEND_MAIL),
            "relay": relay.relay(),
        }

    def _tab_counts(self) -> dict[str, str]:
        """Count what waits and what failed, in one statement, neither further than a tab can say."""
        conditions = {ANY_WAITING: or_(*map(in_stage, WAITING)), Stage.FAILED.value: in_stage(Stage.FAILED)}
        counts = [
            select(func.count())
            .select_from(self.select_rows().where(condition).with_only_columns(Mail.id).limit(TAB_COUNT + 1).subquery())
            .scalar_subquery()
            for condition in conditions.values()
        ]
        numbers: Any = db.session.execute(select(*counts)).one()
        return {
            name: f"{TAB_COUNT}+" if number > TAB_COUNT else str(number)
            for name, number in zip(conditions, numbers, strict=True)
            if number
        }

    # The list

    def as_json(self, row: Mail) -> dict[str, Any]:
        """Return one mail for programs; ``subject`` is null where it is not for the reader."""
        return mail_json(row, opened=bool(row.is_readable))

    def row_link(self, row: Mail) -> str:
        return mail_url(row.id)

    def row_name(self, row: Mail) -> str:
        return gettext("e-mail to %(address)s", address=row.to_address)

    def row_state(self, row: Mail) -> str:
        stage = stage_of(row)
        if stage is Stage.FAILED:
            return "is-late"
        return {Stage.RETRY: "is-risk", Stage.WITHDRAWN: "is-void"}.get(stage, "")

    def export_cell(self, row: Mail, name: str) -> Any:
        if name == "state":
            return str(mail_labels.stage_label(row).text)
        if name == "template":
            return mail_labels.template_name(row.template)
        if name == "subject" and not row.is_readable:
            return ""
        if name == "about":
            return ", ".join(one.text for one in mail_labels.subjects(current_actor(), row))
        return getattr(row, name)

    @expose("/again", methods=["POST"])
    def resend_failed(self) -> ResponseReturnValue:
        """Resend those of the selected mails that failed."""
        keys = [key for key in map(read_key, request.form.getlist("rowid")[:MAX_RESENT]) if key is not None]
        actor = current_actor()
        with transaction():
            failed = (
                self.select_rows().where(Mail.id.in_(keys), Mail.state == MailState.FAILED).with_only_columns(Mail.id)
            )
            resent = sum(_resend_one(actor, key) for key in db.session.scalars(failed.order_by(Mail.id)).all())
        left = len(keys) - resent
        if wants_json():
            return jsonify(queued=resent, left_out=left)
        if not keys:
            flash(gettext("Select at least one row first."), "warning")
        elif resent:
            flash(ngettext("%(num)d e-mail was queued again.", "%(num)d e-mails were queued again.", resent), "success")
        if keys and left:
            flash(
                ngettext(
                    "%(num)d e-mail was skipped because it has not failed.",
                    "%(num)d e-mails were skipped because they have not failed.",
                    left,
                ),
                "info",
            )
        return redirect(self.return_url(), 303)


def _resend_one(actor: Actor, key: int) -> bool:
    try:
        resend(actor, key)
    except Conflict:  # a colleague was faster
        return False
    return True
