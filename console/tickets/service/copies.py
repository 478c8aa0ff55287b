"""Who gets a copy of a reply: whom the agent names, openly (Cc) or blind (Bcc), and the ticket's participants.

A copy opens nothing: no link, no page, no verification. Blind ones are known to staff alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Invalid, Text
from console.core.texts import lazy_gettext
from console.tickets import mails
from console.tickets.mail_in.models import TicketParticipant
from console.tickets.models import Ticket, TicketMessage
from console.tickets.queries import tree

MOST = 10  # of each kind; a list of receivers is for what sends newsletters
COPIED = "copied"  # in the data of a reply: the mails
_BETWEEN = re.compile(r"[,;\n]+")
_BRACKETED = re.compile(r"<([^<>]*)>\s*$")


@dataclass(frozen=True)
class Copies:
    """Addresses in their one spelling.

    Args:
        cc, bcc: whom the agent chose.
        participants: who get a copy of each reply.
    """

    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()

    @property
    def visible(self) -> tuple[str, ...]:
        """Return what the header names."""
        return (*self.participants, *self.cc)

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.visible, *self.bcc)


def choose(ticket: Ticket, others: Sequence[Ticket], cc: str, bcc: str) -> Copies:
    """Return who gets a copy of a reply, each once.

    Args:
        others: requesters who are written to themselves.
        cc, bcc: what the agent typed.

    Raises:
        Invalid: an address is none, or there are too many.
    """
    written_to = {ticket.requester_email, *(one.requester_email for one in others)}
    participants = [one for one in participants_of(ticket) if one not in written_to]
    taken = written_to | set(participants)
    chosen = [one for one in read_addresses("cc", cc) if one not in taken]
    blind = [one for one in read_addresses("bcc", bcc) if one not in taken and one not in chosen]
    return Copies(tuple(chosen), tuple(blind), tuple(participants))


def read_addresses(field: str, text: str) -> list[str]:
    """Return the addresses in a list as people type or paste it, each once.

    Raises:
        Invalid: one is none, or ours; or there are more than :data:`MOST`. Names ``field``.
    """
    found: dict[str, None] = {}
    for part in filter(None, map(str.strip, _BETWEEN.split(text[:4_000]))):
        bracketed = _BRACKETED.search(part)
        for word in [bracketed[1]] if bracketed else part.split():
            try:
                found[read_email(word.strip())] = None
            except NoAddress as error:
                raise Invalid(fields={field: [_problem(word, error)]}) from None
    if len(found) > MOST:
        raise Invalid(fields={field: [lazy_gettext("At most %(most)s addresses.", most=MOST)]})
    return list(found)


def _problem(word: str, error: NoAddress) -> Text:
    return lazy_gettext("%(address)s: %(problem)s", address=word[:254], problem=email_problem(error))


def participants_of(ticket: Ticket) -> list[str]:
    """Return whom an agent let take part, in the ticket and in those merged into it."""
    query = select(TicketParticipant.address).where(TicketParticipant.ticket_id.in_(tree(ticket.id)))
    return sorted(set(db.session.scalars(query)))


def send(ticket: Ticket, message: TicketMessage, copies: Copies, send_after: datetime | None) -> dict[str, Any]:
    """Queue the copies of a reply; return what the reply says of them."""
    if not copies.all:
        return {}
    sent = [mails.copy(ticket, message, one, cc=copies.visible, send_after=send_after).id for one in copies.all]
    named = {"cc": copies.cc, "bcc": copies.bcc, "participants": copies.participants}
    return {COPIED: sent, **{name: list(addresses) for name, addresses in named.items() if addresses}}


def same(message: TicketMessage, requesters: Iterable[str], cc: str, bcc: str) -> bool:
    """Return whether a reply that is sent again names the same people. Participants are those of then.

    Args:
        requesters: who are written to themselves.
        cc, bcc: what the agent typed.
    """
    named = {name: set(message.data.get(name, ())) for name in ("cc", "bcc", "participants")}
    dropped = named["participants"] | (set(requesters) - named["cc"] - named["bcc"])
    openly = set(read_addresses("cc", cc)) - dropped
    blind = set(read_addresses("bcc", bcc)) - dropped - openly
    return openly == named["cc"] and blind == named["bcc"]
