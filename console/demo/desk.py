"""The ticket desk of the demo: departments, questions and answers, reviews, views; all through the verbs."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Refusal
from console.customers.pins import current_pin
from console.customers.verification import override, verify
from console.demo.cases import (
    IN_WORK,
    NEW,
    WITH_CUSTOMER,
    Accounts,
    AnswersReview,
    Asks,
    Case,
    Drafts,
    Links,
    Merges,
    Moves,
    Notes,
    Overrides,
    Picks,
    Ranks,
    Rates,
    Reads,
    Replies,
    Reviews,
    SendsCard,
    Sorts,
    Splits,
    Step,
    Tags,
    Takes,
    TakesBack,
    Verifies,
    Watches,
)
from console.demo.names import WOMEN
from console.demo.past_cases import PAST
from console.demo.story import Known, Story
from console.mail.models import Mail, MailState
from console.staff.departments import DepartmentData, change_department
from console.staff.models import Department
from console.tickets import handling, identity, merging, ratings, saved_views, writing
from console.tickets.attachments import attach
from console.tickets.drafts import read_up_to, save_draft
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketStatus
from console.tickets.opening import NewTicket, open_ticket
from console.tickets.promises.working import calendar
from console.tickets.queries import lock_ticket
from console.tickets.reviews import service as reviews
from console.tickets.reviews.models import Review, ReviewState
from console.tickets.reviews.queries import criteria
from console.tickets.writing import Writing

ADDRESS = "192.0.2.44"  # where requesters write from
REFUSED = "hannah.brooks@birchwood.example.com"  # a mailbox that is not there
DEFERRED = "incident@aurora-bank.example.com"  # whose server lets strangers wait
OPENED = 399  # days ago
MEMBERS = {
    "technical": ("agent", "agent2", "supervisor"),
    "accounting": ("billing", "supervisor"),
    "sales": ("agent", "agent2", "supervisor"),
    "abuse": ("agent2", "supervisor"),
}
SHARED_VIEWS: tuple[tuple[str, dict[str, str], tuple[str, ...]], ...] = (
    ("Pošta", {"view": "open", "tag": "pošta"}, ()),
    ("Hitno i visoko", {"view": "open", "priority": "3", "sort": "due_at"}, ()),
    ("From abroad", {"view": "all", "requester": "office.nordlicht@example.test"}, ("number", "subject", "status")),
)
OWN_VIEWS: tuple[tuple[str, str, dict[str, str], tuple[str, ...]], ...] = (
    ("agent", "Bezbednost", {"view": "all", "tag": "bezbednost"}, ("subject", "customer", "status", "updated_at")),
    ("agent2", "Čekaju me", {"view": "waiting", "assignee": "me"}, ()),
)


def picture() -> bytes:
    """Return a small picture: a page with a dark bar and an empty middle, as a broken site shows."""
    wide, high = 320, 180
    rows = bytearray()
    for line in range(high):
        shade = (36, 41, 51) if line < 24 else (176, 42, 42) if 84 < line < 96 else (245, 246, 248)
        margin = 0 if line < 24 else 60
        rows += b"\0" + bytes((250, 250, 251)) * margin + bytes(shade) * (wide - 2 * margin)
        rows += bytes((250, 250, 251)) * margin

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


FILES: dict[str, bytes] = {
    "ekran.png": picture(),
    "zaglavlje.txt": b"Received: from mx2.example.com (mx2.example.com [192.0.2.80])\n"
    b"\tby mail.example.rs; Mon, 10:02:17 +0200\n"
    b"Received: from localhost (localhost [127.0.0.1])\n\tby mx2.example.com; Mon, 08:01:55 +0200\n",
    "url.txt": b"hxxps://prijava-banka.example.rs/login/\nserved from 198.51.100.23, first seen 07:40 UTC\n",
    "zona.txt": b"gradjevina-zunic.example.rs. 300 IN MX 10 mx1.example.net.\n"
    b"gradjevina-zunic.example.rs. 300 IN MX 20 mx2.example.net.\n",
    "bounce.txt": b"550-5.7.26 This mail is unauthenticated. SPF check for nordlicht.example.com failed.\n",
    "error.log": b"PHP Fatal error: Uncaught Error: Call to undefined function each() in brza-korpa.php:118\n",
    "ugovor.txt": "UGOVOR O OBRADI PODATAKA O LIČNOSTI\n\n1. Predmet\n2. Obaveze obrađivača\n".encode(),
}


def desk_now() -> datetime:
    """Return what the desk's ages are counted from: the last full hour."""
    return clock.now().astimezone(settings().zone).replace(minute=0, second=0, microsecond=0)


