"""Where a message goes: its ticket, a note that waits, a ticket of its own; and who is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM, Actor
from console.core.clock import now
from console.core.context import files
from console.core.transaction import transaction
from console.mail.mailboxes.models import Mailbox
from console.mail.models import Mail
from console.mail.receiving import incoming
from console.mail.receiving.models import IncomingKind, IncomingMail, IncomingState, Proof
from console.staff.roles import Role
from console.tickets.mail_in import addresses
from console.tickets.mail_in.service import decisions
from console.tickets.mail_in.service.receiving import deliver_stored, receive
from console.tickets.models import MessageKind, Ticket, TicketStatus
from console.tickets.service import merging, messages, properties
from tests import factories
from tests.conftest import Clock
from tests.factories.tickets import make_department, make_ticket
from tests.tickets.mail_in.scene import ANA, OURS, SERVER, entries, mails_to, make_raw, proven, steps, take, ticket_of

ActorOf = Callable[[Role | str], Actor]


@pytest.fixture(autouse=True)
def _department(session: Session) -> None:
    make_department(key="prodaja")


@pytest.fixture
def agent(actor: ActorOf) -> Actor:
    return actor("agent")


@pytest.fixture
def ticket() -> Ticket:
    return ticket_of(take(make_raw(auth=proven())))


def reply_address() -> str:
    return str(mails_to(ANA)[-1].reply_to)


# --- a new ticket


def test_a_question_is_a_ticket_and_is_confirmed_in_its_language(session: Session) -> None:
    row = take(make_raw("Hello, my site is down. Can you please help me with it?", auth=proven()))
    ticket = ticket_of(row)
    assert (ticket.language, ticket.requester_email, ticket.source.value) == ("en", ANA, "mail")
    (mail,) = mails_to(ANA, "ticket_opened")
    assert mail.language == "en"
    assert mail.in_reply_to == row.message_id
    assert addresses.read_signed([str(mail.reply_to)]) == addresses.Signed(ticket, own=True)
    assert steps(row) == ["received", "sender", "opened", "answered"]


def test_a_pin_is_masked_in_text_subject_and_name() -> None:
    row = take(make_raw("Moj PIN je 123456.", subject="PIN 123456", sender="PIN 123456 <x@gost.test>"))
    ticket = ticket_of(row)
    for text in (ticket.subject, ticket.requester_name, entries(ticket, MessageKind.QUESTION)[0].body, row.subject):
        assert "123456" not in text
        assert "••••••" in text


def test_a_pin_is_masked_in_a_text_that_is_too_long_for_an_entry() -> None:
    row = take(make_raw("Moj PIN je 123456.\n" + "Dugačka priča.\n" * 9_000))
    (file,) = entries(ticket_of(row), MessageKind.QUESTION)[0].attachments
    assert file.name == "message.txt"
    assert b"123456" not in files().get(file.digest)


def test_the_language_is_that_of_the_writer_not_of_the_quote() -> None:
    quote = (
        "\n\nOn Mon, 23 Nov 2026 at 10:15, Mint <p@x.rs> wrote:\n> Poštovani, sajt je vraćen i sve radi kako treba.\n"
    )
    assert ticket_of(take(make_raw(f"Please help.{quote}{'> Hvala na strpljenju. ' * 9}"))).language == "en"


def test_the_account_is_known_only_where_the_sender_is_proven() -> None:
    persona = factories.ana()
    email = persona.owner.person.email
    domain = email.rpartition("@")[2]
    assert ticket_of(take(make_raw(sender=email))).customer_id is None
    assert ticket_of(take(make_raw(sender=email, auth=proven(domain)))).customer_id == persona.customer.id


def test_the_mailbox_says_the_department(session: Session) -> None:
    other = make_department("Računi")
    with transaction():
        box = Mailbox(
            key="racuni", address="racuni@example.test", department_id=other.id, language="en", signature="",
            active=True, created_at=now(),
        )  # fmt: skip
        session.add(box)
    assert ticket_of(take(make_raw("12 34"), mailbox=box)).department_id == other.id


# --- once


@pytest.mark.both
def test_each_message_once_however_it_comes(session: Session) -> None:
    raw = make_raw(auth=proven())
    first = receive(raw)
    assert receive(raw) == first
    assert receive(b"Received: from b by a; Mon, 23 Nov 2026 10:00:00 +0100\r\n" + raw) == first
    with transaction():
        box = Mailbox(key="b", address="b@example.test", language="", signature="", active=True, created_at=now())
        session.add(box)
    copy = take(raw, mailbox=box)
    assert (copy.state, copy.reason, copy.duplicate_of_id) == (IncomingState.IGNORED, "duplicate", first)
    assert session.scalar(select(func.count(Ticket.id))) == 1


def test_a_copy_that_came_before_the_first_was_read_shows_its_ticket(session: Session, agent: Actor) -> None:
    raw = make_raw(auth=proven())
    with transaction():
        box = Mailbox(key="b", address="b@example.test", language="", signature="", active=True, created_at=now())
        session.add(box)
        first, copy = incoming.store(raw, via="imap"), incoming.store(raw, via="imap", mailbox=box)
    assert copy.ticket_id is None
    deliver_stored(first.id)
    session.expire_all()
    assert first.ticket_id is not None
    for name in ("ticket_id", "from_address", "subject", "message_id", "kind"):
        assert getattr(copy, name) == getattr(first, name)
    with transaction():
        decisions.mark_spam(agent, first.id)
    with transaction():
        ticket = decisions.not_spam(agent, first.id)
    assert session.get_one(IncomingMail, copy.id, populate_existing=True).ticket_id == ticket.id


@pytest.mark.both
def test_two_workers_with_one_message_deliver_it_once(
    app: Flask, session: Session, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    raws = [
        make_raw(f"Pitanje {place}", auth=proven(f"firma{place}.test"), sender=f"a@firma{place}.test")
        for place in range(5)
    ]
    session.rollback()

    def work() -> None:
        with app.app_context():
            for raw in raws:
                receive(raw)

    in_threads(work, 4)
    assert session.scalar(select(func.count(Ticket.id))) == len(raws)
    assert session.scalar(select(func.count(IncomingMail.id))) == len(raws)
    assert len(mails_to("a@firma0.test")) == 1


# --- which ticket


@pytest.mark.parametrize("way", ["thunderbird", "outlook", "gmail", "apple"])
def test_the_usual_clients_stay_in_one_ticket(ticket: Ticket, way: str) -> None:
    sent = mails_to(ANA)[-1]
    headers = {
        "thunderbird": {"In_Reply_To": sent.message_id, "References": f"<prva@gost.test> {sent.message_id}"},
        "outlook": {"In_Reply_To": sent.message_id, "Thread_Index": "AQHZ", "Thread_Topic": "Ne radi sajt"},
        "gmail": {"References": sent.message_id},
        "apple": {"In_Reply_To": sent.message_id, "X_Mailer": "iPhone Mail (21A)"},
    }[way]
    row = take(make_raw("Još uvek ne radi.", to=str(sent.reply_to).upper(), auth=proven(), **headers))
    assert row.ticket_id == ticket.id
    assert [message.body for message in entries(ticket, MessageKind.QUESTION)][1:] == ["Još uvek ne radi."]


def test_a_subject_leads_nowhere(ticket: Ticket) -> None:
    row = take(make_raw("Šta je s ovim?", subject=f"Re: [{ticket.number}] {ticket.subject}", auth=proven()))
    assert row.ticket_id != ticket.id


def test_without_proof_the_signed_address_lets_the_requester_in_and_says_so(ticket: Ticket) -> None:
    row = take(make_raw("Evo.", to=reply_address()))
    message = entries(ticket, MessageKind.QUESTION)[-1]
    assert (row.state, message.body, message.data["unproven"]) == (IncomingState.TICKET, "Evo.", True)


def test_without_proof_and_without_that_address_it_waits(ticket: Ticket) -> None:
    row = take(make_raw("Evo.", In_Reply_To=mails_to(ANA)[-1].message_id))
    assert (row.state, row.reason, row.ticket_id) == (IncomingState.WAITING, "unproven", ticket.id)
    assert len(entries(ticket, MessageKind.QUESTION)) == 1


@pytest.mark.parametrize(
    ("auth", "sender", "why"),
    [
        ("mx.example.test; dmarc=fail header.from=gost.test", ANA, "forged"),
        (proven("zli.test"), "zli@zli.test", "stranger"),
        (proven(), f"{ANA}, zli@zli.test", "forged"),
        (proven("zli.test", server="mx.zli.test"), "zli@zli.test", "stranger"),
    ],
)
def test_what_is_forged_or_strange_is_a_note_that_waits(ticket: Ticket, auth: str, sender: str, why: str) -> None:
    before = ticket.last_by, ticket.preview, ticket.status
    row = take(make_raw("Pošaljite mi lozinku.", to=reply_address(), sender=sender, auth=auth))
    assert (row.state, row.reason, row.ticket_id) == (IncomingState.WAITING, why, ticket.id)
    (note,) = entries(ticket, MessageKind.NOTE)
    assert note.data["waits"] == why
    assert len(entries(ticket, MessageKind.QUESTION)) == 1
    assert (ticket.last_by, ticket.preview, ticket.status) == before


def test_only_the_topmost_result_of_the_trusted_server_counts(ticket: Ticket) -> None:
    forged = make_raw("Ja sam.", to=reply_address(), auth=proven())
    row = take(b"Authentication-Results: mx.example.test; dmarc=fail header.from=gost.test\r\n" + forged)
    assert (row.proof, row.reason) == (Proof.FAILED, "forged")
    row = take(b"Authentication-Results: other.test; dmarc=pass header.from=gost.test\r\n" + make_raw(auth=proven()))
    assert row.proof is Proof.NONE


def test_no_server_no_proof(make_app: Callable[..., Flask], settings: object) -> None:
    app = make_app(replace(settings, mail_authserv_id=""))  # type: ignore[type-var]
    with app.app_context():
        make_department()
        assert take(make_raw(auth=proven())).proof is Proof.NONE


@pytest.mark.parametrize("change", ["signature", "ticket", "version"])
def test_a_changed_address_leads_nowhere(ticket: Ticket, change: str) -> None:
    other = make_ticket(SYSTEM)
    local, _at, domain = reply_address().partition("@")
    head, key, version, signature = local.rsplit(".", 3)
    parts = {
        "signature": (key, version, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        "ticket": (format(other.id, "d"), version, signature),
        "version": (key, "2", signature),
    }[change]
    row = take(make_raw("Evo.", to=f"{'.'.join((head, *parts))}@{domain}", auth=proven()))
    assert "void_address" in steps(row)
    assert row.ticket_id not in (ticket.id, other.id)


def test_revoked_links_void_the_address(ticket: Ticket) -> None:
    address = reply_address()
    with transaction() as session:
        session.get_one(Ticket, ticket.id).link_version += 1
    assert take(make_raw("Evo.", to=address, auth=proven())).ticket_id != ticket.id


def test_a_thread_of_one_ticket_and_an_address_of_another_wait(ticket: Ticket) -> None:
    other = ticket_of(take(make_raw("Drugo pitanje.", subject="Drugo", auth=proven())))
    first, second = mails_to(ANA)[-2:]
    row = take(make_raw("Evo.", to=str(second.reply_to), In_Reply_To=first.message_id, auth=proven()))
    assert (row.state, row.reason) == (IncomingState.WAITING, "conflict")
    assert not [m for one in (ticket, other) for m in entries(one, MessageKind.QUESTION)[1:]]


def test_a_closed_ticket_gets_a_follow_up(ticket: Ticket, agent: Actor) -> None:
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.CLOSED)
    row = take(make_raw("Opet ne radi.", to=reply_address(), auth=proven()))
    follow_up = ticket_of(row)
    assert follow_up.id != ticket.id
    assert entries(follow_up, MessageKind.QUESTION)[0].body == "Opet ne radi."
    confirmation = mails_to(ANA)[-1]
    assert (confirmation.template, confirmation.subject_ref) == ("ticket_opened", f"ticket:{follow_up.id}")
    assert (confirmation.in_reply_to, confirmation.subject) == (row.message_id, "Re: Ne radi sajt")
    assert entries(follow_up, MessageKind.QUESTION)[0].mail_id == confirmation.id


def test_a_follow_up_of_a_mailbox_is_confirmed_from_there_and_only_to_a_person(
    session: Session, ticket: Ticket, agent: Actor
) -> None:
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.CLOSED)
        box = Mailbox(key="b", address="b@example.test", language="", signature="", active=True, created_at=now())
        session.add(box)
    to, count = reply_address(), len(mails_to(ANA))
    waits = take(make_raw("Nije moje.", to=to, auth=f"{SERVER}; dmarc=fail"))
    with transaction():
        decisions.add_to_ticket(agent, waits.id)
    assert len(mails_to(ANA)) == count
    later = ticket_of(waits)
    assert later.id != ticket.id
    with transaction():
        properties.set_status(agent, [later.id], TicketStatus.CLOSED)
    take(make_raw("Opet ne radi.", to=to, auth=proven()), mailbox=box)
    assert mails_to(ANA)[-1].from_address == "b@example.test"


def test_a_follow_up_stays_where_the_closed_ticket_was(session: Session, ticket: Ticket, agent: Actor) -> None:
    """Its department may be out of use since, and its service another account's."""
    service = factories.make_service(factories.make_customer())
    with transaction():
        ticket.customer_id, ticket.service_id = service.customer_id, service.id
        properties.set_status(agent, [ticket.id], TicketStatus.CLOSED)
    with transaction():
        ticket.department.active = False
        service.customer_id = factories.make_customer().id
    row = take(make_raw("Opet ne radi.", to=reply_address(), auth=proven()))
    follow_up = ticket_of(row)
    assert (row.state, row.reason) == (IncomingState.TICKET, "")
    assert (follow_up.department_id, follow_up.service_id) == (ticket.department_id, None)
    assert follow_up.customer_id == ticket.customer_id


