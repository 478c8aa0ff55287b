"""The composer of a ticket's page: replies and notes, with their files and what they do to the ticket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from wtforms import BooleanField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional

from console.core.actor import Actor
from console.core.errors import Invalid, Refusal, Reused, Text
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.staff.models import Staff
from console.tickets import mails
from console.tickets.models import MessageKind, Ticket, TicketAttachment, TicketMessage, TicketStatus
from console.tickets.service import attachments
from console.tickets.service import messages as ticket_messages
from console.tickets.signatures import sign_off
from console.views.tickets.page.serializers import sent_json
from console.web.identity import current_actor
from console.web.pins import pin_choice

THEN_COOKIE, NEXT_COOKIE = "ticket_then", "ticket_next"
# The status that a reply leaves: label of the button, label in the menu, icon, keys.
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
Verb = Callable[[Actor, int, ticket_messages.Writing], TicketMessage]


class WriteForm(Form):
    """A reply or a note."""

    body = TextAreaField(lazy_gettext("Message"))
    client_id = HiddenField()
    based_on = IntegerField(validators=[Optional()])
    then = StringField()
    anyway = BooleanField()
    cc = StringField()
    bcc = StringField()


@dataclass
class Composed:
    """The content of the composer, and what is wrong with it."""

    kind: MessageKind | None = None
    body: str = ""
    client_id: str = ""
    errors: Sequence[Text] = ()
    refusal: Refusal | None = None
    then: str = ""
    cc: str = ""
    bcc: str = ""


def send(ticket: Ticket, form: WriteForm, verb: Verb) -> dict[str, Any]:
    """Store the message with its files; return it as JSON.

    Raises:
        Refusal: why it was not sent.
    """
    form.refuse_spoiled()
    with transaction():
        files = _attach(ticket)
        writing = _writing(form, [*_keys("attachments"), *(file.id for file in files)])
        message = verb(current_actor(), ticket.id, writing)
        for file in files:
            if file.message_id is None:  # the same form a second time: the first had them
                attachments.drop(current_actor(), ticket, file.id)
        return sent_json(message)


def read_status(value: str) -> TicketStatus | None:
    """Return the status called ``value``, or nothing."""
    return TicketStatus(value) if value in set(TicketStatus) else None


def _attach(ticket: Ticket) -> list[TicketAttachment]:
    """Store the files that came with the form itself, as it is sent without a script."""
    files = [file for file in request.files.getlist("files") if file.filename]
    if len(files) > attachments.MOST:
        raise Invalid(fields={"files": [lazy_gettext("Too many files for one message.")]})
    return [attachments.attach(current_actor(), ticket, file.filename or "", file.read()) for file in files]


def _keys(name: str) -> list[int]:
    keys = [read_key(value) for value in request.form.getlist(name)]
    if None in keys:
        raise Invalid(fields={name: [lazy_gettext("Invalid input.")]})
    return [key for key in keys if key is not None]


def refused(kind: MessageKind, form: WriteForm, refusal: Refusal) -> Composed:
    """Return the composer after a refusal: the text, and why it was not sent."""
    errors = [text for texts in refusal.fields.values() for text in texts] or [refusal.message]
    # The id of an earlier version cannot be used again: this is another message.
    client_id = "" if isinstance(refusal, Reused) else form.client_id.data or ""
    is_question = isinstance(refusal, PinLike)
    return Composed(
        kind, form.body.data or "", client_id, () if is_question else errors, refusal, _then(form), *_copies(form)
    )


def _then(form: WriteForm) -> str:
    return form.then.data or request.form.get("then_asked", "")


def signature_of(staff: Staff, ticket: Ticket) -> str:
    """Return what will stand under a reply of theirs, in the requester's language."""
    mailbox = mails.mailbox_of(ticket)
    under = sign_off(staff, staff.name, ticket.department, ticket.language, mailbox.signature if mailbox else "")
    return f"{under.agent}\n{under.desk}"


def _copies(form: WriteForm) -> tuple[str, str]:
    return form.cc.data or "", form.bcc.data or ""


def _writing(form: WriteForm, keys: Sequence[int]) -> ticket_messages.Writing:
    return ticket_messages.Writing(
        body=form.body.data or "",
        client_id=form.client_id.data or "",
        based_on=max(0, min(form.based_on.data or 0, 2**31 - 1)),
        attachments=tuple(dict.fromkeys(keys)),
        then=read_status(_then(form)),
        anyway=bool(form.anyway.data),
        pins=pin_choice(),
        cc=form.cc.data or "",
        bcc=form.bcc.data or "",
    )
