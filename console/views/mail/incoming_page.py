"""One received message: its way in, what it says, and what an agent decides about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.core.actor import Actor
from console.core.errors import Invalid, NotFound, Text
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import mask_name, mask_pins
from console.mail.receiving import raw as raw_store
from console.mail.receiving import stops
from console.mail.receiving.images import draw
from console.mail.receiving.message import ReadMail, Unreadable, read_headers, read_message
from console.mail.receiving.models import IncomingMail, IncomingState
from console.mail.receiving.parts import File
from console.mail.receiving.quoting import fold_quoted
from console.mail.receiving.raw import split_head
from console.staff.roles import Permission
from console.tickets.mail_in import queries
from console.tickets.mail_in.concealing import conceal
from console.tickets.mail_in.content import card_line, safe_text
from console.tickets.mail_in.service import decisions
from console.tickets.models import Ticket, ticket_number
from console.tickets.service.attachments import clean_name
from console.views.shared.base import Page
from console.views.shared.labels import incoming as labels
from console.views.shared.labels.incoming import incoming_url
from console.views.shared.labels.messages import file_size
from console.views.shared.labels.tickets import ticket_url
from console.web.answers import local_time, reason, wants_json
from console.web.downloads import download
from console.web.frames import framing, received_letter
from console.web.identity import current_actor

MOST_SHOWN = 200_000  # characters of a raw message
MOST_FILES = 100
KEYS: tuple[tuple[str, Text], ...] = (
    ("A", lazy_gettext("Add to the ticket")),
    ("N", lazy_gettext("Open a new ticket")),
    ("S", lazy_gettext("Mark as spam")),
    ("D", lazy_gettext("No action needed")),
    ("→", lazy_gettext("Next waiting e-mail")),
    ("U", lazy_gettext("Back to the inbox")),
)
Verb = Callable[[Actor, int], "Ticket | IncomingMail"]


def views() -> list[BaseView]:
    """Return the page of one message; the inbox is ``console.views.mail.incoming``."""
    return [IncomingPage(name=lazy_gettext("E-mail"), endpoint="incoming_page", url="/console/mail/in/<id:key>")]


class IncomingPage(Page):
    """One message, for those who may see its ticket or its mailbox's department."""

    permission = Permission.READ_TICKETS
    permissions = {
        **dict.fromkeys(("raw", "file"), Permission.REVIEW),
        **dict.fromkeys(("add", "new", "spam", "not_spam", "dismiss", "participant"), Permission.WORK_TICKETS),
    }
    parent = "incoming"

    @expose("/")
    @expose("")
    def index(self, key: int) -> ResponseReturnValue:
        """Show one message."""
        return self._show(key)

    def _show(self, key: int, problem: str = "") -> ResponseReturnValue:
        """Show one message.

        Args:
            problem: why its sender could not be blocked.
        """
        actor = current_actor()
        row = queries.find_incoming(actor, key)
        mail = _read(row)
        text = mask_pins(safe_text(mail.text))[0] if mail is not None else ""
        if wants_json():
            return jsonify(mail=_as_json(row) | {"text": text if mail is not None else None})
        works = actor.may(Permission.WORK_TICKETS)
        may_mark = row.state is not IncomingState.SPAM and row.duplicate_of_id is None and row.read_at is not None
        remote = request.args.get("images") == "1"
        page = self.render(
            "admin/mail/incoming_page.html",
            row=row,
            mail=mail,
            folded=fold_quoted(text),
            blocked=draw(mail).blocked if mail is not None and mail.htmls and not remote else 0,
            remote=remote,
            files=mail.files[:MOST_FILES] if mail is not None else [],
            file_name=_file_name,
            cards=[(card.kind, mask_pins(card_line(card))[0]) for card in mail.contents.notes] if mail else [],
            file_size=file_size,
            label=labels.state_label(row),
            proof=labels.PROOF[row.proof],
            kind=labels.kind_label(row),
            reason=labels.reason(row),
            story=list(labels.story(row)),
            ticket=None if row.ticket_id is None else ticket_number(row.ticket_id),
            ticket_url=ticket_url,
            next_key=queries.next_waiting(actor, row.id),
            works=works,
            is_waiting=row.state is IncomingState.WAITING,
            is_spam=row.state is IncomingState.SPAM,
            may_open=row.state in decisions.OPENS_FROM and row.duplicate_of_id is None,
            may_mark=may_mark,
            blockable=_blockable(row) if works and may_mark else [],
            block_problem=problem,
            may_see_raw=actor.may(Permission.REVIEW) and row.raw_file is not None,
            page_keys=KEYS,
        )
        return framing(page, 422 if problem else 200)

    @expose("/html")
    def html(self, key: int) -> ResponseReturnValue:
        """Answer the HTML part for the frame on the page; with ``images=1`` those of other servers too."""
        mail = _read(queries.find_incoming(current_actor(), key))
        if mail is None or not mail.htmls:
            raise NotFound
        remote = request.args.get("images") == "1"
        return received_letter(draw(mail, remote=remote, conceal=conceal).document, remote=remote)

    @expose("/raw")
    def raw(self, key: int) -> ResponseReturnValue:
        """Answer the message with its headers, masked: no number that could be a PIN, nothing that opens something."""
        row = queries.find_incoming(current_actor(), key)
        try:
            raw = raw_store.load(row)
        except raw_store.RawGone:
            raise NotFound from None
        return Response(
            _masked_raw(raw, _read(row)),
            mimetype="text/plain",
            headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"},
        )

    @expose("/files/<id:number>")
    def file(self, key: int, number: int) -> ResponseReturnValue:
        """Answer one of its files as a download: tickets do not take every type. A text of the message is none."""
        mail = _read(queries.find_incoming(current_actor(), key))
        files = mail.files[:MOST_FILES] if mail is not None else ()
        if not 0 < number <= len(files) or files[number - 1].is_body:
            raise NotFound
        return download(_file_name(files[number - 1]), files[number - 1].content)

    @expose("/add", methods=["POST"])
    def add(self, key: int) -> ResponseReturnValue:
        """Add it to its ticket, as what its sender wrote there."""
        return _decide(key, decisions.add_to_ticket, gettext("Added to the ticket."))

    @expose("/new", methods=["POST"])
    def new(self, key: int) -> ResponseReturnValue:
        """Open a ticket of it."""
        return _decide(key, decisions.open_new, gettext("A new ticket was opened."))

    @expose("/spam", methods=["POST"])
    def spam(self, key: int) -> ResponseReturnValue:
        """Mark it as spam; with ``block`` also its sender's address or domain."""
        block = request.form.get("block", "")
        try:
            return _decide(
                key, lambda actor, one: decisions.mark_spam(actor, one, block=block), gettext("Marked as spam.")
            )
        except Invalid as refusal:
            if wants_json():
                raise
            return self._show(key, reason(refusal))

    @expose("/not-spam", methods=["POST"])
    def not_spam(self, key: int) -> ResponseReturnValue:
        """Take it out of the spam."""
        return _decide(key, decisions.not_spam, gettext("Returned to a ticket."))

    @expose("/dismiss", methods=["POST"])
    def dismiss(self, key: int) -> ResponseReturnValue:
        """Say that it needs nothing."""
        return _decide(key, decisions.dismiss, gettext("No action is needed."))

    @expose("/participant", methods=["POST"])
    def participant(self, key: int) -> ResponseReturnValue:
        """Let the mail of one of its addresses enter the ticket from now on."""
        with transaction():
            added = decisions.add_participant(current_actor(), key, request.form.get("address", ""))
            address, number = added.address, ticket_number(added.ticket_id)
        if wants_json():
            return jsonify(address=address, ticket=number)
        flash(gettext("E-mails from %(address)s are added to %(ticket)s.", address=address, ticket=number), "success")
        return redirect(_back(key, number), 303)


