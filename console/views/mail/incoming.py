"""The inbox: every message that came in, those first that wait for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_admin.base import BaseView
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import defer

from console.core.db import db
from console.core.emails import normal_email
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.mail.receiving.models import IncomingKind, IncomingMail, IncomingState
from console.staff.roles import Permission
from console.tickets.mail_in.queries import count_waiting, visible_mail
from console.tickets.models import ticket_number
from console.views.shared import formatters, menu
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, Exact, ListFilter, LocalDay
from console.views.shared.labels import incoming as labels
from console.views.shared.labels.incoming import STATE, incoming_url
from console.views.shared.labels.tickets import ticket_url
from console.views.shared.paging import ListPage, ListQuery
from console.web.answers import local_time
from console.web.identity import current_actor

TAB_COUNT = 99
BOUNCES = "bounce"
TABS = (
    (IncomingState.WAITING.value, lazy_pgettext("incoming", "Waiting")),
    (IncomingState.FAILED.value, lazy_pgettext("incoming", "Unreadable")),
    (BOUNCES, lazy_pgettext("incoming", "Bounces")),
    (IncomingState.SPAM.value, lazy_pgettext("incoming", "Spam")),
    (IncomingState.TICKET.value, lazy_pgettext("incoming", "In tickets")),
    ("", lazy_gettext("All")),
)
_SHOWS = {state.value: label.text for state, label in STATE.items()} | {
    BOUNCES: lazy_pgettext("incoming", "delivery reports")
}


def views() -> list[BaseView]:
    """Return the inbox; the page of one message is ``console.views.mail.incoming_page``."""
    return [IncomingList()]


@dataclass(frozen=True)
class Show(Choice):
    """How far it is; or delivery reports, however far."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        if value == BOUNCES:
            return query.where(IncomingMail.kind == IncomingKind.BOUNCE)
        return query.where(IncomingMail.state == IncomingState(value))


@dataclass(frozen=True)
class Sender(Exact):
    """Came from this address, the whole of it."""

    def read(self, text: str) -> str:
        return normal_email(super().read(text))


FILTERS: tuple[ListFilter, ...] = (
    Show("state", lazy_gettext("State"), IncomingMail.state, _SHOWS),
    Sender("from", lazy_gettext("Sender"), IncomingMail.from_address, hint="ana@example.test"),
    LocalDay("since", lazy_gettext("Received from"), IncomingMail.received_at, compare="from"),
    LocalDay("until", lazy_gettext("Received until"), IncomingMail.received_at, compare="until"),
)


class SearchIncoming:
    """The search box: how an address begins, or a whole Message-ID; both have an index."""

    def matches(self, _session: Any, _column: Any, text: str, **_how_many: bool) -> ColumnElement[bool] | None:
        """Return the condition; ``None`` where nothing was typed."""
        words = text.strip()
        if not words:
            return None
        return or_(
            IncomingMail.from_address.startswith(normal_email(words), autoescape=True),
            IncomingMail.message_id == words,
        )


def _state(_view: Any, _context: Any, row: IncomingMail, _name: str) -> Markup:
    return labels.state_label(row).status()


class IncomingList(BaseModelView):
    """What came in, as far as its ticket or its mailbox's department is the reader's to see."""

    permission = Permission.READ_TICKETS
    group = "work"
    letter = "e"
    menu_query = {"state": IncomingState.WAITING.value}
    list_template = "admin/mail/incoming_list.html"

    column_list = ("subject", "from_address", "ticket", "state", "received_at")
    column_labels = {
        "subject": lazy_gettext("Subject"),
        "from_address": lazy_gettext("Sender"),
        "ticket": lazy_gettext("Ticket"),
        "state": lazy_gettext("State"),
        "received_at": lazy_gettext("Received"),
    }
    column_formatters = {"state": _state, "received_at": formatters.ago}
    column_options = (defer(IncomingMail.story), defer(IncomingMail.sealed_key))
    search_index = SearchIncoming()  # type: ignore[assignment]  # it has the one method that a list calls
    search_is_wordwise = False
    search_hint = lazy_gettext("Sender’s address or Message-ID")
    list_filters = FILTERS
    lead = lazy_gettext("Received e-mails, and what happened to each.")
    empty_icon = "inbox"
    empty_title = lazy_gettext("No e-mails yet")
    empty_text = lazy_gettext("E-mails to your support address appear here.")

    def __init__(self) -> None:
        super().__init__(
            IncomingMail, name=lazy_gettext("Inbox"), endpoint="incoming", url="mail/in", menu_icon_value="inbox"
        )

    def badge_query(self) -> Select[int]:
        """Count for the sidebar: what waits for a decision."""
        return count_waiting(current_actor(), menu.BADGE_LIMIT + 1)

    def scope(self, query: Any) -> Any:
        return query.where(visible_mail(current_actor()))

    def list_context(self, list_query: ListQuery, page: ListPage) -> dict[str, Any]:  # noqa: ARG002
        state = next((active.value for active in list_query.filters if active.filter.name == "state"), "")
        without = {name: value for name, value in list_query.without("state").items() if name != "page"}
        counts = self._tab_counts()
        return {
            "tabs": [(key, name, without | ({"state": key} if key else {}), counts.get(key)) for key, name in TABS],
            "tab": state,
            "labels": labels,
            "ticket_number": ticket_number,
            "ticket_url": ticket_url,
        }

    def _tab_counts(self) -> dict[str, str]:
        """Count what waits and what failed, in one statement."""
        states = (IncomingState.WAITING, IncomingState.FAILED)
        counts = [
            select(func.count())
            .select_from(
                self.select_rows()
                .where(IncomingMail.state == state)
                .with_only_columns(IncomingMail.id)
                .limit(TAB_COUNT + 1)
                .subquery()
            )
            .scalar_subquery()
            for state in states
        ]
        numbers: Any = db.session.execute(select(*counts)).one()
        return {
            state.value: f"{TAB_COUNT}+" if number > TAB_COUNT else str(number)
            for state, number in zip(states, numbers, strict=True)
            if number
        }

    def as_json(self, row: IncomingMail) -> dict[str, Any]:
        """Return one message for programs."""
        return {
            "id": row.id,
            "state": row.state.value,
            "kind": None if row.kind is None else row.kind.value,
            "reason": row.reason,
            "from": row.from_address,
            "subject": row.subject,
            "ticket": None if row.ticket_id is None else ticket_number(row.ticket_id),
            "received_at": local_time(row.received_at),
        }

    def row_link(self, row: IncomingMail) -> str:
        return incoming_url(row.id)

    def row_name(self, row: IncomingMail) -> str:
        return gettext("e-mail from %(address)s", address=row.from_address or "—")

    def row_state(self, row: IncomingMail) -> str:
        return {
            IncomingState.FAILED: "is-late",
            IncomingState.WAITING: "is-risk",
            IncomingState.SPAM: "is-void",
            IncomingState.IGNORED: "is-void",
        }.get(row.state, "")
