"""Sending what is queued: the work of a worker, of as many as there are.

A worker takes a few mails by a lease, speaks to the mail server with no
transaction open, and writes each result down in a short one of its own, which
renews the lease on the rest. A mail whose worker was killed is free again when
the lease runs out, and is sent again as the same message. What one mail met is
that mail's own (a later try, or failed permanently); where the server as a whole
fails, the queue waits for it, and no mail loses a try.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import CTE, Update, func, or_, select, update

from console.core import clock, metrics, transaction
from console.core.context import environment, files, settings
from console.core.db import db
from console.core.errors import Busy, NoSpace, Unavailable
from console.core.hub import off_the_hub
from console.core.logging import get_logger
from console.core.smtp_url import SmtpServer
from console.mail import relay, unsubscribing
from console.mail.attachments import NotMade, all_located
from console.mail.compose import OutgoingMail, Sender, Unsendable, compose, recipient
from console.mail.dkim_signing import signed
from console.mail.links import LinkGone, put_in
from console.mail.models import MAX_ERROR, Mail, MailState
from console.mail.smtp import Connection, Cut, Refused, RelayFailed

log = get_logger(__name__)

BATCH = 25  # taken at a time by one worker
GIVE_UP_AFTER = timedelta(days=3)  # RFC 5321, 4.5.4.1 asks for four or five; a customer waits for an answer here
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=2)
LEASE_SLACK = 60.0  # seconds beyond what the server may take: for a database that is slow to write
MOST_CUTS = 3  # conversations that break off in a row mean the server, not the mails
WRITE_PAUSES = (0.2, 1.0, 3.0, 5.0, 10.0)
LARGE = 512 * 1024  # files of a mail, in bytes
MANY = 500  # rows changed in one statement
_SAID = {"sent": "mail sent", "failed": "mail failed", "retried": "mail put off"}

_COLUMNS = (
    Mail.id, Mail.message_id, Mail.template, Mail.language, Mail.to_address, Mail.to_name, Mail.subject, Mail.text,
    Mail.html, Mail.created_at, Mail.in_reply_to, Mail.references, Mail.attachments, Mail.attempts, Mail.first_try_at,
    Mail.reply_to, Mail.sealed_links, Mail.from_address, Mail.shown_to, Mail.cc, Mail.leaves,
)  # fmt: skip


@dataclass
class _Process:
    """What this process remembers between two runs."""

    stopping: bool = False
    running: int = 0
    tried: bool = False  # a new process tries at once: a setting may just have been put right
    said_nowhere: bool = False


_process = _Process()


def send_due() -> None:
    """Send everything that is due (the job ``mail.send``). Several at once, here or elsewhere, do no harm."""
    if not _anything_due():
        return
    server = settings().smtp
    if server is None:
        _without_server()
        return
    failing = relay.relay()
    waits = failing is not None and failing.next_try_at is not None and failing.next_try_at > clock.now()
    db.session.rollback()  # nothing stays open while the server is spoken to
    if waits and _process.tried:
        return
    _process.tried = True
    with _running():
        Round(server, failing=failing is not None).run()


def resume() -> None:
    """Be ready to send, as when a worker starts."""
    _process.stopping = False


def finish(seconds: float) -> None:
    """Stop after the mail that is being sent, at most ``seconds`` later. What was taken and not sent is free again."""
    _process.stopping = True
    until = monotonic() + seconds
    while _process.running and monotonic() < until:
        time.sleep(0.02)


def _stopping() -> bool:
    return _process.stopping


@contextmanager
def _running() -> Iterator[None]:
    _process.running += 1
    try:
        yield
    finally:
        _process.running -= 1


class Round:
    """One worker's way through what is due, over one connection.

    Args:
        server: the mail server.
        failing: it failed when it was last tried.
    """

    def __init__(self, server: SmtpServer, *, failing: bool = False) -> None:
        self.me = f"{socket.gethostname()[:22]}:{token_hex(8)}"
        self.server, self.failing = server, failing
        self.connection = Connection(server, helo_name(settings().base_url))
        self.lease = timedelta(seconds=2 * server.timeout + LEASE_SLACK)
        self.held: list[int] = []
        self.held_until = 0.0
        self.cuts = 0

    def run(self) -> None:
        """Send until nothing is due, the server fails or the process stops."""
        try:
            while not _stopping() and (batch := self.claim()):
                for mail in batch:
                    if _stopping():
                        break
                    self.send(mail)
        except RelayFailed as failure:
            self._relay_failed(failure)
        finally:
            self.connection.close()
            if self.held:
                self._write(lambda: db.session.execute(self._mine().values(lease=None, leased_until=None)))

    def claim(self) -> list[OutgoingMail]:
        """Lease the next mails that are due, oldest first."""
        now = clock.now()
        values = {"lease": self.me, "leased_until": now + self.lease}
        with transaction.transaction() as session:
            rows = session.execute(_taking(_due(BATCH)).values(values).returning(*_COLUMNS, Mail.send_after)).all()
        self.held_until = monotonic() + self.lease.total_seconds()
        rows = sorted(rows, key=lambda row: (row.send_after, row.id))
        self.held = [row.id for row in rows]
        return [OutgoingMail(*row[: len(_COLUMNS)]) for row in rows]

    def send(self, mail: OutgoingMail) -> None:
        """Send one mail and write down how that went.

        Raises:
            RelayFailed: the server as a whole fails; the mail is still held.
        """
        try:
            to = recipient(mail)
            message = self._written(mail)
        except Unsendable as reason:
            self._failed(mail, str(reason))
            return
        except NotMade as reason:
            log.warning("a file of a mail could not be made", mail=mail.id, error=repr(reason.__cause__))
            self._later(mail, str(reason))
            return
        except Exception:
            log.exception("mail cannot be composed", mail=mail.id)
            self._failed(mail, "it could not be composed; the log says more")
            return
        while True:
            self.connection.ready()
            if not self._still_ours(mail):
                return
            fresh = self.connection.fresh
            try:
                self.connection.deliver(settings().mail_from, to, message)
            except Cut as cut:
                if not fresh and not cut.handed_over:
                    continue  # it was cut for its age or its length: the mail deserves a new one
                self._cut(mail, cut)
            except Refused as refusal:
                self._answered()
                (self._failed if refusal.permanent else self._later)(mail, refusal.words)
            else:
                self._answered()
                self._sent(mail)
            return

    def _written(self, mail: OutgoingMail) -> bytes:
        """Return the whole message; one with large files is made where it holds nothing up."""
        store, sender = files(), _sender()
        try:
            text, html = put_in(mail.text, mail.html, mail.sealed_links)
        except LinkGone:
            raise Unsendable("no key in CONSOLE_SEAL_KEYS opens its link") from None
        attachments = all_located(mail.attachments, mail.language)
        db.session.rollback()  # nothing stays open while the server is spoken to
        leave = unsubscribing.url(mail.leaves) if mail.leaves else None
        whole = replace(mail, text=text, html=html, attachments=attachments, unsubscribe_url=leave)
        dkim_key = environment().dkim  # read when we started: no mail fails because a file was moved
        size = sum(int(file.get("size") or 0) for file in attachments)

        def write() -> bytes:
            message = compose(whole, sender, store.get)
            return message if dkim_key is None else signed(message, dkim_key)

        return off_the_hub(write) if size > LARGE else write()

    def _still_ours(self, mail: OutgoingMail) -> bool:
        """Make sure that the lease outlasts handing the mail over, so that no other worker takes it meanwhile."""
        if monotonic() + self.server.timeout + 1 < self.held_until:
            return True
        now = clock.now()
        renewed = self._write(
            lambda: db.session.execute(
                self._mine().values(leased_until=now + self.lease).returning(Mail.id)
            ).scalars().all()
        )  # fmt: skip
        self.held = [mail_id for mail_id in self.held if mail_id in renewed]
        self.held_until = monotonic() + self.lease.total_seconds()
        return mail.id in self.held

    def _sent(self, mail: OutgoingMail) -> None:
        now = clock.now()
        self._settle(mail, "sent", now, state=MailState.SENT, sent_at=now, last_error="", sealed_links=None)

    def _failed(self, mail: OutgoingMail, words: str) -> None:
        now = clock.now()
        self._settle(mail, "failed", now, state=MailState.FAILED, failed_at=now, last_error=words[:MAX_ERROR])

    def _later(self, mail: OutgoingMail, words: str) -> None:
        now = clock.now()
        if mail.first_try_at is not None and mail.first_try_at <= now - GIVE_UP_AFTER:
            self._failed(mail, words)
            return
        again = now + relay.pause(mail.attempts + 1, FIRST_PAUSE, LONGEST_PAUSE)
        self._settle(mail, "retried", now, send_after=again, last_error=words[:MAX_ERROR])

    def _cut(self, mail: OutgoingMail, cut: Cut) -> None:
        self.cuts += 1
        self._later(mail, cut.words)
        if self.cuts >= MOST_CUTS:
            raise RelayFailed(cut.words)

    def _settle(self, mail: OutgoingMail, outcome: str, now: datetime, **values: Any) -> None:
        """Write a result down and renew the lease on what is still held."""
        whose = update(Mail).where(Mail.id == mail.id, Mail.lease == self.me, Mail.state == MailState.QUEUED)
        result = whose.values(
            attempts=Mail.attempts + 1,
            first_try_at=func.coalesce(Mail.first_try_at, now),
            last_try_at=now,
            lease=None,
            leased_until=None,
            **values,
        )
        self.held.remove(mail.id)

        def settle() -> int:
            if self.held:
                db.session.execute(self._mine().values(leased_until=now + self.lease))
            return len(db.session.execute(result.returning(Mail.id)).all())

        settled = self._write(settle)
        self.held_until = monotonic() + self.lease.total_seconds()
        metrics.MAILS.labels(outcome).inc()
        words = str(values.get("last_error", ""))
        log.info(_SAID[outcome], mail=mail.id, answer=" ".join(words.split()[:2]), tries=mail.attempts + 1)
        if not settled:
            log.warning("mail settled too late: its lease had run out", mail=mail.id)

    def _answered(self) -> None:
        """The server speaks about mails again: the queue need not wait."""
        self.cuts = 0
        if self.failing:
            self.failing = False
            self._write(lambda: relay.note_recovery(clock.now()))
            log.warning("mail server takes mail again", server=self.server.name)

    def _relay_failed(self, failure: RelayFailed) -> None:
        """Let the queue wait. What has waited too long for a server that stayed away has visibly failed."""
        now = clock.now()

        def note() -> int:
            if self.held:
                db.session.execute(self._mine().values(lease=None, leased_until=None))
            row = relay.note_failure(failure.words, now, misconfigured=failure.misconfigured)
            away = row.failing_since is not None and row.failing_since <= now - GIVE_UP_AFTER
            if row.misconfigured or not away:
                return 0
            values = {"state": MailState.FAILED, "failed_at": now, "last_error": failure.words[:MAX_ERROR]}
            old = _due(MANY, before=now - GIVE_UP_AFTER)
            return len(db.session.execute(_taking(old).values(values).returning(Mail.id)).all())

        abandoned = self._write(note)
        self.held = []
        if abandoned:
            metrics.MAILS.labels("failed").inc(abandoned)
        what = "mail server refuses us, mail waits" if failure.misconfigured else "mail server fails, mail waits"
        log.error(what, server=self.server.name, answer=failure.words, abandoned=abandoned)

    def _mine(self) -> Update:
        whose = update(Mail).where(Mail.id.in_(self.held), Mail.lease == self.me)
        return whose.execution_options(synchronize_session=False)

    def _write(self, change: Callable[[], Any]) -> Any:
        """Write in a transaction of its own, again and again while the database is held by others.

        What the server has accepted must be written down: else it would be sent again.
        """
        for pause in WRITE_PAUSES:
            try:
                with transaction.transaction():
                    return change()
            except (Busy, Unavailable, NoSpace):
                log.warning("mail's result waits for the database")
                time.sleep(pause)
        with transaction.transaction():
            return change()


def _anything_due() -> bool:
    found = db.session.scalar(
        select(Mail.id).where(Mail.state == MailState.QUEUED, Mail.send_after <= clock.now()).limit(1)
    )
    return found is not None


def _due(limit: int, *, before: datetime | None = None) -> CTE:
    """Find queued mail that no worker is sending. Rows that another worker is taking are passed over."""
    now = clock.now()
    free = or_(Mail.leased_until.is_(None), Mail.leased_until <= now)
    return (
        select(Mail.id)
        .where(Mail.state == MailState.QUEUED, Mail.send_after <= (before or now), free)
        .order_by(Mail.send_after, Mail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # a subquery might be run again for each row, and take more than its limit
    )


def _taking(due: CTE) -> Update:
    return update(Mail).where(Mail.id.in_(select(due.c.id))).execution_options(synchronize_session=False)


def _without_server() -> None:
    """Where no mail server is set mail waits for one; in the demo it is in the mailbox that is open to all."""
    if not settings().demo:
        if not _process.said_nowhere:
            log.error("mail waits: CONSOLE_SMTP_URL is not set")
            _process.said_nowhere = True
        return
    while not _stopping():
        now = clock.now()
        values = {
            "state": MailState.SENT, "sent_at": Mail.send_after, "first_try_at": Mail.send_after,
            "last_try_at": Mail.send_after, "attempts": Mail.attempts + 1, "last_error": "", "lease": None,
            "leased_until": None,
        }  # fmt: skip
        with transaction.transaction() as session:
            sent = session.execute(_taking(_due(MANY)).values(values).returning(Mail.id)).all()
        if not sent:
            return
        metrics.MAILS.labels("sent").inc(len(sent))
        log.info("mail put into the mailbox: no mail server is set", count=len(sent), at=now.isoformat())


def _sender() -> Sender:
    """Return from whom mail comes: as it is set now, however long the queue is."""
    now = settings()
    return Sender(now.sender_name, now.mail_from, now.zone)


def helo_name(base_url: str) -> str:
    """Return the name we greet with: the host we are reached at, an address in brackets (RFC 5321, 4.1.3)."""
    host = urlsplit(base_url).hostname or "localhost"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
