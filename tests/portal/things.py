"""What the pages without a sign-in, and the canned replies, are about: for the matrix of who finds what."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from console.billing import migration as migrate
from console.billing.models import Proforma
from console.billing.pay_links import service as pay_links
from console.billing.quotes import service as quotes
from console.billing.quotes.service import QuoteData, QuoteLineData
from console.billing.service import today
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import files
from console.core.db import db
from console.core.transaction import transaction
from console.customers import registration
from console.customers.account import emails, handover
from console.customers.account.handover import HandoverData
from console.customers.account.profile import profile_of, save_profile
from console.customers.mail_categories import MEMBERSHIP
from console.customers.models import Customer, Invitation, MemberRole, Membership, Registration
from console.customers.passwords import RESET
from console.customers.people import invitations
from console.customers.registration import RegistrationData
from console.customers.rights import MailCategory
from console.customers.verification import cards
from console.hosting.dns.rules import RecordInput
from console.hosting.dns.service import add_record
from console.hosting.models import ProductKind
from console.identity.oidc import applications
from console.identity.oidc.applications import ApplicationData
from console.identity.oidc.models import SsoGrant, SsoSwitch
from console.identity.service import recovery
from console.mail import links, unsubscribing
from console.mail.models import Mail
from console.privacy.models import DataExport, Erasure, ExportState
from console.privacy.service import exports
from console.staff.models import Staff
from console.tickets import links as ticket_links
from console.tickets.canned import service
from console.tickets.queries import ticket_key
from console.tickets.service import requester
from console.tickets.service import verification as ticket_verification
from console.tickets.service_requests.models import RequestKind, ServiceRequest
from console.tokens import service as tokens
from tests import factories
from tests.chat.past import make_past
from tests.factories.chat import monday, sign_in_to_portal
from tests.factories.migrations import make_move
from tests.tickets.canned.support import make_ticket


def access_values(agent: Staff) -> dict[str, Any]:
    """Make a ticket with a file, an open card, a canned reply and a category that holds none."""
    ticket = make_ticket()
    with transaction():
        message = requester.write(SYSTEM, ticket, "Evo", client_id="a" * 20, files=[("a.txt", b"a")])
        _card, card_token = cards.ask(agent.actor(), ticket_verification.channel(ticket))
        used = service.save_category(SYSTEM, None, name_sr="Razno", name_en="Various")
        empty = service.save_category(SYSTEM, None, name_sr="Prazno", name_en="Empty")
        reply = service.add_reply(SYSTEM, service.ReplyData(used.id, "proba", "Proba", "Try", "Dobar dan", "Hello"))
    return {
        "ticket.number": ticket.number,
        "ticket.key": message.attachments[0].id,
        "requester.token": ticket_links.requester_token(ticket),
        "requester.attachment_id": message.attachments[0].id,
        "sealed.token": card_token,
        "replies.key": empty.id,
        "replies.edit_view.id": reply.id,
        "replies.delete_view.id": reply.id,
    }


def sso_values(owner: Membership) -> dict[str, Any]:
    """Turn single sign-on on for an account, with an application and what it was granted."""
    data = ApplicationData("Webmail", ("https://webmail.example.test/callback",))
    panel = replace(data, name="Panel")
    with transaction() as session:
        session.add(SsoSwitch(customer_id=owner.customer_id, person_id=owner.person_id, switched_on_at=clock.now()))
        webmail = applications.register(SYSTEM, data).application
        other = applications.register(SYSTEM, panel).application
        grant = SsoGrant(application=other, membership_id=owner.id, scopes=["openid"], granted_at=clock.now())
        session.add(grant)
        session.flush()
        fields = {
            "response_type": "code", "client_id": webmail.client_id, "redirect_uri": data.redirect_uris[0],
            "scope": "openid", "code_challenge": "x" * 43, "code_challenge_method": "S256", "decision": "allow",
        }  # fmt: skip
        values: dict[str, Any] = {
            f"{endpoint}.{name}": value
            for endpoint in ("oauth.authorize", "portal.consent")
            for name, value in fields.items()
        }
        keyed = {"oauth.token.grant_type": "authorization_code", "applications.key": webmail.id, "grant_id": grant.id}
        return values | keyed


def people_values(customer: Customer) -> dict[str, Any]:
    """Make a contact, two users and an invitation of one account."""
    with transaction():
        invitation = invitations.invite(SYSTEM, customer, "pozvan@example.rs", [])
        reset_token = tokens.issue(RESET, f"person:{factories.owner_of(customer).person_id}", timedelta(hours=1))
        sign_up = RegistrationData(name="Nova Osoba", email="nova@example.rs")
        registration.ask(sign_up, factories.password_hash(), None)
        row = db.session.scalars(select(Registration)).one()
        export_token = _export(factories.owner_of(customer).person_id)
        registration_token = tokens.issue(registration.PURPOSE, f"registration:{row.id}", timedelta(hours=1))
    return {
        "portal.contact_id": factories.make_member(customer, MemberRole.CONTACT).id,
        "portal.user_id": factories.make_member(customer).id,
        "portal.member_id": factories.make_member(customer).id,
        "portal.invitation_id": invitation.id,
        "portal.invitation_token": token_of(invitation),
        "portal.reset_token": reset_token,
        "portal.registration_token": registration_token,
        **_second_factors(customer),
        "portal.export_token": export_token,
    }


def _second_factors(customer: Customer) -> dict[str, Any]:
    """Give the owner a passkey, and a lost device that waits, whose links can be looked at."""
    owner = factories.owner_of(customer).person
    with transaction() as session:
        passkey = factories.make_passkey(owner)
        waiting = recovery.ask(Actor(kind="person", id=owner.id, name=owner.name), owner)
        session.flush()
        subject = f"recovery:{waiting.id}"
        remove, stop = (
            tokens.issue(purpose, subject, timedelta(hours=1)) for purpose in (recovery.REMOVE, recovery.CANCEL)
        )
    return {
        "portal.passkey_id": passkey.id,
        "portal.recovery_token": remove,
        "portal.recovery_stop_token": stop,
        "customer.review_recovery.recovery": waiting.id,
        "customer.review_recovery.decision": "allow",
    }


def ticket_values(customer: Customer) -> dict[str, Any]:
    """Make a ticket of an account's owner, with a file, and a past chat of theirs."""
    owner = factories.owner_of(customer).person
    ticket = make_ticket(customer=customer, requester_email=owner.email, requester_name=owner.name)
    with transaction():
        message = requester.write(SYSTEM, ticket, "Evo", client_id="b" * 20, files=[("b.txt", b"b")])
    with clock.standing_at(monday(11)):
        chat = make_past(factories.make_staff().actor(), session=sign_in_to_portal(owner))
    return {
        "portal.ticket_number": ticket.number,
        "portal.attachment_id": message.attachments[0].id,
        "portal.chat_number": chat.number,
    }


