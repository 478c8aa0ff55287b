"""Who may do what in Moj Mint: every route of the portal, asked with each right on its own.

:data:`RIGHTS` is the whole matrix: a route without a row fails, and so does a row without a route. What a person may
not do is not there for them (404). That a verb asks for its right itself, whoever calls it, is tested with the verb.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from sqlalchemy import select

from console.core.db import db
from console.core.places import sqlite_path
from console.customers.models import Customer, MemberRole, Membership, PersonSession
from console.customers.rights import ALL_RIGHTS, Right
from tests import factories, test_access
from tests.support.client import ConsoleClient, sign_in_person
from tests.test_access import EVERYONE, FIELDS, FOUND, ROUTES, World, ask, rules

pytestmark = [pytest.mark.sqlite, pytest.mark.long]  # who may do what is decided before the database is asked

world = test_access.world  # the fixture

Row: TypeAlias = str | tuple[frozenset[Right], ...]  # a word below, or the sets of rights that each open it

PERSON = "person"  # whoever is signed in, about themselves
MINE = "mine"  # a thing of one person: not even the account's owner has another's
OWNER = "owner"  # of the account, which is given to no one


def _with(*rights: Right) -> tuple[frozenset[Right], ...]:
    """All of these together open it."""
    return (frozenset(rights),)


def _either(*rights: Right) -> tuple[frozenset[Right], ...]:
    """Each of these opens it."""
    return tuple(frozenset({right}) for right in rights)


CONTACTS, PROFILE, TRANSFER = _with(Right.CONTACTS), _with(Right.PROFILE), _with(Right.TRANSFER)
DOMAINS, ZONES = _with(Right.DOMAINS), _with(Right.DOMAINS, Right.MANAGE_DOMAINS)  # who manages them sees them
PRODUCTS, SERVICES = _with(Right.PRODUCTS), _either(Right.PRODUCTS, Right.DOMAINS)
ORDERS, PASSWORDS = _with(Right.ORDERS), _with(Right.PRODUCTS, Right.MANAGE_PRODUCTS)
OF_SERVICE = _with(Right.PRODUCTS, Right.ORDERS)
DOCUMENTS, QUOTES, MAILS, TICKETS = (
    _with(right) for right in (Right.INVOICES, Right.QUOTES, Right.EMAILS, Right.TICKETS)
)

RIGHTS: dict[tuple[str, str], Row] = {
    ("POST", "portal.logout"): PERSON,
    ("GET", "portal.home"): PERSON,
    ("GET", "portal.domains"): DOMAINS,
    ("GET", "portal.dns_zones"): DOMAINS,
    ("GET", "portal.dns_records"): DOMAINS,
    ("POST", "portal.add_dns_record"): ZONES,
    ("GET", "portal.dns_record"): DOMAINS,
    ("POST", "portal.change_dns_record"): ZONES,
    ("POST", "portal.delete_dns_record"): ZONES,
    ("GET", "portal.dns_export"): DOMAINS,
    ("GET", "portal.dns_draft"): ZONES,
    ("POST", "portal.save_dns_draft"): ZONES,
    ("GET", "portal.dns_history"): DOMAINS,
    ("GET", "portal.dns_version"): DOMAINS,
    ("POST", "portal.restore_dns_version"): ZONES,
    ("GET", "portal.profile"): PROFILE,
    ("POST", "portal.save_profile"): PROFILE,
    ("POST", "portal.withdraw_correction"): PROFILE,
    ("GET", "portal.email"): PERSON,
    ("POST", "portal.change_email"): PERSON,
    ("POST", "portal.withdraw_email"): PERSON,
    ("GET", "portal.handover"): OWNER,
    ("POST", "portal.start_handover"): OWNER,
    ("POST", "portal.withdraw_handover"): OWNER,
    ("POST", "portal.deny_verification"): MINE,
    ("GET", "portal.contacts"): CONTACTS,
    ("POST", "portal.add_contact"): CONTACTS,
    ("GET", "portal.contact"): CONTACTS,
    ("POST", "portal.change_contact"): CONTACTS,
    ("GET", "portal.users"): CONTACTS,
    ("POST", "portal.invite"): CONTACTS,
    ("POST", "portal.resend_invitation"): CONTACTS,
    ("POST", "portal.revoke_invitation"): CONTACTS,
    ("GET", "portal.user"): CONTACTS,
    ("POST", "portal.change_user"): CONTACTS,
    ("POST", "portal.remove_member"): CONTACTS,
    ("GET", "portal.password"): PERSON,
    ("POST", "portal.change_password"): PERSON,
    ("GET", "portal.security"): PERSON,
    ("GET", "portal.totp"): PERSON,
    ("POST", "portal.start_totp"): PERSON,
    ("GET", "portal.totp_setup"): PERSON,
    ("POST", "portal.switch_totp_on"): PERSON,
    ("POST", "portal.switch_totp_off"): PERSON,
    ("POST", "portal.renew_codes"): PERSON,
    ("POST", "portal.new_passkey_options"): PERSON,
    ("POST", "portal.add_passkey"): PERSON,
    ("POST", "portal.remove_passkey"): MINE,
    ("POST", "portal.confirm_options"): PERSON,
    ("POST", "portal.confirm_with_passkey"): PERSON,
    ("POST", "portal.stop_own_recovery"): MINE,
    ("GET", "portal.pin"): PERSON,
    ("POST", "portal.new_pin"): PERSON,
    ("GET", "portal.services"): SERVICES,
    ("GET", "portal.service"): PRODUCTS,
    ("GET", "portal.service_change"): OF_SERVICE,
    ("POST", "portal.service_change_request"): OF_SERVICE,
    ("GET", "portal.service_cancel"): OF_SERVICE,
    ("POST", "portal.service_cancel_request"): OF_SERVICE,
    ("GET", "portal.service_password"): PASSWORDS,
    ("POST", "portal.service_password_request"): PASSWORDS,
    ("GET", "portal.requests"): _either(Right.ORDERS, Right.MANAGE_PRODUCTS),
    ("GET", "portal.order_new"): ORDERS,
    ("POST", "portal.order"): ORDERS,
    ("GET", "portal.documents"): DOCUMENTS,
    ("GET", "portal.document"): DOCUMENTS,
    ("GET", "portal.storno"): DOCUMENTS,
    ("GET", "portal.migrations"): TRANSFER,
    ("GET", "portal.migration_new"): TRANSFER,
    ("POST", "portal.migration_request"): TRANSFER,
    ("GET", "portal.migration"): TRANSFER,
    ("GET", "portal.migration_reverse"): TRANSFER,
    ("POST", "portal.migration_reverse_request"): TRANSFER,
    ("POST", "portal.migration_withdraw"): MINE,
    ("GET", "portal.quotes"): QUOTES,
    ("GET", "portal.quote"): QUOTES,
    ("POST", "portal.quote_accept"): _with(Right.QUOTES, Right.ORDERS),
    ("POST", "portal.quote_decline"): QUOTES,
    ("GET", "portal.mails"): MAILS,
    ("GET", "portal.mail"): MAILS,
    ("GET", "portal.mail_html"): MAILS,
    ("GET", "portal.moved_mail"): PERSON,
    ("GET", "portal.chat"): PERSON,
    ("GET", "portal.past_chat"): MINE,
    ("GET", "portal.notices"): PERSON,
    ("POST", "portal.choose_notices"): PERSON,
    ("GET", "portal.tickets"): PERSON,
    ("GET", "portal.new_ticket"): TICKETS,
    ("POST", "portal.open_ticket"): TICKETS,
    ("GET", "portal.ticket"): TICKETS,
    ("POST", "portal.answer_ticket"): TICKETS,
    ("POST", "portal.solve_ticket"): TICKETS,
    ("POST", "portal.rate_ticket"): TICKETS,
    ("POST", "portal.mask_ticket"): TICKETS,
    ("GET", "portal.ticket_file"): TICKETS,
    ("GET", "portal.sessions"): PERSON,
    ("GET", "portal.privacy"): PERSON,
    ("POST", "portal.ask_export"): PERSON,
    ("POST", "portal.ask_erasure"): PERSON,
    ("POST", "portal.cancel_erasure"): MINE,
    ("GET", "portal.export_link"): MINE,
    ("POST", "portal.download_export"): MINE,
    ("POST", "portal.revoke"): MINE,
    ("POST", "portal.revoke_others"): PERSON,
    ("POST", "portal.turn_sso"): OWNER,
    ("POST", "portal.revoke_grant"): MINE,
    ("POST", "portal.consent"): PERSON,
    ("POST", "portal.confirm_end"): PERSON,
    ("GET", "portal.document_pdf"): DOCUMENTS,
    ("GET", "portal.statement_pdf"): DOCUMENTS,
    ("GET", "portal.storno_pdf"): DOCUMENTS,
    ("GET", "portal.migration_pdf"): DOCUMENTS,
    ("POST", "portal.create_pay_link"): DOCUMENTS,
    ("POST", "portal.revoke_pay_link"): DOCUMENTS,
    ("GET", "portal.credit"): DOCUMENTS,
    ("POST", "portal.credit_preference"): DOCUMENTS,
    ("POST", "portal.migration_accept"): TRANSFER,
    ("POST", "portal.migration_decline"): TRANSFER,
}


@dataclass(frozen=True)
class Caller:
    """Someone signed in to the portal, and what they hold on the account that is asked about."""

    name: str
    client: ConsoleClient
    rights: frozenset[Right] = frozenset()


@pytest.fixture(scope="module")
def callers(world: World) -> list[Caller]:
    """Sign in the owner, a user with nothing, one with each right and with each set a row names, and a stranger."""
    right_sets = [frozenset[Right](), *(frozenset({right}) for right in ALL_RIGHTS)]
    right_sets += [one for row in RIGHTS.values() if not isinstance(row, str) for one in row]
    people: dict[frozenset[Right], str] = {}
    with world.app.app_context():
        owner = select(PersonSession.person_id).where(PersonSession.id == world.values["customer"]["session_id"])
        account = select(Customer).join(Membership).where(Membership.person_id == owner.scalar_subquery())
        customer = db.session.scalars(account).one()
        for rights in dict.fromkeys(right_sets):
            people[rights] = factories.make_member(customer, rights=rights).person.email
        contact = factories.make_member(customer, MemberRole.CONTACT, rights=ALL_RIGHTS).person.email
        stranger = factories.owner_of(factories.make_customer()).person.email
    found = [Caller(OWNER, world.clients["customer"])]
    found += [
        Caller("+".join(sorted(held)) or "nothing", _sign_in(world, email), held) for held, email in people.items()
    ]
    found.append(Caller("stranger", _sign_in(world, stranger)))
    client = world.app.test_client()
    assert isinstance(client, ConsoleClient)
    refused = client.submit("/moj/login", email=contact, password=factories.PASSWORD)
    assert refused.status_code == 422, "a contact has no sign-in"
    file = sqlite_path(world.app.config["SQLALCHEMY_DATABASE_URI"])
    assert file is not None
    with world.app.app_context():
        db.session.remove()
        db.engine.dispose()
    shutil.copyfile(file, world.untouched)
    return found


def _sign_in(world: World, email: str) -> ConsoleClient:
    client = world.app.test_client()
    assert isinstance(client, ConsoleClient)
    sign_in_person(client, email)
    return client


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    closed = {key for key, who in ROUTES.items() if key[1].startswith("portal.") and who != EVERYONE}
    assert closed - set(RIGHTS) == set()
    assert set(RIGHTS) - closed == set()


def test_each_right_opens_what_it_names(world: World, callers: list[Caller]) -> None:
    """Every caller asks every route, and all that is wrong is reported together."""
    wrong = []
    known = rules(world.app)
    for key, row in RIGHTS.items():
        asking = [one for one in callers if not one.rights] if row == PERSON else callers  # rights change nothing there
        for caller, status in _answers(world, key, asking):
            if (status in FOUND) is not _may(caller, row, has_thing=bool(known[key].arguments)) or (
                status not in FOUND and status != 404
            ):
                wrong.append(f"{' '.join(key)}: {caller.name} gets {status}")
    assert not wrong, "\n".join(wrong)


def _may(caller: Caller, row: Row, *, has_thing: bool) -> bool:
    if caller.name == OWNER or row == PERSON:
        return True
    if caller.name == "stranger":  # finds pages of their own account, and nothing of this one
        return not has_thing and row != MINE
    return not isinstance(row, str) and any(one <= caller.rights for one in row)


def _answers(world: World, key: tuple[str, str], callers: list[Caller]) -> Iterator[tuple[Caller, int]]:
    method, endpoint = key
    values = world.values["customer"]
    fields = {name: values[f"{endpoint}.{name}"] for name in FIELDS.get(key, ())}
    address = world.address(rules(world.app)[key], "customer")
    changed = True
    for caller in callers:
        if changed:
            world.put_back()
        status = ask(caller.client, method, address, fields)
        changed = method != "GET" and status in FOUND
        yield caller, status
