"""One ticket: what was said, what was done, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from wtforms import BooleanField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional

from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.errors import Invalid, Refusal, Reused, Text
from console.core.forms import Form
from console.core.ids import read_count, read_key
from console.core.series import Series
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.hours import queries as hours
from console.staff.roles import Permission
from console.tickets import page_queries
from console.tickets.models import (
    TICKET_BASE,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketMessage,
    TicketStatus,
)
from console.tickets.queries import find_ticket
from console.tickets.service import attachments, drafts, mentions
from console.tickets.service import messages as ticket_messages
from console.tickets.service.masking import mask_message
from console.tickets.service.threads import other_requesters
from console.views.shared import menu
from console.views.shared.base import Page
from console.views.shared.choices import colleagues
from console.views.shared.labels.messages import file_size
from console.views.shared.labels.tickets import SOURCE, STATUS, status_label, ticket_url
from console.views.tickets.page.sidebar import TicketSide, done, read_status, side_context
from console.views.tickets.page.timeline import SHOWS, came_from, shown
from console.web.answers import local_time, refuse, wants_json
from console.web.cookies import read_cookie
from console.web.downloads import download_kept
from console.web.filters import hour, moment
from console.web.identity import current_actor
from console.web.pins import message_key, pin_choice

THEN_COOKIE, NEXT_COOKIE = "ticket_then", "ticket_next"
# What a reply may do to the ticket: what the button says, what the menu says, icon, keys.
THEN: dict[TicketStatus, tuple[Text, Text, str, str]] = {
    TicketStatus.WAITING: (
        lazy_gettext("Send and wait"),
        lazy_pgettext("send", "and wait for the customer"),
        "pause",
        "Ctrl ↵",
    ),
    TicketStatus.SOLVED: (
        lazy_gettext("Send and solve"),
        lazy_pgettext("send", "and mark as solved"),
        "ok",
        "Ctrl ⇧ ↵",
    ),
    TicketStatus.HOLD: (lazy_gettext("Send and put on hold"), lazy_pgettext("send", "and put on hold"), "clock", ""),
    TicketStatus.OPEN: (lazy_gettext("Send and keep open"), lazy_pgettext("send", "and keep open"), "circle", ""),
}
KEYS: tuple[tuple[str, Text], ...] = (
    ("J K", lazy_gettext("Next, previous ticket")),
    ("R", lazy_gettext("Write a reply")),
    ("N", lazy_gettext("Write a note")),
    ("/", lazy_gettext("Canned replies")),
    ("A", lazy_gettext("Take the ticket")),
    ("E", lazy_gettext("Mark as solved")),
    ("T", lazy_gettext("Assign to…")),
    ("W", lazy_gettext("Watch")),
    ("Ctrl ↵", lazy_gettext("Send and wait for the customer")),
    ("Ctrl ⇧ ↵", lazy_gettext("Send and solve")),
    ("Z", lazy_gettext("Undo the last reply")),
    ("[ ]", lazy_gettext("Previous, next entry")),
    ("U", lazy_gettext("Back to the list")),
)


def views() -> list[BaseView]:
    """Return the page of one ticket; the list is ``console.views.tickets.list.page``."""
    return [TicketPage(name=lazy_gettext("Ticket"), endpoint="ticket", url="/console/tickets/<number>")]


class WriteForm(Form):
    """What is written: a reply or a note."""

    body = TextAreaField(lazy_gettext("Message"))
    client_id = HiddenField()
    based_on = IntegerField(validators=[Optional()])
    then = StringField()
    anyway = BooleanField()


@dataclass
class Composed:
    """What stands in the composer, and what is wrong with it."""

    kind: MessageKind | None = None
    body: str = ""
    client_id: str = ""
    errors: Sequence[Text] = ()
    refusal: Refusal | None = None
    then: str = ""


class TicketPage(TicketSide, Page):
    """A ticket, for whoever may see its department."""

    permission = Permission.READ_TICKETS
    permissions = (
        dict.fromkeys(
            ("reply", "note", "take_back", "mask", "draft", "upload", "remove_file", "colleagues"),
            Permission.WORK_TICKETS,
        )
        | TicketSide.side_permissions
    )
    parent = "tickets"

    # Reading

    @expose("")
    @expose("/")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the ticket: its newest entries, or with ``before`` those before one of them."""
        opened = _open(number)
        before = read_key(request.args.get("before"))
        if not wants_json():
            return self._page(opened, Composed(), before=before)
        part = page_queries.read_timeline(opened.ticket.id, before=before)
        return jsonify(
            ticket=_json(opened.ticket),
            messages=[_message(entry) for entry in part.entries],
            earlier=part.entries[0].message.id if part.earlier else None,
        )

    @expose("/entries")
    def entries(self, number: str) -> ResponseReturnValue:
        """Answer entries as they are drawn: those after ``after`` with how the ticket stands, or before ``before``."""
        ticket = find_ticket(current_actor(), number)
        before, after = read_key(request.args.get("before")), read_count(request.args.get("after")) or 0
        part = page_queries.read_timeline(ticket.id, before=before, after=after)
        context = self._context(ticket, part)
        return jsonify(
            html=self.render("admin/tickets/page/entries.html", **context),
            head=self.render("admin/tickets/page/head.html", **context),
            last=part.last,
            earlier=part.entries[0].message.id if part.earlier else None,
            counts=part.counts._asdict() | {"all": part.counts.all} if part.entries else None,
            seq=ticket.last_seq,
            status=ticket.status.value,
            assignee=ticket.assignee_id,
        )

    @expose("/seen", methods=["POST"])
    def seen(self, number: str) -> ResponseReturnValue:
        """Note how far the reader has read: up to entry ``seq`` of the ticket, or all of it."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            drafts.read_up_to(current_actor(), ticket, read_count(request.form.get("seq")))
        return done(number, gettext("Marked as read."))

    @expose("/colleagues")
    def colleagues(self, number: str) -> ResponseReturnValue:
        """Answer whom a note can name, and by what."""
        find_ticket(current_actor(), number)
        return jsonify(items=[{"name": name, "handle": mentions.handle(name)} for name in colleagues().values()])

    # Writing

    @expose("/reply", methods=["POST"])
    def reply(self, number: str) -> ResponseReturnValue:
        """Answer the requester; the mail waits ten seconds."""
        return self._write(number, MessageKind.REPLY, ticket_messages.reply)

    @expose("/note", methods=["POST"])
    def note(self, number: str) -> ResponseReturnValue:
        """Write among ourselves."""
        return self._write(number, MessageKind.NOTE, ticket_messages.note)

    @expose("/take-back", methods=["POST"])
    def take_back(self, number: str) -> ResponseReturnValue:
        """Take one's reply back before it leaves."""
        ticket = find_ticket(current_actor(), number)
        key = read_key(request.form.get("message"))
        if key is None:
            raise Invalid(fields={"message": [lazy_gettext("Invalid input.")]})
        with transaction():
            ticket_messages.take_back(current_actor(), ticket.id, key)
        if not wants_json():
            return done(number, gettext("The reply was undone; its text is back in your draft."))
        opened = page_queries.open_for(current_actor(), number)
        draft = opened.drafts.get(MessageKind.REPLY)
        return jsonify(draft=_draft(draft) if draft else None, files=[_file(file) for file in opened.pending])

    @expose("/draft", methods=["POST"])
    def draft(self, number: str) -> ResponseReturnValue:
        """Keep what is being written; an empty text drops the draft."""
        ticket = find_ticket(current_actor(), number)
        kind = {"reply": MessageKind.REPLY, "note": MessageKind.NOTE}.get(request.form.get("kind", ""))
        based_on = read_count(request.form.get("based_on", "0"))
        if kind is None or based_on is None:
            raise Invalid(fields={"kind" if kind is None else "based_on": [lazy_gettext("Invalid input.")]})
        with transaction():
            kept = drafts.save_draft(
                current_actor(),
                ticket,
                kind,
                request.form.get("body", ""),
                based_on=based_on,
                composition=request.form.get("client_id", "")[: ticket_messages.MAX_CLIENT_ID],
            )
            answer = None if kept is None else _draft(kept)
        return jsonify(draft=answer) if wants_json() else done(number, gettext("Saved."))

    @expose("/mask", methods=["POST"])
    def mask(self, number: str) -> ResponseReturnValue:
        """Mask a number in an entry of the ticket: of which its writer said that it is no PIN, or ``token``."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            message = mask_message(current_actor(), ticket.id, message_key(), request.form.get("token") or None)
            answer = {"id": message.id, "body": message.body}
        return jsonify(message=answer) if wants_json() else done(number, gettext("The number is masked."))

    # Files

    @expose("/files", methods=["POST"])
    def upload(self, number: str) -> ResponseReturnValue:
        """Keep a file for the message that is being written; until it is sent it is its uploader's alone."""
        ticket, given = find_ticket(current_actor(), number), request.files.get("file")
        if given is None:
            raise Invalid(fields={"file": [lazy_gettext("Choose a file.")]})
        content = given.read()
        with transaction():
            kept = _file(attachments.attach(current_actor(), ticket, given.filename or "", content))
        return jsonify(file=kept) if wants_json() else done(number, gettext("Saved."))

    @expose("/files/<id:key>/remove", methods=["POST"])
    def remove_file(self, number: str, key: int) -> ResponseReturnValue:
        """Remove a file that was uploaded and not sent."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            attachments.drop(current_actor(), ticket, key)
        return done(number, gettext("The file was removed."))

    @expose("/files/<id:key>")
    def file(self, number: str, key: int) -> ResponseReturnValue:
        """Download a file of this ticket."""
        ticket = find_ticket(current_actor(), number)
        found = attachments.find_attachment(ticket.id, key, current_actor())
        return download_kept(found.name, found.digest)

    # Parts

    def _write(
        self, number: str, kind: MessageKind, verb: Callable[[Actor, int, ticket_messages.Writing], TicketMessage]
    ) -> ResponseReturnValue:
        ticket, form = find_ticket(current_actor(), number), WriteForm()
        try:
            form.refuse_spoiled()
            with transaction():
                given = _attach(ticket)
                written = _writing(form, [*_keys("attachments"), *(file.id for file in given)])
                message = verb(current_actor(), ticket.id, written)
                for file in given:
                    if file.message_id is None:  # the same form a second time: the first had them
                        attachments.drop(current_actor(), ticket, file.id)
                answer = _written(message)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            composed = _refused(kind, form, refusal)
            return Response(self._page(_open(number), composed), refusal.status)
        if wants_json():
            return jsonify(message=answer)
        return redirect(f"{ticket_url(number)}#m{answer['id']}", 303)

    def _page(self, opened: page_queries.Opened, composed: Composed, *, before: int | None = None) -> str:
        ticket, actor = opened.ticket, current_actor()
        part = page_queries.read_timeline(ticket.id, before=before)
        newest = max(opened.drafts.values(), key=lambda draft: draft.updated_at, default=None)
        kind = composed.kind or (newest.kind if newest else MessageKind.REPLY)
        draft = opened.drafts.get(kind)
        composed.client_id = composed.client_id or uuid4().hex
        composed.body = composed.body or (draft.body if draft else "")
        then = read_status(read_cookie(THEN_COOKIE))
        show = request.args.get("show", "")
        side = side_context(actor, ticket)
        others = other_requesters(ticket) if side["around"].merged else []
        rendered: str = self.render(
            "admin/tickets/page/page.html",
            **self._context(ticket, part, read_seq=opened.read_seq),
            composed=composed,
            kind=kind.value,
            drafts={found.kind.value: _draft(found) for found in opened.drafts.values()},
            pending=opened.pending,
            unread=opened.read_seq < ticket.last_seq,
            show=show if show in SHOWS else "all",
            shows=SHOWS,
            then=then if then in THEN else TicketStatus.WAITING,
            thens=THEN,
            goes_on=read_cookie(NEXT_COOKIE) != "stay",
            merged_into=None
            if ticket.merged_into_id is None
            else Series.TICKET.number(TICKET_BASE + ticket.merged_into_id),
            page_keys=KEYS,
            max_size=attachments.MAX_SIZE,
            most_files=attachments.MOST,
            source=SOURCE[ticket.source],
            states=STATUS,
            addressees=[ticket.requester_email, *(one.requester_email for one in others)],
            **side,
        )
        return rendered

    def _context(self, ticket: Ticket, part: page_queries.Timeline, *, read_seq: int | None = None) -> dict[str, Any]:
        """Return what the timeline and the line under the heading show."""
        actor = current_actor()
        return {
            "ticket": ticket,
            "timeline": part,
            "entries": shown(part, ticket, actor, read_seq=read_seq),
            "label": status_label(ticket),
            "works": actor.may(Permission.WORK_TICKETS),
            "base": ticket_url(ticket.number),
            "came_from": came_from,
            "file_size": file_size,
            "system": SYSTEM.name,
        }


def _open(number: str) -> page_queries.Opened:
    """Open a ticket; what every page counts and which hours hold comes along in the same statement."""
    counts, revision = menu.asked(), hours.asked()
    opened = page_queries.open_for(current_actor(), number, along=counts + revision)
    hours.known_by(*(opened.along.pop(name) for name, _ in revision))
    menu.counts_are(opened.along)
    return opened


def _attach(ticket: Ticket) -> list[TicketAttachment]:
    """Keep the files that came with the form itself, as it is sent without a script."""
    given = [file for file in request.files.getlist("files") if file.filename]
    if len(given) > attachments.MOST:
        raise Invalid(fields={"files": [lazy_gettext("Too many files for one message.")]})
    return [attachments.attach(current_actor(), ticket, file.filename or "", file.read()) for file in given]


def _keys(name: str) -> list[int]:
    keys = [read_key(value) for value in request.form.getlist(name)]
    if None in keys:
        raise Invalid(fields={name: [lazy_gettext("Invalid input.")]})
    return [key for key in keys if key is not None]


def _refused(kind: MessageKind, form: WriteForm, refusal: Refusal) -> Composed:
    """Return what stands in the composer after a refusal: the text, and why it was not sent."""
    errors = [text for texts in refusal.fields.values() for text in texts] or [refusal.message]
    # What an earlier version was sent with serves no more: what is sent now is another message.
    client_id = "" if isinstance(refusal, Reused) else form.client_id.data or ""
    asked = isinstance(refusal, PinLike)
    return Composed(kind, form.body.data or "", client_id, () if asked else errors, refusal, _then(form))


def _then(form: WriteForm) -> str:
    return form.then.data or request.form.get("then_asked", "")


def _writing(form: WriteForm, keys: Sequence[int]) -> ticket_messages.Writing:
    return ticket_messages.Writing(
        body=form.body.data or "",
        client_id=form.client_id.data or "",
        based_on=max(0, min(form.based_on.data or 0, 2**31 - 1)),
        attachments=tuple(dict.fromkeys(keys)),
        then=read_status(_then(form)),
        anyway=bool(form.anyway.data),
        pins=pin_choice(),
    )


def _json(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority.name.lower(),
        "department": ticket.department.key,
        "assignee": ticket.assignee.name if ticket.assignee else None,
        "requester": {"name": ticket.requester_name, "email": ticket.requester_email},
        "customer": ticket.customer.number if ticket.customer else None,
        "tags": ticket.tags,
        "seq": ticket.last_seq,
    }


def _message(entry: page_queries.Entry) -> dict[str, Any]:
    message = entry.message
    return {
        "id": message.id,
        "seq": message.seq,
        "kind": message.kind.value,
        "name": message.name,
        "body": message.body,
        "event": message.event,
        "at": local_time(message.created_at),
        "taken_back": message.taken_back_at is not None,
        "mail": None if entry.mail is None else entry.mail.state.value,
        "files": [_file(file) for file in entry.files],
    }


def _written(message: TicketMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "seq": message.seq,
        "kind": message.kind.value,
        "held_until": local_time(message.held_until),
    }


def _file(file: TicketAttachment) -> dict[str, Any]:
    return {"id": file.id, "name": file.name, "size": file.size, "words": file_size(file.size)}


def _clock(instant: datetime) -> str:
    """Write when something was saved: the hour, of another day the day as well."""
    zone = settings().zone
    today = clock.local_date(clock.now(), zone) == clock.local_date(instant, zone)
    return hour(instant) if today else moment(instant)


def _draft(draft: TicketDraft) -> dict[str, Any]:
    return {
        "kind": draft.kind.value,
        "body": draft.body,
        "based_on": draft.based_on,
        "saved_at": local_time(draft.updated_at),
        "saved": _clock(draft.updated_at),
    }
