"""Very many tickets at once, written as the verbs would have left them, in a few statements a thousand.

One of five has three messages, the others one. Reproducible, whatever the count:
number 17 is the same among twenty and among a hundred thousand. No mail and no audit
entry for each ticket: the caller writes one for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.orm import Session

from console.core import clock
from console.core.series import Series
from console.core.text import PREVIEW
from console.customers.models import Customer, Membership, Person
from console.demo.names import Names, slug
from console.imports.bulk import chunks
from console.staff.models import Department, Staff
from console.staff.roles import PERMISSIONS, Permission
from console.tickets.models import (
    NO_DUE,
    OPEN_STATUSES,
    TICKET_BASE,
    TICKET_SEARCH,
    MessageKind,
    Priority,
    Ticket,
    TicketMessage,
    TicketSource,
    TicketStatus,
    TicketTag,
)
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla.models import HEAD, SlaRevision, SlaTarget
from console.tickets.sla.queries import NO_GOALS, Rule, all_rules
from console.tickets.sla.rules import Step, StepKind, Target, measure, spans
from console.tickets.sla.service import values_of

ENDS = timedelta(days=30)  # before the story's own tickets
LASTS = timedelta(days=3 * 365)
THREE = 5  # one of so many has three messages
ABROAD = 0.1  # of the requesters are no customers
PASTED = 0.4  # of the questions end in something that was copied: a log, a mail's head
RARE = "kaleidoskop"  # stands in one ticket
COMMON = "pošta"  # in about every fourth

# What a desk that works has: nearly everything is done. Weights, and the shares of which are for measuring.
WORKED = {TicketStatus.CLOSED: 90, TicketStatus.SOLVED: 8, TicketStatus.WAITING: 1, TicketStatus.OPEN: 1}
MIXED = {
    TicketStatus.OPEN: 20, TicketStatus.WAITING: 10, TicketStatus.HOLD: 5, TicketStatus.SOLVED: 25,
    TicketStatus.CLOSED: 40,
}  # fmt: skip

SUBJECTS = (
    "Pošta ne stiže od jutros", "Sajt javlja grešku 500", "Sertifikat nije obnovljen", "Predračun za produženje",
    "Promena DNS zapisa", "Lozinka za kontrolni panel", "Prenos domena od drugog registrara", "Prostor na disku",
    "Backup od prošle nedelje", "Spor sajt posle ažuriranja", "Cannot send mail with attachments",
    "Website is slow since Monday", "Question about the invoice", "Adresa je na crnoj listi", "FTP nalog za saradnika",
    "Nadogradnja na veći paket", "Obrazac za kontakt ne šalje poruke", "Premeštanje na VPS", "WordPress traži FTP",
    "Cron posao se ne izvršava",
)  # fmt: skip
SENTENCES = (
    "Dobar dan, od jutros pošta na našem domenu ne stiže, a slanje radi bez problema.",
    "Kada otvorimo početnu stranu, pregledač prikazuje praznu stranu i poruku o grešci.",
    "U kontrolnom panelu piše da je zauzeto skoro sve, iako smo juče obrisali stare kopije.",
    "Molim vas da proverite zapise, jer nam klijenti javljaju da im se poruke vraćaju.",
    "Uplata je izvršena pre tri dana, pa nas zanima kada će usluga biti produžena.",
    "We changed nothing on our side and the same form worked last week.",
    "Please tell us what we should change, our developer is available until Friday.",
    "Dodatak koji koristimo traži noviju verziju, da li je možete uključiti samo za ovaj sajt?",
    "Pokušali smo sa dva računara i sa telefona, svuda je isto.",
    "Hvala unapred na brzom odgovoru, ovo nam je danas najvažnije.",
    "Domen je registrovan kod drugog registrara, a sajt se nalazi kod vas.",
    "Da li je moguće da se ovo uradi noću, kada nemamo posetilaca?",
    "Pre nedelju dana je sve radilo, a u međuvremenu nismo ništa menjali.",
    "Knjigovođa nam je tražila kopiju dokumenta sa tačnim nazivom firme.",
    "The error appears only when more than ten people are signed in.",
    "U prilogu prethodne poruke nalazi se slika ekrana sa tačnim vremenom.",
)  # fmt: skip
COPIED = (
    "[{day} 08:{n:02d}:17] PHP Warning: Undefined array key {n} in plugins/brza-korpa/cart.php on line {n}18",
    "Received: from mx{n}.example.com (mx{n}.example.com [192.0.2.{n}]) by mail.example.rs; {day} 08:{n:02d}:41 +0200",
    "192.0.2.{n} - - [{day} 08:{n:02d}:02] GET /prodavnica/proizvod-{n}/?add-to-cart={n} HTTP/1.1 500 {n}31",
    "550-5.7.{n} Our system has detected that this message is likely unsolicited mail, see the sender guidelines ({n})",
)
ANSWERS = (
    "Dobar dan, proverili smo server i našli uzrok u podešavanju koje je ostalo od stare verzije. Ispravili smo ga.",
    "Dobar dan, zapis je promenjen i biće vidljiv za najviše sat vremena. Molimo da tada proverite ponovo.",
    "Hello, the limit was reached by an old backup. We removed it and the site works again.",
    "Poštovani, dokument je u Moj Mint servisu pod Predračuni, a poslali smo ga i na adresu naloga.",
)
THANKS = (
    "Sada radi, hvala!",
    "Hvala, javljamo se ako se ponovi.",
    "Nažalost, kod nas je i dalje isto.",
    "Thank you, it works again.",
)
TAGS = ("pošta", "dns", "ssl", "predračun", "wordpress", "vps", "domen", "php", "disk", "spam")
_TICKET, _MESSAGE, _TAG, _TARGET = (
    cast("Table", model.__table__) for model in (Ticket, TicketMessage, TicketTag, SlaTarget)
)


@dataclass(frozen=True)
class Line:
    """One message of a :class:`Made` ticket."""

    kind: MessageKind
    at: datetime
    name: str
    body: str
    staff_id: int | None = None


@dataclass
class Made:
    """A ticket of the crowd, before it is written. ``search``: what stands in the index beside its messages."""

    id: int
    subject: str
    requester_name: str
    requester_email: str
    language: str
    customer_id: int | None
    department_id: int
    priority: Priority
    status: TicketStatus
    assignee_id: int | None
    source: TicketSource
    tags: list[str]
    created_at: datetime
    done_at: datetime
    lines: list[Line]
    search: str = ""


@dataclass(frozen=True)
class _Known:
    id: int
    name: str
    email: str
    language: str
    search: str


@dataclass
class Crowd:
    """Draws tickets for the people, departments and staff that are there.

    Args:
        seed: same seed, same tickets.
        count: how many there will be; they are spread evenly over three years.
        now: they end a month before.
        mix: weights of the states.
    """

    session: Session
    seed: int
    count: int
    now: datetime
    mix: dict[TicketStatus, int] = field(default_factory=lambda: WORKED)

    def __post_init__(self) -> None:
        self._customers = _customers(self.session)
        self._departments = list(self.session.scalars(select(Department.id).where(Department.private.is_(False))))
        self._staff = [
            (row.id, row.name)
            for row in self.session.execute(select(Staff.id, Staff.name, Staff.role).order_by(Staff.id))
            if Permission.WORK_TICKETS in PERMISSIONS[row.role]
        ]
        self._begins = self.now - ENDS - LASTS

    def draw(self, number: int) -> Made:
        """Return ticket ``number``, from 1 on."""
        rng = Random(f"{self.seed}:ticket:{number}")  # noqa: S311  (chance that repeats)
        created = self._begins + LASTS * (number / (self.count + 1))
        who = self._requester(number, rng)
        staff_id, staff = rng.choice(self._staff)
        status = rng.choices(list(self.mix), list(self.mix.values()))[0]
        body = "Dobar dan,\n\n" + " ".join(rng.sample(SENTENCES, rng.randint(3, 9)))
        if rng.random() < PASTED:
            body += "\n\n" + _pasted(rng, number)
        if number == self.count // 2 + 1:
            body += f" Sajt se zove {RARE.capitalize()}."
        lines = [Line(MessageKind.QUESTION, created, who.name, body)]
        if number % THREE == 0:
            answered = created + timedelta(minutes=rng.randint(10, 600))
            lines.append(Line(MessageKind.REPLY, answered, staff, rng.choice(ANSWERS), staff_id))
            lines.append(
                Line(
                    MessageKind.QUESTION,
                    answered + timedelta(minutes=rng.randint(10, 900)),
                    who.name,
                    rng.choice(THANKS),
                )
            )
        taken = len(lines) > 1 or status not in OPEN_STATUSES or rng.random() < 0.5
        return Made(
            id=number,
            subject=f"{rng.choice(SUBJECTS)} ({slug(who.name)}-{number}.example.rs)",
            requester_name=who.name,
            requester_email=who.email,
            language=who.language,
            customer_id=who.id or None,
            department_id=rng.choice(self._departments),
            priority=rng.choices(list(Priority), (15, 65, 15, 5))[0],
            status=status,
            assignee_id=staff_id if taken else None,
            source=rng.choice((TicketSource.WEB, TicketSource.MAIL, TicketSource.CHAT)),
            tags=sorted(rng.sample(TAGS, rng.choice((0, 0, 1, 2)))),
            created_at=created,
            done_at=lines[-1].at + timedelta(minutes=rng.randint(5, 2_000)),
            lines=lines,
            search=who.search,
        )

    def _requester(self, number: int, rng: Random) -> _Known:
        if self._customers and rng.random() >= ABROAD:
            return rng.choice(self._customers)
        name = Names(rng).person()
        return _Known(0, name, f"{slug(name).replace('-', '.')}.{number}@posta.example.rs", "sr_Latn", "")


def _pasted(rng: Random, number: int) -> str:
    """Return what people copy below their question, signature included."""
    line, day = rng.choice(COPIED), f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"
    lines = [line.format(day=day, n=rng.randint(1, 59)) for _ in range(rng.randint(5, 18))]
    return "\n".join([*lines, "", "Srdačan pozdrav"])


def _customers(session: Session) -> list[_Known]:
    rows = session.execute(
        select(Customer.id, Customer.name, Customer.language, Person.email)
        .join(Membership, Membership.customer_id == Customer.id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.is_owner)
        .order_by(Customer.id)
    ).all()
    return [
        _Known(row.id, row.name, row.email, row.language, Customer(id=row.id, name=row.name).searchable())
        for row in rows
    ]


def reserve(session: Session, count: int) -> None:
    """Keep the numbers 1 to ``count`` free: who comes after was asked later."""
    department = session.scalars(select(Department.id).limit(1)).one()
    session.execute(
        insert(_TICKET),
        {
            "id": count, "subject": "", "requester_name": "", "requester_email": "", "language": "",
            "department_id": department, "priority": Priority.NORMAL, "status": TicketStatus.CLOSED, "is_open": False,
            "source": TicketSource.WEB, "tags": [], "created_at": clock.now(), "updated_at": clock.now(),
            "due_at": NO_DUE, "last_seq": 0, "last_by": "", "preview": "", "reopened": 0, "link_version": 1,
        },
    )  # fmt: skip
    _go_on(session, count)


def fill(crowd: Crowd, progress: Callable[[int], None] = lambda _count: None) -> None:
    """Store all tickets of ``crowd`` under the numbers 1 to its count, in the open transaction."""
    session = crowd.session
    session.flush()
    session.execute(delete(_TICKET).where(_TICKET.c.id == crowd.count))
    writer = _Writer(session, crowd.now)
    for numbers in chunks(range(1, crowd.count + 1)):
        writer.store([crowd.draw(number) for number in numbers])
        progress(len(numbers))
    _go_on(session, max(crowd.count, session.scalar(select(func.max(Ticket.id))) or 0))


def _go_on(session: Session, last: int) -> None:
    """Let the next ticket be numbered after ``last``; SQLite counts on by itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval(pg_get_serial_sequence('tickets', 'id'), :last)"), {"last": last})


