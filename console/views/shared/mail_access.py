"""Who of the staff may see which mail. The one place where mail meets tickets and accounts.

**That a mail was sent** (to whom, when, how it went):

- supervisors, billing and administrators see it of every mail, except that a mail about a ticket or a chat of a
  private department is there only for those who may see the ticket or chat;
- agents see it of mails about tickets and chats that they may see, and of mails about an account that they have
  open now under a live verification of a person with the right ``emails``.

**What it says**, its subject included:

- a mail about a ticket or a chat: those who may see the ticket or chat, and no one else;
- any other mail about an account: those who read documents by role (supervisors, billing) or have the account
  open under the right ``emails``. A supervisor's override is no verification of such a person and opens none;
- mail to staff: those who oversee the desk.

**A link that opens something** is for the receiver alone: no member of staff ever sees one
(``console.mail.reading``).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, false, func, literal, not_, or_, select, true

from console.chat.models import Chat
from console.chat.queries import visible as visible_chats
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.queries import live_verifications
from console.customers.rights import Right
from console.mail.models import Mail
from console.mail.service import decided_by
from console.staff.roles import Permission
from console.tickets.models import Ticket
from console.tickets.queries import visible
from console.views.shared.per_request import cached_per_request

_TICKET, _CHAT = "ticket:", "chat:"


def listed(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "``actor`` may know that this mail was sent"."""
    if not actor.may(Permission.SEE_MAIL):
        return false()
    if not actor.may(Permission.RESEND_MAIL):
        return or_(_of_seen_ticket(actor), _of_seen_chat(actor), and_(_of_neither(), _of_opened_account(actor)))
    if not actor.may(Permission.READ_TICKETS):
        return true()
    return or_(_of_neither(), _of_seen_ticket(actor), _of_seen_chat(actor))


def readable(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "``actor`` may read what this mail says"."""
    if not actor.may(Permission.SEE_MAIL):
        return false()
    accounts = Mail.customer_id.is_not(None) if actor.may(Permission.READ_DOCUMENTS) else _of_opened_account(actor)
    to_staff = Mail.customer_id.is_(None) if actor.may(Permission.REVIEW) else false()
    return or_(_of_seen_ticket(actor), _of_seen_chat(actor), and_(_of_neither(), or_(accounts, to_staff)))


decided_by(listed)  # the verbs that resend or withdraw one check it


def find_mail(actor: Actor, key: int) -> tuple[Mail, bool]:
    """Return a mail and whether ``actor`` may read it.

    Raises:
        NotFound: no such mail, or ``actor`` may not know of it.
    """
    query = select(Mail, readable(actor)).where(Mail.id == key, listed(actor))
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    return found[0], bool(found[1])


def _of(kind: str) -> ColumnElement[bool]:
    return func.coalesce(Mail.subject_ref, "").startswith(kind)


def _of_neither() -> ColumnElement[bool]:
    return and_(not_(_of(_TICKET)), not_(_of(_CHAT)))


def _of_seen_ticket(actor: Actor) -> ColumnElement[bool]:
    if not actor.may(Permission.READ_TICKETS):
        return false()
    seen = visible(actor)
    if seen.compare(true()):
        return _of(_TICKET)
    return select(Ticket.id).where(Ticket.id == _key(_TICKET), seen).exists()


def _of_seen_chat(actor: Actor) -> ColumnElement[bool]:
    if not actor.may(Permission.CHAT):
        return false()
    seen = visible_chats(actor)
    if seen.compare(true()):
        return _of(_CHAT)
    return select(Chat.id).where(Chat.id == _key(_CHAT), seen).exists()


def _key(kind: str) -> ColumnElement[int]:
    """Return the key that a mail's subject names. In a CASE, because PostgreSQL may cast before it compares."""
    digits: Any = func.substr(Mail.subject_ref, len(kind) + 1)
    return case((_of(kind), cast(digits, Integer)), else_=literal(0))


def _of_opened_account(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "about an account that is open now to a person with the right to its mail"."""
    accounts = _opened_accounts(actor)
    return Mail.customer_id.in_(accounts) if accounts else false()


@cached_per_request
def _opened_accounts(actor: Actor) -> list[int]:
    """Return the keys of those accounts."""
    return [
        verification.customer_id
        for verification in live_verifications(actor)
        if Right.EMAILS in verification.opened_rights()
    ]
