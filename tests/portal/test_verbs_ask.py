"""Every verb behind the portal asks for itself: called past its route by those who may not, it changes nothing.

The verbs are found by what the portal's modules call with an actor: one that is not stated here fails.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import console.portal
from console.audit.models import AuditEntry
from console.billing import migration as migrate
from console.billing.migration import acceptance
from console.billing.migration import portal as transfers
from console.billing.models import Proforma
from console.billing.pay_links import service as pay_links
from console.billing.payments.service import credit
from console.billing.quotes import service as quotes
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Refusal
from console.core.ids import read_number
from console.core.transaction import transaction
from console.customers import passwords, signin
from console.customers.account import corrections, disputes, emails, handover
from console.customers.account.handover import HandoverData
from console.customers.account.profile import profile_of, save_profile
from console.customers.models import Customer, MemberRole, Membership, PersonSession
from console.customers.people import invitations, members
from console.customers.people.members import ContactData
from console.customers.rights import ALL_RIGHTS, Right
from console.customers.signin import PasswordProof
from console.customers.verification import pins
from console.hosting.dns import service as dns
from console.hosting.dns.queries import find_zone
from console.hosting.dns.rules import RecordInput
from console.hosting.models import Domain, ProductKind, Service
from console.identity.models import Passkey
from console.identity.oidc import grants
from console.identity.service import factors, passkeys, recovery
from console.privacy.service import erasure, exports
from console.staff.roles import Role
from console.tickets.models import Ticket
from console.tickets.service import account
from console.tickets.service.account import AccountQuestion
from console.tickets.service_requests import service as requests
from tests import factories
from tests.conftest import Clock
from tests.factories import person_actor
from tests.portal.sso import make_application
from tests.portal.things import quote_data
from tests.tickets.canned.support import make_ticket

pytestmark = pytest.mark.only("sqlite")

KEY = "k" * 24
WWW = RecordInput("www", "A", "3600", "203.0.113.10")
# Called with an actor, and asked for something else: what opens it is in their hands, or they tell and change nothing.
OTHERS = {
    "billing.migration.acceptance.may_accept": "tells",
    "billing.migration.portal.may_withdraw": "tells",
    "customers.access.require_right": "is the question itself",
    "customers.access.rights_of": "tells",
    "customers.verification.cards.submit": "a card's token",
    "customers.verification.pins.may_hold": "tells",
    "customers.verification.pins.require_holder": "is the question itself",
    "customers.signin.sign_out": "a session's own token",
    "identity.oidc.grants.refuse": "notes what was refused",
    "identity.oidc.tokens.find_code": "an application's code",
    "identity.oidc.tokens.find_refresh": "an application's token",
    "identity.service.recovery.ask": "a password, in a sign-in that waits for its second step",
    "privacy.service.exports.download": "a link's token, and whose it is",
    "privacy.service.exports.export_behind": "a link's token, and whose it is",
    "tickets.service.ratings.rate": "a ticket's link",
    "tickets.service.requester.mask": "a ticket's link",
    "tickets.service.requester.say_solved": "a ticket's link",
    "tickets.service.requester.write": "a ticket's link",
}
TELL_NOTHING = {"billing.pay_links.service.shared_address"}  # to those who may not, instead of refusing them
# Past its route too, these need a sign-in of the last ten minutes; what is granted does, what is taken away does not.
NEED_FRESH_SIGN_IN = {
    emails.ask, handover.start, save_profile, invitations.invite, members.add_contact, members.change_contact,
    members.change_user, transfers.request_in_portal, exports.request_export, erasure.request_erasure,
}  # fmt: skip
# About oneself: whoever is signed in may, and there is nothing of another's to name.
ONESELF = {"customers.account.emails.ask", "customers.account.emails.withdraw", "customers.signin.revoke_others",
           "privacy.service.erasure.cancel_erasure"}  # fmt: skip


@dataclass
class Scene:
    """An account with a thing of each kind, which its attackers know the keys of."""

    customer: Customer
    owner: Membership
    contact: Membership
    user: Membership
    session: PersonSession
    service: Service
    domain: Domain
    record_id: int
    proforma: Proforma
    quote: int
    ticket: Ticket
    ref: str
    invitation: int
    correction: int
    handover: int
    verification: int
    passkey: Passkey
    application: Any
    grant: int


@pytest.fixture
def scene(session: Session, clock: Clock) -> Scene:
    customer = factories.make_customer()
    owner = factories.owner_of(customer)
    by, person = factories.signed_in_actor(owner.person), owner.person
    moving, service = factories.make_service(customer), factories.make_service(customer)
    domain = factories.make_domain(factories.make_service(customer, factories.make_product(ProductKind.DOMAIN)))
    ticket = make_ticket(customer=customer, requester_email=person.email, requester_name=person.name)
    contact, user = factories.make_member(customer, MemberRole.CONTACT), factories.make_member(customer)
    signed_in, key = factories.make_person_session(person), factories.make_passkey(person)
    application = make_application().application
    proforma = factories.make_proforma(customer)
    verification = factories.make_verification(factories.make_staff(), owner)
    billing = factories.make_staff(Role.BILLING).actor()
    with transaction():
        record_id = dns.add_record(by, domain.id, WWW, 0).record_id
        offer = handover.start(by, customer.id, HandoverData("Novi Vlasnik", "preuzima@example.rs"))
        saved = save_profile(by, customer.id, _renamed(customer), correction="Slovna greška").correction
        invitation = invitations.invite(by, customer, "pozvan@example.rs", [])
        quote = quotes.send_quote(billing, customer, quote_data(), KEY)["number"]
        pay_links.create_link(by, proforma)
        grants.turn(by, signed_in.id, customer.id, on=True)
        grant = grants.allow(by, signed_in.id, application, owner, ["openid"])
        handover_id = offer.id
        handover.withdraw(by, handover_id)  # it would stand in the way of a migration
        request = migrate.Request((moving.id,), factories.make_customer().number, 0, "Prodat sajt")
        moved = transfers.request_in_portal(by, customer, request, factories.pin_of(owner), KEY)
    assert saved is not None and moved is not None and record_id is not None
    return Scene(
        customer, owner, contact, user, signed_in, service, domain, record_id, proforma, read_number(quote, "P-") or 0,
        ticket, moved["ref"], invitation.id, saved.id, handover_id, verification.id, key, application,
        grant.id,
    )  # fmt: skip


def _renamed(customer: Customer) -> Any:
    return replace(profile_of(customer), name="Ispravljeno Ime")


def calls(s: Scene) -> dict[Callable[..., Any], Callable[[Actor], Any]]:
    """Return each verb with a call of it on what is the account's."""
    contact = ContactData("Vera", "vera@knjige.example.rs", rights=ALL_RIGHTS)
    question = AccountQuestion("sales", "Pitanje", "Tekst", KEY, "sr_Latn")
    number, key, sid = s.ticket.number, s.customer.id, s.session.id
    proof = PasswordProof(s.owner.person_id, "x")
    request = migrate.Request((s.service.id,), s.customer.number, 0, "x")
    return {
        acceptance.accept: lambda by: acceptance.accept(by, s.ref),
        acceptance.decline: lambda by: acceptance.decline(by, s.ref, "x"),
        transfers.request_in_portal: lambda by: transfers.request_in_portal(
            by, s.customer, request, "000000", "q" * 24
        ),
        transfers.withdraw_in_portal: lambda by: transfers.withdraw_in_portal(by, s.ref, "x"),
        pay_links.create_link: lambda by: pay_links.create_link(by, s.proforma),
        pay_links.revoke_link: lambda by: pay_links.revoke_link(by, s.proforma),
        pay_links.shared_address: lambda by: pay_links.shared_address(by, s.proforma),
        credit.set_credit_first: lambda by: credit.set_credit_first(by, key, True),
        quotes.accept_quote: lambda by: quotes.accept_quote(by, s.quote),
        quotes.decline_quote: lambda by: quotes.decline_quote(by, s.quote, "x"),
        corrections.withdraw: lambda by: corrections.withdraw(by, s.correction),
        disputes.deny: lambda by: disputes.deny(by, s.verification),
        handover.start: lambda by: handover.start(by, key, HandoverData("X", "x@example.rs")),
        handover.withdraw: lambda by: handover.withdraw(by, s.handover),
        save_profile: lambda by: save_profile(by, key, profile_of(s.customer)),
        passwords.change_password: lambda by: passwords.change_password(by, proof, "x", keep_session=sid),
        invitations.invite: lambda by: invitations.invite(by, s.customer, "x@example.rs", ALL_RIGHTS),
        invitations.resend: lambda by: invitations.resend(by, s.invitation),
        invitations.revoke: lambda by: invitations.revoke(by, s.invitation),
        members.add_contact: lambda by: members.add_contact(by, s.customer, contact),
        members.change_contact: lambda by: members.change_contact(by, s.contact.id, contact),
        members.change_user: lambda by: members.change_user(by, s.user.id, ALL_RIGHTS),
        members.choose_mail: lambda by: members.choose_mail(by, key, []),
        members.remove_member: lambda by: members.remove_member(by, s.user.id),
        signin.revoke_session: lambda by: signin.revoke_session(by, sid),
        pins.renew_pin: lambda by: pins.renew_pin(by, s.owner),
        dns.add_record: lambda by: dns.add_record(by, s.domain.id, WWW, 1),
        dns.change_record: lambda by: dns.change_record(by, s.domain.id, s.record_id, WWW, 1),
        dns.delete_record: lambda by: dns.delete_record(by, s.domain.id, s.record_id, 1),
        dns.preview: lambda by: dns.preview(by, find_zone(s.domain.name), []),
        dns.replace_zone: lambda by: dns.replace_zone(by, s.domain.id, [], 1),
        dns.restore_version: lambda by: dns.restore_version(by, s.domain.id, 0, 1),
        factors.renew_codes: lambda by: factors.renew_codes(by, sid, "000000"),
        factors.switch_off: lambda by: factors.switch_off(by, sid, "000000"),
        factors.switch_on: lambda by: factors.switch_on(by, sid, "A" * 32, "000000"),
        grants.allow: lambda by: grants.allow(by, sid, s.application, s.owner, ["openid"]),
        grants.revoke: lambda by: grants.revoke(by, sid, s.grant),
        grants.turn: lambda by: grants.turn(by, sid, key, on=False),
        passkeys.register: lambda by: passkeys.register(by, sid, "X", "{}"),
        passkeys.registration_options: lambda by: passkeys.registration_options(by, sid),
        passkeys.remove: lambda by: passkeys.remove(by, sid, s.passkey.id),
        recovery.stop: lambda by: recovery.stop(by, sid),
        erasure.request_erasure: lambda by: erasure.request_erasure(by, s.customer),
        exports.request_export: lambda by: exports.request_export(by, s.customer),
        account.answer: lambda by: account.answer(by, number, "x", client_id=KEY),
        account.find: lambda by: account.find(by, number),
        account.mask: lambda by: account.mask(by, number, 1),
        account.open_for_account: lambda by: account.open_for_account(by, s.customer, question),
        account.rate: lambda by: account.rate(by, number, 5, ""),
        account.say_solved: lambda by: account.say_solved(by, number),
        requests.cancel: lambda by: requests.cancel(by, s.service.id, when="end", reason="x", key=KEY),
        requests.change_product: lambda by: requests.change_product(
            by, s.service.id, product_id=s.service.product_id, remark="", key=KEY
        ),
        requests.order: lambda by: requests.order(
            by, s.customer, product_id=s.service.product_id, domain="", remark="", key=KEY
        ),
        requests.renew_password: lambda by: requests.renew_password(by, s.service.id, remark="", key=KEY),
    }


