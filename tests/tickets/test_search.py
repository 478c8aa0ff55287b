"""Search of tickets: what is found, by whom, in which order; and that the index says what the tickets say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM, Actor
from console.core.search import LIMIT
from console.core.transaction import transaction
from console.customers.models import CustomerKind, Verification
from console.customers.rights import Right
from console.customers.verification.service import end
from console.staff.models import DepartmentMember
from console.staff.roles import Role
from console.tickets import search
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketStatus
from console.tickets.queries import visible
from console.tickets.reviews import service as reviews
from console.tickets.reviews.queries import criteria
from console.tickets.service import merging, properties, questions, ratings, splitting, timeline
from console.tickets.service import messages as ticket_messages
from console.tickets.service.messages import Writing
from tests import factories
from tests.conftest import Clock
from tests.factories.migrations import make_move
from tests.factories.tickets import make_department, make_ticket
from tests.imports.files import CUSTOMER, bring, write
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.both

Actors = Callable[[Role | str], Actor]


def found(session: Session, actor: Actor, term: str) -> list[int]:
    """Return what is found, the best first; the condition for exports must agree."""
    best = search.ranked(actor, term, select(Ticket.id).where(visible(actor)))
    condition = search.matching(actor, term)
    assert best is not None
    assert condition is not None
    keys: list[int] = list(session.scalars(select(best.c.id).order_by(best.c.rank.desc(), best.c.id.desc())))
    assert set(keys) == set(session.scalars(select(Ticket.id).where(condition, visible(actor))))
    session.rollback()
    return keys


def say(actor: Actor, ticket: Ticket, body: str, kind: MessageKind = MessageKind.REPLY) -> TicketMessage:
    """Let a colleague write."""
    verb = ticket_messages.reply if kind is MessageKind.REPLY else ticket_messages.note
    with transaction():
        return verb(actor, ticket.id, Writing(body, f"c-{ticket.last_seq}", anyway=True))


@dataclass(frozen=True)
class Place:
    """A ticket with a word of its own in each place."""

    ticket: Ticket
    words: dict[str, str]


@pytest.fixture
def place(session: Session, actor: Actors) -> Place:
    with transaction():
        customer = factories.make_customer(CustomerKind.COMPANY, name="Пекара Ђердап д.о.о.")
        ticket = make_ticket(
            SYSTEM,
            subject="Čekamo sertifikat šumarije",
            body="Poštanski sandučić je pun.",
            requester_name="Žarko Đuričić",
            requester_email="zarko@livada.example.rs",
            customer_id=customer.id,
            tags=("hitnija",),
        )
        make_ticket(SYSTEM, subject="Nešto sasvim drugo", body="Bez veze sa ostalim.")
        number, account = ticket.number, customer.number
    say(actor(Role.AGENT), ticket, "Povećali smo kvotu.")
    say(actor(Role.AGENT), ticket, "Prethodno je bio na testnom okruženju.", MessageKind.NOTE)
    words = {
        "number": number, "subject": "sertifikat", "question": "sandučić", "reply": "kvotu", "note": "okruženju",
        "requester": "Đuričić", "address": "livada", "customer": "Đerdap", "account": account, "tag": "hitnija",
    }  # fmt: skip
    return Place(ticket, words)


# --- what is found ---


def test_words_in_every_place_however_they_are_spelled(session: Session, actor: Actors, place: Place) -> None:
    agent = actor(Role.AGENT)
    for where, word in place.words.items():
        assert found(session, agent, word) == [place.ticket.id], where
        assert found(session, agent, word.upper()) == [place.ticket.id], where
    alike = (
        "cekamo sumarije", "ЧЕКАМО ШУМАРИЈЕ", "čekamo šuma", "šumarija", "sertifikata", "Duričić",
        "djuricic zarko", "Ђуричић", "DJERDAP", "đerd", "sanducic",
        "kvot sert", "zarko@livada.example.rs", "  sertifikat ,  žarko!",
    )  # fmt: skip
    for term in alike:
        assert found(session, agent, term) == [place.ticket.id], term
    for term in ("ertifikat", "sertifikat petar", "šumadija"):
        assert found(session, agent, term) == [], term


def test_a_subject_counts_more_than_a_message_and_newer_more_than_older(session: Session, actor: Actors) -> None:
    with transaction():
        titled = make_ticket(SYSTEM, subject="Prenos domena", body="Kako to ide?").id
        older, newer = (
            make_ticket(SYSTEM, subject="Pitanje broj", body="Usput, prenos je isto zanimljiv.").id for _ in range(2)
        )
    assert found(session, actor(Role.AGENT), "prenos") == [titled, newer, older]


# Whatever is typed is words; nothing of it is a language.
HOSTILE = (
    '"', "'", '"sertifikat', "sertifikat OR", "OR", "NOT", "AND sertifikat", "NEAR(sertifikat)", "sertifikat*", "*",
    "title:sertifikat", "words : sertifikat", "{title} : x", "-sertifikat", "+sertifikat", "^sertifikat", "(", ")",
    "()", "sertifikat & !", "sertifikat |", "<->", "sertifikat:*", "a:*b", "%", "_", "\\", "\\'",
    "';DROP TABLE tickets;--",
    "sertifikat\nšumarije", "sertifikat\0", "\t", "漢字", "😀", "ﬁ", "a" * 5_000, "sertifikat " * 300, "ч" * 300,
)  # fmt: skip


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_nothing_typed_is_an_error(client: ConsoleClient, place: Place, role: Role) -> None:
    sign_in(client, role)
    for term in HOSTILE:
        for address, name in (("/console/tickets/", "search"), ("/console/palette/", "q")):
            answer = client.get_json(address, query_string={name: term})
            assert answer.status_code == 200, (address, term, answer.text)
    for term in ('"sertifikat', "sertifikat*", "(sertifikat)", "-sertifikat", "^sertifikat:*", "sertifikat\0"):
        items = client.get_json("/console/tickets/", query_string={"search": term}).json["items"]
        assert [item["number"] for item in items] == [place.ticket.number], term
        assert client.get("/console/tickets/", query_string={"search": term}).status_code == 200


# --- by whom ---


def test_a_private_department_is_its_own(session: Session, actor: Actors, client: ConsoleClient) -> None:
    agent = actor(Role.AGENT)
    with transaction():
        private = make_department(private=True)
        ticket = make_ticket(SYSTEM, private, subject="Tajna istraga").id
    assert found(session, agent, "istraga") == []
    assert found(session, actor(Role.SUPERVISOR), "istraga") == [ticket]
    with transaction():
        session.add(DepartmentMember(department_id=private.id, staff_id=agent.id))
    assert found(session, agent, "istraga") == [ticket]
    sign_in(client, Role.BILLING)
    assert "istraga" not in client.get_json("/console/palette/", query_string={"q": "istraga"}).text.lower()


def test_nothing_of_a_review_is_found(session: Session, actor: Actors, place: Place) -> None:
    supervisor, agent = actor(Role.SUPERVISOR), actor(Role.AGENT)
    with transaction():
        properties.set_status(agent, [place.ticket.id], TicketStatus.SOLVED)
        visitor = Actor(kind="visitor", id=None, name="Žarko")
        ratings.rate(visitor, place.ticket, 2, "Nezadovoljstvoreč")
        review = reviews.pick(supervisor, place.ticket.id, agent.id)
        points: dict[int, int | None] = {line.id: 3 for line in criteria(active=True)}
        reviews.score(supervisor, review.id, reviews.Scoring(points, "Podučavanjereč", {}, review.version))
        reviews.answer(agent, review.id, "Odgovornareč", "c")
        timeline.index(place.ticket)
    for word in ("nezadovoljstvorec", "poducavanjerec", "odgovornarec"):
        assert found(session, supervisor, word) == []


def opened(agent: Actor, place: factories.Persona, *rights: Right) -> Verification:
    from console.core.db import db
    from console.staff.models import Staff

    with transaction():
        return factories.make_verification(
            db.session.get_one(Staff, agent.id), place.owner, rights=sorted(right.value for right in rights)
        )


def test_services_and_domains_are_found_by_those_with_access(session: Session, actor: Actors) -> None:
    agent = actor(Role.AGENT)
    persona = factories.ana()
    with transaction():
        about = make_ticket(SYSTEM, customer_id=persona.customer.id, service_id=persona.services[0].id, subject="Prvo")
        other = make_ticket(SYSTEM, customer_id=persona.customer.id, subject="Drugo")
        domain = factories.make_domain(persona.services[1], "vinograd-brdo.example.rs")
        make_ticket(SYSTEM, subject="Tuđe")
        ids = [about.id, other.id]
        name, label = domain.name, persona.services[0].label
    for role in (Role.SUPERVISOR, Role.BILLING):
        assert found(session, actor(role), label) == ids, role  # the one about it first
        assert found(session, actor(role), "vinograd brdo") == ids[::-1], role
    for term in (label, name, "vinograd", "prodavnica"):
        assert found(session, agent, term) == []  # its page masks the service as well

    live = opened(agent, persona, Right.PRODUCTS)
    assert found(session, agent, label) == ids
    with transaction():
        end(agent, live.id)
    opened(agent, persona, Right.DOMAINS)
    assert sorted(found(session, agent, "vinograd")) == ids
    assert found(session, actor("agent"), "vinograd prvo") == []  # one thing says all of the words, or none does


def test_a_domain_that_moved_is_its_new_owners(session: Session, actor: Actors) -> None:
    move = make_move()
    with transaction():
        label = move.services[0].label
        old = make_ticket(SYSTEM, customer_id=move.old.id, subject="Kod starog").id
        new = make_ticket(SYSTEM, customer_id=move.new.id, subject="Kod novog").id
    supervisor = actor(Role.SUPERVISOR)
    assert found(session, supervisor, label) == [old]
    move.request()
    move.approve()
    move.execute()
    assert found(session, supervisor, label) == [new]


def test_words_that_very_many_say_are_not_looked_for_in_names(
    session: Session, actor: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tickets.search.LIMIT", 2)
    persona = factories.ana()
    with transaction():
        matching = [make_ticket(SYSTEM, subject=f"Prodavnica {number}").id for number in range(2)]
        make_ticket(SYSTEM, customer_id=persona.customer.id, subject="Nešto")
    best = search.ranked(actor(Role.SUPERVISOR), "prodavnica")
    assert best is not None
    assert sorted(session.scalars(select(best.c.id))) == matching
    assert LIMIT > 2


# --- the index ---


def index_of(session: Session, key: int) -> str:
    """Return a ticket's row of the index, whatever the database."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    displayed, column = ("title || ' / ' || words", "rowid") if sqlite else ("words::text", "id")
    query = text(f"SELECT {displayed} FROM search_tickets WHERE {column} = :key")
    row: str = session.execute(query, {"key": key}).scalar_one()
    return row


