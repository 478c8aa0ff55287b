"""Reading the outbox: how far a mail is, finding one, counting what failed.

Who may read which mail is decided above (``console.views.shared.mail_access``): mail knows no tickets and no accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, not_, or_, select
from sqlalchemy.orm import load_only

from console.core import clock, folding
from console.core.db import Instant, db
from console.core.emails import normal_email
from console.mail.models import Mail, MailState

LATELY = timedelta(days=14)  # a failure older than this is history
LINE = (
    Mail.id, Mail.template, Mail.to_address, Mail.to_name, Mail.subject, Mail.customer_id, Mail.state,
    Mail.created_at, Mail.send_after, Mail.subject_ref, Mail.private, Mail.attempts, Mail.last_try_at, Mail.sent_at,
    Mail.failed_at, Mail.last_error, Mail.leased_until, Mail.copy_of_id,
)  # fmt: skip


class Stage(StrEnum):
    """How far a mail is, as pages say it: what waits is not all alike."""

    QUEUED = "queued"
    RETRY = "retry"  # a try failed for the time being
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


_ENDED = {
    MailState.SENT: Stage.SENT,
    MailState.FAILED: Stage.FAILED,
    MailState.CANCELLED: Stage.WITHDRAWN,
}
WAITING = (Stage.QUEUED, Stage.RETRY, Stage.SENDING)


def stage_of(mail: Mail, now: datetime | None = None) -> Stage:
    """Return how far ``mail`` is."""
    if mail.state is not MailState.QUEUED:
        return _ENDED[mail.state]
    if mail.leased_until is not None and mail.leased_until > (now or clock.now()):
        return Stage.SENDING
    return Stage.RETRY if mail.last_error else Stage.QUEUED


def in_stage(stage: Stage) -> ColumnElement[bool]:
    """Return the condition "is that far"; the same words as :func:`stage_of`."""
    ended = next((state for state, known in _ENDED.items() if known is stage), None)
    if ended is not None:
        return Mail.state == ended
    waits = Mail.state == MailState.QUEUED
    leased = func.coalesce(Mail.leased_until > clock.now(), False)
    if stage is Stage.SENDING:
        return and_(waits, leased)
    tried = Mail.last_error != ""
    return and_(waits, not_(leased), tried if stage is Stage.RETRY else not_(tried))


def matching(text: str, readable: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """Return the condition "is what was searched for": an address, words of a subject, a Message-ID.

    A whole address or Message-ID is found by its index; letters with and without accents are the same.
    ``None`` when the query is empty.

    Args:
        text: what was typed.
        readable: whose subjects may be looked at.
    """
    terms = folding.terms_of(text)
    if not terms:
        return None
    if len(terms) == 1 and "@" in terms[0].strip("<>@"):
        whole = terms[0].strip("<>")
        domain = whole.rpartition("@")[2]
        if "." in domain.strip("."):
            return or_(Mail.to_address == normal_email(whole), Mail.message_id == f"<{whole}>")
    return and_(*(_has(term, readable) for term in terms))


def _has(term: str, readable: ColumnElement[bool]) -> ColumnElement[bool]:
    plain = term.strip("<>") or term
    return or_(
        and_(folding.contains(Mail.subject, plain), readable),
        Mail.to_address.contains(plain.lower(), autoescape=True),
        Mail.message_id.contains(plain, autoescape=True),
    )


@cache  # it is on every page
def failed_lately(most: int) -> Select[int]:
    """Select how many mails failed in the last two weeks, up to ``most``."""
    since = bindparam("since", callable_=lambda: clock.now() - LATELY, type_=Instant(), unique=True)
    newest = (
        select(Mail.failed_at)
        .where(Mail.state == MailState.FAILED)
        .order_by(Mail.id.desc())
        .limit(most)
        .subquery("newest")
    )
    return select(func.count()).select_from(newest).where(newest.c.failed_at > since)


def of_account(
    customer_id: int, *, before: int | None = None, limit: int, only: ColumnElement[bool] | None = None
) -> list[Mail]:
    """Return what was sent about an account, newest first, without the texts.

    Args:
        customer_id: the account's key.
        before: only mails with a smaller key.
        limit: no more than so many.
        only: what else must hold, as who is asking.
    """
    query = select(Mail).options(load_only(*LINE, raiseload=True)).where(Mail.customer_id == customer_id)
    if before is not None:
        query = query.where(Mail.id < before)
    if only is not None:
        query = query.where(only)
    return list(db.session.scalars(query.order_by(Mail.id.desc()).limit(limit)))


def copies_of(mail: Mail) -> Sequence[Mail]:
    """Return the mails that were made by resending ``mail``, newest first."""
    query = select(Mail).options(load_only(*LINE, raiseload=True)).where(Mail.copy_of_id == mail.id)
    return db.session.scalars(query.order_by(Mail.id.desc()).limit(10)).all()


def sent_out(*, to_address: str = "", limit: int) -> list[Mail]:
    """Return what was sent, or waits to be by now, newest first. For the demo's mailbox."""
    query = select(Mail).options(load_only(*LINE, Mail.text, Mail.attachments)).where(_out())
    if to_address:
        query = query.where(Mail.to_address == to_address)
    return list(db.session.scalars(query.order_by(Mail.send_after.desc(), Mail.id.desc()).limit(limit)))


def receivers(*, limit: int) -> Sequence[str]:
    """Return to whom anything was sent, by the alphabet."""
    query = select(Mail.to_address).where(_out()).distinct().order_by(Mail.to_address).limit(limit)
    return db.session.scalars(query).all()


def _out() -> ColumnElement[bool]:
    waits_no_more = and_(Mail.state == MailState.QUEUED, Mail.send_after <= clock.now())
    return or_(Mail.state == MailState.SENT, waits_no_more)


def left_us() -> ColumnElement[bool]:
    """Return the condition "has left, or was tried": what its receivers may be shown.

    What waits can still be taken back, and what was withdrawn was never said.
    """
    tried = and_(Mail.state == MailState.QUEUED, Mail.first_try_at.is_not(None))
    return or_(Mail.state.in_((MailState.SENT, MailState.FAILED)), tried)


def find_of_account(key: int, customer_ids: Sequence[int]) -> Mail | None:
    """Return a mail that left about one of these accounts."""
    query = select(Mail).where(Mail.id == key, Mail.customer_id.in_(customer_ids), left_us())
    return db.session.scalar(query)
