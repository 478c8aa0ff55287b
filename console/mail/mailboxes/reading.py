"""Reading one mailbox: each message once, in the order of its folder, however often this is cut off.

UIDs only rise within one UIDVALIDITY, so how far reading came is one number. It is written down after the messages
up to it are stored; a worker that is killed in between reads them again, and each is stored once all the same.
A message that the server does not give is noted, tried again so many times, and left for people to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import delete, select

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.logging import get_logger
from console.core.periods import add_months
from console.core.transaction import transaction
from console.core.upsert import insert_or_find
from console.mail.mailboxes.access import Access, ImapFailed
from console.mail.mailboxes.client import PIECE, Connection, Header, Refused
from console.mail.mailboxes.leases import hold
from console.mail.mailboxes.models import Mailbox, UnreadMessage
from console.mail.receiving.incoming import MAX_SIZE

log = get_logger(__name__)

LOOKED_AT = 200  # messages whose sizes are asked for at once
MOST_TOGETHER, MOST_BYTES = 20, 4 * 1024 * 1024  # that are fetched at once, and so held in memory
BEGINNING = 256 * 1024  # of a message that cannot be had whole
CLOCKS_DIFFER = timedelta(minutes=5)  # between the mail server and us
# After each try to fetch one message; then its beginning is all there is.
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
MOST_CUTS = 3  # connections that may break at one message before the next ones go on without it


class Receiver(Protocol):
    """What takes messages in: ``console.tickets.mail_in.service.receiving``, which lies above."""

    def many(self, raws: Sequence[bytes], mailbox: Mailbox) -> list[int]:
        """Take messages in, in their order."""
        ...

    def broken(self, raw: bytes, mailbox: Mailbox, problem: str) -> int:
        """Take in what there is of a message that cannot be had whole."""
        ...


@dataclass
class Reader:
    """Reads what is new in one mailbox, over one connection.

    Args:
        mailbox_id, me: whose lease ``me`` has.
        receiver: takes the messages in.
    """

    mailbox_id: int
    me: str
    access: Access
    connection: Connection
    receiver: Receiver
    is_stopping: Callable[[], bool] = bool  # asked after each few messages
    careful: int = 0  # messages that are asked for one by one, after a connection broke at one of them
    doubtful: set[int] = field(default_factory=set)  # where a connection broke, less often than MOST_CUTS

    def begin(self) -> None:
        """Compare the folder with what was read. Elsewhere, or under another UIDVALIDITY, it starts from the beginning.

        Raises:
            LeaseLost: another worker reads it, or it was changed or deleted.
        """
        opened = self.connection.opened
        with transaction():
            state = hold(self.mailbox_id, self.me)
            self.careful = LOOKED_AT if state.failures else 0
            beyond = select(UnreadMessage.uid).where(
                UnreadMessage.mailbox_id == self.mailbox_id, UnreadMessage.uid > state.last_uid
            )
            self.doubtful = set(db.session.scalars(beyond))
            if (state.place, state.uid_validity) == (self.access.place, opened.uid_validity):
                return
            if state.uid_validity is not None:
                log.warning("mailbox renumbered", mailbox=self.mailbox_id, uid_validity=opened.uid_validity)
                known = add_months(clock.now(), -settings().mail_keep_months, settings().zone)
                state.since = known if state.since is None else max(state.since, known)  # rows of older ones are gone
            state.place, state.uid_validity = self.access.place, opened.uid_validity
            state.last_uid, state.old_below = 0, opened.uid_next
            db.session.execute(delete(UnreadMessage).where(UnreadMessage.mailbox_id == self.mailbox_id))

    def read(self) -> int:
        """Read all that is new; return how many messages came in.

        Raises:
            LeaseLost: see :meth:`begin`.
            ImapFailed: the server fails.
            Busy, NoSpace, Unavailable: the database or the disk does; nothing is lost.
        """
        count = 0
        with transaction():
            state = hold(self.mailbox_id, self.me)
            last, old_below, since = state.last_uid, state.old_below, state.since
        uids = self.connection.uids_from(last + 1, old_below=old_below, since=since)
        start = 0
        while start < len(uids):
            part = uids[start : start + (1 if self.careful else LOOKED_AT)]
            headers = [one for one in self._look(part) if not _is_old(one, old_below, since)]
            left = len(uids) - start
            for batch in self._batches(headers):
                count += self._take(batch, left)
                left -= len(batch)
                if self.is_stopping():
                    return count
            start += len(part)
            self._advance(part[-1], len(uids) - start)
        with transaction():
            state = hold(self.mailbox_id, self.me)
            state.checked_at, state.waiting = clock.now(), 0
            state.problem = state.detail = ""
            state.failures, state.failing_since, state.next_try_at = 0, None, None
            if uids:
                state.last_uid = max(state.last_uid, uids[-1])
        self._retry()
        return count

    def _look(self, uids: Sequence[int]) -> list[Header]:
        """Return sizes and times of messages; of one that the server says nothing about, nothing but its UID."""
        try:
            return self.connection.headers(uids)
        except Refused:
            if len(uids) > 1:
                return [found for uid in uids for found in self._look([uid])]
            return [Header(uids[0], 0, None)]
        except ImapFailed as failure:
            self._broke_at([Header(uids[0], 0, None)] if len(uids) == 1 else [], failure)
            raise

    def _broke_at(self, batch: Sequence[Header], failure: ImapFailed) -> None:
        """Note that the connection broke. With more than one message it may be any: the next try is one by one."""
        if len(batch) == 1 and self._note(batch[0], failure.problem, failure.detail, after=MOST_CUTS):
            self._advance(batch[0].uid, 0)

    def _batches(self, headers: Sequence[Header]) -> Iterator[list[Header]]:
        """Divide messages into what is fetched together: so many, so large; a large one by itself."""
        batch: list[Header] = []
        size = 0
        for one in headers:
            full = len(batch) >= MOST_TOGETHER or size + one.size > MOST_BYTES
            if batch and (full or max(one.size, batch[-1].size) > PIECE):
                yield batch
                batch, size = [], 0
            batch.append(one)
            size += one.size
        if batch:
            yield batch

    def _take(self, batch: Sequence[Header], waiting: int) -> int:
        """Fetch a few messages and take them in; what the server does not give is noted."""
        try:
            raws = self._fetch(batch)
        except Refused as refused:
            if len(batch) > 1:
                return sum(self._take([one], waiting) for one in batch)
            self._note(batch[0], "refused", str(refused))
            raws = {}
        except ImapFailed as failure:
            self._broke_at(batch, failure)
            raise
        found = [raws[one.uid] for one in batch if one.uid in raws]
        if found:
            self.receiver.many(found, db.session.get_one(Mailbox, self.mailbox_id))
            for uid in self.doubtful.intersection(raws):
                self._clear_unread(uid, taken=True)
        self._advance(batch[-1].uid, waiting, received=bool(found))
        self.careful = max(0, self.careful - 1)
        return len(found)

    def _fetch(self, batch: Sequence[Header]) -> dict[int, bytes]:
        """Return messages by UID; what is not there any more is left out.

        Raises:
            Refused: the server does not give one of them, or gives none of what it says it has.
        """
        if len(batch) == 1 and batch[0].size > PIECE:
            if batch[0].size > MAX_SIZE:
                self._note(batch[0], "too_large", "", last=True)
                return {}
            raw = self.connection.fetch_large(batch[0].uid, MAX_SIZE + 1)
            return {} if raw is None else {batch[0].uid: raw}
        found = self.connection.fetch([one.uid for one in batch])
        missing = [one.uid for one in batch if one.uid not in found]
        if missing and self.connection.headers(missing):  # else they were deleted meanwhile
            raise Refused("no content")
        return found

    def _advance(self, uid: int, waiting: int, *, received: bool = False) -> None:
        with transaction():
            state = hold(self.mailbox_id, self.me)
            state.last_uid, state.waiting = max(state.last_uid, uid), max(waiting, 0)
            if received:
                state.received_at, state.failures = clock.now(), 0

    # --- what cannot be fetched

    def _note(self, one: Header, problem: str, detail: str, *, after: int = 1, last: bool = False) -> bool:
        """Note a message that could not be fetched, and tell whether the next ones may go on without it.

        Args:
            after: so many tries it gets before the next ones do.
            last: it is not worth another try.
        """
        with transaction():
            state = hold(self.mailbox_id, self.me)
            row = {
                "mailbox_id": self.mailbox_id, "uid_validity": state.uid_validity, "uid": one.uid, "size": one.size,
                "problem": problem, "detail": detail, "attempts": 0, "found_at": clock.now(), "next_try_at": None,
            }  # fmt: skip
            keys = (UnreadMessage.mailbox_id, UnreadMessage.uid_validity, UnreadMessage.uid)
            noted, _fresh = insert_or_find(UnreadMessage, row, *keys)
            noted.attempts += 1
            noted.problem, noted.detail = problem, detail
            passed = last or noted.attempts >= after
            noted.next_try_at = None if last or not passed else clock.now() + PAUSES[0]
        if passed:
            log.warning("message cannot be fetched", mailbox=self.mailbox_id, uid=one.uid, problem=problem)
        if last:
            self._give_up(one.uid, problem)
        return passed

    def _retry(self) -> None:
        """Try again what could not be fetched and is due."""
        now = clock.now()
        due = select(UnreadMessage.uid).where(
            UnreadMessage.mailbox_id == self.mailbox_id, UnreadMessage.next_try_at <= now
        )
        for uid in db.session.scalars(due.order_by(UnreadMessage.uid).limit(LOOKED_AT)).all():
            self._retry_one(uid)

    def _retry_one(self, uid: int) -> None:
        db.session.rollback()
        problem, detail = "", ""
        try:
            there = self.connection.headers([uid])
            raws = self._fetch(there) if there else {}
        except Refused as refused:
            problem, detail, there = "refused", str(refused), []
        except ImapFailed as failure:
            self._tried(uid, failure.problem, failure.detail)
            raise
        if problem:
            self._tried(uid, problem, detail)
        elif there and there[0].size > MAX_SIZE:
            return
        else:
            keys = [self.receiver.many([raw], self._mailbox())[0] for raw in raws.values()]
            self._clear_unread(uid, taken=bool(keys))

    def _tried(self, uid: int, problem: str, detail: str) -> None:
        with transaction():
            hold(self.mailbox_id, self.me)
            row = self._noted(uid)
            if row is None:
                return
            row.attempts += 1
            row.problem, row.detail = problem, detail
            over = row.attempts > len(PAUSES)
            row.next_try_at = None if over else clock.now() + PAUSES[row.attempts - 1]
        if over:
            self._give_up(uid, problem)

    def _give_up(self, uid: int, problem: str) -> None:
        """Take in the beginning of a message, as a ticket with a mark; it is not asked for again."""
        try:
            raw = self.connection.fetch_large(uid, BEGINNING)
        except (Refused, ImapFailed):  # nothing of it can be had: it stays on the list
            return
        if not raw:
            return
        reason = "too_large" if problem == "too_large" else "unfetched"
        key = self.receiver.broken(raw, self._mailbox(), reason)
        with transaction():
            hold(self.mailbox_id, self.me)
            row = self._noted(uid)
            if row is not None:
                row.incoming_id = key

    def _clear_unread(self, uid: int, *, taken: bool) -> None:
        """Take a message off the list: it came in after all, or is not on the server any more."""
        with transaction():
            state = hold(self.mailbox_id, self.me)
            row = self._noted(uid)
            if row is not None:
                db.session.delete(row)
            if taken:
                state.received_at = clock.now()

    def _noted(self, uid: int) -> UnreadMessage | None:
        query = select(UnreadMessage).where(UnreadMessage.mailbox_id == self.mailbox_id, UnreadMessage.uid == uid)
        return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))

    def _mailbox(self) -> Mailbox:
        return db.session.get_one(Mailbox, self.mailbox_id)


def _is_old(one: Header, old_below: int, since: datetime | None) -> bool:
    """Return whether a message was in the folder before its mailbox was added, and is left there."""
    if since is None or one.uid >= old_below or one.came_at is None:
        return False
    return one.came_at < since - CLOCKS_DIFFER
