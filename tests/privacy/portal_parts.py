"""What a person leaves in the parts of Moj Mint: second factors, zones, requests, quotes, what is to be confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from console.billing.quotes import service as quotes
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.transaction import transaction
from console.customers import owners
from console.customers.account import emails, handover
from console.customers.account.handover import HandoverData
from console.customers.account.models import EmailChange, EmailChangeState
from console.customers.account.profile import profile_of, save_profile
from console.customers.models import Customer, CustomerStatus, Membership, Person
from console.customers.people.invitations import invite
from console.customers.rights import ALL_RIGHTS
from console.customers.service import suspend_customer
from console.customers.verification.supervision import override
from console.hosting.dns.rules import RecordInput
from console.hosting.dns.service import add_record, change_record
from console.hosting.models import ProductKind, Service
from console.identity.oidc import grants
from console.identity.service import recovery
from console.mail import limits
from console.staff.roles import Role
from console.tickets.mail_in.addresses import reply_address
from console.tickets.service import account as ticket_account
from console.tickets.service import properties, timeline
from console.tickets.service_requests import service as requests
from tests import factories
from tests.billing.statements import scene
from tests.factories.tickets import make_ticket
from tests.portal.sso import make_application
from tests.portal.things import pay_token, quote_data
from tests.tickets.mail_in.scene import make_raw, take


def earlier_address(word: str) -> str:
    """Return the address that they signed in with before."""
    return f"staro-{word}@ljudi.example.rs"


def fill(word: str, owner: Membership, service: Service) -> None:
    """Take a person through all of it; ``word`` is in everything that is theirs."""
    person, customer = owner.person, owner.customer
    actor = Actor(kind="person", id=person.id, name=person.name, address="203.0.113.7")
    _second_factors(word, owner, actor)
    _zones(word, owner, actor)
    _requests(word, customer, actor, service)
    _account(word, customer, factories.signed_in_actor(person))
    _staff_words(word, customer, person.email)
    _money(word, owner)
    _applications(word, owner)
    _mails_in(word, person)
    _colleague(word, person)


def _colleague(word: str, person: Person) -> None:
    """Write in a colleague's ticket of an account that they are a user of, and reopen it."""
    account = next(one.customer for one in person.memberships if not one.is_owner)
    owner, actor = factories.owner_of(account).person, factories.person_actor(person)
    ticket = make_ticket(SYSTEM, requester_name=owner.name, requester_email=owner.email, customer_id=account.id,
                         subject="Kolegin tiket", body="Pita kolega")  # fmt: skip
    with transaction():
        ticket_account.answer(actor, ticket.number, f"Dodajem, {word}", client_id=uuid4().hex)
        timeline.note_event(actor, ticket, "status", **{"from": "solved", "to": "open"})


def _money(word: str, owner: Membership) -> None:
    """Bring in a bank statement with what they paid, one line of it to no document, and make a link to pay."""
    name, proforma = owner.person.name, factories.make_proforma(owner.customer)
    pay_token(factories.make_proforma(owner.customer))
    known = scene.line(proforma, payer=name, purpose=f"Uplata {word}")
    unknown = scene.line(payer=name, purpose=f"Za {word}")
    scene.bring_in(scene.content(scene.statement([known, unknown], number=f"9{len(word)}{ord(word[0])}")))


def _applications(word: str, owner: Membership) -> None:
    """Allow an application to know them, and let it get a code and tokens."""
    application = make_application(f"Webmail {len(word)}{ord(word[0])}").application
    signed_in = factories.make_person_session(owner.person)
    with transaction():
        grants.turn(factories.person_actor(owner.person), signed_in.id, owner.customer_id, on=True)
        grants.allow(factories.person_actor(owner.person), signed_in.id, application, owner, ["openid", "email"])


def _mails_in(word: str, person: Person) -> None:
    """Receive mails from them: one that opens a ticket, and one that waits in another's."""
    sender = f"{person.name} <{person.email}>"
    take(make_raw(f"Javlja se {word}.", sender=sender, subject=f"Mejl {word}"))
    other = make_ticket(SYSTEM, requester_name="Neko drugi", requester_email=f"drugi-{len(word)}@gost.test",
                        subject="Tuđi tiket", body="Ne radi")  # fmt: skip
    take(make_raw(f"I ja, {word}.", sender=sender, to=reply_address(other) or "", subject="Re: Tuđi tiket"))


