"""Sending against a real SMTP server: what it says decides what becomes of a mail, and no mail is lost."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.cli import doctor
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.context import files
from console.core.db import Base
from console.core.errors import Conflict
from console.core.seal import Sealer, new_key
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.verification import cards
from console.mail import reading, relay, sending
from console.mail.models import Mail, MailState
from console.mail.sending import BATCH, GIVE_UP_AFTER, Round, helo_name, send_due
from console.mail.service import cancel, resend
from console.staff import password_reset
from console.tickets import mails as letters
from console.tickets.service import messages as ticket_messages
from console.tickets.service import verification as ticket_verification
from console.tickets.service.messages import Writing
from tests import factories
from tests.conftest import Clock
from tests.factories.tickets import make_ticket
from tests.support.processes import free_port
from tests.support.smtp import WAYS, Behaviour, SmtpServer

Make = Callable[..., Mail]
Fresh = Callable[[Mail], Mail]
MakeApp = Callable[[Settings], Flask]


def outcomes(outcome: str) -> float:
    return REGISTRY.get_sample_value("console_mails_total", {"outcome": outcome}) or 0


def states(session: Session) -> dict[MailState, int]:
    session.rollback()
    rows = session.execute(select(Mail.state, func.count()).group_by(Mail.state))
    return {row[0]: row[1] for row in rows}


def run_as_later(clock: Clock, by: timedelta) -> None:
    clock.advance(by)
    send_due()


# --- it arrives ----------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_it_arrives_whole_and_once(session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh) -> None:
    digest = files().put(b"%PDF-1.7\n.\nkraj")
    mail = make_mail(
        to_name='Đura, "Žuti"\r\nBcc: x@evil.test',
        attachments=[{"name": "račun.pdf", "type": "application/pdf", "size": 15, "digest": digest}],
    )
    before = outcomes("sent")
    send_due()
    send_due()
    [received] = smtp.received
    assert (received.sender, received.recipients) == ("podrska@example.test", (mail.to_address,))
    message = received.message
    assert message["Message-ID"] == mail.message_id and message["Subject"] == mail.subject
    body = message.get_body(["plain"])
    assert body is not None and body.get_content().splitlines() == mail.text.splitlines()
    [attached] = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("račun.pdf", b"%PDF-1.7\n.\nkraj")
    sent = fresh(mail)
    assert sent.state is MailState.SENT and sent.attempts == 1 and sent.last_error == "" and sent.lease is None
    assert sent.sent_at is not None and sent.sent_at == sent.last_try_at == sent.first_try_at
    assert outcomes("sent") == before + 1


def test_many_go_over_one_connection(session: Session, smtp: SmtpServer, make_mail: Make) -> None:
    mails = [make_mail() for _ in range(BATCH + 5)]
    send_due()
    assert [each.message_id for each in smtp.received] == [mail.message_id for mail in mails]
    assert smtp.connections == 1
    assert states(session) == {MailState.SENT: BATCH + 5}


@pytest.mark.both
def test_not_before_its_time_and_never_when_cancelled(
    session: Session, smtp: SmtpServer, make_mail: Make, clock: Clock
) -> None:
    held = make_mail(send_after=core_clock.now() + timedelta(seconds=10))
    taken_back = make_mail(send_after=core_clock.now() + timedelta(seconds=10))
    send_due()
    assert smtp.received == []
    with transaction():
        assert cancel(taken_back.id)
    run_as_later(clock, timedelta(seconds=11))
    assert [each.message_id for each in smtp.received] == [held.message_id]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_speaking(
    settings: Settings, make_app: MakeApp, smtp: SmtpServer, make_mail: Make, session: Session, way: str
) -> None:
    make_mail()
    with make_app(replace(settings, smtp_url=smtp.url(way))).app_context():
        send_due()
        found = [(finding.level, finding.words) for finding in doctor._mail_server()]
    assert [each.way for each in smtp.received] == [way]
    [(level, words)] = found
    assert level is doctor.Level.GOOD and "answers" in words
    assert ("signed in" in words) == (way != "plain") and "lozinka" not in words


# --- it does not, for now ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_451_is_tried_again_later_and_less_often(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, clock: Clock, stage: str
) -> None:
    slow, other = make_mail(to_address="greylisted@example.test"), make_mail()
    answer: Any = lambda to: "451 4.7.1 Greylisted,\ttry again" if to.startswith("grey") else None  # noqa: E731
    smtp.behaviour = Behaviour(**{stage: answer})
    waits = []
    for attempt in range(1, 5):
        send_due()
        mail = fresh(slow)
        assert mail.state is MailState.QUEUED and mail.attempts == attempt and mail.lease is None
        assert mail.last_error == "451 4.7.1 Greylisted, try again" and mail.last_try_at is not None
        waits.append(mail.send_after - mail.last_try_at)
        send_due()  # not before its time
        assert fresh(slow).attempts == attempt
        clock.advance(waits[-1])
    assert waits == sorted(waits) and waits[0] >= timedelta(seconds=48) and waits[3] <= timedelta(minutes=10)
    assert fresh(other).state is MailState.SENT and smtp.connections == 4
    smtp.behaviour = Behaviour()
    send_due()
    assert fresh(slow).state is MailState.SENT and fresh(slow).last_error == ""
    assert [each.message_id for each in smtp.to(slow.to_address)] == [slow.message_id]


@pytest.mark.both
def test_what_is_put_off_for_days_has_failed(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, clock: Clock
) -> None:
    mail = make_mail()
    clock.advance(GIVE_UP_AFTER * 2)  # no worker ran: that is not the mail's fault
    smtp.behaviour = Behaviour(rcpt=lambda _: "452 4.2.2 Mailbox full")
    send_due()
    assert fresh(mail).state is MailState.QUEUED
    run_as_later(clock, GIVE_UP_AFTER)
    failed = fresh(mail)
    assert failed.state is MailState.FAILED and failed.last_error == "452 4.2.2 Mailbox full"
    assert failed.failed_at is not None and failed.attempts == 2 and failed.lease is None


def test_it_waits_at_most_some_hours_between_tries() -> None:
    longest = max(relay.pause(n, sending.FIRST_PAUSE, sending.LONGEST_PAUSE) for n in range(1, 200))
    assert longest <= timedelta(hours=2.4)


# --- it never will -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_550_has_failed_at_once(session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, stage: str) -> None:
    unknown, other = make_mail(to_address="nobody@example.test"), make_mail()
    answer: Any = lambda to: "550 5.1.1 No such mailbox" if to.startswith("nobody") else None  # noqa: E731
    smtp.behaviour = Behaviour(**{stage: answer})
    before = outcomes("failed")
    send_due()
    failed = fresh(unknown)
    assert failed.state is MailState.FAILED and failed.last_error == "550 5.1.1 No such mailbox"
    assert failed.failed_at is not None and failed.attempts == 1 and outcomes("failed") == before + 1
    assert fresh(other).state is MailState.SENT and smtp.connections == 1
    send_due()
    assert len(smtp.received) == 1


def test_what_cannot_be_written_has_failed(session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh) -> None:
    """No address, a file that is gone: said with the mail, and the others go out."""
    bad = make_mail(to_address="ana@example.test, x@evil.test")
    gone = make_mail(attachments=[{"name": "a.pdf", "type": "application/pdf", "size": 1, "digest": "0" * 64}])
    odd = make_mail(message_id="no id")
    good = make_mail()
    send_due()
    assert [each.message_id for each in smtp.received] == [good.message_id]
    assert fresh(bad).state is fresh(gone).state is fresh(odd).state is MailState.FAILED
    assert "address" in fresh(bad).last_error and "a.pdf" in fresh(gone).last_error and fresh(odd).last_error
    assert "RCPT x@evil.test" not in smtp.commands


# --- the server as a whole -----------------------------------------------------------------------------------------


def test_a_server_that_is_down_costs_no_mail_a_try(
    settings: Settings, app: Flask, session: Session, smtp: SmtpServer, make_app: MakeApp, make_mail: Make, clock: Clock
) -> None:
    for _ in range(3):
        make_mail()
    down = make_app(replace(settings, smtp_url=f"smtp://localhost:{free_port()}"))
    pauses = []
    with down.app_context():
        for _ in range(8):
            send_due()
            state = relay.relay()
            assert state is not None and state.next_try_at is not None and "refuses connections" in state.last_error
            assert not state.misconfigured
            pauses.append(state.next_try_at - core_clock.now())
            before = state.failures
            send_due()  # it waits
            state = relay.relay()
            assert state is not None and state.failures == before == len(pauses)
            clock.advance(pauses[-1])
        found = [finding.words for finding in doctor._mail()]
    assert pauses[0] < timedelta(seconds=7) and timedelta(minutes=3) < pauses[-1] <= timedelta(minutes=6)
    assert any("refuses connections" in words for words in found)
    session.rollback()
    assert set(session.execute(select(Mail.state, Mail.attempts, Mail.lease))) == {(MailState.QUEUED, 0, None)}
    send_due()
    assert states(session) == {MailState.SENT: 3} and len(smtp.received) == 3
    assert relay.relay() is None


def test_a_new_process_tries_at_once(
    settings: Settings, session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh
) -> None:
    mail = make_mail()
    with transaction():
        relay.note_failure("refused", core_clock.now(), misconfigured=False)
    send_due()
    assert fresh(mail).state is MailState.SENT


def test_a_server_that_stays_away_for_days_fails_the_mail_visibly(
    settings: Settings,
    session: Session,
    smtp: SmtpServer,
    make_app: MakeApp,
    make_mail: Make,
    fresh: Fresh,
    clock: Clock,
) -> None:
    old = make_mail()
    with make_app(replace(settings, smtp_url=f"smtp://localhost:{free_port()}")).app_context():
        send_due()
        clock.advance(GIVE_UP_AFTER - timedelta(minutes=1))
        young = make_mail()
        send_due()
        assert fresh(old).state is MailState.QUEUED
        run_as_later(clock, timedelta(minutes=7))
    assert fresh(old).state is MailState.FAILED and "refuses connections" in fresh(old).last_error
    assert fresh(young).state is MailState.QUEUED


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("behaviour", "words", "misconfigured"),
    [
        ({"greeting": "421 4.3.2 Closing for maintenance"}, "421 4.3.2 Closing for maintenance", False),
        ({"greeting": "554 5.7.1 No service for you"}, "554 5.7.1 No service for you", True),
        ({"greeting_seconds": 9}, "no answer within 2 seconds", False),
        ({"drips": True}, "no answer within 2 seconds", False),
        ({"mail": lambda _: "450 4.7.1 Too much mail"}, "450 4.7.1 Too much mail", False),
        ({"mail": lambda _: "553 5.7.1 Not your address"}, "553 5.7.1 Not your address", True),
        ({"rcpt": lambda _: "530 5.7.0 Authentication required"}, "530 5.7.0 Authentication required", True),
    ],
)
def test_what_the_server_says_of_all_mail(
    session: Session, smtp: SmtpServer, make_mail: Make, behaviour: dict[str, Any], words: str, misconfigured: bool,
    clock: Clock,
) -> None:  # fmt: skip
    make_mail()
    smtp.behaviour = Behaviour(**behaviour)
    send_due()
    state = relay.relay()
    assert state is not None and (state.last_error, state.misconfigured) == (words, misconfigured)
    session.rollback()
    assert set(session.execute(select(Mail.state, Mail.attempts, Mail.lease))) == {(MailState.QUEUED, 0, None)}
    smtp.behaviour = Behaviour()
    run_as_later(clock, timedelta(minutes=1))
    assert states(session) == {MailState.SENT: 1}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "wrong",
    [
        ("smtp://console%40example.test:wrong@localhost:{auth}?timeout=2", "535 5.7.8"),
        ("smtp://u:p@localhost:{plain}?timeout=2", "does not offer what is set"),
        ("smtp+starttls://localhost:{plain}?timeout=2", "does not offer what is set"),
        ("smtp+starttls://localhost:{starttls}?timeout=2", "its certificate is not trusted: self-signed certificate"),
        ("smtps://localhost:{tls}?timeout=2", "its certificate is not trusted: self-signed certificate"),
        ("smtps://127.0.0.1:{tls}?timeout=2&ca={ca}", "its certificate is not trusted: IP address mismatch"),
        ("smtps://localhost:{plain}?timeout=2", "TLS does not come about"),
        ("smtp://localhost:{auth}?timeout=2", "530"),
    ],
)
def test_a_wrong_setting_waits_for_ever_and_says_so(
    settings: Settings, session: Session, smtp: SmtpServer, make_app: MakeApp, make_mail: Make, clock: Clock,
    caplog: pytest.LogCaptureFixture, wrong: tuple[str, str],
) -> None:  # fmt: skip
    (url, words), _ = wrong, make_mail()
    with make_app(replace(settings, smtp_url=url.format(**smtp.ports, ca=smtp.ca_file))).app_context():
        for _ in range(3):
            send_due()
            clock.advance(GIVE_UP_AFTER)
        state = relay.relay()
        assert state is not None and state.misconfigured and words in state.last_error
        found = [finding for finding in doctor.examine() if "mail" in finding.words.lower()]
    assert states(session) == {MailState.QUEUED: 1} and smtp.received == []
    assert "mail server refuses us, mail waits" in caplog.text and "wrong" not in caplog.text
    assert [finding.level for finding in found if words in finding.words].count(doctor.Level.FAULT) >= 1


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "own",
    [
        {"env": "development"},
        {
            "env": "production",
            "secret_key": "x" * 40,
            "seal_keys": ("b3duLXNlYWwta2V5LW9mLWFuLWluc3RhbGxhdGlvbiE=",),
        },
    ],
)
def test_without_a_server_mail_waits_outside_of_a_demo(
    own: dict[str, Any],
    settings: Settings,
    session: Session,
    make_app: MakeApp,
    make_mail: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_mail()
    with make_app(replace(settings, smtp_url=None, **own)).app_context():
        send_due()
        send_due()
        words = [finding.words for finding in doctor._mail_server()]
    assert states(session) == {MailState.QUEUED: 1}
    assert caplog.text.count("CONSOLE_SMTP_URL is not set") == 1 and "CONSOLE_SMTP_URL" in words[0]


def test_a_demo_without_a_server_has_its_mailbox(
    settings: Settings, session: Session, make_app: MakeApp, make_mail: Make, fresh: Fresh, smtp: SmtpServer
) -> None:
    now = core_clock.now()
    mail, held = make_mail(send_after=now - timedelta(days=2)), make_mail(send_after=now + timedelta(seconds=10))
    with make_app(replace(settings, env="demo", smtp_url=None)).app_context():
        send_due()
    sent = fresh(mail)
    assert sent.state is MailState.SENT and sent.sent_at == sent.send_after and sent.last_error == ""
    assert fresh(held).state is MailState.QUEUED and smtp.connections == 0


# --- links that open something -------------------------------------------------------------------------------------


def _dump(session: Session) -> str:
    """Everything in the database, as text."""
    session.rollback()
    tables = [table for table in Base.metadata.sorted_tables if table.name != "audit_entries"]
    rows = [tuple(row) for table in tables for row in session.execute(select(table))]
    return "\n".join(map(str, rows)) + str([entry.data for entry in session.scalars(select(AuditEntry))])


def test_no_link_that_opens_something_is_in_the_database(
    session: Session, smtp: SmtpServer, fresh: Fresh, actor: Callable[[str], Actor]
) -> None:
    """Before it is sent, afterwards and in what is sent again; its receiver has it in both parts."""
    agent, billing, staff = actor("agent"), actor("billing"), factories.make_staff()
    ticket = make_ticket(agent, requester_email="ana@example.test")
    with transaction():
        ticket_messages.reply(agent, ticket.id, Writing("Poštovana, gotovo.", "c1", anyway=True))
        letters.solved(ticket)
        cards.ask(agent, ticket_verification.channel(ticket))
        password_reset.ask(staff.email, None)
    mails = session.scalars(select(Mail).where(Mail.private).order_by(Mail.id)).all()
    kinds = {"ticket_opened", "ticket_reply", "ticket_solved", "verification_asked", "staff_password_reset"}
    assert {mail.template for mail in mails} == kinds
    received = {mail.template: reading.whole(mail) for mail in mails}
    opens = re.compile(r"/(?:t|v|reset)/([\w.~-]{16,})")
    secrets = {name: set(opens.findall(content.text)) for name, content in received.items()}
    assert all(len(found) == 1 and found == set(opens.findall(received[name].html)) for name, found in secrets.items())
    every = set[str]().union(*secrets.values())
    assert len(every) == 3  # the ticket's, the card's, the password's
    keys = {mail.template: mail.id for mail in mails}
    dumped = _dump(session)
    core_clock.start_at(core_clock.now() + timedelta(minutes=1))  # a reply waits for a moment
    send_due()
    dumped += _dump(session)
    assert not [secret for secret in every if secret in dumped]
    session.rollback()
    assert {mail.sealed_links for mail in session.scalars(select(Mail))} == {None}
    wires = {str(one.message["Message-ID"]): one.message for one in smtp.received}
    for key in keys.values():
        mail = session.get_one(Mail, key)
        for part in ("plain", "html"):
            body = wires[mail.message_id].get_body([part])
            assert body is not None and set(opens.findall(body.get_content())) == secrets[mail.template]
        readable = reading.without_links(mail)
        assert readable.taken and "Link-" not in readable.text + readable.html
    smtp.received.clear()
    with transaction():
        resend(billing, keys["ticket_reply"])
    with pytest.raises(Conflict) as refused, transaction():
        resend(actor("supervisor"), keys["verification_asked"])
    assert refused.value.code == "link_gone"
    send_due()
    [again] = smtp.received
    assert secrets["ticket_reply"] <= set(opens.findall(str(again.message.get_body(["plain"]))))
    assert not [secret for secret in every if secret in _dump(session)]


def test_a_link_that_no_key_opens_fails_visibly(
    session: Session, smtp: SmtpServer, fresh: Fresh, actor: Callable[[str], Actor]
) -> None:
    ticket = make_ticket(actor("agent"))
    mail = session.scalars(select(Mail).where(Mail.subject_ref == f"ticket:{ticket.id}")).one()
    with transaction():
        mail.sealed_links = Sealer((new_key(),)).seal(b"{}")
    send_due()
    assert fresh(mail).state is MailState.FAILED and "CONSOLE_SEAL_KEYS" in fresh(mail).last_error
    assert smtp.received == []


# --- conversations that break off ----------------------------------------------------------------------------------


def test_cut_in_mid_message(session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, clock: Clock) -> None:
    """The mail that was being sent is tried again later, those behind it at once over a new connection."""
    first, bad, behind = make_mail(), make_mail(to_address="cut@example.test"), make_mail()
    smtp.behaviour = Behaviour(cuts_in_data=lambda to: to.startswith("cut"))
    send_due()
    assert [each.message_id for each in smtp.received] == [first.message_id, behind.message_id]
    waiting = fresh(bad)
    assert waiting.state is MailState.QUEUED and waiting.attempts == 1 and waiting.last_error
    assert smtp.connections == 2
    smtp.behaviour = Behaviour()
    run_as_later(clock, timedelta(minutes=2))
    assert [each.message_id for each in smtp.to("cut@example.test")] == [bad.message_id]


def test_a_server_that_always_cuts_pauses_the_queue(session: Session, smtp: SmtpServer, make_mail: Make) -> None:
    for _ in range(10):
        make_mail()
    smtp.behaviour = Behaviour(cuts_in_data=lambda _: True)
    send_due()
    session.rollback()
    assert sorted(session.scalars(select(Mail.attempts))) == [0] * 7 + [1] * 3
    assert relay.relay() is not None and states(session) == {MailState.QUEUED: 10}


def test_an_answer_that_never_comes_is_not_asked_for_twice_at_once(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, clock: Clock
) -> None:
    """It may have arrived: it goes out again, later, as the same message, for the receiver to recognise."""
    make_mail()
    mail = make_mail(to_address="silent@example.test")
    smtp.behaviour = Behaviour(cuts_after_data=lambda to: to.startswith("silent"))
    send_due()
    assert len(smtp.to(mail.to_address)) == 1 and fresh(mail).state is MailState.QUEUED
    smtp.behaviour = Behaviour()
    run_as_later(clock, timedelta(minutes=2))
    first, second = smtp.to(mail.to_address)
    assert first.message_id == second.message_id and first.message["Date"] == second.message["Date"]
    assert fresh(mail).state is MailState.SENT


def test_a_server_that_closes_after_some_mails(session: Session, smtp: SmtpServer, make_mail: Make) -> None:
    for _ in range(7):
        make_mail()
    smtp.behaviour = Behaviour(most_mails=3, seconds=lambda: 0.02)
    send_due()
    assert states(session) == {MailState.SENT: 7} and len(smtp.received) == 7
    session.rollback()
    assert set(session.scalars(select(Mail.attempts))) == {1}


# --- leases --------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_what_one_worker_holds_no_other_takes(
    settings: Settings, session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, clock: Clock
) -> None:
    mail = make_mail()
    assert settings.smtp is not None
    gone, other = Round(settings.smtp), Round(settings.smtp)
    [letter] = gone.claim()
    assert other.claim() == []
    with transaction():
        assert not cancel(mail.id)  # it is on its way
    clock.advance(gone.lease)  # and its worker was killed
    assert [again.message_id for again in other.claim()] == [letter.message_id]
    gone.send(letter)  # or only slept: its result no longer counts
    assert fresh(mail).lease == other.me
    other.send(letter)
    assert fresh(mail).state is MailState.SENT
    gone.connection.close()
    other.connection.close()


@pytest.mark.both
def test_a_lease_that_grows_short_is_renewed_before_sending(
    settings: Settings, session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, clock: Clock
) -> None:
    leased, lost = make_mail(), make_mail()
    assert settings.smtp is not None
    worker = Round(settings.smtp)
    letters = {letter.id: letter for letter in worker.claim()}
    with transaction():
        fresh_lost = session.get_one(Mail, lost.id)
        fresh_lost.lease = "another"
    worker.held_until = 0.0
    clock.advance(timedelta(seconds=10))
    worker.send(letters[lost.id])
    assert smtp.received == [] and fresh(lost).state is MailState.QUEUED
    until = fresh(leased).leased_until
    assert until is not None and until >= core_clock.now() + worker.lease - timedelta(seconds=5)
    worker.send(letters[leased.id])
    worker.connection.close()
    assert [each.message_id for each in smtp.received] == [leased.message_id]


@pytest.mark.both
def test_told_to_stop_it_lets_go_of_the_rest(session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh) -> None:
    mails = [make_mail() for _ in range(5)]
    smtp.behaviour = Behaviour(seconds=lambda: 0.0, rcpt=lambda _: sending.finish(0.0))
    send_due()
    assert len(smtp.received) == 1
    assert {fresh(mail).lease for mail in mails} == {None}
    sending.resume()
    smtp.behaviour = Behaviour()
    send_due()
    assert len(smtp.received) == 5


@pytest.mark.both
def test_the_queue_is_read_by_index(session: Session, app: Flask, database: str) -> None:
    """At a hundred thousand sent mails, finding what is due does not look at them."""
    plan = "EXPLAIN QUERY PLAN " if database.startswith("sqlite") else "EXPLAIN "
    found = select(sending._due(BATCH).c.id)
    if not database.startswith("sqlite"):
        session.execute(text("SET enable_seqscan = off"))  # SET LOCAL ends with its statement
    sql = str(found.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
    lines = "".join(str(row) for row in session.connection().exec_driver_sql(plan + sql))
    if not database.startswith("sqlite"):
        session.execute(text("RESET enable_seqscan"))
    assert "ix_mail_state_send_after_id" in lines
    assert "TEMP B-TREE" not in lines and "Sort" not in lines


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://podrska.example.rs", "podrska.example.rs"),
        ("http://127.0.0.1:8000", "[127.0.0.1]"),
        ("http://[::1]:8000", "[IPv6:::1]"),
    ],
)
def test_the_name_we_greet_with(url: str, name: str) -> None:
    assert helo_name(url) == name


def test_a_server_that_hangs_is_left_in_time(
    settings: Settings, session: Session, make_app: MakeApp, make_mail: Make
) -> None:
    """It accepts and says nothing."""
    make_mail()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}?timeout=1"
        with make_app(replace(settings, smtp_url=url)).app_context():
            send_due()
            state = relay.relay()
    assert state is not None and state.last_error == "no answer within 1 seconds"
