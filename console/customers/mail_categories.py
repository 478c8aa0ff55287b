"""Which category each mail of ours has, and who on an account gets it.

A contact and an independent user get the categories chosen for them; the owner gets whatever concerns their account.
What warns a person, lets them in, or answers what they asked is theirs alone: it has no category that could be left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from console.core.db import db
from console.customers.models import Customer, Membership
from console.customers.rights import MailCategory, Right
from console.mail.unsubscribing import key_of


class Personal(Enum):
    """What no choice of categories keeps from its receiver."""

    SECURITY = "security"  # to the person it warns or lets in; about a whole account, to its owner
    ANSWER = "answer"  # to the address that asked, or that one of ours writes to by hand
    STAFF = "staff"  # to one of ours


CATEGORIES: dict[str, MailCategory | Personal] = {
    "chat_transcript": Personal.ANSWER,
    "chat_transcript_link": Personal.ANSWER,
    "device_recovery": Personal.SECURITY,
    "device_recovery_notice": Personal.SECURITY,
    "dns_changed": MailCategory.DOMAIN,
    "email_change_known": Personal.SECURITY,
    "email_change_new": Personal.SECURITY,
    "email_change_old": Personal.SECURITY,
    "email_changed": Personal.SECURITY,
    "account_state": MailCategory.GENERAL,
    "erasure_cancelled": Personal.SECURITY,
    "erasure_requested": Personal.SECURITY,
    "export_ready": Personal.ANSWER,
    "handover_offer": Personal.ANSWER,
    "handover_update": Personal.SECURITY,
    "invitation": Personal.ANSWER,
    "migration_executed": MailCategory.PRODUCT,  # with the documents in it for those who get INVOICE
    "migration_offer": MailCategory.PRODUCT,  # to the owner alone: its link accepts
    "migration_rejected": MailCategory.PRODUCT,
    "migration_requested": MailCategory.PRODUCT,
    "migration_stopped": Personal.STAFF,
    "migration_update": MailCategory.PRODUCT,
    "override": Personal.SECURITY,
    "payment_received": MailCategory.INVOICE,
    "people_changed": Personal.SECURITY,
    "person_new_sign_in": Personal.SECURITY,
    "person_password_changed": Personal.SECURITY,
    "person_password_reset": Personal.SECURITY,
    "pin_locked": Personal.SECURITY,
    "pin_renewed": Personal.SECURITY,
    "profile_changed": Personal.SECURITY,
    "proforma_cancelled": MailCategory.INVOICE,
    "proforma_issued": MailCategory.INVOICE,
    "proforma_reminder": MailCategory.INVOICE,
    "quote_sent": MailCategory.INVOICE,
    "registration": Personal.SECURITY,
    "registration_known": Personal.SECURITY,
    "request_ended": Personal.ANSWER,
    "security_notice": Personal.SECURITY,
    "sla_targets_at_risk": Personal.STAFF,
    "sla_targets_missed": Personal.STAFF,
    "staff_password_changed": Personal.STAFF,
    "staff_password_reset": Personal.STAFF,
    "ticket_answered": MailCategory.SUPPORT,
    "ticket_copy": Personal.ANSWER,
    "ticket_forward": Personal.ANSWER,
    "ticket_opened": Personal.ANSWER,
    "ticket_reply": Personal.ANSWER,
    "ticket_solved": Personal.ANSWER,
    "verification": Personal.SECURITY,
    "verification_asked": Personal.ANSWER,
    "verification_disputed": Personal.STAFF,
    "device_recovery_review": Personal.STAFF,
}
# What a person must hold to choose a category for themselves; leaving one is always theirs.
NEEDED: dict[MailCategory, Right] = {
    MailCategory.PRODUCT: Right.PRODUCTS,
    MailCategory.DOMAIN: Right.DOMAINS,
    MailCategory.INVOICE: Right.INVOICES,
    MailCategory.SUPPORT: Right.TICKETS,
}
MEMBERSHIP = "membership"  # in what a mail's row says that its receiver may turn off


@dataclass(frozen=True)
class Addressee:
    """A person of an account as a mail names them: a contact as the account calls them.

    ``membership_id``: none where they are the owner, who gets every category. ``chosen``: those they get.
    """

    email: str
    name: str
    language: str | None
    membership_id: int | None = None
    chosen: tuple[str, ...] = ()

    def leaves(self, template: str) -> str | None:
        """Return what a click in their mail program turns off: the category of this mail, if it has one."""
        category = CATEGORIES[template]
        if self.membership_id is None or not isinstance(category, MailCategory) or category not in self.chosen:
            return None
        return key_of(MEMBERSHIP, self.membership_id, category.value)


_MEMBERS = (
    select(Membership)
    .options(joinedload(Membership.person))
    .where(Membership.customer_id == bindparam("customer"), Membership.removed_at.is_(None))
    .order_by(Membership.id)
)


def receivers(customer: Customer, *categories: MailCategory) -> Sequence[Membership]:
    """Return who on an account gets mail of one of these categories, the first who joined first."""
    members = db.session.scalars(_MEMBERS, {"customer": customer.id})
    return [one for one in members if any(receives(one, category) for category in categories)]


def receives(member: Membership, category: MailCategory) -> bool:
    """Return whether a person on an account gets mail of a category."""
    return member.is_owner or category.value in member.mail


def addressee(member: Membership) -> Addressee:
    """Return how a person of an account is written to."""
    leaver = None if member.is_owner else member.id
    return Addressee(member.person.email, member.name, member.person.language, leaver, tuple(member.mail))