def test_merged_requesters_stay_apart(ticket: Ticket, agent: Actor) -> None:
    other = ticket_of(take(make_raw("I meni.", sender="Jova <jova@gost.test>", auth=proven())))
    with transaction():
        merging.merge(agent, [other.id], ticket.id, different_requesters=True)
    row = take(make_raw("Jova javlja.", sender="jova@gost.test", to=reply_address(), auth=proven()))
    assert row.state is IncomingState.TICKET
    assert "Jova javlja." not in [message.body for message in entries(ticket, MessageKind.QUESTION)]


def test_a_colleague_of_the_account_writes_under_their_own_name() -> None:
    firm = factories.firma()
    email, domain = firm.owner.person.email, firm.owner.person.email.rpartition("@")[2]
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email="radnik@radnja.test", customer_id=firm.customer.id)
        address = str(addresses.reply_address(ticket))
    assert take(make_raw("Ja ću.", sender=email, to=address)).reason == "unproven"
    take(make_raw("Ja ću opet.", sender=email, to=address, auth=proven(domain)))
    message = entries(ticket, MessageKind.QUESTION)[-1]
    assert (message.body, message.name) == ("Ja ću opet.", firm.owner.person.name)


def test_a_quote_shows_no_link_and_no_address_of_ours(ticket: Ticket) -> None:
    quoted = f"Evo.\n\nDana 23.11.2026. u 10:15, {reply_address()} je napisao/la:\n> http://x.test/t/AbcdefGhijklmnopQrst12\n"
    take(make_raw(quoted, to=reply_address(), auth=proven()))
    body = entries(ticket, MessageKind.QUESTION)[-1].body
    assert "AbcdefGhijklmnopQrst12" not in body
    assert "+t." not in body


