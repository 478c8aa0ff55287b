"""The sealed card's page: e-mail and PIN go in, the result goes to the ticket, the PIN is nowhere afterwards."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, func, select
from sqlalchemy.orm import Session

from console.core.actor import Actor
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Membership, Verification, VerificationCard
from console.customers.verification import cards
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Ticket, TicketMessage
from console.tickets.service import verification as ticket_verification
from tests import factories
from tests.support.client import ConsoleClient
from tests.tickets.canned.support import make_ticket

StaffOf = Callable[[Role | str], Staff]
only_sqlite = pytest.mark.only("sqlite")


@pytest.fixture
def agent(staff_of: StaffOf) -> Actor:
    return staff_of("agent").actor()


def ask(agent: Actor, ticket: Ticket) -> str:
    """Ask the requester and return the address that the mail holds."""
    with transaction():
        cards.ask(agent, ticket_verification.channel(ticket))
    mail = db.session.scalars(
        select(Mail).where(Mail.template == "verification_asked").order_by(Mail.id.desc())
    ).first()
    assert mail is not None
    (found,) = set(re.findall(r"/v/[\w-]+", whole(mail).text))
    return found


def events(session: Session, ticket: Ticket) -> list[str]:
    session.expire_all()
    query = select(TicketMessage.event).where(TicketMessage.ticket_id == ticket.id, TicketMessage.event.is_not(None))
    return [event for event in session.scalars(query.order_by(TicketMessage.id)) if event]


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 1_000_000:06d}"


def test_the_right_pin_verifies_and_tells_the_ticket(
    client: ConsoleClient, session: Session, agent: Actor, owner: Membership
) -> None:
    ticket = make_ticket(language="en")
    address = ask(agent, ticket)
    for _look in range(2):  # a mail scanner looks first
        card = client.get(address)
        assert card.status_code == 200 and 'lang="en"' in card.text[:200]
    assert card.headers["Referrer-Policy"] == "strict-origin" and "noindex" in card.headers["X-Robots-Tag"]
    pin_field = re.search(r'<input[^>]*name="pin"[^>]*>', card.text)
    assert pin_field is not None
    assert 'autocomplete="off"' in pin_field[0] and 'inputmode="numeric"' in pin_field[0] and 'value=""' in pin_field[0]
    done = client.submit(address, email=owner.person.email.upper(), pin=factories.pin_of(owner))
    assert done.status_code == 200 and "Thank you" in done.text
    verification = session.scalars(select(Verification)).one()
    assert (verification.channel, verification.staff_id) == (f"ticket:{ticket.number}", agent.id)
    assert events(session, ticket)[-2:] == ["verified", "customer"]
    assert session.get_one(Ticket, ticket.id).customer_id == owner.customer_id
    again = client.submit(address, email=owner.person.email, pin=factories.pin_of(owner))
    assert again.status_code == 200 and "Thank you" in again.text  # the second click
    assert session.scalar(select(func.count(Verification.id))) == 1
    assert client.get(address).status_code == 404


@only_sqlite
def test_a_failure_says_the_same_whatever_was_wrong(
    client: ConsoleClient, session: Session, agent: Actor, owner: Membership
) -> None:
    ticket = make_ticket()
    pin = factories.pin_of(owner)
    other = factories.owner_of(factories.make_customer())
    pages = []
    for email, code in (
        (owner.person.email, wrong(pin)),
        ("nepoznat@example.test", pin),
        (other.person.email, pin),
    ):
        address = ask(agent, ticket)
        answer = client.submit(address, email=email, pin=code)
        assert answer.status_code == 200 and code not in answer.text
        pages.append(re.sub(r'value="[^"]*"|content="[^"]*"|/v/[\w-]+|nonce="[^"]*"', "", answer.text))
    assert pages[0] == pages[1] == pages[2]
    assert "verified" not in events(session, ticket)
    assert session.scalar(select(func.count(Verification.id))) == 0


@only_sqlite
def test_a_card_closes_after_its_tries(
    client: ConsoleClient, session: Session, agent: Actor, new_client: Callable[[], ConsoleClient]
) -> None:
    ticket = make_ticket()
    address = ask(agent, ticket)
    for number in range(cards.TRIES):
        answer = client.submit(address, email=f"neko{number}@example.test", pin="123456")
        assert answer.status_code == 200
        assert not re.search(r"\b[1-5] (pokuš|tries|puta)", answer.text)  # how many are left is not told
    assert events(session, ticket)[-1] == "verification_failed"
    owner = factories.owner_of(factories.make_customer())
    late = new_client().submit(address, email=owner.person.email, pin=factories.pin_of(owner))
    assert late.status_code == 404 and session.scalar(select(func.count(Verification.id))) == 0


@only_sqlite
def test_old_replaced_and_made_up_links_open_nothing(
    client: ConsoleClient, session: Session, agent: Actor, owner: Membership, clock: Any
) -> None:
    ticket = make_ticket()
    first = ask(agent, ticket)
    second = ask(agent, ticket)
    fields = {"email": owner.person.email, "pin": factories.pin_of(owner)}
    for address in (first, "/v/x", f"{second}x", second[:-1], "/v/%00", "/v/" + "a" * 5_000):
        for answer in (client.get(address), client.submit(address, **fields)):
            assert answer.status_code == 404, address
            assert fields["pin"] not in answer.text
            assert answer.headers["Referrer-Policy"] == "strict-origin"
    clock.advance(cards.CARD_LIFETIME)
    assert client.get(second).status_code == client.submit(second, **fields).status_code == 404
    third = ask(agent, ticket)
    with transaction():
        session.get_one(Staff, agent.id).active = False
    assert client.submit(third, **fields).status_code == 404
    assert session.scalar(select(func.count(Verification.id))) == 0


@only_sqlite
def test_bad_input_is_no_try(client: ConsoleClient, session: Session, agent: Actor) -> None:
    address = ask(agent, make_ticket())
    for email, pin in (("", ""), ("<b>x", "12"), ("a@b.test", "abcdef"), ("a" * 5_000, "1" * 5_000), ("a@b.test", "")):
        answer = client.submit(address, email=email, pin=pin)
        assert answer.status_code == 422 and "<b>x" not in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert not pin or f'value="{pin}"' not in answer.text
    assert client.submit(address, email="a@b.test", pin="1\0").status_code == 422
    assert client.submit(address).status_code == 422
    assert client.post(address, data={"email": "a@b.test", "pin": "123456"}).status_code == 400  # no token
    assert session.scalar(select(VerificationCard.failures)) == 0
    assert client.submit(address, json=True, email="", pin="").json["error"]["fields"].keys() == {"email", "pin"}


@pytest.mark.both
def test_two_at_once_verify_once(
    new_client: Callable[[], ConsoleClient],
    session: Session,
    agent: Actor,
    owner: Membership,
    in_threads: Callable[[Callable[[], None], int], None],
) -> None:
    address = ask(agent, make_ticket())
    fields = {"email": owner.person.email, "pin": factories.pin_of(owner)}
    session.rollback()
    statuses: list[int] = []

    def send() -> None:
        statuses.append(new_client().submit(address, **fields).status_code)

    in_threads(send, 4)
    assert statuses == [200] * 4
    assert session.scalar(select(func.count(Verification.id))) == 1


@only_sqlite
def test_the_pin_is_nowhere_afterwards(
    client: ConsoleClient,
    session: Session,
    agent: Actor,
    owner: Membership,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    address, pin = ask(agent, make_ticket()), factories.pin_of(owner)
    with caplog.at_level(logging.DEBUG):
        pages = [client.submit(address, email="drugi@example.test", pin=pin).text]
        pages.append(client.submit(address, email=owner.person.email, pin=pin).text)
    metadata = MetaData()
    metadata.reflect(db.engine)
    rows = "".join(str(session.execute(table.select()).all()) for table in metadata.sorted_tables)
    logged = "\n".join(entry.getMessage() + str(entry.__dict__) for entry in caplog.records)
    token = address.removeprefix("/v/")
    seen = {"tables": rows, "logs": logged, "output": "".join(capfd.readouterr()), "pages": "".join(pages)}
    assert "/v/<secret:token>" in logged
    for where, text in seen.items():
        assert pin not in text, where
    for where in ("tables", "logs", "output"):
        assert token not in seen[where], where


@only_sqlite
def test_an_address_that_fails_often_waits(client: ConsoleClient, session: Session, agent: Actor) -> None:
    ticket = make_ticket()
    address, refused = "", None
    for number in range(60):
        address = ask(agent, ticket) if number % (cards.TRIES - 1) == 0 else address
        answer = client.submit(address, email=f"neko{number}@example.test", pin="654321")
        if answer.status_code == 429:
            refused = answer
            break
    assert refused is not None
    assert int(refused.headers["Retry-After"]) > 0
    assert "neko" in refused.text and "654321" not in refused.text  # what may be kept is kept
    assert client.get(address).status_code == 200  # the card was not used up by it
