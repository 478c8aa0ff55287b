"""Incoming mail, stored before it is read: each message once, by whatever way and however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import joinedload

from console.core import clock
from console.core.db import db
from console.core.locks import lock_name
from console.core.upsert import insert_or_find
from console.mail.mailboxes.models import DEFAULT, ImapState, Mailbox
from console.mail.receiving import raw as raw_store
from console.mail.receiving.models import ARRIVED, DELAYED, IncomingKind, IncomingMail, IncomingState, Proof
from console.mail.receiving.stops import is_blocked

MAX_SIZE = 50 * 1024 * 1024  # of a message; a server that takes more is set wrongly
MOST_ATTEMPTS = 5
RETRY_AFTER = timedelta(minutes=2)
READER_RETRIES_AFTER = timedelta(hours=1)  # longer than a reader waits after a failure
BATCH = 50
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 30  # of one address; more than that no person writes
# Made once: each is asked of every message.
_DEFAULT = select(Mailbox).where(Mailbox.key == DEFAULT)
_SAME = (
    select(IncomingMail)
    .where(or_(IncomingMail.fingerprint == bindparam("fingerprint"), IncomingMail.digest == bindparam("digest")))
    .order_by(IncomingMail.id)
)
_LOCKED = (
    select(IncomingMail)
    .where(IncomingMail.id == bindparam("key"))
    .options(joinedload(IncomingMail.mailbox, innerjoin=True))
    .with_for_update(of=IncomingMail)
    .execution_options(populate_existing=True)
)
_LATELY = select(func.count()).select_from(
    select(IncomingMail.id)
    .where(
        IncomingMail.from_address == bindparam("address"),
        IncomingMail.proof == bindparam("proof"),
        IncomingMail.received_at > bindparam("since"),
        IncomingMail.id < bindparam("key"),
    )
    .limit(MOST_AN_HOUR + 1)
    .subquery()
)
_SAME_OF_COPIES = ("message_id", "from_address", "from_name", "subject", "kind", "ticket_id")


def default_mailbox() -> Mailbox:
    """Return the mailbox of the settings; made with the first message."""
    found = db.session.scalar(_DEFAULT)
    if found is not None:
        return found
    row = {
        "key": DEFAULT,
        "name": "",
        "address": "",
        "language": "",
        "signature": "",
        "active": True,
        "created_at": clock.now(),
    }
    return insert_or_find(Mailbox, row, Mailbox.key)[0]


def store(raw: bytes, *, via: str, mailbox: Mailbox | None = None) -> IncomingMail:
    """Store a message before anything of it is read, and return its row: the one there is, where it came before.

    Args:
        raw: as it came.
        via: ``pipe`` or ``imap``.
        mailbox: by which it came; the default one where there is no other.
    """
    mailbox = mailbox or default_mailbox()
    digest, same = hashlib.sha256(raw).hexdigest(), raw_store.fingerprint(raw)
    lock_name(f"incoming:{same}")  # two servers may hand it over at once
    rows = db.session.scalars(_SAME, {"fingerprint": same, "digest": digest}).all()
    first = rows[0] if rows else None
    known = next((row for row in rows if row.mailbox_id == mailbox.id), None)
    if known is not None:
        return known
    row = IncomingMail(
        mailbox_id=mailbox.id, digest=digest, fingerprint=same, size=len(raw), via=via, received_at=clock.now(),
        state=IncomingState.RECEIVED if first is None else IncomingState.IGNORED,
        reason="" if first is None else "duplicate", copies=[], story=[],
    )  # fmt: skip
    row.add_step("received", via=via, address=mailbox.from_address)
    if first is None:
        row.raw_file, row.sealed_key = raw_store.store(raw)
    else:  # one mail to several addresses of ours is one ticket
        row.duplicate_of_id = first.id
        for name in _SAME_OF_COPIES:
            setattr(row, name, getattr(first, name))
        row.add_step("duplicate", of=first.id)
    db.session.add(row)
    db.session.flush()
    return row


def note_on_copies(row: IncomingMail) -> None:
    """Write on the rows of the same message that came another way what was found out since: they may be older."""
    same = (IncomingMail.fingerprint == row.fingerprint, IncomingMail.duplicate_of_id == row.id)
    values = {name: getattr(row, name) for name in _SAME_OF_COPIES}
    db.session.execute(
        update(IncomingMail).where(*same).values(values), execution_options={"synchronize_session": False}
    )


def original(row: IncomingMail) -> IncomingMail:
    """Return the row of the same message that was read."""
    return row if row.duplicate_of_id is None else db.session.get_one(IncomingMail, row.duplicate_of_id)


def lock(key: int) -> IncomingMail | None:
    """Return a message with its mailbox, locked."""
    return db.session.scalar(_LOCKED, {"key": key})


def unread(mailbox_id: int | None = None) -> list[int]:
    """Return the messages that were stored and not read, older ones first: their process ended in between.

    Args:
        mailbox_id: those of a mailbox whose reader asks, and lets no one else read meanwhile. Without it: those that
            were stored a while ago; what came by a mailbox that is read is left to its reader for longer.
    """
    query = select(IncomingMail.id).where(IncomingMail.state == IncomingState.RECEIVED)
    if mailbox_id is not None:
        query = query.where(IncomingMail.mailbox_id == mailbox_id, IncomingMail.via == "imap")
    else:
        readers = select(ImapState.mailbox_id).join(Mailbox, Mailbox.id == ImapState.mailbox_id)
        has_reader = IncomingMail.mailbox_id.in_(readers.where(Mailbox.active)) & (IncomingMail.via == "imap")
        alone = IncomingMail.received_at < clock.now() - READER_RETRIES_AFTER
        query = query.where(IncomingMail.received_at < clock.now() - RETRY_AFTER, or_(~has_reader, alone))
    return list(db.session.scalars(query.order_by(IncomingMail.id).limit(BATCH)))


def is_flood(row: IncomingMail) -> bool:
    """Return whether its sender writes faster than people do."""
    since = clock.now() - HOUR
    # Forged mail in someone's name does not make their own wait.
    same = {"address": row.from_address, "proof": row.proof, "since": since, "key": row.id}
    return (db.session.scalar(_LATELY, same) or 0) >= MOST_AN_HOUR


def is_unwanted(row: IncomingMail) -> bool:
    """Return whether its sender is blocked."""
    return bool(row.from_address) and is_blocked(row.from_address)


def may_auto_reply(row: IncomingMail) -> bool:
    """Return whether an automatic answer may go to its sender; none to whom it only claims to be from."""
    return row.kind is IncomingKind.PERSON and bool(row.from_address) and row.proof is not Proof.FAILED


def returned_among(keys: Sequence[int]) -> frozenset[int]:
    """Return which of our mails came back."""
    if not keys:
        return frozenset()
    came_back = IncomingMail.reason.not_in((ARRIVED, DELAYED))
    query = select(IncomingMail.bounced_id).where(IncomingMail.bounced_id.in_(keys), came_back)
    return frozenset(key for key in db.session.scalars(query) if key is not None)
