"""How many mails a stranger may make us send to an address that need not be theirs, and which.

Typing an address into the chat or a form does not show that it is one's own. So each kind of mail says here who
can cause it, and the one verb that queues mail asks: what anonymous visitors cause counts together for each
address, and what repeats their words goes only to an address that was proven, by a link opened from a mail of ours.
Mails that let people in, or warn them, do not count with these, so that others cannot keep their owner from them: they
have limits of their own where they are requested (links that still serve, the time of a lock).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import TooMany
from console.core.locks import lock_name
from console.core.texts import lazy_gettext
from console.core.upsert import insert_missing
from console.mail.models import Mail, ProvenAddress

MOST = 3  # within the window, to one address
WINDOW = timedelta(hours=1)


class Cause(StrEnum):
    """Who can cause a kind of mail."""

    STAFF = "staff"  # one of ours, or the console to one of ours
    ACCOUNT = "account"  # who is signed in or verified, about their own account
    SIGN_IN = "sign_in"  # any visitor who names an account: to its owner alone; limited where it is requested
    ANONYMOUS = "anonymous"  # any visitor, to any address


CAUSES = {
    "chat_transcript": Cause.ANONYMOUS,
    "chat_transcript_link": Cause.ANONYMOUS,
    "device_recovery": Cause.SIGN_IN,
    "device_recovery_notice": Cause.SIGN_IN,
    "dns_changed": Cause.STAFF,
    "email_change_known": Cause.ANONYMOUS,  # who is signed in writes to an address that need not be theirs
    "email_change_new": Cause.ANONYMOUS,
    "email_change_old": Cause.ACCOUNT,
    "email_changed": Cause.ACCOUNT,
    "erasure_cancelled": Cause.ACCOUNT,
    "erasure_requested": Cause.ACCOUNT,
    "export_ready": Cause.ACCOUNT,
    "handover_offer": Cause.ANONYMOUS,  # the same
    "handover_update": Cause.ACCOUNT,
    "invitation": Cause.ANONYMOUS,  # who is signed in writes to an address that need not be theirs
    "migration_executed": Cause.STAFF,
    "migration_offer": Cause.ANONYMOUS,  # who is signed in writes to another account's owner
    "migration_rejected": Cause.STAFF,
    "migration_requested": Cause.ACCOUNT,
    "migration_stopped": Cause.STAFF,
    "migration_update": Cause.ACCOUNT,
    "account_state": Cause.STAFF,
    "override": Cause.STAFF,
    "payment_received": Cause.STAFF,
    "people_changed": Cause.ACCOUNT,
    "person_new_sign_in": Cause.ACCOUNT,
    "person_password_changed": Cause.ACCOUNT,
    "person_password_reset": Cause.SIGN_IN,
    "pin_locked": Cause.SIGN_IN,
    "pin_renewed": Cause.ACCOUNT,
    "profile_changed": Cause.ACCOUNT,
    "proforma_cancelled": Cause.STAFF,
    "proforma_issued": Cause.STAFF,
    "proforma_reminder": Cause.STAFF,
    "quote_sent": Cause.STAFF,
    "registration": Cause.ANONYMOUS,
    "registration_known": Cause.ANONYMOUS,
    "request_ended": Cause.STAFF,
    "security_notice": Cause.ACCOUNT,
    "sla_targets_at_risk": Cause.STAFF,
    "sla_targets_missed": Cause.STAFF,
    "staff_password_changed": Cause.ACCOUNT,
    "staff_password_reset": Cause.SIGN_IN,
    "ticket_answered": Cause.STAFF,
    "ticket_copy": Cause.STAFF,
    "ticket_forward": Cause.STAFF,
    "ticket_opened": Cause.ANONYMOUS,
    "ticket_reply": Cause.STAFF,
    "ticket_solved": Cause.STAFF,
    "verification": Cause.ACCOUNT,
    "verification_asked": Cause.STAFF,
    "device_recovery_review": Cause.ACCOUNT,
    "verification_disputed": Cause.ACCOUNT,
}
REPEATS = frozenset({"chat_transcript"})  # the words of who caused it


def count(template: str, to_address: str, by: Actor | None) -> str | None:
    """Ask whether a mail may be queued; return what it is counted as, ``None`` where it is not counted.

    Args:
        template: its kind, which is listed in :data:`CAUSES`.
        to_address: to whom.
        by: who causes it, as far as known. What one of us does by hand is not counted.

    Raises:
        TooMany: the address got enough within the window.
        RuntimeError: the mail would repeat a stranger's words to an address that was not proven.
    """
    cause = CAUSES[template]
    if cause is not Cause.ANONYMOUS or (by is not None and by.kind == "staff"):
        return None
    if template in REPEATS and not is_proven(to_address):
        raise RuntimeError(f"{template} repeats what a stranger wrote, and the address was not proven")
    key = f"{cause}:{_mailbox(to_address)}"
    lock_name(f"mail:{key}")  # two at once are counted one after the other
    since = clock.now() - WINDOW
    sent = select(Mail.created_at).where(Mail.counted_as == key, Mail.created_at > since)
    recent = list(db.session.scalars(sent.order_by(Mail.created_at.desc()).limit(MOST)))
    if len(recent) >= MOST:
        raise TooMany(
            lazy_gettext("We have sent several e-mails to this address within the hour. Try again later."),
            retry_after=max(1, round((recent[-1] - since).total_seconds())),
            code="mails",
        )
    return key


def _mailbox(address: str) -> str:
    """Return what an address is counted as: what follows a ``+`` leads to the same mailbox."""
    local, _at, domain = normal_email(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def is_proven(address: str) -> bool:
    """Return whether a link from a mail of ours to this address was opened."""
    return db.session.get(ProvenAddress, normal_email(address)) is not None


def prove(address: str) -> None:
    """Note that a link from a mail of ours to this address was opened."""
    insert_missing(ProvenAddress, [{"address": normal_email(address), "proven_at": clock.now()}], ProvenAddress.address)


def clear(before: datetime) -> None:
    """Forget what was proven before an instant."""
    db.session.execute(delete(ProvenAddress).where(ProvenAddress.proven_at < before))