def test_an_account_that_a_file_renames(session: Session, actor: Actors, tmp_path: Path) -> None:
    agent = actor(Role.AGENT)
    bring("customers", write(tmp_path / "a.csv", [CUSTOMER]))
    from console.customers.models import Customer

    with transaction():
        customer = session.scalars(select(Customer).where(Customer.external_id == "C-1")).one()
        parent, child = (make_ticket(SYSTEM, customer_id=customer.id, subject=name) for name in ("Prvo", "Drugoreč"))
        ids = [parent.id, child.id]
        merging.merge(agent, [child.id], parent.id, different_requesters=True)
    report = bring("customers", write(tmp_path / "b.csv", [CUSTOMER | {"name": "Љубица Ново-Име"}]))
    assert report.changed == 1
    assert sorted(found(session, agent, "ljubica")) == ids
    assert found(session, agent, "scepanovic novo") == []
    for key in ids:
        before = index_of(session, key)
        session.rollback()
        with transaction():
            timeline.index(session.get_one(Ticket, key))
            assert index_of(session, key) == before


def test_a_reply_that_was_taken_back_is_not_found(session: Session, actor: Actors, place: Place, clock: Clock) -> None:
    message = say(actor(Role.AGENT), place.ticket, "Pogrešnareč")
    assert found(session, actor(Role.AGENT), "pogresnarec") == [place.ticket.id]
    with transaction():
        ticket_messages.take_back(actor(Role.AGENT), place.ticket.id, message.id)
    assert found(session, actor(Role.AGENT), "pogresnarec") == []