def tell(story: Story) -> None:
    """Put the desk into ``story``."""
    story.at(story.instant(OPENED, hour=15), lambda: _open_departments(story))
    desk = _Desk(story, WorkingTime(desk_now()))
    for case in (*PAST, *WITH_CUSTOMER, *IN_WORK, *NEW):
        desk.tell(case)
    story.at(desk.working.ago(130), lambda: _save_views(story))


def settle() -> None:
    """Let the worker look at what the story left, as it would have: promises told of, the queue of reviews filled."""
    from console.tickets.promises.watch import watch
    from console.tickets.reviews.gather import gather

    with clock.standing_at(desk_now()):
        watch()
        gather()


def send_mail(story: Story) -> None:
    """Let the mail of the story have left, as it would have: one came back, one is tried again."""
    now = desk_now()
    refused = select(Mail).where(Mail.template == "ticket_opened", Mail.to_address == REFUSED).limit(1)
    deferred = select(Mail).where(Mail.template == "ticket_opened", Mail.to_address == DEFERRED).limit(1)
    for mail in db.session.scalars(select(Mail).where(Mail.state == MailState.QUEUED, Mail.send_after < now)):
        left = mail.send_after + timedelta(seconds=1 + story.rng.randint(0, 4))
        mail.state, mail.attempts = MailState.SENT, 1
        mail.first_try_at = mail.last_try_at = mail.sent_at = left
    for mail in db.session.scalars(refused):
        mail.state, mail.sent_at, mail.failed_at = MailState.FAILED, None, mail.last_try_at
        mail.last_error = "550 5.1.1 <hannah.brooks@birchwood.example.com>: Recipient address rejected: User unknown"
    for mail in db.session.scalars(deferred):
        mail.state, mail.sent_at, mail.attempts = MailState.QUEUED, None, 3
        mail.last_try_at, mail.send_after = now - timedelta(minutes=4), now + timedelta(hours=2)
        mail.last_error = "451 4.7.1 Greylisting in action, please come back later"
    db.session.flush()


class WorkingTime:
    """Counts working time back from an instant."""

    def __init__(self, until: datetime) -> None:
        # Twenty weeks of it, the latest first: the oldest case is far younger.
        self._open = calendar().spans(until - timedelta(weeks=20), until)[::-1]
        self._until = until

    def ago(self, hours: float) -> datetime:
        """Return the instant ``hours`` of work before."""
        left = timedelta(hours=hours)
        for begin, end in self._open:
            if end - begin >= left:
                return end - left
            left -= end - begin
        return self._until - timedelta(hours=hours)  # a house that hardly opens: plain time


@dataclass
class _Told:
    """A ticket of the story, once it is there."""

    case: Case
    id: int = 0
    cards: tuple[str, ...] = ()


