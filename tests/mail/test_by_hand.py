"""Sending once more and withdrawing, by whoever may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock as core_clock
from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, NotFound
from console.core.transaction import transaction
from console.mail.models import Mail, MailState
from console.mail.sending import send_due
from console.mail.service import resend, withdraw
from console.staff.roles import Permission, Role
from tests.conftest import Clock
from tests.factories.tickets import make_department, make_ticket
from tests.support.smtp import Behaviour, SmtpServer

Make = Callable[..., Mail]
Fresh = Callable[[Mail], Mail]
Who = Callable[[str], Actor]


def last_entry(session: Session) -> AuditEntry:
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    session.rollback()
    return entry


def test_a_failed_one_goes_out_as_the_same_message(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, actor: Who
) -> None:
    mail = make_mail(private=True)
    message_id = mail.message_id
    smtp.behaviour = Behaviour(rcpt=lambda _: "550 5.1.1 No such mailbox")
    send_due()
    supervisor = actor("supervisor")
    with transaction():
        assert resend(supervisor, mail.id).id == mail.id
    again = fresh(mail)
    assert again.state is MailState.QUEUED and again.attempts == 0 and again.last_error == ""
    assert again.failed_at is None and again.first_try_at is None
    smtp.behaviour = Behaviour()
    send_due()
    assert [each.message_id for each in smtp.received] == [message_id]
    assert last_entry(session).action == "mail.resent"


@pytest.mark.both
def test_a_sent_one_goes_out_as_a_copy_and_only_one_at_a_time(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, actor: Who
) -> None:
    mail = make_mail(to_name="Ana", private=True, in_reply_to="<a@b>", references="<a@b>")
    send_due()
    billing = actor("billing")
    with transaction():
        copy = resend(billing, mail.id)
        facts = (copy.id, copy.message_id, copy.copy_of_id, copy.private, copy.state)
    assert facts[0] != mail.id and facts[1] != mail.message_id
    assert facts[2:] == (mail.id, True, MailState.QUEUED)
    with pytest.raises(Conflict) as refused, transaction():
        resend(billing, mail.id)
    assert refused.value.code == "waiting"
    send_due()
    first, second = smtp.received
    assert (first.message_id, second.message_id) == (mail.message_id, facts[1])
    for name in ("Subject", "To", "In-Reply-To", "References"):
        assert first.message[name] == second.message[name]
    with transaction():
        assert resend(billing, mail.id).copy_of_id == mail.id  # the copy has left: another may


@pytest.mark.both
def test_one_that_waits_for_its_next_try_goes_at_once(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, actor: Who
) -> None:
    mail = make_mail()
    admin = actor("admin")
    with pytest.raises(Conflict), transaction():
        resend(admin, mail.id)  # it waits for the first one
    smtp.behaviour = Behaviour(rcpt=lambda _: "451 later")
    send_due()
    smtp.behaviour = Behaviour()
    send_due()
    assert smtp.received == []
    with transaction():
        resend(admin, mail.id)
    send_due()
    assert [each.message_id for each in smtp.received] == [mail.message_id]


def test_what_waits_can_be_withdrawn(
    session: Session, smtp: SmtpServer, make_mail: Make, fresh: Fresh, actor: Who, clock: Clock
) -> None:
    mail, leaving, sent = make_mail(), make_mail(), make_mail()
    supervisor = actor("supervisor")
    with transaction():
        session.get_one(Mail, leaving.id).leased_until = core_clock.now() + timedelta(minutes=1)
        session.get_one(Mail, sent.id).state = MailState.SENT
    with transaction():
        withdraw(supervisor, mail.id)
    assert last_entry(session).action == "mail.withdrawn"
    for other in (mail, leaving, sent):
        with pytest.raises(Conflict) as refused, transaction():
            withdraw(supervisor, other.id)
        assert refused.value.code == "gone"
    with pytest.raises(Conflict) as refused, transaction():
        resend(supervisor, mail.id)
    assert refused.value.code == "withdrawn"
    send_due()
    assert smtp.received == []
    clock.advance(timedelta(minutes=2))  # who was sending it is gone
    with transaction():
        withdraw(supervisor, leaving.id)
    assert fresh(leaving).state is MailState.CANCELLED


def test_who_may(session: Session, make_mail: Make, actor: Who) -> None:
    mail = make_mail()
    agent = actor("agent")
    for verb in (resend, withdraw):
        with pytest.raises(NotFound), transaction():
            verb(agent, mail.id)
        with pytest.raises(NotFound), transaction():
            verb(actor("supervisor"), 999_999)
    assert all(actor(role).may(Permission.SEE_MAIL) for role in Role)
    assert [role for role in Role if actor(role).may(Permission.RESEND_MAIL)] == [
        Role.BILLING,
        Role.SUPERVISOR,
        Role.ADMIN,
    ]


def test_a_mail_of_a_private_department_is_there_for_its_people_alone(session: Session, actor: Who) -> None:
    """Asked by the verbs, whichever page or program calls them."""
    with transaction():
        department = make_department("Zloupotrebe", private=True)
    ticket = make_ticket(SYSTEM, department)
    mail = session.scalars(select(Mail).where(Mail.subject_ref == f"ticket:{ticket.id}")).one()
    billing = actor("billing")
    for deed in (resend, withdraw):
        with pytest.raises(NotFound), transaction():
            deed(billing, mail.id)
    with transaction():
        assert withdraw(actor("supervisor"), mail.id).state is MailState.CANCELLED