def _blockable(row: IncomingMail) -> list[tuple[str, str]]:
    """Return what of the sender may be blocked, by its word in the form."""
    ways = {"address": row.from_address, "domain": row.from_address.rpartition("@")[2]}
    return [(way, pattern) for way, pattern in ways.items() if pattern and stops.why_not(pattern) is None]


def _decide(key: int, verb: Verb, message: str) -> ResponseReturnValue:
    """Carry out a decision, and go on: to the ticket where it was decided there, else to the next message."""
    actor = current_actor()
    with transaction():
        result = verb(actor, key)
        number = result.number if isinstance(result, Ticket) else None
    row = queries.find_incoming(actor, key)
    if wants_json():
        return jsonify(mail=_as_json(row))
    flash(f"{message} {number}" if number else message, "success")
    ticket = number or (ticket_number(row.ticket_id) if row.ticket_id is not None else None)
    return redirect(_back(key, ticket), 303)


def _back(key: int, ticket: str | None) -> str:
    """Return where to go next."""
    if request.form.get("from") == "ticket" and ticket is not None:
        return ticket_url(ticket)
    if request.form.get("from") == "page":
        return incoming_url(key)
    following = queries.next_waiting(current_actor(), key)
    return incoming_url(following) if following is not None else url_for("incoming.index_view", state="waiting")


def _read(row: IncomingMail) -> ReadMail | None:
    """Read the message again from its raw form; ``None`` where that is gone or cannot be read."""
    try:
        return read_message(raw_store.load(row))
    except (raw_store.RawGone, Unreadable):
        return None


def _file_name(file: File) -> str:
    return mask_name(clean_name(file.name))


def _masked_raw(raw: bytes, mail: ReadMail | None) -> str:
    head, body = split_head(raw)
    headers, _problems = read_headers(head)
    lines = [f"{name}: {value}" for name, values in headers.items() for value in values]
    if mail is None:
        text = body[:MOST_SHOWN].decode("utf-8", "replace")
    else:
        files = [f"[{file.name}, {file.content_type}, {len(file.content)} B]" for file in mail.files]
        text = "\n".join([mail.text, "", *files])
    return mask_pins(safe_text("\n".join([*lines, "", text])[:MOST_SHOWN]))[0]


def _as_json(row: IncomingMail) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state.value,
        "kind": None if row.kind is None else row.kind.value,
        "proof": row.proof.value,
        "reason": row.reason,
        "from": row.from_address,
        "name": row.from_name,
        "subject": row.subject,
        "ticket": None if row.ticket_id is None else ticket_number(row.ticket_id),
        "received_at": local_time(row.received_at),
        "story": [step.text for step in labels.story(row)],
    }