def service_values(ana: factories.Persona, billing: Staff, ticket_number: str) -> dict[str, Any]:
    """Make of an account a cancelled pro-forma, a quote, a transfer that began in the portal, and a request."""
    gone = factories.make_proforma(ana.customer, cancelled=True)
    new = factories.make_customer()
    moving = factories.make_service(ana.customer)
    pin = factories.pin_of(ana.owner)
    person = factories.signed_in_actor(ana.owner.person)
    request = migrate.Request((moving.id,), new.number, 0, "Sajt je prodat")
    with transaction():
        transfer = migrate.request_in_portal(person, ana.customer, request, pin, "a" * 20)
        sent = quotes.send_quote(billing.actor(), ana.customer, quote_data(), "a" * 20)
        unverified = quotes.send_quote(billing.actor(), new, quote_data(), "b" * 20)
    assert transfer is not None and gone.storno is not None
    with transaction() as session:
        session.add(
            ServiceRequest(
                kind=RequestKind.ORDER,
                customer_id=ana.customer.id,
                ticket_id=ticket_key(ticket_number),
                requested_by_id=ana.owner.id,
                data={},
                requested_at=clock.now(),
            )
        )
    waiting = factories.make_proforma(ana.customer)
    pay_token(waiting)
    received = make_move(new, ana.customer, [factories.make_service(new)]).to_approved()
    received.execute()
    return {
        "portal.service_id": ana.services[0].id,
        "portal.number": waiting.number,
        "portal.storno_number": gone.storno.number,
        "portal.ref": transfer["ref"],
        "portal.migration_reverse.ref": received.ref,
        "portal.migration_reverse_request.ref": received.ref,
        "portal.quote_number": sent["number"],
        "quotes.number": unverified["number"],
        "ticket.outcome": "done",
    }


