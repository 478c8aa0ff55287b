"""A new password for staff who forgot theirs: a link in a mail, once and for an hour.

Answer and work are the same for every address, so that they do not tell who works here. A request takes nothing away:
the password, the sessions and links that were sent before go on until a link is used.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.mail.links import SecretLink
from console.mail.service import NoRecipient, write_to
from console.staff.models import Staff
from console.staff.queries import lock_staff
from console.staff.service import RESET, put_password, token_subject
from console.tokens import service as tokens

LASTS = timedelta(hours=1)
# As long as so many links of one account serve no further one is mailed, so that no mailbox is flooded. A request in
# another's name does not lock them out: one of these links is in their mailbox.
MOST_LINKS = 3


def ask(email: str, address: str | None) -> None:
    """Mail a link to who signs in with ``email``; to no one else, and not to a disabled account."""
    query = select(Staff).where(Staff.email == normal_email(email)).with_for_update()
    staff = db.session.scalar(query.execution_options(populate_existing=True))
    subject = token_subject(staff.id if staff else 0)
    sent = tokens.count_live(RESET, subject) < MOST_LINKS and staff is not None and staff.active
    with db.session.begin_nested() as savepoint:
        token = tokens.issue(RESET, subject, LASTS)
        link = SecretLink(f"{settings().base_url}/reset/", token)
        write_to(staff or NoRecipient(), None, "staff_password_reset", link=link, until=clock.now() + LASTS)
        if not sent:
            savepoint.rollback()
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "staff.reset_asked", staff.email if staff else "unknown", sent=sent)


def account_behind(token: str) -> Staff:
    """Return whose password the link changes. Looking uses nothing up.

    Raises:
        NotFound: the link was used, is too old, or never was; or the account is disabled.
    """
    subject = tokens.subject_of(RESET, token)
    staff = db.session.get(Staff, _key(subject)) if subject else None
    if staff is None or not staff.active:
        raise tokens.gone()
    return staff


def reset(token: str, password_hash: str, address: str | None) -> Staff:
    """Use the link up: the password is a new one, every session ends, every other link is void.

    The second step stays as it is: it is required at the next sign-in.

    Raises:
        NotFound: as in :func:`account_behind`.
    """
    staff = lock_staff(account_behind(token).id)
    if not staff.active or tokens.use(RESET, token) != token_subject(staff.id):
        raise tokens.gone()
    actor = staff.actor(address)
    record(actor, "staff.password_reset", staff.email)
    return put_password(actor, staff, password_hash)


def _key(subject: str) -> int:
    return int(subject.partition(":")[2])