class _Desk:
    def __init__(self, story: Story, working: WorkingTime) -> None:
        self.story = story
        self.working = working
        self._told: dict[str, _Told] = {}
        self._does: dict[type[Step], Callable[[_Told, Step], None]] = {
            Asks: self._asks, Replies: self._replies, Notes: self._notes, Drafts: self._drafts, Takes: self._takes,
            Moves: self._moves, Ranks: self._ranks, Sorts: self._sorts, Tags: self._tags, Merges: self._merges,
            Splits: self._splits, Links: self._links, Accounts: self._accounts, SendsCard: self._sends_card,
            Verifies: self._verifies, Overrides: self._overrides, Watches: self._watches, Reads: self._reads,
            Rates: self._rates, Picks: self._picks, Reviews: self._reviews, AnswersReview: self._answers_review,
        }  # fmt: skip

    def tell(self, case: Case) -> None:
        """Let a ticket be opened, and everything in it happen."""
        told = self._told[case.key] = _Told(case)
        opened = self.working.ago(case.opened)
        if case.late is not None:
            zone = settings().zone
            opened = datetime.combine(opened.astimezone(zone).date(), time(*case.late), zone)
        self.story.at(opened, lambda: self._open(told))
        for step in case.steps:
            self._tell_step(told, step)

    def _tell_step(self, told: _Told, step: Step) -> None:
        when = self.working.ago(step.ago)
        if isinstance(step, TakesBack):
            self.story.at(when, lambda: self._replies(told, Replies(step.ago, step.who, step.text, then=None)))
            self.story.at(when + timedelta(seconds=5), lambda: self._takes_back(told, step))
        else:
            self.story.at(when, lambda: self._does[type(step)](told, step))
        if isinstance(step, SendsCard) and step.right is not None:
            self.story.at(when + timedelta(minutes=4), lambda: self._answers_card(told, right=step.right is True))

    # --- opening ---

    def _open(self, told: _Told) -> None:
        case = told.case
        customer, service = None, None
        if isinstance(case.by, str):
            known = self._known(case.by)
            customer, person = known.account.customer, known.account.owner.person
            name, email = person.name, person.email
            service = known.first.service if known.first and case.service else None
            if service is not None and service.customer_id != customer.id:
                service = None  # it was sold meanwhile
        else:
            name, email = case.by
        actor = self.story.actor(case.agent) if case.agent else self._visitor(name)
        ticket = open_ticket(
            actor,
            NewTicket(
                subject=case.subject,
                body=case.text,
                requester_email=email,
                requester_name=name,
                language=case.language,
                customer_id=customer.id if customer is not None else None,
                service_id=service.id if service is not None else None,
                department_id=_department(case.department),
                priority=case.priority,
                source=case.source,
                tags=case.tags,
                files=tuple((file, FILES[file]) for file in case.files),
                as_reply=bool(case.agent),
            ),
        )
        told.id = ticket.id

    def _known(self, key: str) -> Known:
        if key in self.story.known:
            return self.story.known[key]
        # One of the neighbours; whether a man or a woman, because the words say so.
        she, _dash, place = key.partition("-")
        fitting = [
            known
            for name, known in self.story.known.items()
            if name.startswith("sused-") and (known.account.person.split()[0] in WOMEN) is (she == "ona")
        ]
        return fitting[(int(place) - 1) % len(fitting)]

    def _visitor(self, name: str) -> Actor:
        return Actor(kind="visitor", id=None, name=name, address=ADDRESS)

    def _requester(self, ticket: Ticket) -> Actor:
        return self._visitor(ticket.requester_name)

    def _ticket(self, told: _Told) -> Ticket:
        return db.session.get_one(Ticket, told.id)

    def _say(self, told: _Told, who: str, text: str, files: Sequence[str], then: TicketStatus | None) -> Writing:
        actor, ticket = self.story.actor(who), self._ticket(told)
        kept = tuple(attach(actor, ticket, file, FILES[file]).id for file in files)
        return Writing(text, f"demo-{ticket.id}-{ticket.last_seq}", attachments=kept, then=then, anyway=True)

    # --- what is said ---

    def _asks(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Asks)  # noqa: S101  (the table above says so)
        ticket = self._ticket(told)
        actor = self._requester(ticket)
        mail = told.case.source.value == "mail"
        kept = tuple(attach(actor, ticket, file, FILES[file]).id for file in step.files)
        client = f"demo-{ticket.id}-{ticket.last_seq}"
        writing.requester_writes(
            actor, ticket, step.text, client_id=client, via="mail" if mail else "link", attachments=kept
        )

    def _replies(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Replies)  # noqa: S101
        writing.reply(self.story.actor(step.who), told.id, self._say(told, step.who, step.text, step.files, step.then))

    def _takes_back(self, told: _Told, step: TakesBack) -> None:
        query = select(TicketMessage.id).where(
            TicketMessage.ticket_id == told.id, TicketMessage.kind == MessageKind.REPLY
        )
        newest = db.session.scalars(query.order_by(TicketMessage.id.desc())).first()
        writing.take_back(self.story.actor(step.who), told.id, newest or 0)

    def _notes(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Notes)  # noqa: S101
        writing.note(self.story.actor(step.who), told.id, self._say(told, step.who, step.text, step.files, None))

    def _drafts(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Drafts)  # noqa: S101
        actor, ticket = self.story.actor(step.who), self._ticket(told)
        read_up_to(actor, ticket)
        newest = db.session.scalar(
            select(TicketMessage.id)
            .where(TicketMessage.ticket_id == ticket.id)
            .order_by(TicketMessage.id.desc())
            .limit(1)
        )
        save_draft(actor, ticket, MessageKind.REPLY, step.text, based_on=newest or 0)

    # --- what is done ---

    def _takes(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Takes)  # noqa: S101
        handling.assign(self.story.actor(step.by or step.who), [told.id], self.story.staff[step.who].id)

    def _moves(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Moves)  # noqa: S101
        handling.set_status(self.story.actor(step.who), [told.id], step.to)

    def _ranks(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Ranks)  # noqa: S101
        handling.set_priority(self.story.actor(step.who), [told.id], step.to)

    def _sorts(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Sorts)  # noqa: S101
        handling.set_department(self.story.actor(step.who), [told.id], _department(step.to))

    def _tags(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Tags)  # noqa: S101
        handling.tag(self.story.actor(step.who), [told.id], step.tags)

    def _merges(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Merges)  # noqa: S101
        merging.merge(self.story.actor(step.who), [told.id], self._told[step.into].id)

    def _splits(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Splits)  # noqa: S101
        asked = select(TicketMessage.id).where(
            TicketMessage.ticket_id == told.id, TicketMessage.kind == MessageKind.QUESTION
        )
        newest = db.session.scalars(asked.order_by(TicketMessage.id.desc())).first()
        merging.split(self.story.actor(step.who), told.id, [newest or 0], step.subject)

    def _links(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Links)  # noqa: S101
        merging.link(self.story.actor(step.who), told.id, self._told[step.other].id)

    def _accounts(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Accounts)  # noqa: S101
        handling.set_customer(self.story.actor(step.who), told.id, self._known(step.account).account.customer)

    def _watches(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Watches)  # noqa: S101
        handling.watch(self.story.actor(step.who), told.id)

    def _reads(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Reads)  # noqa: S101
        read_up_to(self.story.actor(step.who), self._ticket(told))

    # --- who it is ---

    def _sends_card(self, told: _Told, step: Step) -> None:
        assert isinstance(step, SendsCard)  # noqa: S101
        identity.ask_requester(self.story.actor(step.who), told.id)
        told.cards = (*told.cards, _token(told.id))

    def _answers_card(self, told: _Told, *, right: bool) -> None:
        ticket = self._ticket(told)
        email, pin = self._pin(told)
        wrong = f"{(int(pin) + 1) % 1_000_000:06d}"
        identity.answer(self._requester(ticket), told.cards[-1], email=email, pin=pin if right else wrong)

    def _verifies(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Verifies)  # noqa: S101
        actor, ticket = self.story.actor(step.who), self._ticket(told)
        email, pin = self._pin(told)
        channel = identity.channel(ticket)
        found = verify(actor, email=email, pin=pin, channel=channel)
        if found is None:
            raise Refusal("the demo's own PIN was refused")
        identity.tell_verified(actor, lock_ticket(actor, ticket.id), found.customer)

    def _pin(self, told: _Told) -> tuple[str, str]:
        assert isinstance(told.case.by, str)  # noqa: S101
        account = self._known(told.case.by).account
        pin, _until = current_pin(account.owner)
        return account.email, pin

    def _overrides(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Overrides)  # noqa: S101
        assert isinstance(told.case.by, str)  # noqa: S101
        override(self.story.actor(step.who), self._known(told.case.by).account.customer, step.reason)

    # --- how it was ---

    def _rates(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Rates)  # noqa: S101
        ticket = self._ticket(told)
        ratings.rate(self._requester(ticket), ticket, step.score, step.comment)

    def _picks(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Picks)  # noqa: S101
        reviews.pick(self.story.actor(step.who), told.id)

    def _reviews(self, told: _Told, step: Step) -> None:
        assert isinstance(step, Reviews)  # noqa: S101
        actor = self.story.actor(step.who)
        review = self._review(told, ReviewState.WAITING)
        quotes: dict[int, str] = {}
        if step.remark:
            ticket = lock_ticket(actor, told.id)
            first = db.session.scalars(
                select(TicketMessage.id)
                .where(TicketMessage.ticket_id == ticket.id, TicketMessage.kind == MessageKind.REPLY)
                .order_by(TicketMessage.id)
            ).first()
            quotes = {first: step.remark} if first is not None else {}
        lines = criteria(active=True)
        points = {line.id: points for line, points in zip(lines, _padded(step.points, len(lines)), strict=True)}
        reviews.score(actor, review.id, reviews.Scoring(points, step.note, quotes, review.version))

    def _answers_review(self, told: _Told, step: Step) -> None:
        assert isinstance(step, AnswersReview)  # noqa: S101
        review = self._review(told, ReviewState.DONE)
        actor = self.story.actor(step.who)
        reviews.mark_read(actor, review.id)
        reviews.answer(actor, review.id, step.text, f"demo-{review.id}")

    def _review(self, told: _Told, state: ReviewState) -> Review:
        return db.session.scalars(select(Review).where(Review.ticket_id == told.id, Review.state == state)).one()