# --- staff


def test_staff_answer_by_their_own_address_with_dmarc_alone(ticket: Ticket) -> None:
    staff = factories.make_staff(Role.AGENT)
    domain = staff.email.rpartition("@")[2]
    address = str(addresses.staff_address(ticket, staff.id, staff.email))
    body = "Rešeno.\n\nOn 23.11.2026. at 10:15, Ana <a@b.test> wrote:\n> staro"
    take(make_raw(body, sender=staff.email, to=address, auth=proven(domain)))
    (reply,) = entries(ticket, MessageKind.REPLY)
    assert (reply.body, reply.staff_id, reply.via) == ("Rešeno.", staff.id, "mail")
    assert mails_to(ANA, "ticket_reply")
    for raw in (
        make_raw("Lažno.", sender=staff.email, to=address),
        make_raw("Lažno 2.", sender=staff.email, to=address, auth=f"mx.example.test; spf=pass smtp.mailfrom={domain}"),
        make_raw("Lažno 3.", sender=staff.email, to=reply_address(), auth=proven(domain)),
        make_raw("Lažno 4.", sender=ANA, to=address, auth=proven()),
    ):
        row = take(raw)
        assert (row.state, row.reason) == (IncomingState.WAITING, "staff")
    assert len(entries(ticket, MessageKind.REPLY)) == 1
    assert len(entries(ticket, MessageKind.QUESTION)) == 1


