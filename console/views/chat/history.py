"""Chats, present and past: the list, and each one's page to read. The live desk is ``console.views.chat.desk``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from markupsafe import Markup
from sqlalchemy import Select, True_
from sqlalchemy.orm import joinedload
from wtforms import IntegerField, StringField

from console.chat import queries, retention, serializers
from console.chat.models import Chat, ChatFile, ChatMessage, ChatStatus, MessageKind
from console.chat.search import CHAT_SEARCH
from console.chat.service import blocking, lifecycle
from console.chat.service.blocking import MOST_DAYS
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.forms import Form
from console.core.ids import read_count
from console.core.texts import gettext, lazy_gettext, lazy_ngettext, ngettext
from console.core.transaction import transaction
from console.staff.models import Department, Staff
from console.staff.roles import Permission
from console.views.chat.filters import FILTERS
from console.views.shared import formatters, menu
from console.views.shared.base import BaseModelView
from console.views.shared.export import state_cell
from console.views.shared.labels import chats as chat_labels
from console.views.shared.labels.mail import customer_number, ticket_number
from console.views.shared.labels.messages import day_heading, file_size
from console.views.shared.labels.tickets import ticket_url
from console.views.shared.menu import customer_url
from console.views.shared.message_text import body_html
from console.views.shared.paging import ListQuery
from console.web.answers import local_time, refuse, wants_json
from console.web.filters import icon
from console.web.identity import current_actor

PAGE = 500  # messages drawn at once
BLOCK_DAYS = 7  # the default of the form


def views() -> list[BaseView]:
    """Return the list with its pages."""
    return [ChatList()]


def _find(number: str) -> Chat:
    """Return a chat. A ticket still names its conversation after that is deleted: then say so.

    Raises:
        NotFound: no such chat, not for this person, or deleted.
    """
    try:
        return queries.find_chat(current_actor(), number)
    except NotFound:
        if not retention.was_deleted(number):
            raise
    months = settings().chat_keep_months
    raise NotFound(
        lazy_ngettext(
            "This conversation has been deleted: we keep them for %(num)d month.",
            "This conversation has been deleted: we keep them for %(num)d months.",
            months,
        ),
        code="forgotten",
    )


class BlockForm(Form):
    """Why and for how long a visitor is blocked."""

    reason = StringField(lazy_gettext("Reason"))
    days = IntegerField(lazy_gettext("Days"), default=BLOCK_DAYS)


@dataclass(frozen=True)
class Line:
    """One entry as it is drawn. ``day``: the label of the day, on its first entry."""

    message: ChatMessage
    files: list[ChatFile]
    day: str

    @property
    def body(self) -> Markup:
        return body_html(self.message.body, menu.link("tickets"))

    @property
    def masked(self) -> str:
        """Say why some digits are dots."""
        count = self.message.data.get("masked")
        if not isinstance(count, int) or count < 1:
            return ""
        return ngettext(
            "%(num)d six-digit number was masked before saving: it could be a PIN.",
            "%(num)d six-digit numbers were masked before saving: they could be PINs.",
            count,
        )


# --- The columns ------------------------------------------------------------------------------------------------------


def _visitor(_view: Any, _context: Any, row: Chat, _name: str) -> Markup:
    badge = wrote = Markup("")
    if row.customer_id is not None:
        badge = Markup(' <span class="status status-ok" title="{0}">{1}<span class="sr-only">{0}</span></span>').format(
            gettext("verified in the chat"), icon("shield-check", "icon-sm")
        )
    if row.wrote_as is not None:
        wrote = Markup(' <small class="muted">{0}</small>').format(gettext("wrote as %(name)s", name=row.wrote_as))
    return Markup('<bdi>{0}</bdi>{1}{2}<br><span class="muted" title="{3}">{3}</span>').format(
        row.verified_name or row.name, badge, wrote, row.email
    )


def _status(_view: Any, _context: Any, row: Chat, _name: str) -> Markup:
    return chat_labels.STATUS[row.status].status()


def _department(_view: Any, _context: Any, row: Chat, _name: str) -> str:
    return chat_labels.department_name(row)


def _agent(_view: Any, _context: Any, row: Chat, _name: str) -> str | Markup:
    if row.assignee is not None:
        return row.assignee.name
    return Markup('<span class="muted">{}</span>').format(gettext("unassigned"))


def _ticket(_view: Any, _context: Any, row: Chat, _name: str) -> Markup:
    if row.ticket_id is None:
        return Markup('<span class="muted">—</span>')
    number = ticket_number(row.ticket_id)
    return Markup('<a class="ref plain" href="{}">{}</a>').format(ticket_url(number), number)


def _seconds(row: Chat) -> int | None:
    """Return after how many seconds the first answer came."""
    return None if row.first_answered_at is None else int((row.first_answered_at - row.created_at).total_seconds())


_EXPORTED: dict[str, Callable[[Chat], Any]] = {
    "number": lambda row: row.number,
    "name": lambda row: row.name,
    "email": lambda row: row.email,
    "status": lambda row: state_cell(chat_labels.STATUS, row.status),
    "department": chat_labels.department_name,
    "assignee": lambda row: row.assignee.name if row.assignee else None,
    "created_at": lambda row: row.created_at,
    "ended_at": lambda row: row.ended_at,
    "waited": _seconds,
    "verified": lambda row: row.customer_id is not None,
    "verified_name": lambda row: row.verified_name,
    "customer": lambda row: None if row.customer_id is None else customer_number(row.customer_id),
    "rating": lambda row: row.rating,
    "rating_comment": lambda row: row.rating_comment,
    "ticket": lambda row: None if row.ticket_id is None else ticket_number(row.ticket_id),
    "language": lambda row: state_cell(chat_labels.LANGUAGES, row.language),
}


class ChatList(BaseModelView):
    """Every chat the reader may see."""

    permission = Permission.CHAT
    permissions = {"make_ticket": Permission.WORK_TICKETS, "block": Permission.LEAD_CHAT}
    group = "work"
    can_export = True

    column_list = (
        "number", "name", "status", "department", "assignee", "created_at", "waited", "rating", "ticket",
    )  # fmt: skip
    column_export_list = tuple(_EXPORTED)
    column_labels = {
        "number": lazy_gettext("Number"),
        "name": lazy_gettext("Visitor"),
        "email": lazy_gettext("E-mail"),
        "status": lazy_gettext("State"),
        "department": lazy_gettext("Department"),
        "assignee": lazy_gettext("Agent"),
        "created_at": lazy_gettext("Started"),
        "ended_at": lazy_gettext("Ended"),
        "waited": lazy_gettext("First response"),
        "verified": lazy_gettext("Verified"),
        "verified_name": lazy_gettext("Verified person"),
        "customer": lazy_gettext("Customer"),
        "rating": lazy_gettext("Rating"),
        "rating_comment": lazy_gettext("Comment"),
        "ticket": lazy_gettext("Ticket"),
        "language": lazy_gettext("Language"),
    }
    column_formatters = {
        "name": _visitor,
        "status": _status,
        "department": _department,
        "assignee": _agent,
        "created_at": formatters.ago,
        "waited": lambda _view, _context, row, _name: chat_labels.wait_label(row),
        "rating": lambda _view, _context, row, _name: chat_labels.stars(row.rating),
        "ticket": _ticket,
    }
    column_options = (
        joinedload(Chat.department, innerjoin=True).load_only(Department.name_sr, Department.name_en),
        joinedload(Chat.assignee).load_only(Staff.name),
    )
    search_index = CHAT_SEARCH
    search_hint = lazy_gettext("Number, visitor or words in the chat")
    list_filters = FILTERS
    list_template = "admin/chat/history.html"
    empty_icon = "history"
    empty_title = lazy_gettext("No chats yet")
    empty_text = lazy_gettext("Current and past chats appear here.")

    def __init__(self) -> None:
        name = lazy_gettext("Chat history")
        super().__init__(Chat, name=name, endpoint="chats", url="chats", menu_icon_value="chats")

    def scope(self, query: Any) -> Any:
        return query.where(queries.visible(current_actor()))

    def matching(self, list_query: ListQuery, *, all_hits: bool = False) -> Select[Any]:
        """Return the rows that filters and search leave: of a search the newest hits among what the filters leave."""
        query = self.filtered(list_query)
        if not list_query.search:
            return query
        if all_hits:
            hits = CHAT_SEARCH.matches(db.session(), Chat.id, list_query.search, whole=True)
            return query if hits is None else query.where(hits)
        everything = not list_query.filters and isinstance(queries.visible(current_actor()), True_)
        keys = None if everything else query.with_only_columns(Chat.id)
        best = CHAT_SEARCH.ranked(db.session(), list_query.search, keys)
        return query if best is None else query.join(best, best.c.id == Chat.id)

    def row_link(self, row: Chat) -> str:
        return chat_labels.chat_url(row.number)

    def row_state(self, row: Chat) -> str:
        """Return the row's bar: who waits, and for how long."""
        if row.status is not ChatStatus.QUEUED:
            return ""
        return "is-late" if (clock.now() - row.waits_since).total_seconds() >= 5 * 60 else "is-new"

    def as_json(self, row: Chat) -> dict[str, Any]:
        """Return one chat for programs."""
        return {
            "number": row.number,
            "name": row.name,
            "email": row.email,
            "status": row.status.value,
            "department": chat_labels.department_name(row),
            "assignee": row.assignee.name if row.assignee else None,
            "created_at": local_time(row.created_at),
            "ended_at": local_time(row.ended_at),
            "first_answer_seconds": _seconds(row),
            "rating": row.rating,
            "verified": row.customer_id is not None,
            "verified_name": row.verified_name,
            "customer": None if row.customer_id is None else customer_number(row.customer_id),
            "ticket": None if row.ticket_id is None else ticket_number(row.ticket_id),
            "language": row.language,
        }

    def export_cell(self, row: Chat, name: str) -> Any:
        return _EXPORTED[name](row)

    # --- One chat

    @expose("/<number>")
    def chat(self, number: str) -> ResponseReturnValue:
        """Show the whole conversation, and what is known of it."""
        chat = _find(number)
        first = read_count(request.args.get("after")) or 0
        if wants_json():
            messages, files, more = queries.messages(chat.id, after=first, public=False, limit=PAGE)
            payloads = [
                serializers.message_shape(chat.number, one, files.get(one.seq, ()), outside=False) for one in messages
            ]
            return jsonify(chat=serializers.chat_whole(chat), messages=payloads, more=more)
        return self._chat_page(chat, first)

    @expose("/<number>/ticket", methods=["POST"])
    def make_ticket(self, number: str) -> ResponseReturnValue:
        """Make a ticket of a chat that has ended and has none."""
        with transaction():
            chat = queries.lock_chat(current_actor(), number)
            if chat.is_live:
                raise Conflict(lazy_gettext("The chat is still in progress. Convert it in live chat."), code="open")
            found = lifecycle.to_ticket(current_actor(), number).ticket_id or 0
        made = ticket_number(found)
        if wants_json():
            return jsonify(ticket=made)
        flash(gettext("Chat converted to ticket %(number)s.", number=made), "success")
        return redirect(ticket_url(made), 303)

    @expose("/<number>/block", methods=["POST"])
    def block(self, number: str) -> ResponseReturnValue:
        """Block the visitor for a while."""
        form = BlockForm()
        try:
            form.refuse_spoiled()
            with transaction():
                row = blocking.block(current_actor(), number, form.reason.data or "", form.days.data or 0)
                until = row.until
        except Invalid as refusal:
            if wants_json():
                return refuse(refusal)
            for name, texts in refusal.fields.items():
                if name in form:
                    form[name].errors = texts
            return Response(self._chat_page(queries.find_chat(current_actor(), number), 0, form), 422)
        if wants_json():
            return jsonify(blocked_until=local_time(until))
        flash(gettext("The visitor is blocked."), "success")
        return redirect(chat_labels.chat_url(number), 303)

    def _chat_page(self, chat: Chat, first: int, form: BlockForm | None = None) -> str:
        actor = current_actor()
        messages, files, more = queries.messages(chat.id, after=first, public=False, limit=PAGE)
        events = [one for one in messages if one.kind is MessageKind.EVENT]
        page: str = self.render(
            "admin/chat/transcript.html",
            chat=chat,
            lines=_lines(messages, files),
            first=first,
            following=messages[-1].seq if more else None,
            status=chat_labels.STATUS[chat.status],
            words=chat_labels,
            wait=chat_labels.first_wait(chat),
            colleagues=chat_labels.colleagues(messages, chat),
            verified=[one for one in events if one.data.get("event") == "verified"],
            blocked=blocking.is_blocked(chat) if actor.may(Permission.LEAD_CHAT) else False,
            leads=actor.may(Permission.LEAD_CHAT),
            may_ticket=not chat.is_live and chat.ticket_id is None and actor.may(Permission.WORK_TICKETS),
            form=form or BlockForm(formdata=None),
            most_days=MOST_DAYS,
            file_size=file_size,
            ticket_url=ticket_url,
            customer_url=customer_url,
            customer_number=customer_number,
            kept_months=settings().chat_keep_months,
        )
        return page


def _lines(messages: list[ChatMessage], files: dict[int, list[ChatFile]]) -> list[Line]:
    """Return the entries, each day with its label."""
    zone = settings().zone
    today = clock.local_date(clock.now(), zone)
    day: date | None = None
    lines = []
    for one in messages:
        local = clock.local_date(one.at, zone)
        lines.append(Line(one, files.get(one.seq, []), day_heading(local, today) if local != day else ""))
        day = local
    return lines
