"""Mail to look at, of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import files
from console.core.db import db
from console.core.transaction import is_writing, transaction
from console.customers.models import Customer, Membership
from console.customers.verification import cards
from console.mail.links import SecretLink
from console.mail.models import Mail, MailState
from console.staff.models import Staff
from console.tickets import links, mails
from console.tickets.models import Ticket
from console.tickets.service import verification as ticket_verification
from tests import factories
from tests.factories.tickets import make_department, make_ticket

_numbers = count(1)

US = Actor(kind="staff", id=None, name="Mila")


def make_mail(**more: Any) -> Mail:
    """Write one mail straight into the table."""
    number = next(_numbers)
    now = clock.now()
    values: dict[str, Any] = {
        "message_id": f"<proba-{number}@example.test>",
        "template": "pin_renewed",
        "language": "sr_Latn",
        "to_address": f"prima{number}@example.test",
        "subject": f"Nov PIN {number}",
        "text": f"Tekst mejla {number}\n",
        "html": f"<html><head></head><body><p>Izgled mejla {number}</p></body></html>",
        "state": MailState.SENT,
        "created_at": now,
        "send_after": now,
        "attempts": 1,
        "attachments": [],
        **more,
    }
    if values["state"] is MailState.SENT:
        values.setdefault("sent_at", now)
    if values["state"] is MailState.FAILED:
        values |= {"failed_at": now, "last_error": values.get("last_error", "550 5.1.1 User unknown")}
    mail = Mail(**values)
    if is_writing():
        db.session.add(mail)
        db.session.flush()
    else:
        with transaction() as session:
            session.add(mail)
    return mail


@dataclass
class Sent:
    """One mail of each kind, and the secrets in them."""

    customer: Customer
    owner: Membership
    account: int  # about the account, private of nobody
    ticket: Ticket
    opened: int  # with the requester's link
    verification: int  # with the link to the sealed card
    hidden: int  # about a ticket of a private department
    staff: int  # to one of us
    tokens: tuple[str, ...]


def sent_of_each(agent: Staff) -> Sent:
    """Make one mail of each kind through the verbs that send them."""
    persona = factories.ana()
    private = make_department("Zloupotrebe", private=True)
    email, name = persona.owner.person.email, persona.owner.person.name
    about: dict[str, Any] = {"requester_email": email, "requester_name": name, "customer_id": persona.customer.id}
    with transaction():
        ticket, secret = make_ticket(SYSTEM, **about), make_ticket(SYSTEM, private, **about)
        opened = mails.opened(US, ticket)
        hidden = mails.opened(US, secret)
        _card, token = cards.ask(agent.actor(), ticket_verification.channel(ticket))
        base = links.requester_url(ticket).partition("/t/")[0]
        verification = mails.verification_asked(ticket, SecretLink(f"{base}/v/", token), 30)
        account = make_mail(customer_id=persona.customer.id, to_address=email, subject="Nov PIN za podršku")
        staff = make_mail(template="sla_targets_missed", to_address="nadzor@example.test", subject="Jedno obećanje")
        tokens = (links.requester_token(ticket), links.requester_token(secret), token)
        return Sent(
            persona.customer, persona.owner, account.id, ticket, opened.id, verification.id, hidden.id, staff.id, tokens
        )


def make_failed(count_: int = 1) -> list[int]:
    """Make mails that failed; return their keys."""
    with transaction():
        return [make_mail(state=MailState.FAILED).id for _ in range(count_)]


def mail_values(persona: factories.Persona) -> dict[str, Any]:
    """Make a mail about a ticket of somebody, with a file: for the matrix of who finds what."""
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email=persona.owner.person.email, customer_id=persona.customer.id)
        mail = mails.opened(US, ticket)
        mail.state, mail.sent_at = MailState.SENT, clock.now()
        mail.attachments = [{"name": "a.txt", "type": "text/plain", "size": 1, "digest": files().put(b"a")}]
    return {
        "mail_page.key": mail.id,
        "portal.key": mail.id,
        "demo.key": mail.id,
        "demo.place": 0,
        "mail_templates.template": "ticket_reply",
        "mail_templates.case": 0,
    }
