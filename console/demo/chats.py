"""The chat desk of the demo: past conversations, and a few that go on now; all through the verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from console.chat import queries
from console.chat.models import Chat, MessageKind
from console.chat.service import assignment, blocking, conversion, lifecycle, timeline
from console.chat.service import verification as chat_verification
from console.chat.service.messages import Outgoing, from_staff, from_visitor
from console.chat.service.opening import Opening, open_chat
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.transaction import transaction
from console.customers.masking import MASKED
from console.customers.verification import cards
from console.customers.verification.pins import current_pin
from console.demo.ages import WorkingTime
from console.demo.chat_stories import AGENT, CARD, NOTE, NOW, PAST, TYPO, VISITOR, End, Talk
from console.demo.events import Event, Need
from console.demo.story import Story
from console.hours.calendar import Calendar
from console.tickets.models import TicketStatus
from console.tickets.service import messages as ticket_messages
from console.tickets.service.messages import Writing

LATE = timedelta(hours=2, minutes=40)  # after closing
BEFORE = timedelta(minutes=3)  # closing
CARD_TAKES = timedelta(seconds=40)
WAIT = timedelta(minutes=5)
ANSWERED = timedelta(hours=1)  # a ticket, at the earliest
RATED_AFTER = timedelta(seconds=50)


@dataclass
class _Progress:
    """How far the story of a chat has come.

    Attributes:
        opened: its outcome is the chat's id.
        latest: the event that the next one has to follow.
        said: how many messages it has.
    """

    talk: Talk
    place: int
    opened: Event = field(init=False)
    latest: Event = field(init=False)
    said: int = 0

    @property
    def id(self) -> int:
        return cast("int", self.opened.outcome)

    @property
    def visitor(self) -> Actor:
        return Actor(kind="visitor", id=None, name="visitor", address=f"198.51.100.{self.place + 10}")


def tell(story: Story, working: WorkingTime) -> None:
    """Put the past chats into ``story``. Their ages are counted in ``working``."""
    for place, talk in enumerate(PAST):
        begins = _begins(talk, working)
        _Chats(story).tell(_Progress(talk, place), begins, max(begins + ANSWERED, working.ago(talk.ago - 4)))


def tell_now(story: Story, calendar: Calendar) -> None:
    """Let a few chats go on, where it is open now. In a transaction of its own, at the very end."""
    now = clock.now().replace(second=0, microsecond=0)
    if not calendar.is_open(now) or not calendar.is_open(now - timedelta(hours=NOW[0].ago)):
        return
    live = Story(story.today, story.zone, story.rng, story.password_hash)
    live.staff, live.known = story.staff, story.known
    for place, talk in enumerate(NOW):
        _Chats(live).tell(_Progress(talk, len(PAST) + place), now - timedelta(hours=talk.ago))
    with transaction():
        live.happen()


def _begins(talk: Talk, working: WorkingTime) -> datetime:
    begins = working.ago(talk.ago)
    closes = working.calendar.closes_at(begins)
    if closes is None:
        return begins
    if talk.end is End.CLOSING:
        return closes - BEFORE
    if talk.end is End.LATE:
        return closes + LATE
    length = timedelta(seconds=max((after for after, _who, _text in talk.lines), default=0)) + 2 * WAIT
    return min(begins, closes - length)  # it ends on the same day


class _Chats:
    def __init__(self, story: Story) -> None:
        self.story = story

    def tell(self, progress: _Progress, begins: datetime, answered_at: datetime | None = None) -> None:
        """Let a chat be opened, and everything in it happen."""
        talk = progress.talk
        needs = [Need(self.story.facts[talk.speaks_of])] if talk.speaks_of else []
        if isinstance(talk.by, str):
            needs += self.story.known[talk.by].settled()
        progress.opened = progress.latest = self.story.at(begins, lambda: self._open(progress), needs)
        last = begins
        claimed = False
        for after, who, text in talk.lines:
            when = begins + timedelta(seconds=after)
            if not claimed and talk.agent:
                self._then(progress, when - timedelta(seconds=20), lambda: self._claim(progress))
                claimed = True
            if talk.passed_to is not None and (after, who, text) == talk.lines[-2]:
                self._then(progress, when - timedelta(seconds=45), lambda: self._pass_on(progress))
            self._line(progress, when, who, text)
            last = when
        self._end(progress, begins, last)
        if talk.answered and answered_at is not None:
            self._then(progress, answered_at, lambda: self._answer_ticket(progress))

    def _then(self, progress: _Progress, when: datetime, act: Callable[[], object]) -> None:
        """Let something happen in a chat, after everything so far."""
        progress.latest = self.story.at(when, act, [progress.latest])

    # --- opening ---

    def _open(self, progress: _Progress) -> int:
        talk = progress.talk
        name, email = self._who(talk)
        opening = Opening(
            name=name,
            email=email,
            question=talk.question,
            client_id=f"demo-{talk.key}",
            department=talk.department,
            language=talk.language,
            page="https://www.example.rs/podrska",
            pins=MASKED,
        )
        return open_chat(progress.visitor, opening).id

    def _who(self, talk: Talk) -> tuple[str, str]:
        if not isinstance(talk.by, str):
            return talk.by
        owner = self.story.known[talk.by].account.owner
        return owner.person.name, owner.person.email

    def _chat(self, progress: _Progress) -> Chat:
        return queries.lock_by_key(progress.id)

    # --- what is said and done ---

    def _line(self, progress: _Progress, when: datetime, who: str, text: str) -> None:
        if who in (CARD, TYPO):
            self._then(progress, when, lambda: self._ask_who(progress))
            self._then(progress, when + CARD_TAKES, lambda: self._fill_in(progress, right=who == CARD))
        elif who == VISITOR:
            self._then(progress, when, lambda: self._visitor_says(progress, text))
        else:
            kind = {AGENT: MessageKind.REPLY, NOTE: MessageKind.NOTE}[who]
            self._then(progress, when, lambda: self._staff_says(progress, kind, text))

    def _claim(self, progress: _Progress) -> None:
        assignment.claim(self._agent(progress), self._chat(progress).number)

    def _pass_on(self, progress: _Progress) -> None:
        who, note = progress.talk.passed_to or ("", "")
        assignment.hand_over(self._agent(progress), self._chat(progress).number, self.story.staff[who].id, None, note)

    def _agent(self, progress: _Progress) -> Actor:
        """Return who has the chat, or takes it."""
        chat = self._chat(progress)
        found = next((one for one in self.story.staff.values() if one.id == chat.assignee_id), None)
        return found.actor("192.0.2.10") if found is not None else self.story.actor(progress.talk.agent)

    def _ask_who(self, progress: _Progress) -> None:
        cards.ask(self._agent(progress), chat_verification.channel(self._chat(progress)))

    def _fill_in(self, progress: _Progress, *, right: bool) -> None:
        if right and isinstance(progress.talk.by, str):
            owner = self.story.known[progress.talk.by].account.owner
            email, pin = owner.person.email, current_pin(owner)[0]
        else:
            email, pin = self._who(progress.talk)[1], "".join(map(str, range(6)))
        cards.submit_in(progress.visitor, chat_verification.channel(self._chat(progress)), email=email, pin=pin)

    def _visitor_says(self, progress: _Progress, text: str) -> None:
        chat = self._chat(progress)
        _say(progress.visitor, chat, from_visitor(chat, chat.name, text, self._client_id(progress), None, MASKED))

    def _staff_says(self, progress: _Progress, kind: MessageKind, text: str) -> None:
        chat, agent = self._chat(progress), self._agent(progress)
        _say(agent, chat, from_staff(agent, 0, chat.id, kind, text, self._client_id(progress), None, MASKED))

    def _client_id(self, progress: _Progress) -> str:
        progress.said += 1
        return f"{progress.talk.key}-{progress.said}"

    def _answer_ticket(self, progress: _Progress) -> None:
        chat = self._chat(progress)
        words = Writing(
            progress.talk.answered, f"demo-{progress.talk.key}", then=TicketStatus.SOLVED, anyway=True, pins=MASKED
        )
        ticket_messages.reply(self.story.actor("agent2"), chat.ticket_id or 0, words)

    # --- how it ends ---

    def _end(self, progress: _Progress, begins: datetime, last: datetime) -> None:
        talk, ends = progress.talk, last + timedelta(seconds=80)

        def number() -> str:
            """Return its number, once the story has come so far."""
            return self._chat(progress).number

        if talk.end is End.CLOSED:
            self._then(progress, ends, lambda: lifecycle.close(self._agent(progress), number()))
        elif talk.end is End.LEFT:
            self._then(progress, ends, lambda: lifecycle.end_by_visitor(progress.visitor, progress.id))
        elif talk.end is End.TICKET:
            self._then(progress, ends, lambda: lifecycle.to_ticket(self._agent(progress), number()))
        elif talk.end is End.BLOCKED:
            supervisor = self.story.actor
            self._then(
                progress,
                ends,
                lambda: blocking.block(supervisor("supervisor"), number(), "Vređa i preti u razgovoru.", 30),
            )
        elif talk.end in (End.UNCLAIMED, End.CLOSING):
            when = begins + (BEFORE if talk.end is End.CLOSING else WAIT)
            self._then(progress, when, lambda: conversion.make_ticket(SYSTEM, self._chat(progress), talk.end.value))
        if talk.score:
            self._then(
                progress,
                ends + RATED_AFTER,
                lambda: lifecycle.rate(progress.visitor, progress.id, talk.score, talk.comment),
            )
        if talk.transcript:
            self._then(progress, ends + RATED_AFTER, lambda: lifecycle.mail_transcript(progress.visitor, progress.id))


def _say(actor: Actor, chat: Chat, one: Outgoing) -> None:
    """Add a message as the writer would, inside the story's own transaction."""
    message = timeline.append(actor, chat, one.kind, one.body, client_key=one.client_key, name=one.name, data=one.data)
    if one.kind is MessageKind.VISITOR:
        chat.unanswered_since = chat.unanswered_since or message.at
    elif one.kind is MessageKind.REPLY:
        chat.unanswered_since = None
        chat.first_answered_at = chat.first_answered_at or message.at
        chat.seen_by_staff = message.seq
    db.session.flush()
