"""A person who has been through every domain, for tests of what is copied and what is erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select, update

from console.chat import search as chat_search
from console.chat.models import Chat, ChatFile, ChatMessage, ChatStatus
from console.chat.models import MessageKind as ChatKind
from console.core import clock
from console.core.actor import Actor
from console.core.context import files as store
from console.core.db import db
from console.core.transaction import transaction
from console.customers import passwords
from console.customers.models import Membership, Person, PersonSession
from console.customers.people.invitations import invite
from console.customers.people.members import ContactData, add_contact
from console.hosting.models import Service, ServiceStatus
from console.staff.models import Department, Staff
from console.tickets.models import Ticket
from console.tickets.reviews.models import TicketRating
from console.tickets.service.attachments import attach
from console.tickets.service.messages import Writing, note, reply
from tests import factories
from tests.factories.tickets import make_ticket
from tests.privacy import portal_parts


@dataclass(frozen=True)
class Someone:
    """Who they are, and the words that only what is theirs has."""

    member: Membership
    name: str
    email: str
    phone: str
    word: str
    digest: str
    document: str

    @property
    def actor(self) -> Actor:
        return factories.signed_in_actor(self.member.person)

    @property
    def traces(self) -> tuple[str, ...]:
        """What a search for them looks for."""
        return self.name, self.email, self.phone, self.word


def someone(word: str, staff: Staff, *, everywhere: bool = False) -> Someone:
    """Take a person through every domain; ``word`` is in everything that they write or that is written about them.

    Args:
        everywhere: through the parts of Moj Mint too; they sign in with a second step then.
    """
    name, email, phone = (
        f"Ime{word} Prezime{word}",
        f"{word}@ljudi.example.rs",
        f"+381 60 {len(word)}{ord(word[0])}55 44",
    )
    person = factories.make_person(email=email, name=name)
    customer = factories.make_customer(name=name, owner=person, phone=phone, address=f"Ulica {word} 5")
    owner = factories.owner_of(customer)
    with transaction() as session:
        session.get_one(Person, person.id).phone = phone
    service = factories.make_service(customer)
    document = factories.make_proforma(customer, [service])
    factories.pay_proforma(document, 100, payer=name, purpose=f"Uplata {word}")
    actor = Actor(kind="person", id=owner.person_id, name=name, address="203.0.113.7")
    factories.make_verification(staff, owner)
    with transaction() as session:
        contact = ContactData(name=f"Kontakt {word}", email=f"kontakt-{word}@ljudi.example.rs")
        add_contact(actor, customer, contact)
        invite(actor, customer, f"poziv-{word}@ljudi.example.rs", [])
        passwords.ask(email, "203.0.113.7")
        now = clock.now()
        session.add(
            PersonSession(
                person_id=owner.person_id,
                token_digest=f"digest-{word}",
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(hours=1),
                address="203.0.113.7",
                user_agent=word,
            )
        )
    if everywhere:
        portal_parts.fill(word, owner, service)
    with transaction() as session:
        session.execute(
            update(Service).where(Service.customer_id == customer.id).values(status=ServiceStatus.CANCELLED)
        )
    digest = _ticket(staff, owner, word, name, email)
    _chat(owner, word, name, email, customer.id)
    return Someone(owner, name, email, phone, word, digest, document.number)


def _ticket(staff: Staff, owner: Membership, word: str, name: str, email: str) -> str:
    ticket = make_ticket(
        staff.actor(), requester_name=name, requester_email=email, subject=f"Pitanje {word}", body=f"Piše {word}",
        customer_id=owner.customer_id,
    )  # fmt: skip
    key = ticket.id
    with transaction() as session:
        row = session.get_one(Ticket, key)
        file = attach(staff.actor(), row, f"{word}.txt", f"datoteka {word}".encode())
        digest = file.digest
        reply(staff.actor(), key, Writing(f"Poštovani {name}, {word}", uuid4().hex, attachments=(file.id,)))
        note(staff.actor(), key, Writing(f"Beleška o {word}", uuid4().hex, anyway=True))
        session.add(TicketRating(ticket_id=key, score=5, comment=f"Hvala {word}", at=clock.now(),
                                 department_id=row.department_id))  # fmt: skip
    return digest


def _chat(owner: Membership, word: str, name: str, email: str, customer_id: int) -> None:
    now = clock.now()
    with transaction() as session:
        department = session.scalars(select(Department).order_by(Department.id)).first()
        assert department is not None
        chat = Chat(
            open_key=uuid4().hex, status=ChatStatus.CLOSED, name=name, email=email, language="sr_Latn",
            department_id=department.id, person_id=owner.person_id, customer_id=customer_id, verified_name=name,
            source="x", page=f"https://{word}.example/", created_at=now, waits_since=now, queued_at=now, last_at=now,
            last_seq=1, preview=f"Poruka {word}", ended_at=now, rating=4, rating_comment=f"Ocena {word}",
        )  # fmt: skip
        session.add(chat)
        session.flush()
        session.add(ChatMessage(chat_id=chat.id, seq=1, kind=ChatKind.VISITOR, name=name, body=f"Poruka {word}",
                                client_key=f"v:{uuid4().hex}", at=now))  # fmt: skip
        digest = store().put(f"slika {word}".encode())
        session.add(ChatFile(chat_id=chat.id, seq=1, name=f"{word}.png", content_type="image/png", size=5,
                             digest=digest, created_at=now))  # fmt: skip
        session.flush()
        chat_search.index(chat, new=True)
    db.session.expire_all()
