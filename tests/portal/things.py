"""What the pages without a sign-in, and the canned replies, are about: for the matrix of who finds what."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers import registration
from console.customers.models import Customer, Invitation, MemberRole, Registration
from console.customers.passwords import RESET
from console.customers.people import invitations
from console.customers.registration import RegistrationData
from console.customers.verification import cards
from console.mail import links
from console.mail.models import Mail
from console.staff.models import Staff
from console.tickets import links as ticket_links
from console.tickets.canned import service
from console.tickets.service import requester
from console.tickets.service import verification as ticket_verification
from console.tokens import service as tokens
from tests import factories
from tests.chat.past import make_past
from tests.chat.rows import monday, sign_in_to_portal
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


def people_values(customer: Customer) -> dict[str, Any]:
    """Make a contact, two users and an invitation of one account."""
    with transaction():
        invitation = invitations.invite(SYSTEM, customer, "pozvan@example.rs", [])
        reset_token = tokens.issue(RESET, f"person:{factories.owner_of(customer).person_id}", timedelta(hours=1))
        asked = RegistrationData(name="Nova Osoba", email="nova@example.rs")
        registration.ask(asked, factories.password_hash(), None)
        row = db.session.scalars(select(Registration)).one()
        registration_token = tokens.issue(registration.PURPOSE, f"registration:{row.id}", timedelta(hours=1))
    return {
        "portal.contact_id": factories.make_member(customer, MemberRole.CONTACT).id,
        "portal.user_id": factories.make_member(customer).id,
        "portal.member_id": factories.make_member(customer).id,
        "portal.invitation_id": invitation.id,
        "portal.invitation_token": token_of(invitation),
        "portal.reset_token": reset_token,
        "portal.registration_token": registration_token,
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


def token_of(invitation: Invitation) -> str:
    """Return the token in the last mail about an invitation."""
    query = select(Mail).where(Mail.subject_ref == f"invitation:{invitation.id}").order_by(Mail.id.desc())
    mail = db.session.scalars(query).first()
    assert mail is not None
    text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
    found = re.search(r"/moj/invitation/(\S+)", text)
    assert found is not None
    return found[1]