class _Writer:
    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._calendar = sla_calendar.calendar()
        head = session.execute(select(SlaRevision).where(SlaRevision.id == HEAD)).scalar_one()
        self._revision, self._hours = head.revision, head.hours_revision
        self._rules = all_rules()

    def store(self, made: Sequence[Made]) -> None:
        """Write tickets with everything that belongs to them."""
        sla_targets = {one.id: self._targets(one) for one in made}
        self._insert(_TICKET, [_ticket(one, sla_targets[one.id]) for one in made])
        self._insert(_MESSAGE, [row for one in made for row in _messages(one)])
        self._insert(_TAG, [{"ticket_id": one.id, "tag": tag} for one in made for tag in one.tags])
        self._insert(_TARGET, [row for one in made for row in sla_targets[one.id]])
        TICKET_SEARCH.put_titled_many(
            self._session,
            [(one.id, f"{Series.TICKET.number(TICKET_BASE + one.id)} {one.subject}", _words(one)) for one in made],
            new=True,
        )

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._session.execute(insert(table).execution_options(render_nulls=True), rows)

    def _targets(self, made: Made) -> list[dict[str, Any]]:
        """Compute the SLA targets, and mark their notifications as sent."""
        steps = [
            Step(line.at, StepKind.QUESTION if line.kind is MessageKind.QUESTION else StepKind.REPLY)
            for line in made.lines
        ]
        if made.status is not TicketStatus.OPEN:
            steps.append(Step(made.done_at, StepKind.STATUS, made.status))
        goals = self._rules.get((made.department_id, made.priority)) or self._rules.get((None, made.priority), NO_GOALS)
        rule = Rule(goals, self._revision, self._hours)
        return [
            self._row(made, measure(span, goals[span.kind], self._calendar, self._now), rule)
            for span in spans(made.created_at, steps)
        ]

    def _row(self, made: Made, sla_target: Target, rule: Rule) -> dict[str, Any]:
        row = {"ticket_id": made.id, "warned_at": None, "escalated_at": None, **values_of(sla_target, rule)}
        if row["met_at"] is None and row["broken_at"] is not None:
            row["warned_at"], row["escalated_at"] = row["risk_at"], row["broken_at"]
        return row