def _second_factors(word: str, owner: Membership, actor: Actor) -> None:
    factories.switch_totp_on(owner.person)
    factories.make_passkey(owner.person, f"Ključ {word}")
    with transaction():
        recovery.ask(actor, owner.person)


def _zones(word: str, owner: Membership, actor: Actor) -> None:
    """Save two versions of a zone of theirs, and one on another's account, where they are a user."""
    product = factories.make_product(ProductKind.DOMAIN)
    own = factories.make_domain(factories.make_service(owner.customer, product))
    others = factories.make_customer()
    factories.make_member(others, person=owner.person, rights=ALL_RIGHTS)
    other = factories.make_domain(factories.make_service(others, product))
    with transaction():
        invite(SYSTEM, others, earlier_address(word), [])
        limits.prove(earlier_address(word))
        first = add_record(actor, own.id, RecordInput("@", "TXT", "3600", f"Piše {word} prvi".replace("š", "s")), 0)
        change_record(actor, own.id, first.record_id or 0, RecordInput("@", "TXT", "3600", f"{word} drugi"), 1)
        add_record(actor, other.id, RecordInput("www", "A", "3600", "203.0.113.10"), 0)


def _requests(word: str, customer: Customer, actor: Actor, service: Service) -> None:
    billing = factories.make_staff(Role.BILLING).actor()
    with transaction():
        requests.cancel(actor, service.id, when="end", reason=f"Otkazuje {word}", key=uuid4().hex)
        lines = tuple(replace(one, description=f"Za {word}") for one in quote_data().lines)
        quotes.send_quote(billing, customer, quote_data(note=f"Ponuda {word}", lines=lines), uuid4().hex)
        sent = quotes.send_quote(billing, customer, quote_data(), uuid4().hex)
        quotes.decline_quote(actor, int(sent["number"][2:]), f"Skupo {word}")


def _account(word: str, customer: Customer, actor: Actor) -> None:
    """Change the profile and the address, correct the name, offer the account to one and be offered another's."""
    now, day = clock.now(), timedelta(days=1)
    with transaction() as session:
        save_profile(actor, customer.id, replace(profile_of(customer), city=f"Grad {word}"))
        data = replace(profile_of(customer), name=f"Ispravka {word}")
        save_profile(actor, customer.id, data, correction=f"Greška {word}")
        emails.ask(actor, f"nova-{word}@ljudi.example.rs")
        session.add(
            EmailChange(
                person_id=actor.id, old_email=earlier_address(word), new_email=customer.owner.email,
                created_at=now - day, expires_at=now, old_confirmed_at=now, new_confirmed_at=now, ended_at=now,
                state=EmailChangeState.DONE,
            )
        )  # fmt: skip
        handover.start(actor, customer.id, HandoverData(f"Naslednik {word}", f"naslednik-{word}@ljudi.example.rs"))
    giver = factories.owner_of(factories.make_customer())
    with transaction():
        offer = HandoverData(f"Ime{word} Prezime{word}", customer.owner.email, address=f"Ulica {word} 9")
        handover.start(factories.signed_in_actor(giver.person), giver.customer_id, offer)


def _staff_words(word: str, customer: Customer, email: str) -> None:
    """Let colleagues write of them: a tag, reasons; and a ticket from the address they had before."""
    boss = factories.make_staff(Role.SUPERVISOR).actor()
    ticket = make_ticket(
        SYSTEM, requester_name="Bez naloga", requester_email=earlier_address(word), subject=f"Ranije {word}",
        body=f"Ranije je pisao {word}",
    )  # fmt: skip
    own = make_ticket(SYSTEM, requester_name="Ista osoba", requester_email=email, subject="Oznaka", body="Oznaka")
    with transaction():
        properties.tag(boss, [own.id], [f"oznaka-{word}"])
        properties.void_links(boss, own.id, f"Provaljen {word}")
        suspend_customer(SYSTEM, customer, f"Razlog {word}")
        customer.status = CustomerStatus.ACTIVE
        override(boss, customer, f"Sumnja na nalog {word}")
    assert owners.person_called(ticket.requester_email) is None
    db.session.expire_all()
