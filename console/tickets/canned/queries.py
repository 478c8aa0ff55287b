"""Which canned replies are offered for a ticket, filled in, and which stay shut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import contains_eager, raiseload

from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Text
from console.core.text import fold, words
from console.core.texts import lazy_gettext
from console.customers.models import VerificationKind
from console.customers.queries import live_verification
from console.hours.labels import hours_in_words
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.canned.greetings import greeting
from console.tickets.canned.models import REPLY_SEARCH, CannedCategory, CannedReply
from console.tickets.canned.placeholders import article_address, fill
from console.tickets.models import Ticket

MOST = 20
NO_ACCOUNT: Text = lazy_gettext("Locked: the ticket has no account yet. Ask the requester to verify.")
NOT_VERIFIED: Text = lazy_gettext("Locked until the person is verified. Ask the requester to verify.")
MAX_QUERY = 200


@dataclass(frozen=True)
class Conversation:
    """Another place than a ticket where a reply is put in: a chat. ``shut``: why the guarded ones stay shut there."""

    number: str
    requester_name: str
    language: str
    department: Department
    shut: Text | None

    @property
    def department_id(self) -> int:
        return self.department.id


@dataclass(frozen=True)
class Offer:
    """A reply as it is offered.

    ``body``: filled in for the ticket; ``None`` where it is locked. ``greeting``: what of it greets, at its beginning.
    """

    reply: CannedReply
    body: str | None
    locked_reason: Text | None
    greeting: str = ""


def offers(actor: Actor, query: str, ticket: Ticket | Conversation | None) -> list[Offer]:
    """Return what ``query`` finds among the replies in use, at most twenty.

    A hit in a shortcut or a title comes before one in the text, a beginning before a middle; among equals the
    ticket's department first.

    Args:
        actor: who writes; their first name goes into the text.
        query: the beginning of words, of titles, shortcuts, categories, texts; empty finds all.
        ticket: that is answered, or the chat. Without one no reply is filled in.

    Raises:
        NotFound: the role does not work on tickets.
    """
    actor.require(Permission.WORK_TICKETS)
    found = _matching(query[:MAX_QUERY], ticket)
    if not found:
        return []
    reason = _why_shut(actor, ticket) if any(reply.verified_only for reply in found) else None
    filled = values(actor, ticket) if ticket is not None else None
    made = []
    for reply in found:
        shut = reason if reply.verified_only else None
        language = ticket.language if ticket is not None else settings().locale
        body = reply.body(language)
        begins = greeting(body)
        if filled is not None:
            link = partial(article_address, language=language)
            body, begins = fill(body, filled, link), fill(begins, filled, link)
        made.append(Offer(reply, None, shut) if shut else Offer(reply, body, None, begins))
    return made


def values(actor: Actor, ticket: Ticket | Conversation) -> dict[str, str]:
    """Return the values of the placeholders on this ticket or in this chat, in its requester's language."""
    names = actor.name.split()
    return {
        "requester_name": ticket.requester_name,
        "ticket_number": ticket.number,
        "agent_name": names[0] if names else actor.name,
        "department": ticket.department.name(ticket.language),
        "brand": settings().brand,
        "portal_name": settings().portal_brand,
        "portal_url": f"{settings().base_url}/moj/",
        "hours": hours_in_words(ticket.language),
    }


def samples(language: str) -> dict[str, str]:
    """Return values to preview a text with."""
    english = language == "en"
    return {
        "requester_name": "Ana Petrović",
        "ticket_number": "T-20418",
        "agent_name": "Mila",
        "department": "Technical support" if english else "Tehnička podrška",
        "brand": settings().brand,
        "portal_name": settings().portal_brand,
        "portal_url": f"{settings().base_url}/moj/",
        "hours": hours_in_words(language),
    }


def categories() -> Sequence[CannedCategory]:
    """Return the categories in their order."""
    return db.session.scalars(select(CannedCategory).order_by(CannedCategory.position, CannedCategory.id)).all()


def counts() -> dict[int, int]:
    """Return how many replies are sorted under each category."""
    rows = db.session.execute(select(CannedReply.category_id, func.count()).group_by(CannedReply.category_id))
    return {row[0]: row[1] for row in rows}


def _matching(query: str, ticket: Ticket | Conversation | None) -> list[CannedReply]:
    replies = (
        select(CannedReply)
        .join(CannedReply.category)
        .where(CannedReply.active.is_(True))
        .options(contains_eager(CannedReply.category), raiseload("*"))
    )
    word = fold(query).strip().removeprefix("/")
    hits = REPLY_SEARCH.ranked(db.session(), word)
    if hits is None:
        order = (*_place(ticket), CannedCategory.position, CannedReply.position, CannedReply.id)
        return list(db.session.scalars(replies.order_by(*order).limit(MOST)))
    ranked = replies.join(hits, hits.c.id == CannedReply.id).add_columns(hits.c.rank)
    ranks: dict[CannedReply, float] = {row[0]: row[1] for row in db.session.execute(ranked)}

    def order_of(reply: CannedReply) -> tuple[Any, ...]:
        where = _where(reply, ticket)
        return _nearness(reply, word), where, -ranks[reply], reply.category.position, reply.position, reply.id

    return sorted(ranks, key=order_of)[:MOST]


def _place(ticket: Ticket | Conversation | None) -> list[ColumnElement[Any]]:
    """Return the order: the ticket's department, then what is for every department, then the others'."""
    if ticket is None:
        return []
    here = (CannedReply.department_id == ticket.department_id, 0)
    return [case(here, (CannedReply.department_id.is_(None), 1), else_=2)]


def _where(reply: CannedReply, ticket: Ticket | Conversation | None) -> int:
    """Return the same for one reply."""
    if ticket is None or reply.department_id == ticket.department_id:
        return 0
    return 1 if reply.department_id is None else 2


def _nearness(reply: CannedReply, word: str) -> int:
    """Return how near a hit is to what was typed, the nearest the lowest.

    The shortcut typed out, its beginning, the beginning of a title, words in shortcut and titles, anything else.
    """
    shortcut = word.replace(" ", "-")
    titles = [fold(title) for title in (reply.title_sr, reply.title_en)]
    if reply.shortcut == shortcut:
        return 0
    if reply.shortcut.startswith(shortcut):
        return 1
    if any(title.startswith(word) for title in titles):
        return 2
    names = words(" ".join((reply.shortcut, *titles)))
    return 3 if all(any(name.startswith(part) for name in names) for part in words(word)) else 4


def _why_shut(actor: Actor, ticket: Ticket | Conversation | None) -> Text | None:
    """Return why replies about what is whose stay shut; ``None`` where they are open.

    An override opens reading to a supervisor and proves nothing about who asks: nothing is written under it.
    """
    if isinstance(ticket, Conversation):
        return ticket.shut
    if ticket is None or ticket.customer_id is None:
        return NO_ACCOUNT
    verification = live_verification(actor, ticket.customer_id)
    if verification is None or verification.kind is not VerificationKind.PIN:
        return NOT_VERIFIED
    return None
