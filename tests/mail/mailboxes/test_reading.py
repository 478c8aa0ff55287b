"""Reading a mailbox of a real server: each message once and in order, whatever happens to the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.mail.mailboxes import leases, service
from console.mail.mailboxes.access import ImapFailed
from console.mail.mailboxes.models import ImapState, ImapTls, Mailbox, UnreadMessage
from console.mail.mailboxes.reading import PAUSES
from console.mail.receiving import incoming, retention
from console.mail.receiving.models import IncomingMail, IncomingState
from console.tickets.mail_in import watching
from console.tickets.mail_in.service.receiving import deliver_due, receive
from console.tickets.mail_in.watching import read_once
from console.tickets.models import Ticket
from tests.conftest import Clock
from tests.mail.mailboxes.conftest import MakeBox, box_data
from tests.support.dovecot import Dovecot
from tests.tickets.mail_in.scene import make_raw

AWAY = ("cut", "refused", "timeout", "unavailable")


def question(number: int, **more: str) -> bytes:
    """Return a message of a sender of its own: of one, only 30 an hour come in."""
    return make_raw(subject=f"Pitanje {number}", sender=f"osoba{number}@gost.test", **more)


def state_of(box: Mailbox, session: Session) -> ImapState:
    session.rollback()
    return session.get_one(ImapState, box.id, populate_existing=True)


def subjects(session: Session) -> list[str]:
    """Return what came in, in the order of its tickets."""
    session.rollback()
    return list(session.scalars(select(Ticket.subject).order_by(Ticket.id)))


def read_on(box: Mailbox, clock: Clock, times: int = 12) -> None:
    """Read again and again, as a worker does, each time when the next try is due."""
    for _ in range(times):
        try:
            read_once(box.id)
        except ImapFailed:
            clock.advance(timedelta(seconds=30))
        else:
            return


@pytest.mark.both
def test_each_message_is_a_ticket_once_and_in_order(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    box = make_box()
    dovecot.fill(question(number) for number in range(45))
    assert read_once(box.id) == 45
    assert subjects(session) == [f"Pitanje {number}" for number in range(45)]
    dovecot.put(question(45))
    assert (read_once(box.id), read_once(box.id)) == (1, 0)
    state = state_of(box, session)
    assert (state.last_uid, state.waiting, state.problem, state.lease) == (46, 0, "", None)
    assert session.scalar(select(func.count(IncomingMail.id)).where(IncomingMail.via == "imap")) == 46


def test_nothing_on_the_server_changes(dovecot: Dovecot, make_box: MakeBox) -> None:
    dovecot.put(question(1))
    read_once(make_box().id)
    with dovecot.signed_in() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.get_flags([1]) == {1: (b"\\Recent",)} or client.get_flags([1]) == {1: ()}


def test_another_uid_validity_brings_nothing_twice(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    box = make_box()
    dovecot.fill(question(number) for number in range(5))
    read_once(box.id)
    before = state_of(box, session).uid_validity
    time.sleep(1)  # UIDVALIDITY is a time in seconds
    dovecot.renumber()
    dovecot.put(question(5))
    read_once(box.id)
    assert state_of(box, session).uid_validity != before
    assert subjects(session) == [f"Pitanje {number}" for number in range(6)]


def test_another_uid_validity_brings_nothing_that_was_forgotten(
    session: Session, dovecot: Dovecot, make_box: MakeBox
) -> None:
    box = make_box()
    with dovecot.signed_in() as client:
        client.append("INBOX", question(0), msg_time=core_clock.now() - timedelta(days=800))
        client.append("INBOX", question(1), msg_time=core_clock.now())
    assert read_once(box.id) == 2  # all that was there, as was chosen when it was added
    with transaction():
        first = session.scalars(select(IncomingMail.id).order_by(IncomingMail.id)).first()
        retention.delete_rows([first or 0])  # as its age lets it go
    time.sleep(1)
    dovecot.renumber()
    dovecot.put(question(2))
    read_once(box.id)
    assert subjects(session) == ["Pitanje 0", "Pitanje 1", "Pitanje 2"]


def test_moved_and_deleted_messages(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    box = make_box()
    dovecot.put(question(0), question(1), question(2))
    read_once(box.id)
    with dovecot.signed_in() as client:
        client.create_folder("Arhiva")
        client.select_folder("INBOX")
        client.move([1], "Arhiva")
        client.delete_messages([2])
        client.expunge()
        client.select_folder("Arhiva")
        client.move([1], "INBOX")  # back, with a new UID
    dovecot.put(question(3))
    read_once(box.id)
    assert subjects(session) == [f"Pitanje {number}" for number in range(4)]


def test_what_was_there_before_is_left_where_that_is_chosen(
    session: Session, dovecot: Dovecot, make_box: MakeBox, clock: Clock
) -> None:
    dovecot.put(question(0), question(1))
    clock.advance(timedelta(hours=1))
    box = make_box(leave_older=True)
    assert read_once(box.id) == 0
    with dovecot.signed_in() as client:
        client.append("INBOX", question(2), msg_time=core_clock.now())
        client.append("INBOX", question(3))  # its time is older, but it came after the first look
    read_once(box.id)
    assert subjects(session) == ["Pitanje 2", "Pitanje 3"]
    time.sleep(1)
    dovecot.renumber()
    read_once(box.id)
    assert subjects(session) == ["Pitanje 2", "Pitanje 3"]


def test_a_large_message_comes_piece_by_piece(
    session: Session, dovecot: Dovecot, make_box: MakeBox, samples: Callable[[int, int], int]
) -> None:
    large = question(0) + b"x" * 76 + b"\r\n" + (b"y" * 76 + b"\r\n") * (samples(25, 3) * 1024 * 1024 // 78)
    dovecot.put(large, question(1))
    assert read_once(make_box().id) == 2
    session.rollback()
    assert session.scalar(select(func.max(IncomingMail.size))) == len(
        large.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    )
    assert subjects(session) == ["Pitanje 0", "Pitanje 1"]


def test_one_message_that_breaks_the_connection_stops_no_other(
    session: Session, dovecot: Dovecot, make_box: MakeBox, clock: Clock
) -> None:
    """The server fails at it each time: it is tried so often and no more, and shown."""
    box = make_box()
    dovecot.fill(question(number) for number in range(1, 7))
    spoiled = dovecot.spoil(4)
    read_on(box, clock)
    assert subjects(session) == [f"Pitanje {number}" for number in (1, 2, 3, 5, 6)]
    for pause in PAUSES:
        clock.advance(pause + timedelta(minutes=1))
        read_on(box, clock, 2)
    session.rollback()
    (unread,) = session.scalars(select(UnreadMessage))
    assert (unread.uid, unread.problem, unread.next_try_at) == (4, "cut", None)
    assert state_of(box, session).problem == ""
    assert read_once(box.id) == 0  # it is not asked for any more

    spoiled.chmod(0o600)
    with transaction():
        service.retry_message(SYSTEM, unread.id)
    read_once(box.id)
    assert subjects(session)[-1] == "Pitanje 4"
    assert session.scalar(select(func.count(UnreadMessage.id))) == 0


def test_one_that_is_too_large_is_a_ticket_with_its_beginning(
    session: Session, dovecot: Dovecot, make_box: MakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.mail.mailboxes.reading.MAX_SIZE", 2 * 1024 * 1024)
    box = make_box()
    dovecot.put(question(0) + b"y" * 76 + b"\r\n" * 1024 * 1024 * 2, question(1))
    read_once(box.id)
    session.rollback()
    first, second = session.scalars(select(IncomingMail).order_by(IncomingMail.id))
    assert (first.state, first.reason, second.state) == (IncomingState.FAILED, "too_large", IncomingState.TICKET)
    (unread,) = session.scalars(select(UnreadMessage))
    assert (unread.problem, unread.incoming_id) == ("too_large", first.id)
    assert first.ticket_id is not None


def test_away_for_two_days(session: Session, dovecot: Dovecot, make_box: MakeBox, clock: Clock) -> None:
    box = make_box()
    dovecot.put(question(0))
    read_once(box.id)
    dovecot.stop()
    try:
        for _ in range(3):
            with pytest.raises(ImapFailed):
                read_once(box.id)
            clock.advance(timedelta(minutes=10))
        state = state_of(box, session)
        assert state.problem in AWAY and state.failures == 3
        assert state.next_try_at is not None and state.failing_since is not None
        clock.advance(timedelta(days=2))
    finally:
        dovecot.start()
    dovecot.put(question(1), question(2))
    assert read_once(box.id) == 2
    assert subjects(session) == ["Pitanje 0", "Pitanje 1", "Pitanje 2"]
    state = state_of(box, session)
    assert (state.problem, state.failures, state.failing_since) == ("", 0, None)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"password": "pogrešna"}, "sign_in"),
        ({"host": "127.0.0.1"}, "certificate"),  # it names localhost
        ({"folder": "Nema je"}, "folder"),
        ({"port": 1}, "refused"),
        ({"host": "nema.invalid"}, "not_found"),
    ],
)
def test_what_is_wrong_is_known_by_its_kind_and_others_are_read(
    session: Session, dovecot: Dovecot, make_box: MakeBox, values: dict[str, object], problem: str
) -> None:
    wrong = make_box(name="Prodaja", **values)
    right = make_box(user="prodaja@example.test")
    dovecot.put(question(0), user="prodaja@example.test")
    with pytest.raises(ImapFailed):
        read_once(wrong.id)
    assert read_once(right.id) == 1
    assert state_of(wrong, session).problem == problem


def test_starttls(dovecot: Dovecot, make_box: MakeBox) -> None:
    dovecot.put(question(0))
    assert read_once(make_box(port=dovecot.imap, tls=ImapTls.STARTTLS).id) == 1


# --- the worker


def test_it_comes_by_itself(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    """By IDLE: the server tells at once what came in, long before anyone would look."""
    box = make_box()
    watching.read_due()
    _until(lambda: state_of(box, session).checked_at is not None)
    dovecot.put(question(0))
    began = time.monotonic()
    _until(lambda: subjects(session) == ["Pitanje 0"])
    assert time.monotonic() - began < watching.LOOKS_AGAIN / 2


def test_a_mailbox_that_is_switched_off_is_left(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    box = make_box()
    watching.read_due()
    _until(lambda: state_of(box, session).checked_at is not None)
    with transaction():
        service.switch_mailbox(SYSTEM, box.id, active=False)
    dovecot.put(question(0))
    watching.read_due()
    time.sleep(0.3)
    assert subjects(session) == []
    with transaction():
        service.switch_mailbox(SYSTEM, box.id, active=True)
    assert read_once(box.id) == 1


@pytest.mark.both
def test_two_workers_read_one_mailbox_once(
    app: Flask, session: Session, dovecot: Dovecot, make_box: MakeBox, clock: Clock
) -> None:
    """Also where the one took so long that its lease ran out: then both read, and each message is stored once."""
    box = make_box()
    key = box.id
    dovecot.fill(question(number) for number in range(40))
    counts: list[int | None] = []

    def work() -> None:
        with app.app_context():
            counts.append(read_once(key))

    one = threading.Thread(target=work)
    one.start()
    _until(lambda: state_of(box, session).lease is not None)
    clock.advance(leases.LEASE + timedelta(seconds=1))
    other = threading.Thread(target=work)
    other.start()
    for each in (one, other):
        each.join(60)
    read_once(box.id)
    assert len(counts) == 2
    assert sorted(subjects(session)) == sorted(f"Pitanje {number}" for number in range(40))


def test_what_was_stored_and_not_delivered_comes_before_what_is_newer(
    session: Session, dovecot: Dovecot, make_box: MakeBox, clock: Clock
) -> None:
    """As after a kill between the two; only the mailbox's reader takes it up, for as long as it may do so."""
    box = make_box()
    dovecot.put(question(0))
    with transaction():
        incoming.store(question(7), via="imap", mailbox=box)
    clock.advance(incoming.RETRY_AFTER * 2)
    deliver_due()
    assert subjects(session) == []
    read_once(box.id)
    assert subjects(session) == ["Pitanje 7", "Pitanje 0"]


def test_the_same_mail_by_pipe_and_mailbox_is_one_ticket(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    raw = question(0)
    receive(raw)
    dovecot.put(raw)
    read_once(make_box().id)
    assert subjects(session) == ["Pitanje 0"]


def test_another_folder_of_the_server_is_read_from_its_start(
    session: Session, dovecot: Dovecot, make_box: MakeBox
) -> None:
    box = make_box()
    dovecot.put(question(0), question(1))
    read_once(box.id)
    with dovecot.signed_in() as client:
        client.create_folder("Podrška/Nova")
    dovecot.put(question(2), folder="Podrška/Nova")
    with transaction():
        service.change_mailbox(SYSTEM, box.id, box_data(dovecot, folder="Podrška/Nova", password=""))
    read_once(box.id)
    assert subjects(session)[-1] == "Pitanje 2"


def _until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to that")