def attackers(s: Scene) -> Iterator[tuple[str, Actor]]:
    """Return who may none of it: a stranger, a user without rights, one removed, an agent, a visitor."""
    yield "a stranger", person_actor(factories.owner_of(factories.make_customer()).person)
    yield "a user without rights", person_actor(factories.make_member(s.customer, rights=()).person)
    removed = factories.make_member(s.customer, rights=ALL_RIGHTS)
    with transaction():
        members.remove_member(person_actor(s.owner.person), removed.id)
    yield "one who was removed", person_actor(removed.person)
    yield "an agent", factories.make_staff().actor()
    yield "a visitor", Actor(kind="visitor", id=None, name="", address="192.0.2.9")


def test_each_verb_asks_for_the_permission_that_it_is_about(scene: Scene) -> None:
    """Not for any permission: who holds all but that one is refused, whatever the page asked before."""
    holders = {
        right: factories.signed_in_actor(factories.make_member(scene.customer, rights=ALL_RIGHTS - {right}).person)
        for right in Right
    }
    found: dict[str, set[Right]] = {}
    for verb, call in calls(scene).items():
        for right, by in holders.items():
            try:
                with transaction():
                    call(by)
                    raise _Undone
            except (Refusal, _Undone) as end:
                if isinstance(end, Refusal) and end.status == 404:
                    found.setdefault(_name(verb), set()).add(right)
            db.session.rollback()
    # What is refused to each of them is the owner's alone, or about oneself.
    verbs_asking = {name: rights for name, rights in found.items() if rights != set(Right)}
    needed = {name: {Right(key) for key in keys.split()} for name, keys in NEEDED.items()}
    assert verbs_asking == needed