# --- what is never answered


MACHINES = {
    "rfc3834": {"Auto_Submitted": "auto-replied"},
    "outlook": {"Auto_Submitted": "auto-generated", "X_Auto_Response_Suppress": "All", "In_Reply_To": "<x@y.test>"},
    "gmail": {"Auto_Submitted": "auto-replied (vacation)", "Precedence": "bulk", "X_Autoreply": "yes"},
    "vacation": {"Precedence": "auto_reply"},
    "cpanel": {"X_Autorespond": "Odsutan"},
    "subject": {"subject": "Automatski odgovor: Ne radi sajt"},
}


@pytest.mark.parametrize("headers", MACHINES.values(), ids=MACHINES)
def test_out_of_office_is_answered_by_nothing_and_reopens_nothing(
    ticket: Ticket, agent: Actor, headers: dict[str, str]
) -> None:
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.SOLVED)
    count = len(mails_to(ANA))
    row = take(make_raw("Nisam tu do ponedeljka.", to=reply_address(), auth=proven(), **headers))
    assert row.kind is IncomingKind.AUTO_REPLY
    assert ticket.status is TicketStatus.SOLVED
    assert [note.body for note in entries(ticket, MessageKind.NOTE)] == ["Nisam tu do ponedeljka."]
    alone = take(make_raw("Nisam tu.", auth=proven(), **headers))
    assert alone.kind is IncomingKind.AUTO_REPLY
    assert len(mails_to(ANA)) == count


