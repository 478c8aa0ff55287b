"""Very many past chats at once, written as the verbs would have left them, in a few statements a thousand.

All of them have ended; two of three were rated, one of five was verified. Reproducible, whatever the
count: number 17 is the same among twenty and among a hundred thousand. No audit entry for each chat: the
caller writes one for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.orm import Session

from console.chat import search as chat_search
from console.chat.models import Chat, ChatMessage, ChatStatus, MessageKind, chat_number
from console.chat.serializers import first_name
from console.core import clock
from console.core.ids import CUSTOMER_BASE
from console.core.series import Series
from console.core.text import preview
from console.customers.models import Customer, Membership, Person
from console.demo.names import Names, slug
from console.demo.ticket_crowd import ANSWERS, COMMON, RARE, SENTENCES, THANKS
from console.imports.bulk import chunks
from console.staff.models import Department, Staff
from console.staff.roles import PERMISSIONS, Permission

ENDS = timedelta(days=30)  # before the story's own chats
LASTS = timedelta(days=365)
VERIFIED, RATED = 0.2, 0.65  # shares
SCORES = (3, 4, 8, 25, 60)  # weights of 1 to 5
_CHAT, _MESSAGE = cast("Table", Chat.__table__), cast("Table", ChatMessage.__table__)


@dataclass(frozen=True)
class Made:
    """A chat of the crowd, before it is written."""

    row: dict[str, Any]
    messages: list[dict[str, Any]]


class Crowd:
    """Draws chats for the people, departments and staff that are there.

    Args:
        seed: same seed, same chats.
        count: how many there will be; they are spread evenly over a year.
        now: they end a month before.
    """

    def __init__(self, session: Session, seed: int, count: int, now: datetime) -> None:
        self.session = session
        self.seed = seed
        self.count = count
        self._begins = now - ENDS - LASTS
        self._people = session.execute(
            select(Customer.id, Person.name, Person.email)
            .join(Membership, Membership.customer_id == Customer.id)
            .join(Person, Person.id == Membership.person_id)
            .where(Membership.is_owner)
            .order_by(Customer.id)
        ).all()
        self._departments = list(
            session.scalars(select(Department.id).where(Department.private.is_(False)).order_by(Department.id))
        )
        self._staff = [
            (row.id, row.name)
            for row in session.execute(select(Staff.id, Staff.name, Staff.role).order_by(Staff.id))
            if Permission.CHAT in PERMISSIONS[row.role]
        ]

    def draw(self, number: int) -> Made:
        """Return chat ``number``, from 1 on."""
        rng = Random(f"{self.seed}:chat:{number}")  # noqa: S311  (chance that repeats)
        begun = self._begins + LASTS * (number / (self.count + 1))
        customer, name, email = self._visitor(number, rng)
        staff_id, staff = rng.choice(self._staff)
        question = " ".join(rng.sample(SENTENCES, rng.randint(1, 3)))
        if number % 4 == 0:
            question = f"{COMMON.capitalize()}: {question}"
        if number == self.count // 2 + 1:
            question += f" Sajt se zove {RARE.capitalize()}."
        claimed = begun + timedelta(seconds=rng.randint(5, 200))
        answered = claimed + timedelta(seconds=rng.randint(10, 90))
        thanked = answered + timedelta(seconds=rng.randint(20, 400))
        ended = thanked + timedelta(seconds=rng.randint(10, 120))
        score = rng.choices(range(1, 6), SCORES)[0] if rng.random() < RATED else None
        says = _Says(number)
        says.add(MessageKind.VISITOR, begun, name, question)
        says.event(claimed, staff, staff_id, {"event": "claimed", "staff": staff, "to": first_name(staff)})
        if customer is not None:
            until = (answered + timedelta(minutes=15)).isoformat()
            facts = {
                "event": "verified",
                "person": name,
                "customer": Series.CUSTOMER.number(CUSTOMER_BASE + customer),
                "until": until,
            }
            says.event(answered - timedelta(seconds=2), "visitor", None, facts)
        says.add(MessageKind.REPLY, answered, staff, rng.choice(ANSWERS), staff_id)
        thanks = rng.choice(THANKS)
        says.add(MessageKind.VISITOR, thanked, name, thanks)
        said = len(says.rows)
        says.event(ended, staff, staff_id, {"event": "ended", "by": "staff"})
        if score is not None:
            rated: dict[str, Any] = {"event": "rated", "score": score, "inside": True}
            says.event(ended + timedelta(seconds=30), "visitor", None, rated)
        row = {
            "id": number,
            "open_key": hashlib.sha256(f"crowd:{self.seed}:{number}".encode()).hexdigest(),
            "token_version": 1,
            "status": ChatStatus.CLOSED,
            "name": name,
            "email": email,
            "language": "sr_Latn",
            "department_id": rng.choice(self._departments),
            "person_id": None,
            "customer_id": customer,
            "verified_until": None,
            "verified_name": name if customer is not None else None,
            "assignee_id": staff_id,
            "source": hashlib.sha256(f"crowd:{number}".encode()).hexdigest(),
            "page": "",
            "created_at": begun,
            "waits_since": begun,
            "queued_at": begun,
            "claimed_at": claimed,
            "first_answered_at": answered,
            "last_at": thanked,
            "last_seq": len(says.rows),
            "last_by": "visitor",
            "unanswered_since": None,
            "preview": preview(thanks),
            "seen_by_visitor": said,
            "seen_by_staff": said,
            "ended_at": ended,
            "ended_by": "staff",
            "ticket_id": None,
            "rating": score,
            "rating_comment": "",
            "rated_at": None if score is None else ended + timedelta(seconds=30),
            "noticed_at": None,
            "transcript_mailed_at": None,
        }
        return Made(row, says.rows)

    def _visitor(self, number: int, rng: Random) -> tuple[int | None, str, str]:
        if self._people and rng.random() < VERIFIED:
            person = rng.choice(self._people)
            return person.id, person.name, person.email
        name = Names(rng).person()
        return None, name, f"{slug(name).replace('-', '.')}.{number}@posta.example.rs"


class _Says:
    """The entries of one chat, in their order."""

    def __init__(self, chat_id: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self._chat_id = chat_id

    def add(self, kind: MessageKind, at: datetime, name: str, body: str, staff_id: int | None = None) -> None:
        """Add an entry."""
        seq = len(self.rows) + 1
        self.rows.append(
            {
                "chat_id": self._chat_id,
                "seq": seq,
                "kind": kind,
                "staff_id": staff_id,
                "name": name,
                "body": body,
                "data": {},
                "client_key": f"crowd:{seq}",
                "at": at,
            }
        )

    def event(self, at: datetime, name: str, staff_id: int | None, facts: dict[str, Any]) -> None:
        """Add that something happened."""
        self.add(MessageKind.EVENT, at, name, "", staff_id)
        self.rows[-1]["data"] = facts


def reserve(session: Session, count: int) -> None:
    """Keep the numbers 1 to ``count`` free: who comes after asked later."""
    department = session.scalars(select(Department.id).limit(1)).one()
    now = clock.now()
    session.execute(
        insert(_CHAT),
        {
            "id": count, "open_key": "reserved", "token_version": 1, "status": ChatStatus.CLOSED, "name": "",
            "email": "", "language": "", "department_id": department, "source": "", "page": "", "created_at": now,
            "waits_since": now, "queued_at": now, "last_at": now, "last_seq": 0, "last_by": "", "preview": "",
            "seen_by_visitor": 0, "seen_by_staff": 0, "rating_comment": "",
        },
    )  # fmt: skip
    _go_on(session, count)


def fill(crowd: Crowd, progress: Callable[[int], None] = lambda _count: None) -> None:
    """Store all chats of ``crowd`` under the numbers 1 to its count, in the open transaction."""
    session = crowd.session
    session.flush()
    session.execute(delete(_CHAT).where(_CHAT.c.id == crowd.count))
    for numbers in chunks(range(1, crowd.count + 1)):
        _store(session, [crowd.draw(number) for number in numbers])
        progress(len(numbers))
    _go_on(session, max(crowd.count, session.scalar(select(func.max(Chat.id))) or 0))


def _store(session: Session, made: Sequence[Made]) -> None:
    session.execute(insert(_CHAT).execution_options(render_nulls=True), [one.row for one in made])
    rows = [row for one in made for row in one.messages]
    session.execute(insert(_MESSAGE).execution_options(render_nulls=True), rows)
    words = [
        (
            one.row["id"],
            chat_search.title(chat_number(one.row["id"]), one.row["name"], one.row["email"]),
            chat_search.text(row["body"] for row in one.messages),
        )
        for one in made
    ]
    chat_search.CHAT_SEARCH.put_titled_many(session, words, new=True)


def _go_on(session: Session, last: int) -> None:
    """Let the next chat be numbered after ``last``; SQLite counts on by itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval(pg_get_serial_sequence('chats', 'id'), :last)"), {"last": last})