def _ticket(made: Made, sla_targets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    closed = made.status is TicketStatus.CLOSED
    done = closed or made.status is TicketStatus.SOLVED
    running = [row["due_at"] for row in sla_targets if row["met_at"] is None and row["due_at"] is not None]
    said = made.lines[-1]
    answers = [line.at for line in made.lines if line.kind is MessageKind.REPLY]
    own = {one.name: getattr(made, one.name) for one in fields(Made) if one.name not in ("done_at", "lines", "search")}
    return own | {
        "service_id": None,
        "is_open": made.status in OPEN_STATUSES,
        "updated_at": said.at if made.status is TicketStatus.OPEN else made.done_at,
        "due_at": min(running, default=NO_DUE),
        "last_seq": len(made.lines),
        "last_by": "requester",
        "preview": said.body[:PREVIEW],
        "first_answered_at": answers[0] if answers else None,
        "solved_at": made.done_at if done else None,
        "closed_at": made.done_at if closed else None,
        "reopened": 0,
        "merged_into_id": None,
        "status_before_merge": None,
        "link_version": 1,
    }


def _messages(made: Made) -> list[dict[str, Any]]:
    return [
        {
            "ticket_id": made.id,
            "seq": seq,
            "kind": line.kind,
            "staff_id": line.staff_id,
            "name": line.name,
            "body": line.body,
            "event": None,
            "data": {},
            "client_id": None,
            "created_at": line.at,
            "held_until": None,
            "taken_back_at": None,
            "mail_id": None,
            "via": "desk" if line.staff_id else made.source.value,
        }
        for seq, line in enumerate(made.lines, 1)
    ]


def _words(made: Made) -> str:
    """Return what a ticket is found by beside its subject, as ``console.tickets.service.timeline`` has it."""
    parts = [made.requester_name, made.requester_email, " ".join(made.tags), made.search]
    return "\n".join([*filter(None, parts), *(line.body for line in reversed(made.lines))])
