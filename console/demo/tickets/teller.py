"""Plays the tickets of the demo: one method for each kind of step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import singledispatchmethod
from typing import cast

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Refusal
from console.customers.masking import MASKED
from console.customers.verification import cards
from console.customers.verification.pins import current_pin
from console.customers.verification.service import verify
from console.customers.verification.supervision import override
from console.customers.visitors import visitor_actor
from console.demo.ages import WorkingTime
from console.demo.events import Event, Need
from console.demo.names import WOMEN
from console.demo.story import Known, Story
from console.demo.tickets.files import FILES
from console.demo.tickets.steps import (
    AnswerReview,
    Assign,
    Case,
    CustomerReply,
    Draft,
    Link,
    Merge,
    Note,
    Override,
    Rate,
    Read,
    Reply,
    ScoreReview,
    SendCard,
    SendForReview,
    SetCustomer,
    SetDepartment,
    SetPriority,
    SetStatus,
    Split,
    Step,
    SuspendService,
    Tag,
    UndoneReply,
    VerifyByPhone,
    Watch,
)
from console.hosting.models import SuspensionReason
from console.hosting.service import suspend
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff.models import Department
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketStatus
from console.tickets.queries import lock_ticket
from console.tickets.reviews import service as reviews
from console.tickets.reviews.models import Review, ReviewState
from console.tickets.reviews.queries import criteria
from console.tickets.service import linking, merging, properties, questions, ratings, splitting
from console.tickets.service import messages as ticket_messages
from console.tickets.service.attachments import attach
from console.tickets.service.drafts import read_up_to, save_draft
from console.tickets.service.messages import Writing
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.verification import channel

ADDRESS = "192.0.2.44"  # where requesters write from


@dataclass
class Progress:
    """How far the story of a ticket has come.

    Attributes:
        opened: its outcome is the ticket's id.
        latest: the event that the next one has to follow.
    """

    case: Case
    opened: Event
    latest: Event
    cards: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        return cast("int", self.opened.outcome)


class Desk:
    def __init__(self, story: Story, working: WorkingTime) -> None:
        self.story = story
        self.working = working
        self._progress: dict[str, Progress] = {}

    def tell(self, cases: Iterable[Case]) -> None:
        """Let tickets be opened, and everything in them happen."""
        cases = list(cases)
        for case in cases:
            opened = self._tell_opening(case)
            self._progress[case.key] = Progress(case, opened, opened)
        for case in cases:
            for step in case.steps:
                self._tell_step(self._progress[case.key], step)

    def _tell_opening(self, case: Case) -> Event:
        when = self.working.ago(case.opened)
        if case.late is not None:
            day = when.astimezone(self.story.zone).date()
            when = datetime.combine(day, time(*case.late), self.story.zone)
            if case.steps:
                # The last such evening before it was worked on.
                while when >= self.working.ago(case.steps[0].ago):
                    when -= timedelta(days=1)
        needs = [Need(self.story.facts[fact]) for fact in case.speaks_of]
        if isinstance(case.by, str):
            needs += self._known(case.by).settled()
        return self.story.at(when, lambda: self._open(case), needs)

    def _tell_step(self, progress: Progress, step: Step) -> None:
        when = self.working.ago(step.ago)
        self._then(progress, when, lambda: self._do(step, progress), self._needs(step))
        if isinstance(step, UndoneReply):
            self._then(progress, when + timedelta(seconds=5), lambda: self._undo_reply(progress, step))
        if isinstance(step, SendCard) and step.right is not None:
            right = step.right
            self._then(progress, when + timedelta(minutes=4), lambda: self._answer_card(progress, right=right))

    def _then(self, progress: Progress, when: datetime, act: Callable[[], object], needs: Sequence[Need] = ()) -> None:
        """Let something happen to a ticket, after everything so far."""
        progress.latest = self.story.at(when, act, (Need(progress.latest), *needs))

    def _needs(self, step: Step) -> list[Need]:
        """Return what a step needs of other tickets and accounts."""
        if isinstance(step, Merge):
            return [Need(self._progress[step.into].opened)]
        if isinstance(step, Link):
            return [Need(self._progress[step.other].opened)]
        if isinstance(step, SetCustomer):
            return self._known(step.account).settled()
        return []

    @singledispatchmethod
    def _do(self, step: Step, _progress: Progress) -> None:
        """Let one step happen. There is a method for each kind of step below."""
        raise TypeError(f"no method tells {type(step).__name__}")

    # --- opening ---

    def _open(self, case: Case) -> int:
        customer, service = None, None
        if isinstance(case.by, str):
            known = self._known(case.by)
            customer, person = known.account.customer, known.account.owner.person
            name, email = person.name, person.email
            # What a colleague opens names no service: no verification opened one.
            service = known.first.service if known.first and case.service and not case.agent else None
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
                pins=MASKED,
            ),
        )
        return ticket.id

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
        return visitor_actor(name, ADDRESS)

    def _requester(self, ticket: Ticket) -> Actor:
        return self._visitor(ticket.requester_name)

    def _ticket(self, progress: Progress) -> Ticket:
        return db.session.get_one(Ticket, progress.id)

    def _say(self, progress: Progress, who: str, text: str, files: Sequence[str], then: TicketStatus | None) -> Writing:
        actor, ticket = self.story.actor(who), self._ticket(progress)
        attachment_ids = tuple(attach(actor, ticket, file, FILES[file]).id for file in files)
        return Writing(
            text, f"demo-{ticket.id}-{ticket.last_seq}", attachments=attachment_ids, then=then, anyway=True, pins=MASKED
        )

    # --- what is said ---

    @_do.register
    def _(self, step: CustomerReply, progress: Progress) -> None:
        ticket = self._ticket(progress)
        actor = self._requester(ticket)
        mail = progress.case.source.value == "mail"
        attachment_ids = tuple(attach(actor, ticket, file, FILES[file]).id for file in step.files)
        client = f"demo-{ticket.id}-{ticket.last_seq}"
        questions.add_question(
            actor,
            ticket,
            step.text,
            client_id=client,
            via="mail" if mail else "link",
            attachments=attachment_ids,
            pins=MASKED,
        )

    @_do.register
    def _(self, step: Reply, progress: Progress) -> None:
        ticket_messages.reply(
            self.story.actor(step.who), progress.id, self._say(progress, step.who, step.text, step.files, step.then)
        )

    @_do.register
    def _(self, step: UndoneReply, progress: Progress) -> None:
        self._do(Reply(step.ago, step.who, step.text, then=None), progress)

    def _undo_reply(self, progress: Progress, step: UndoneReply) -> None:
        query = select(TicketMessage.id).where(
            TicketMessage.ticket_id == progress.id, TicketMessage.kind == MessageKind.REPLY
        )
        newest = db.session.scalars(query.order_by(TicketMessage.id.desc())).first()
        ticket_messages.take_back(self.story.actor(step.who), progress.id, newest or 0)

    @_do.register
    def _(self, step: Note, progress: Progress) -> None:
        ticket_messages.note(
            self.story.actor(step.who), progress.id, self._say(progress, step.who, step.text, step.files, None)
        )

    @_do.register
    def _(self, step: Draft, progress: Progress) -> None:
        actor, ticket = self.story.actor(step.who), self._ticket(progress)
        read_up_to(actor, ticket)
        newest = db.session.scalar(
            select(TicketMessage.id)
            .where(TicketMessage.ticket_id == ticket.id)
            .order_by(TicketMessage.id.desc())
            .limit(1)
        )
        save_draft(actor, ticket, MessageKind.REPLY, step.text, based_on=newest or 0)

    # --- what is done ---

    @_do.register
    def _(self, step: Assign, progress: Progress) -> None:
        properties.assign(self.story.actor(step.by or step.who), [progress.id], self.story.staff[step.who].id)

    @_do.register
    def _(self, step: SetStatus, progress: Progress) -> None:
        properties.set_status(self.story.actor(step.who), [progress.id], step.to)

    @_do.register
    def _(self, step: SetPriority, progress: Progress) -> None:
        properties.set_priority(self.story.actor(step.who), [progress.id], step.to)

    @_do.register
    def _(self, step: SetDepartment, progress: Progress) -> None:
        properties.set_department(self.story.actor(step.who), [progress.id], _department(step.to))

    @_do.register
    def _(self, step: Tag, progress: Progress) -> None:
        properties.tag(self.story.actor(step.who), [progress.id], step.tags)

    @_do.register
    def _(self, step: Merge, progress: Progress) -> None:
        merging.merge(
            self.story.actor(step.who), [progress.id], self._progress[step.into].id, different_requesters=True
        )

    @_do.register
    def _(self, step: Split, progress: Progress) -> None:
        query = select(TicketMessage.id).where(
            TicketMessage.ticket_id == progress.id, TicketMessage.kind == MessageKind.QUESTION
        )
        newest = db.session.scalars(query.order_by(TicketMessage.id.desc())).first()
        splitting.split(self.story.actor(step.who), progress.id, [newest or 0], step.subject)

    @_do.register
    def _(self, step: Link, progress: Progress) -> None:
        linking.link(self.story.actor(step.who), progress.id, self._progress[step.other].id)

    @_do.register
    def _(self, step: SetCustomer, progress: Progress) -> None:
        properties.set_customer(self.story.actor(step.who), progress.id, self._known(step.account).account.customer)

    @_do.register
    def _(self, step: Watch, progress: Progress) -> None:
        properties.watch(self.story.actor(step.who), progress.id)

    @_do.register
    def _(self, step: Read, progress: Progress) -> None:
        read_up_to(self.story.actor(step.who), self._ticket(progress))

    # --- who it is ---

    @_do.register
    def _(self, step: SendCard, progress: Progress) -> None:
        cards.ask(self.story.actor(step.who), channel(self._ticket(progress)))
        progress.cards = (*progress.cards, _token(progress.id))

    def _answer_card(self, progress: Progress, *, right: bool) -> None:
        ticket = self._ticket(progress)
        email, pin = self._pin(progress)
        wrong = f"{(int(pin) + 1) % 1_000_000:06d}"
        cards.submit(self._requester(ticket), progress.cards[-1], email=email, pin=pin if right else wrong)

    @_do.register
    def _(self, step: VerifyByPhone, progress: Progress) -> None:
        actor, ticket = self.story.actor(step.who), self._ticket(progress)
        email, pin = self._pin(progress)
        if verify(actor, email=email, pin=pin, channel=channel(ticket)) is None:
            raise Refusal("the demo's own PIN was refused")

    def _pin(self, progress: Progress) -> tuple[str, str]:
        assert isinstance(progress.case.by, str)  # noqa: S101
        account = self._known(progress.case.by).account
        pin, _until = current_pin(account.owner)
        return account.email, pin

    @_do.register
    def _(self, step: Override, progress: Progress) -> None:
        assert isinstance(progress.case.by, str)  # noqa: S101
        override(self.story.actor(step.who), self._known(progress.case.by).account.customer, step.reason)

    @_do.register
    def _(self, step: SuspendService, progress: Progress) -> None:
        assert isinstance(progress.case.by, str)  # noqa: S101
        first = self._known(progress.case.by).first
        assert first is not None  # noqa: S101
        suspend(self.story.actor(step.who), first.service, SuspensionReason.ABUSE)

    # --- how it was ---

    @_do.register
    def _(self, step: Rate, progress: Progress) -> None:
        ticket = self._ticket(progress)
        ratings.rate(self._requester(ticket), ticket, step.score, step.comment)

    @_do.register
    def _(self, step: SendForReview, progress: Progress) -> None:
        reviews.pick(self.story.actor(step.who), progress.id)

    @_do.register
    def _(self, step: ScoreReview, progress: Progress) -> None:
        actor = self.story.actor(step.who)
        review = self._review(progress, ReviewState.WAITING)
        quotes: dict[int, str] = {}
        if step.remark:
            ticket = lock_ticket(actor, progress.id)
            first = db.session.scalars(
                select(TicketMessage.id)
                .where(TicketMessage.ticket_id == ticket.id, TicketMessage.kind == MessageKind.REPLY)
                .order_by(TicketMessage.id)
            ).first()
            quotes = {first: step.remark} if first is not None else {}
        lines = criteria(active=True)
        points = {line.id: points for line, points in zip(lines, _padded(step.points, len(lines)), strict=True)}
        reviews.score(actor, review.id, reviews.Scoring(points, step.note, quotes, review.version))

    @_do.register
    def _(self, step: AnswerReview, progress: Progress) -> None:
        review = self._review(progress, ReviewState.DONE)
        actor = self.story.actor(step.who)
        reviews.mark_read(actor, review.id)
        reviews.answer(actor, review.id, step.text, f"demo-{review.id}")

    def _review(self, progress: Progress, state: ReviewState) -> Review:
        return db.session.scalars(select(Review).where(Review.ticket_id == progress.id, Review.state == state)).one()


def _padded(points: tuple[int | None, ...], count: int) -> tuple[int | None, ...]:
    """Return points for each criterion of the rubric, however many it has."""
    return (*points, *[None] * count)[:count]


def _token(ticket_id: int) -> str:
    """Return the token of the card that was mailed last, as the receiver of the mail reads it."""
    query = select(Mail).where(Mail.subject_ref == f"ticket:{ticket_id}", Mail.template == "verification_asked")
    mail = db.session.scalars(query.order_by(Mail.id.desc())).first()
    found = re.search(r"/v/(\S+)", whole(mail).text) if mail is not None else None
    return found[1] if found else ""


def _department(key: str) -> int:
    return db.session.scalars(select(Department.id).where(Department.key == key)).one()