def leave_token(member: Membership, category: MailCategory = MailCategory.INVOICE) -> str:
    """Return what is at the end of the link that turns a category of mail off."""
    return unsubscribing.url(unsubscribing.key_of(MEMBERSHIP, member.id, category.value)).rpartition("/")[2]


def pay_token(proforma: Proforma) -> str:
    """Make the link that lets another person pay, and return its token."""
    with transaction():
        return pay_links.address_of(pay_links.create_link(SYSTEM, proforma)).rpartition("/")[2]


def quote_data(**changes: Any) -> QuoteData:
    """Return a quote of two lines, valid for a week."""
    lines = (QuoteLineData("VPS 4, 12 meseci", 4_800_000), QuoteLineData("Prenos sajta", 600_000, tax_bp=1000))
    return replace(QuoteData("RSD", today() + timedelta(days=7), lines), **changes)


def dns_values(customer: Customer) -> dict[str, Any]:
    """Make two versions of a domain's zone."""
    domain = factories.make_domain(factories.make_service(customer, factories.make_product(ProductKind.DOMAIN)))
    with transaction():
        add_record(SYSTEM, domain.id, RecordInput("www", "A", "3600", "203.0.113.10"), 0)
        record_id = add_record(SYSTEM, domain.id, RecordInput("shop", "A", "3600", "203.0.113.10"), 1).record_id
    names = {"domain": domain.name, "record_id": record_id}
    portal = {f"portal.{name}": value for name, value in (names | {"version_number": 1}).items()}
    console = {f"customer_dns.{name}": value for name, value in (names | {"version": 1}).items()}
    return portal | console | {"customer_dns.number": customer.number}


def account_values(customer: Customer) -> dict[str, Any]:
    """Make a contact and a user for staff to change, a handover, a correction, a new address and a verification."""
    owner = factories.owner_of(customer)
    actor = factories.signed_in_actor(owner.person)
    with transaction():
        offer = handover.start(actor, customer.id, HandoverData("Novi Vlasnik", "preuzima@example.rs"))
        data = replace(profile_of(customer), name="Ispravljeno Ime")
        correction = save_profile(actor, customer.id, data, correction="Slovna greška").correction
        change = emails.ask(actor, "nova-adresa@example.rs")
        link = tokens.issue(emails.OLD, f"email_change:{change.id}", timedelta(hours=1))
        offered = tokens.issue(handover.PURPOSE, handover.subject_of(offer), timedelta(hours=1))
    assert correction is not None
    contact, user, gone = (
        factories.make_member(customer, role) for role in (MemberRole.CONTACT, MemberRole.USER, MemberRole.USER)
    )
    pages = ("customer_profile", "customer_handover", "customer_people")
    return {f"{page}.number": customer.number for page in pages} | {
        "customer_people.contact_id": contact.id,
        "customer_people.user_id": user.id,
        "customer_people.member_id": gone.id,
        "customer_handover.handover_id": offer.id,
        "correction_id": correction.id,
        "handover_id": offer.id,
        "portal.handover_token": offered,
        "portal.email_token": link,
        "portal.verification_id": factories.make_verification(factories.make_staff(), owner).id,
    }


def _export(person_id: int) -> str:
    """Make a copy of a person's data that is ready, and an erasure that waits; return the token of the copy."""
    now = clock.now()
    row = DataExport(
        person_id=person_id, state=ExportState.READY, requested_at=now, ready_at=now,
        expires_at=now + timedelta(days=7), digest=files().put(b"x"), size=1,
    )  # fmt: skip
    db.session.add_all([row, Erasure(person_id=person_id, requested_at=now, due_at=now + timedelta(days=7))])
    db.session.flush()
    return tokens.issue(exports.PURPOSE, f"export:{row.id}", timedelta(days=7))


def token_of(invitation: Invitation) -> str:
    """Return the token in the last mail about an invitation."""
    query = select(Mail).where(Mail.subject_ref == f"invitation:{invitation.id}").order_by(Mail.id.desc())
    mail = db.session.scalars(query).first()
    assert mail is not None
    text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
    found = re.search(r"/moj/invitation/(\S+)", text)
    assert found is not None
    return found[1]
