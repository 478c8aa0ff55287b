"""Opening a chat. In hours it is queued; outside of them question, ticket and confirmation are one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select

from console.audit.service import record
from console.chat import notifications, tokens
from console.chat import search as chat_search
from console.chat.models import (
    LIVE,
    MAX_BODY,
    MAX_CLIENT_ID,
    MAX_NAME,
    Chat,
    ChatBlock,
    ChatMessage,
    ChatStatus,
    MessageKind,
)
from console.chat.service import conversion, timeline
from console.chat.service.assignment import assign_waiting
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, OwnAddress, email_problem, read_email
from console.core.errors import Invalid, Refusal, Reused, Text, TooMany
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.core.upsert import insert_or_find
from console.customers.masking import ASK, MaskedText, PinChoice, mask_address, mask_for_storage, mask_pins
from console.customers.models import Person, PersonSession
from console.hours.queries import current_calendar
from console.staff.models import Department

MOST_LIVE = 3  # chats of one visitor at a time
MOST_OPENED = 20  # of one visitor within the window
WINDOW = timedelta(hours=1)
TIMES_LIVE = 3  # within the window a network address may open this many times what it may have open
MIN_CLIENT_ID = 8
MAX_PAGE = 300
_OPENED = "opened"  # beside a chat's first message: the digest of what it was opened with
LANGUAGES = ("sr_Latn", "en")


@dataclass(frozen=True)
class Opening:
    """What a visitor sends to begin.

    Args:
        client_id: chosen once for this opening; sent again with the same content, it is the same chat.
        department: its key, as ``technical``; the first one when empty.
        session: of who is signed in to the portal; their name and address win.
        page: where the widget stood.
        visitor: the id of their browser, see :func:`console.chat.tokens.visitor_of`; without one they are told
            apart by e-mail and network address.
        pins: what they said about what looks like a PIN in the question.
    """

    name: str
    email: str
    question: str
    client_id: str
    department: str = ""
    language: str = ""
    session: PersonSession | None = None
    page: str = ""
    visitor: str | None = None
    pins: PinChoice = ASK

    @property
    def person(self) -> Person | None:
        """Return who is signed in to the portal."""
        return self.session.person if self.session is not None else None


def open_chat(visitor: Actor, opening: Opening) -> Chat:
    """Open a chat, queue it, or make it a ticket at once outside of opening hours.

    Args:
        visitor: with the network address.

    Raises:
        Invalid: by field, what is missing or wrong.
        PinLike: they have to say whether the question holds a PIN.
        Reused: the id came before, with other content.
        TooMany: ``chats``: too many of this visitor; ``network``: too many of the network they come from.
        Refusal: ``blocked``.
    """
    name, email, question, client_id = _read(opening)
    department = _department(opening.department)
    key = tokens.open_key(client_id)
    content = tokens.opening_digest(name, email, opening.department, question.text)
    earlier = db.session.scalar(select(Chat).where(Chat.open_key == key))
    if earlier is not None:  # before the limits: it counts in them
        return _the_same(earlier, content)
    source = tokens.source_of(visitor.address)
    _check_blocked(source, email)
    _check_limits(source, _theirs(opening, source, email))
    now = clock.now()
    row = {
        "open_key": key,
        "status": ChatStatus.QUEUED,
        "name": name,
        "email": email,
        "language": opening.language if opening.language in LANGUAGES else settings().locale,
        "department_id": department.id,
        "person_id": opening.person.id if opening.person else None,
        "person_session_id": opening.session.id if opening.session else None,
        "source": source,
        "visitor": opening.visitor,
        "page": mask_address(one_line(opening.page))[:MAX_PAGE],
        "created_at": now,
        "waits_since": now,
        "queued_at": now,
        "unanswered_since": now,
        "last_at": now,
    }
    chat, fresh = insert_or_find(Chat, row, Chat.open_key)
    if not fresh:  # it came to another process at the same moment
        return _the_same(chat, content)
    timeline.append(
        visitor,
        chat,
        MessageKind.VISITOR,
        question.text,
        client_key=f"v:{client_id}",
        name=name,
        data=question.data | {_OPENED: content},
    )
    chat_search.index(chat, new=True)
    record(visitor, "chat.opened", chat.number, person=chat.person_id)
    calendar, _revision = current_calendar()
    if not calendar.is_open(now):
        conversion.make_ticket(visitor, chat, "closed_hours")
    else:
        notifications.state(chat)
        assign_waiting()
    return chat


def _the_same(earlier: Chat, content: str) -> Chat:
    """Return the chat that this opening made before.

    Raises:
        Reused: the id opened another: it would be acknowledged and lost, or let a stranger in.
    """
    first = db.session.get(ChatMessage, (earlier.id, 1))
    if first is None or first.data.get(_OPENED) != content:
        raise Reused
    return earlier


def _read(opening: Opening) -> tuple[str, str, MaskedText, str]:
    wrong: dict[str, list[Text]] = {}
    person = opening.person
    name = mask_pins(one_line(person.name if person else opening.name))[0][:MAX_NAME]
    email = ""
    try:
        email = read_email(person.email if person else opening.email)
    except OwnAddress as error:
        wrong["email"] = [email_problem(error)]
    except NoAddress:
        wrong["email"] = [lazy_gettext("Enter a valid e-mail address, so that we can reply if we miss each other.")]
    question = paragraphs(opening.question)
    if not name:
        wrong["name"] = [lazy_gettext("Enter your name.")]
    if not question:
        wrong["question"] = [lazy_gettext("Enter your question.")]
    elif len(question.encode()) > MAX_BODY:
        wrong["question"] = [lazy_gettext("The question is too long. Send it in parts, or as a file.")]
    if not MIN_CLIENT_ID <= len(opening.client_id) <= MAX_CLIENT_ID:
        wrong["client_id"] = [lazy_gettext("Invalid input.")]
    if wrong:
        raise Invalid(fields=wrong)
    return name, email, mask_for_storage(question, opening.pins, field="question"), opening.client_id


def _department(key: str) -> Department:
    query = select(Department).where(Department.active.is_(True), Department.private.is_(False))
    if key:
        found = db.session.scalar(query.where(Department.key == key))
        if found is None:
            raise Invalid(fields={"department": [lazy_gettext("Choose a department.")]})
        return found
    first = db.session.scalar(query.order_by(Department.position, Department.id).limit(1))
    if first is None:
        raise Invalid(fields={"department": [lazy_gettext("Choose a department.")]})
    return first


def _check_blocked(source: str, email: str) -> None:
    blocked = select(ChatBlock.id).where(
        or_(ChatBlock.source == source, ChatBlock.email == email),
        ChatBlock.until > clock.now(),
        ChatBlock.lifted_at.is_(None),
    )
    if db.session.scalar(blocked.limit(1)) is not None:
        raise Refusal(lazy_gettext("Chat is not available to you. Please e-mail us."), code="blocked")


def _theirs(opening: Opening, source: str, email: str) -> ColumnElement[bool]:
    """Return the condition "a chat of this visitor's": who is signed in, else their browser, else their e-mail there.

    The e-mail counts together with the network address: alone it would let a stranger use up its owner's chats.
    """
    if opening.person is not None:
        return Chat.person_id == opening.person.id
    if opening.visitor is not None:
        return Chat.visitor == opening.visitor
    return and_(Chat.source == source, Chat.email == email)


def _check_limits(source: str, theirs: ColumnElement[bool]) -> None:
    """Count what this visitor has opened, and, much wider, what their network has.

    A browser can forget its token, and another e-mail address is free. The network address costs something to
    change, so it has a limit of its own: a wide one, because an office may be behind it.
    """
    factor = settings().chat_limit_factor
    live, opened = _counts(theirs)
    if live >= MOST_LIVE * factor:
        raise TooMany(
            lazy_gettext("You have several open chats with us. Continue one of them, or end one first."),
            retry_after=60,
            code="chats",
        )
    if opened >= MOST_OPENED * factor:
        raise TooMany(
            lazy_gettext("You have started many chats in the last hour. Wait a while, or write to us by e-mail."),
            retry_after=600,
            code="chats",
        )
    most = settings().chat_address_limit * factor
    live, opened = _counts(Chat.source == source)
    if live >= most or opened >= TIMES_LIVE * most:
        raise TooMany(
            lazy_gettext("Many people on your network are chatting with us now. Try again in a few minutes."),
            retry_after=300,
            code="network",
        )


def _counts(whose: ColumnElement[bool]) -> tuple[int, int]:
    """Return how many chats are open, and how many were opened within the window."""
    live = db.session.scalar(select(func.count()).select_from(Chat).where(whose, Chat.status.in_(LIVE)))
    since = clock.now() - WINDOW
    opened = db.session.scalar(select(func.count()).select_from(Chat).where(whose, Chat.created_at > since))
    return live or 0, opened or 0