def test_merged_words_are_found_in_both_and_parted_again(session: Session, actor: Actors) -> None:
    agent = actor(Role.AGENT)
    with transaction():
        one, two = (make_ticket(SYSTEM, body=body) for body in ("Ovde je jagoda.", "Ovde je malina."))
        ids = one.id, two.id
    with transaction():
        merging.merge(agent, [ids[1]], ids[0], different_requesters=True)
    assert sorted(found(session, agent, "malina")) == [*ids]
    assert found(session, agent, "jagoda") == [ids[0]]
    with transaction():
        merging.undo_merge(agent, ids[1])
    assert found(session, agent, "malina") == [ids[1]]
    say(agent, session.get_one(Ticket, ids[0]), "I dunja stiže.", MessageKind.NOTE)
    with transaction():
        dunja = session.scalars(select(TicketMessage.id).where(TicketMessage.body.contains("dunja"))).one()
        new = splitting.split(agent, ids[0], [dunja], "Odvojeno").id
    assert found(session, agent, "dunja") == [new]


def test_after_any_verbs_the_index_says_what_the_tickets_say(session: Session, actor: Actors, clock: Clock) -> None:
    rng = Random(11)  # noqa: S311  (chance that repeats)
    agent, words = actor(Role.AGENT), ("mrkva", "čičak", "Ђак", "žito", "šljiva", "luk")
    with transaction():
        customers = [factories.make_customer() for _ in range(2)]
        keys = [make_ticket(SYSTEM, body=rng.choice(words)).id for _ in range(4)]
        factories.make_service(customers[0])
    visitor = Actor(kind="visitor", id=None, name="Neko")

    def once(turn: int) -> None:
        key, word = rng.choice(keys), f"{rng.choice(words)} {turn}"
        ticket = session.get_one(Ticket, key)
        if ticket.merged_into_id is not None:
            merging.undo_merge(agent, key)
            return
        verbs: list[Callable[[], object]] = [
            lambda: ticket_messages.reply(agent, key, Writing(word, f"r{turn}", anyway=True)),
            lambda: ticket_messages.note(agent, key, Writing(word, f"n{turn}")),
            lambda: questions.add_question(visitor, ticket, word, client_id=f"q{turn}", via="link"),
            lambda: properties.set_subject(agent, key, word),
            lambda: properties.set_customer(agent, key, rng.choice([*customers, None])),
            lambda: properties.tag(agent, [key], [word.split(maxsplit=1)[0]]),
            lambda: properties.untag(agent, [key], words),
            lambda: _merge(agent, key, rng.choice(keys)),
        ]
        rng.choice(verbs)()

    for turn in range(30):
        with transaction():
            once(turn)
    with transaction():
        for key in keys:
            before = index_of(session, key)
            timeline.index(session.get_one(Ticket, key))
            assert index_of(session, key) == before, key
        before_all = [index_of(session, key) for key in keys]
        search.index_many(keys)
        assert [index_of(session, key) for key in keys] == before_all


def _merge(actor: Actor, key: int, into: int) -> None:
    from console.core.db import db

    one, other = db.session.get_one(Ticket, key), db.session.get_one(Ticket, into)
    if key != into and other.merged_into_id is None and None in (one.customer_id, other.customer_id):
        merging.merge(actor, [key], into, different_requesters=True)