class _Undone(Exception):
    """Takes back what a verb did."""


# The permissions without which a verb of an account refuses; all other verbs are the owner's alone, or about oneself.
NEEDED = {
    "billing.migration.portal.request_in_portal": "transfer",
    "billing.pay_links.service.create_link": "invoices",
    "billing.pay_links.service.revoke_link": "invoices",
    "billing.payments.service.credit.set_credit_first": "invoices",
    "billing.quotes.service.accept_quote": "quotes orders",
    "billing.quotes.service.decline_quote": "quotes",
    "customers.account.corrections.withdraw": "profile",
    "customers.account.profile.save_profile": "profile",
    "customers.people.invitations.invite": "contacts",
    "customers.people.invitations.resend": "contacts",
    "customers.people.invitations.revoke": "contacts",
    "customers.people.members.add_contact": "contacts",
    "customers.people.members.change_contact": "contacts",
    "customers.people.members.change_user": "contacts",
    "customers.people.members.remove_member": "contacts",
    "hosting.dns.service.add_record": "managedomains",
    "hosting.dns.service.change_record": "managedomains",
    "hosting.dns.service.delete_record": "managedomains",
    "hosting.dns.service.preview": "managedomains",
    "hosting.dns.service.replace_zone": "managedomains",
    "hosting.dns.service.restore_version": "managedomains",
    "tickets.service.account.answer": "tickets",
    "tickets.service.account.find": "tickets",
    "tickets.service.account.mask": "tickets",
    "tickets.service.account.open_for_account": "tickets",
    "tickets.service.account.rate": "tickets",
    "tickets.service.account.say_solved": "tickets",
    "tickets.service_requests.service.cancel": "products orders",
    "tickets.service_requests.service.change_product": "products orders",
    "tickets.service_requests.service.order": "orders",
    "tickets.service_requests.service.renew_password": "products manageproducts",
}

