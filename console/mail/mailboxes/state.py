"""Which mailboxes are due to be read, and how reading one went: what workers tell each other and the page."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.core.upsert import insert_missing
from console.mail.mailboxes.access import Access, ImapFailed, access_of
from console.mail.mailboxes.leases import LeaseLost, hold, is_free
from console.mail.mailboxes.models import DEFAULT, FRESH, MAX_DETAIL, ImapAccount, ImapState, Mailbox
from console.mail.receiving.incoming import default_mailbox
from console.mail.relay import pause

log = get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
# Where a setting is wrong: servers lock out who tries a wrong password too often.
FIRST_PAUSE_OF_SETTINGS, LONGEST_PAUSE_OF_SETTINGS = timedelta(minutes=1), timedelta(minutes=30)


def due() -> list[int]:
    """Return the mailboxes that no worker reads, and whose next try has come."""
    _note_settings()
    now = clock.now()
    query = (
        select(ImapState)
        .join(Mailbox, Mailbox.id == ImapState.mailbox_id)
        .where(Mailbox.active, Mailbox.deleted_at.is_(None))
        .where(or_(ImapState.next_try_at.is_(None), ImapState.next_try_at <= now))
        .order_by(ImapState.mailbox_id)
    )
    if settings().imap is None:
        query = query.where(Mailbox.key != DEFAULT)
    keys = [state.mailbox_id for state in db.session.scalars(query) if is_free(state)]
    db.session.rollback()  # nothing stays open while servers are spoken to
    return keys


def find_access(mailbox_id: int) -> Access:
    """Return how a mailbox is read.

    Raises:
        ImapFailed: no listed key opens its secrets, or it is that of the settings and one of the page has its folder.
        LeaseLost: it is not read any more.
    """
    query = select(Mailbox).where(Mailbox.id == mailbox_id).options(joinedload(Mailbox.account))
    mailbox = db.session.scalar(query.execution_options(populate_existing=True))
    access = None if mailbox is None else access_of(mailbox)
    if access is not None and mailbox is not None and mailbox.account is None and _is_on_page(access):
        raise ImapFailed("taken")
    db.session.rollback()
    if access is None:
        raise LeaseLost
    return access


def _is_on_page(access: Access) -> bool:
    """Return whether a mailbox of the page reads the same folder, as where ``CONSOLE_IMAP_URL`` was set after it."""
    query = select(ImapAccount.mailbox_id).join(Mailbox, Mailbox.id == ImapAccount.mailbox_id)
    query = query.where(
        Mailbox.active, ImapAccount.host == access.host, ImapAccount.user == access.user,
        ImapAccount.folder == access.folder,
    )  # fmt: skip
    return db.session.scalar(query.limit(1)) is not None


def note_failure(mailbox_id: int, me: str, failure: ImapFailed) -> None:
    """Note what is wrong, and let the mailbox wait for its next try, longer each time."""
    with transaction():
        try:
            state = hold(mailbox_id, me)
        except LeaseLost:
            return
        now = clock.now()
        state.failures += 1
        bounds = (FIRST_PAUSE, LONGEST_PAUSE)
        if failure.misconfigured:
            bounds = (FIRST_PAUSE_OF_SETTINGS, LONGEST_PAUSE_OF_SETTINGS)
        state.next_try_at = now + pause(state.failures, *bounds)
        state.failing_since = state.failing_since or now
        state.problem, state.detail = failure.problem, failure.detail[:MAX_DETAIL]
        state.lease = state.leased_until = None
    log.warning("mailbox cannot be read", mailbox=mailbox_id, problem=failure.problem)


def _note_settings() -> None:
    """Make the rows of the mailbox of ``CONSOLE_IMAP_URL``, the first time that it is set."""
    if settings().imap is None:
        return
    known = select(ImapState.mailbox_id).join(Mailbox, Mailbox.id == ImapState.mailbox_id).where(Mailbox.key == DEFAULT)
    if db.session.scalar(known) is not None:
        return
    with transaction():
        row = {"mailbox_id": default_mailbox().id, "since": clock.now(), **FRESH}
        insert_missing(ImapState, [row], ImapState.mailbox_id)
