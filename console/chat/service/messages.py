"""One message on its way into a chat: cleaned, PINs masked, with the id its sender chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.chat.models import LIVE, MAX_BODY, MAX_CLIENT_ID, Chat, ChatFile, ChatStatus, MessageKind
from console.chat.service import timeline, verification
from console.core.actor import Actor
from console.core.errors import Conflict, Invalid, Refusal
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, MASKED, MaskedText, PinChoice, PinLike, mask_for_storage

MOST_FILES = 10


@dataclass(slots=True)
class Outgoing:
    """A message that waits to be stored.

    Args:
        staff_session: the key of the sign-in session of the author; ``None`` for the visitor.
        name: of the sender, as shown.
        client_key: who sends it, and their own id for it.
        files: keys of files uploaded for it.
        mask: its sender wants masked what looks like a PIN; counts where what they said is none is not believed.
    """

    chat_id: int
    kind: MessageKind
    body: str
    client_key: str
    name: str
    staff_id: int | None = None
    staff_session: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    files: tuple[int, ...] = ()
    mask: bool = False

    def attachments(self, files: Mapping[int, ChatFile]) -> list[ChatFile] | None:
        """Return the message's files; ``None`` where one is not its sender's, or went out already."""
        held = []
        for key in self.files:
            file = files.get(key)
            if file is None or file.chat_id != self.chat_id or file.seq is not None or file.staff_id != self.staff_id:
                return None
            held.append(file)
        return held

    def refused_in(self, status: ChatStatus, assignee_id: int | None) -> Refusal | None:
        """Return why it may not be said in a chat as it is when it is stored; ``None`` where it may."""
        if self.kind is MessageKind.NOTE:
            return None  # a note may be added to what has ended
        if status not in LIVE:
            code = "ticketed" if status is ChatStatus.TICKETED else "ended"
            return Conflict(lazy_gettext("This chat has ended. Your text is saved."), code=code)
        if self.kind is MessageKind.REPLY and assignee_id != self.staff_id:
            return Conflict(lazy_gettext("This chat is not assigned to you. Take it first."), code="not_yours")
        return None


def from_visitor(
    chat: Chat | int,
    name: str,
    packet_body: object,
    client_id: object,
    files: object,
    pins: PinChoice = ASK,
) -> Outgoing:
    """Return what a visitor sends.

    Args:
        pins: what they said about what looks like a PIN.

    Raises:
        Invalid: no text and no file, too long, no client id.
        PinLike: they have to say whether it is a PIN.
    """
    chat_id = chat if isinstance(chat, int) else chat.id
    message = Outgoing(chat_id, MessageKind.VISITOR, "", "v", name)
    return _filled(message, packet_body, client_id, files, pins)


def from_staff(
    actor: Actor,
    session: int,
    chat_id: int,
    kind: MessageKind,
    packet_body: object,
    client_id: object,
    files: object,
    pins: PinChoice = ASK,
) -> Outgoing:
    """Return what a member of staff sends, as a reply or a note.

    Args:
        pins: what they said about what looks like a PIN.

    Raises:
        Invalid: no text and no file, too long, no client id.
        PinLike: they have to say whether it is a PIN.
    """
    message = Outgoing(chat_id, kind, "", f"s{actor.id}", actor.name, actor.id, session)
    return _filled(message, packet_body, client_id, files, pins)


def clean(body: object, *, empty: bool = False) -> str:
    """Return a message's text without what cannot be shown.

    Args:
        empty: it may be, because a file goes with it.

    Raises:
        Invalid: no text, or more than 16 KB.
    """
    if not isinstance(body, str):
        raise Invalid(fields={"body": [lazy_gettext("Write the message.")]})
    if len(body) > 2 * MAX_BODY:
        raise _too_long()
    text = paragraphs(body)
    if not text and not empty:
        raise Invalid(fields={"body": [lazy_gettext("Write the message.")]})
    if len(text.encode()) > MAX_BODY:
        raise _too_long()
    return text


def write_note(actor: Actor, chat: Chat, body: str) -> None:
    """Add a note to a locked chat inside a verb's transaction."""
    masked = mask_for_storage(body, MASKED)
    timeline.append(actor, chat, MessageKind.NOTE, masked.text, data=dict(masked.data))


def _filled(message: Outgoing, packet_body: object, client_id: object, files: object, pins: PinChoice) -> Outgoing:
    """Return a message with what its sender typed; its ``client_key`` names the sender so far."""
    message.files = _keys(files)
    text = clean(packet_body, empty=bool(message.files))
    masked = _masked(message.chat_id, text, pins)
    message.body, message.data, message.mask = masked.text, masked.data, pins.mask
    message.client_key = f"{message.client_key}:{_client_id(client_id)}"
    return message


def _masked(chat_id: int, text: str, pins: PinChoice) -> MaskedText:
    """Return ``text`` as it may be stored. Where its writer has to be asked, offer only what will be accepted.

    The writer decides in its transaction, for the few messages that claim a number is no PIN; this only words the
    question, and only a text that raises one costs the read.
    """
    try:
        return mask_for_storage(text, pins)
    except PinLike as refusal:
        if refusal.only_mask or not verification.with_open_card([chat_id]):
            raise
    return mask_for_storage(text, pins, card=True)


def _too_long() -> Invalid:
    return Invalid(
        lazy_gettext("The message is too long. Send it in parts, or as a file."),
        code="size",
        fields={"body": [lazy_gettext("The message is too long. Send it in parts, or as a file.")]},
    )


def _client_id(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_CLIENT_ID or not value.isprintable():
        raise Invalid(fields={"client_id": [lazy_gettext("Invalid input.")]})
    return value


def _keys(files: object) -> tuple[int, ...]:
    if files is None:
        return ()
    if (
        not isinstance(files, Sequence)
        or isinstance(files, str)
        or len(files) > MOST_FILES
        or any(type(key) is not int or not 0 < key < 2**31 for key in files)
    ):
        raise Invalid(fields={"files": [lazy_gettext("Invalid input.")]})
    return tuple(dict.fromkeys(files))
