"""Lets what happened to a ticket happen: one method for each kind of step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import cast

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Refusal
from console.customers.masking import MASKED
from console.customers.verification.pins import current_pin
from console.customers.verification.service import override, verify
from console.customers.visitors import visitor_actor
from console.demo.ages import WorkingTime
from console.demo.events import Event, Need
from console.demo.names import WOMEN
from console.demo.story import Known, Story
from console.demo.tickets.files import FILES
from console.demo.tickets.steps import (
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
    Suspends,
    Tags,
    Takes,
    TakesBack,
    Verifies,
    Watches,
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
from console.tickets.service import verification as ticket_verification
from console.tickets.service.attachments import attach
from console.tickets.service.drafts import read_up_to, save_draft
from console.tickets.service.messages import Writing
from console.tickets.service.opening import NewTicket, open_ticket

ADDRESS = "192.0.2.44"  # where requesters write from


@dataclass
class Told:
    """A ticket of the story. ``opened``: from then on it can be read; ``latest``: what was told of it last."""

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
        self._told: dict[str, Told] = {}
        self._does: dict[type[Step], Callable[[Told, Step], None]] = {
            Asks: self._asks, Replies: self._replies, Notes: self._notes, Drafts: self._drafts, Takes: self._takes,
            Moves: self._moves, Ranks: self._ranks, Sorts: self._sorts, Tags: self._tags, Merges: self._merges,
            Splits: self._splits, Links: self._links, Accounts: self._accounts, SendsCard: self._sends_card,
            Verifies: self._verifies, Overrides: self._overrides, Watches: self._watches, Reads: self._reads,
            Suspends: self._suspends,
            Rates: self._rates, Picks: self._picks, Reviews: self._reviews, AnswersReview: self._answers_review,
        }  # fmt: skip

    def tell(self, cases: Iterable[Case]) -> None:
        """Let tickets be opened, and everything in them happen."""
        cases = list(cases)
        for case in cases:
            opened = self._tell_opening(case)
            self._told[case.key] = Told(case, opened, opened)
        for case in cases:
            for step in case.steps:
                self._tell_step(self._told[case.key], step)

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

    def _tell_step(self, told: Told, step: Step) -> None:
        when = self.working.ago(step.ago)
        if isinstance(step, TakesBack):
            self._then(told, when, lambda: self._replies(told, Replies(step.ago, step.who, step.text, then=None)))
            self._then(told, when + timedelta(seconds=5), lambda: self._takes_back(told, step))
        else:
            self._then(told, when, lambda: self._does[type(step)](told, step), self._needs(step))
        if isinstance(step, SendsCard) and step.right is not None:
            right = step.right
            self._then(told, when + timedelta(minutes=4), lambda: self._answers_card(told, right=right))

    def _then(self, told: Told, when: datetime, act: Callable[[], object], needs: Sequence[Need] = ()) -> None:
        """Let something happen to a ticket, after all that was told of it before."""
        told.latest = self.story.at(when, act, (Need(told.latest), *needs))

    def _needs(self, step: Step) -> list[Need]:
        """Return what a step needs of other tickets and accounts."""
        if isinstance(step, Merges):
            return [Need(self._told[step.into].opened)]
        if isinstance(step, Links):
            return [Need(self._told[step.other].opened)]
        if isinstance(step, Accounts):
            return self._known(step.account).settled()
        return []

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

    def _ticket(self, told: Told) -> Ticket:
        return db.session.get_one(Ticket, told.id)

    def _say(self, told: Told, who: str, text: str, files: Sequence[str], then: TicketStatus | None) -> Writing:
        actor, ticket = self.story.actor(who), self._ticket(told)
        kept = tuple(attach(actor, ticket, file, FILES[file]).id for file in files)
        return Writing(
            text, f"demo-{ticket.id}-{ticket.last_seq}", attachments=kept, then=then, anyway=True, pins=MASKED
        )

    # --- what is said ---

    def _asks(self, told: Told, step: Step) -> None:
        assert isinstance(step, Asks)  # noqa: S101  (the table above says so)
        ticket = self._ticket(told)
        actor = self._requester(ticket)
        mail = told.case.source.value == "mail"
        kept = tuple(attach(actor, ticket, file, FILES[file]).id for file in step.files)
        client = f"demo-{ticket.id}-{ticket.last_seq}"
        questions.add_question(
            actor, ticket, step.text, client_id=client, via="mail" if mail else "link", attachments=kept, pins=MASKED
        )

    def _replies(self, told: Told, step: Step) -> None:
        assert isinstance(step, Replies)  # noqa: S101
        ticket_messages.reply(
            self.story.actor(step.who), told.id, self._say(told, step.who, step.text, step.files, step.then)
        )

    def _takes_back(self, told: Told, step: TakesBack) -> None:
        query = select(TicketMessage.id).where(
            TicketMessage.ticket_id == told.id, TicketMessage.kind == MessageKind.REPLY
        )
        newest = db.session.scalars(query.order_by(TicketMessage.id.desc())).first()
        ticket_messages.take_back(self.story.actor(step.who), told.id, newest or 0)

    def _notes(self, told: Told, step: Step) -> None:
        assert isinstance(step, Notes)  # noqa: S101
        ticket_messages.note(
            self.story.actor(step.who), told.id, self._say(told, step.who, step.text, step.files, None)
        )

    def _drafts(self, told: Told, step: Step) -> None:
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

    def _takes(self, told: Told, step: Step) -> None:
        assert isinstance(step, Takes)  # noqa: S101
        properties.assign(self.story.actor(step.by or step.who), [told.id], self.story.staff[step.who].id)

    def _moves(self, told: Told, step: Step) -> None:
        assert isinstance(step, Moves)  # noqa: S101
        properties.set_status(self.story.actor(step.who), [told.id], step.to)

    def _ranks(self, told: Told, step: Step) -> None:
        assert isinstance(step, Ranks)  # noqa: S101
        properties.set_priority(self.story.actor(step.who), [told.id], step.to)

    def _sorts(self, told: Told, step: Step) -> None:
        assert isinstance(step, Sorts)  # noqa: S101
        properties.set_department(self.story.actor(step.who), [told.id], _department(step.to))

    def _tags(self, told: Told, step: Step) -> None:
        assert isinstance(step, Tags)  # noqa: S101
        properties.tag(self.story.actor(step.who), [told.id], step.tags)

    def _merges(self, told: Told, step: Step) -> None:
        assert isinstance(step, Merges)  # noqa: S101
        merging.merge(self.story.actor(step.who), [told.id], self._told[step.into].id, different_requesters=True)

    def _splits(self, told: Told, step: Step) -> None:
        assert isinstance(step, Splits)  # noqa: S101
        asked = select(TicketMessage.id).where(
            TicketMessage.ticket_id == told.id, TicketMessage.kind == MessageKind.QUESTION
        )
        newest = db.session.scalars(asked.order_by(TicketMessage.id.desc())).first()
        splitting.split(self.story.actor(step.who), told.id, [newest or 0], step.subject)

    def _links(self, told: Told, step: Step) -> None:
        assert isinstance(step, Links)  # noqa: S101
        linking.link(self.story.actor(step.who), told.id, self._told[step.other].id)

    def _accounts(self, told: Told, step: Step) -> None:
        assert isinstance(step, Accounts)  # noqa: S101
        properties.set_customer(self.story.actor(step.who), told.id, self._known(step.account).account.customer)

    def _watches(self, told: Told, step: Step) -> None:
        assert isinstance(step, Watches)  # noqa: S101
        properties.watch(self.story.actor(step.who), told.id)

    def _reads(self, told: Told, step: Step) -> None:
        assert isinstance(step, Reads)  # noqa: S101
        read_up_to(self.story.actor(step.who), self._ticket(told))

    # --- who it is ---

    def _sends_card(self, told: Told, step: Step) -> None:
        assert isinstance(step, SendsCard)  # noqa: S101
        ticket_verification.ask_requester(self.story.actor(step.who), told.id)
        told.cards = (*told.cards, _token(told.id))

    def _answers_card(self, told: Told, *, right: bool) -> None:
        ticket = self._ticket(told)
        email, pin = self._pin(told)
        wrong = f"{(int(pin) + 1) % 1_000_000:06d}"
        ticket_verification.answer(self._requester(ticket), told.cards[-1], email=email, pin=pin if right else wrong)

    def _verifies(self, told: Told, step: Step) -> None:
        assert isinstance(step, Verifies)  # noqa: S101
        actor, ticket = self.story.actor(step.who), self._ticket(told)
        email, pin = self._pin(told)
        channel = ticket_verification.channel(ticket)
        found = verify(actor, email=email, pin=pin, channel=channel)
        if found is None:
            raise Refusal("the demo's own PIN was refused")
        ticket_verification.tell_verified(actor, lock_ticket(actor, ticket.id), found)

    def _pin(self, told: Told) -> tuple[str, str]:
        assert isinstance(told.case.by, str)  # noqa: S101
        account = self._known(told.case.by).account
        pin, _until = current_pin(account.owner)
        return account.email, pin

    def _overrides(self, told: Told, step: Step) -> None:
        assert isinstance(step, Overrides)  # noqa: S101
        assert isinstance(told.case.by, str)  # noqa: S101
        override(self.story.actor(step.who), self._known(told.case.by).account.customer, step.reason)

    def _suspends(self, told: Told, step: Step) -> None:
        assert isinstance(step, Suspends)  # noqa: S101
        assert isinstance(told.case.by, str)  # noqa: S101
        first = self._known(told.case.by).first
        assert first is not None  # noqa: S101
        suspend(self.story.actor(step.who), first.service, SuspensionReason.ABUSE)

    # --- how it was ---

    def _rates(self, told: Told, step: Step) -> None:
        assert isinstance(step, Rates)  # noqa: S101
        ticket = self._ticket(told)
        ratings.rate(self._requester(ticket), ticket, step.score, step.comment)

    def _picks(self, told: Told, step: Step) -> None:
        assert isinstance(step, Picks)  # noqa: S101
        reviews.pick(self.story.actor(step.who), told.id)

    def _reviews(self, told: Told, step: Step) -> None:
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

    def _answers_review(self, told: Told, step: Step) -> None:
        assert isinstance(step, AnswersReview)  # noqa: S101
        review = self._review(told, ReviewState.DONE)
        actor = self.story.actor(step.who)
        reviews.mark_read(actor, review.id)
        reviews.answer(actor, review.id, step.text, f"demo-{review.id}")

    def _review(self, told: Told, state: ReviewState) -> Review:
        return db.session.scalars(select(Review).where(Review.ticket_id == told.id, Review.state == state)).one()


def _padded(points: tuple[int | None, ...], count: int) -> tuple[int | None, ...]:
    """Return points for each criterion of the rubric, however many it has."""
    return (*points, *[None] * count)[:count]


def _token(ticket_id: int) -> str:
    """Return the token of the card that was mailed last, as whoever opens the mail reads it."""
    query = select(Mail).where(Mail.subject_ref == f"ticket:{ticket_id}", Mail.template == "verification_asked")
    mail = db.session.scalars(query.order_by(Mail.id.desc())).first()
    found = re.search(r"/v/(\S+)", whole(mail).text) if mail is not None else None
    return found[1] if found else ""


def _department(key: str) -> int:
    return db.session.scalars(select(Department.id).where(Department.key == key)).one()