def _padded(points: tuple[int | None, ...], count: int) -> tuple[int | None, ...]:
    """Return points for each criterion of the rubric, however many it has."""
    return (*points, *[None] * count)[:count]


def _token(ticket_id: int) -> str:
    """Return the token of the card that was mailed last, as whoever opens the mail reads it."""
    query = select(Mail.text).where(Mail.subject_ref == f"ticket:{ticket_id}", Mail.template == "verification_asked")
    found = re.search(r"/v/(\S+)", db.session.scalars(query.order_by(Mail.id.desc())).first() or "")
    return found[1] if found else ""


def _department(key: str) -> int:
    return db.session.scalars(select(Department.id).where(Department.key == key)).one()


def _open_departments(story: Story) -> None:
    actor = story.actor("supervisor")
    for department in db.session.scalars(select(Department).order_by(Department.id)).all():
        change_department(
            actor,
            department.id,
            DepartmentData(
                name_sr=department.name_sr,
                name_en=department.name_en,
                verified_only=department.verified_only,
                private=department.private,
                position=department.position,
                members=[story.staff[who].id for who in MEMBERS.get(department.key, ())],
            ),
        )


def _save_views(story: Story) -> None:
    for name, query, columns in SHARED_VIEWS:
        saved_views.save_view(story.actor("supervisor"), name, query, columns, shared=True)
    for who, name, query, columns in OWN_VIEWS:
        saved_views.save_view(story.actor(who), name, query, columns)
