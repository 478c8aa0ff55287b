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
from console.demo.events import Event, Need
from console.demo.story import Story
from console.demo.talks import AGENT, CARD, NOTE, NOW, PAST, TYPO, VISITOR, End, Talk
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
class _Told:
    """A chat of the story. ``opened``: from then on it can be read; ``latest``: what was told of it last."""

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
        _Chats(story).tell(_Told(talk, place), begins, max(begins + ANSWERED, working.ago(talk.ago - 4)))


def tell_now(story: Story, calendar: Calendar) -> None:
    """Let a few chats go on, where it is open now. In a transaction of its own, at the very end."""
    now = clock.now().replace(second=0, microsecond=0)
    if not calendar.is_open(now) or not calendar.is_open(now - timedelta(hours=NOW[0].ago)):
        return
    live = Story(story.today, story.zone, story.rng, story.password_hash)
    live.staff, live.known = story.staff, story.known
    for place, talk in enumerate(NOW):
        _Chats(live).tell(_Told(talk, len(PAST) + place), now - timedelta(hours=talk.ago))
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

    def tell(self, told: _Told, begins: datetime, answered_at: datetime | None = None) -> None:
        """Let a chat be opened, and everything in it happen."""
        talk = told.talk
        needs = [Need(self.story.facts[talk.speaks_of])] if talk.speaks_of else []
        if isinstance(talk.by, str):
            needs += self.story.known[talk.by].settled()
        told.opened = told.latest = self.story.at(begins, lambda: self._open(told), needs)
        last = begins
        claimed = False
        for after, who, text in talk.lines:
            when = begins + timedelta(seconds=after)
            if not claimed and talk.agent:
                self._then(told, when - timedelta(seconds=20), lambda: self._claim(told))
                claimed = True
            if talk.passed_to is not None and (after, who, text) == talk.lines[-2]:
                self._then(told, when - timedelta(seconds=45), lambda: self._pass_on(told))
            self._line(told, when, who, text)
            last = when
        self._end(told, begins, last)
        if talk.answered and answered_at is not None:
            self._then(told, answered_at, lambda: self._answer_ticket(told))

    def _then(self, told: _Told, when: datetime, act: Callable[[], object]) -> None:
        """Let something happen in a chat, after all that was told of it before."""
        told.latest = self.story.at(when, act, [told.latest])

    # --- opening ---

    def _open(self, told: _Told) -> int:
        talk = told.talk
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
        return open_chat(told.visitor, opening).id

    def _who(self, talk: Talk) -> tuple[str, str]:
        if not isinstance(talk.by, str):
            return talk.by
        owner = self.story.known[talk.by].account.owner
        return owner.person.name, owner.person.email

    def _chat(self, told: _Told) -> Chat:
        return queries.lock_by_key(told.id)

    # --- what is said and done ---

    def _line(self, told: _Told, when: datetime, who: str, text: str) -> None:
        if who in (CARD, TYPO):
            self._then(told, when, lambda: self._ask_who(told))
            self._then(told, when + CARD_TAKES, lambda: self._fill_in(told, right=who == CARD))
        elif who == VISITOR:
            self._then(told, when, lambda: self._visitor_says(told, text))
        else:
            kind = {AGENT: MessageKind.REPLY, NOTE: MessageKind.NOTE}[who]
            self._then(told, when, lambda: self._staff_says(told, kind, text))

    def _claim(self, told: _Told) -> None:
        assignment.claim(self._agent(told), self._chat(told).number)

    def _pass_on(self, told: _Told) -> None:
        who, note = told.talk.passed_to or ("", "")
        assignment.hand_over(self._agent(told), self._chat(told).number, self.story.staff[who].id, None, note)

    def _agent(self, told: _Told) -> Actor:
        """Return who has the chat, or takes it."""
        chat = self._chat(told)
        found = next((one for one in self.story.staff.values() if one.id == chat.assignee_id), None)
        return found.actor("192.0.2.10") if found is not None else self.story.actor(told.talk.agent)

    def _ask_who(self, told: _Told) -> None:
        cards.ask(self._agent(told), chat_verification.channel(self._chat(told)))

    def _fill_in(self, told: _Told, *, right: bool) -> None:
        if right and isinstance(told.talk.by, str):
            owner = self.story.known[told.talk.by].account.owner
            email, pin = owner.person.email, current_pin(owner)[0]
        else:
            email, pin = self._who(told.talk)[1], "".join(map(str, range(6)))
        cards.submit_in(told.visitor, chat_verification.channel(self._chat(told)), email=email, pin=pin)

    def _visitor_says(self, told: _Told, text: str) -> None:
        chat = self._chat(told)
        _say(told.visitor, chat, from_visitor(chat, chat.name, text, self._client_id(told), None, MASKED))

    def _staff_says(self, told: _Told, kind: MessageKind, text: str) -> None:
        chat, agent = self._chat(told), self._agent(told)
        _say(agent, chat, from_staff(agent, 0, chat.id, kind, text, self._client_id(told), None, MASKED))

    def _client_id(self, told: _Told) -> str:
        told.said += 1
        return f"{told.talk.key}-{told.said}"

    def _answer_ticket(self, told: _Told) -> None:
        chat = self._chat(told)
        words = Writing(told.talk.answered, f"demo-{told.talk.key}", then=TicketStatus.SOLVED, anyway=True, pins=MASKED)
        ticket_messages.reply(self.story.actor("agent2"), chat.ticket_id or 0, words)

    # --- how it ends ---

    def _end(self, told: _Told, begins: datetime, last: datetime) -> None:
        talk, ends = told.talk, last + timedelta(seconds=80)

        def number() -> str:
            """Return its number, once the story has come so far."""
            return self._chat(told).number

        if talk.end is End.CLOSED:
            self._then(told, ends, lambda: lifecycle.close(self._agent(told), number()))
        elif talk.end is End.LEFT:
            self._then(told, ends, lambda: lifecycle.end_by_visitor(told.visitor, told.id))
        elif talk.end is End.TICKET:
            self._then(told, ends, lambda: lifecycle.to_ticket(self._agent(told), number()))
        elif talk.end is End.BLOCKED:
            supervisor = self.story.actor
            self._then(
                told, ends, lambda: blocking.block(supervisor("supervisor"), number(), "Vređa i preti u razgovoru.", 30)
            )
        elif talk.end in (End.UNCLAIMED, End.CLOSING):
            when = begins + (BEFORE if talk.end is End.CLOSING else WAIT)
            self._then(told, when, lambda: conversion.make_ticket(SYSTEM, self._chat(told), talk.end.value))
        if talk.score:
            self._then(
                told, ends + RATED_AFTER, lambda: lifecycle.rate(told.visitor, told.id, talk.score, talk.comment)
            )
        if talk.transcript:
            self._then(told, ends + RATED_AFTER, lambda: lifecycle.mail_transcript(told.visitor, told.id))


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