@pytest.mark.parametrize(
    ("sender", "headers", "kind"),
    [
        ("no-reply@banka.test", {}, IncomingKind.NO_REPLY),
        ("ne-odgovaraj@banka.test", {}, IncomingKind.NO_REPLY),
        ("lista@gost.test", {"List_Id": "<l.gost.test>"}, IncomingKind.LIST),
        ("nadzor@gost.test", {"Auto_Submitted": "auto-generated"}, IncomingKind.AUTOMATIC),
    ],
)
def test_machines_get_a_ticket_and_no_answer(sender: str, headers: dict[str, str], kind: IncomingKind) -> None:
    row = take(make_raw(sender=sender, auth=proven("banka.test"), **headers))
    assert row.kind is kind
    assert row.ticket_id is not None
    assert mails_to(sender) == []


def test_our_own_address_to_itself_is_nothing() -> None:
    for sender in (OURS, OURS.replace("@", "+t.1.1.00000000000000000000@")):
        row = take(make_raw(sender=sender, auth=proven("example.test")))
        assert (row.state, row.reason) == (IncomingState.IGNORED, "own")


def test_a_hundred_mails_in_a_minute_get_three_answers(session: Session) -> None:
    states = [take(make_raw(f"Poruka {place}", auth=proven())).state for place in range(100)]
    assert len(mails_to(ANA)) == 3
    assert states.count(IncomingState.TICKET) == 30
    assert states.count(IncomingState.WAITING) == 70
    assert session.scalar(select(func.count(IncomingMail.id))) == 100


def test_out_of_office_against_out_of_office_ends(session: Session) -> None:
    """Each of our mails is answered by a machine that hides what it is: it dies by count."""
    take(make_raw("Nisam tu.", auth=proven()))
    for turn in range(60):
        sent = mails_to(ANA)
        if turn >= len(sent):
            break
        take(
            make_raw(f"Nisam tu {turn}.", to=str(sent[turn].reply_to), In_Reply_To=sent[turn].message_id, auth=proven())
        )
    assert len(mails_to(ANA)) <= 3
    assert session.scalar(select(func.count(Ticket.id))) == 1


# --- spam


def test_blocked_senders_and_the_servers_mark_are_spam(agent: Actor) -> None:
    row = take(make_raw(sender="x@mail.smece.test"))
    with transaction():
        decisions.mark_spam(agent, row.id, block="domain")
    assert ticket_of(row).status is TicketStatus.CLOSED
    assert take(make_raw(sender="y@mail.smece.test")).reason == "blocked"
    assert take(make_raw(sender="y@dobar.mail.smece.test")).reason == "blocked"
    assert take(make_raw(sender="y@smece.test")).state is IncomingState.TICKET
    marked = take(make_raw(X_Spam_Flag="YES"))
    assert (marked.state, marked.reason, marked.ticket_id) == (IncomingState.SPAM, "server", None)
    with transaction():
        decisions.not_spam(agent, marked.id)
        decisions.not_spam(agent, row.id)
    assert ticket_of(marked).status is TicketStatus.OPEN
    assert ticket_of(row).status is TicketStatus.OPEN
    assert mails_to(ANA) == []


def test_hours_later_the_count_begins_again(clock: Clock) -> None:
    for place in range(31):
        take(make_raw(f"Poruka {place}", auth=proven()))
    clock.advance(timedelta(hours=2))
    assert take(make_raw("Danas", auth=proven())).state is IncomingState.TICKET


def test_answers_carry_the_address_and_the_thread(ticket: Ticket, agent: Actor, session: Session) -> None:
    with transaction():
        messages.reply(agent, ticket.id, messages.Writing("Rešeno.", client_id="a" * 20, anyway=True))
    (mail,) = mails_to(ANA, "ticket_reply")
    opened = mails_to(ANA, "ticket_opened")[0]
    assert mail.reply_to == opened.reply_to
    first = session.scalars(select(IncomingMail.message_id)).first()
    assert (mail.in_reply_to, mail.references) == (first, first)
    assert session.scalar(select(func.count(Mail.id))) == 2