# Of the account, a person chooses their own mail and has their own copy and erasure.
OWN = {("customers.people.members.choose_mail", "a user without rights")}


def test_those_who_may_not_are_refused_by_each_verb(scene: Scene, clock: Clock) -> None:
    wrong = []
    verbs = {_name(verb): call for verb, call in calls(scene).items()}
    who = list(attackers(scene))
    clock.advance(timedelta(seconds=1))
    before = _written()
    for name, call in verbs.items():
        for attacker, by in who:
            if (name, attacker) in OWN:
                continue
            try:
                with transaction():
                    answer = call(by)
                if answer is not None or name not in TELL_NOTHING:
                    wrong.append(f"{name}: {attacker} is let in")
            except Refusal as refusal:
                if refusal.status not in (403, 404):
                    wrong.append(f"{name}: {attacker} gets {refusal.status} {refusal.code}")
            except Exception as error:  # noqa: BLE001 (reported with the others)
                wrong.append(f"{name}: {attacker} meets {error!r:.120}")
            db.session.rollback()
    assert wrong == [], "\n".join(wrong)
    assert _written() == before


def test_the_dangerous_ones_need_a_fresh_sign_in(scene: Scene, clock: Clock) -> None:
    """Not the password's page alone: whatever calls the verb meets it. Staff under a verification are not asked."""
    dangerous = {verb: call for verb, call in calls(scene).items() if verb in NEED_FRESH_SIGN_IN}
    dangerous[emails.ask] = lambda by: emails.ask(by, "nova@example.rs")
    assert set(dangerous) == NEED_FRESH_SIGN_IN
    by, before = factories.signed_in_actor(scene.owner.person), _written()
    clock.advance(signin.CONFIRMED_FOR)
    who = {"reauth": by, "not_allowed": replace(by, session_id=None)}  # as behind a mailed link
    for verb, call in dangerous.items():
        for code, actor in who.items():
            with pytest.raises(Refusal) as refused, transaction():
                call(actor)
            assert refused.value.code == code, _name(verb)
            db.session.rollback()
    assert _written() == before
    factories.make_verification(agent := factories.make_staff(), scene.owner)
    with transaction():
        members.change_user(agent.actor(), scene.user.id, ALL_RIGHTS)


def _written() -> int | None:
    return db.session.scalar(select(func.count()).select_from(AuditEntry))


def test_each_verb_of_the_portal_is_stated(scene: Scene) -> None:
    stated = {_name(verb) for verb in calls(scene)} | set(OTHERS) | ONESELF
    assert _called() - stated == set(), "without a row"
    assert stated - _called() == set(), "called by no page of the portal"


def _name(verb: Callable[..., Any]) -> str:
    return f"{verb.__module__}.{verb.__name__}".removeprefix("console.")


def _called() -> set[str]:
    """Return every function of a domain that takes an actor and is called by a module of the portal."""
    found = set()
    for module in pkgutil.walk_packages(console.portal.__path__, "console.portal."):
        place = import_module(module.name)
        source = inspect.getsource(place)
        for name, value in list(vars(place).items()):
            inside = vars(value).items() if isinstance(value, ModuleType) and _is_of_a_domain(value.__name__) else ()
            for label, one in [(name, value), *((f"{name}.{key}", other) for key, other in inside)]:
                if isinstance(one, FunctionType) and _is_of_a_domain(one.__module__) and f"{label}(" in source:
                    first = next(iter(inspect.signature(one).parameters), "")
                    if first in ("actor", "source"):
                        found.add(_name(one))
    return found


def _is_of_a_domain(name: str) -> bool:
    return name.startswith("console.") and not name.startswith(("console.portal", "console.web", "console.core"))
