"""An account as far as its reader may see it: each field group only if it is opened, and then in one query.

What is not opened is not read from the database at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import joinedload, load_only

from console.audit.models import AuditEntry
from console.billing.migration.registry import open_domains
from console.billing.models import ACTIVE_STATUSES, Proforma, Storno
from console.chat.models import Chat
from console.chat.queries import visible as visible_chats
from console.core.actor import Actor
from console.core.db import db
from console.core.ids import read_key
from console.customers.account.corrections import is_open
from console.customers.account.models import Correction
from console.customers.models import (
    Customer,
    CustomerStatus,
    Invitation,
    MemberRole,
    Membership,
    Verification,
    VerificationKind,
)
from console.customers.people.invitations import open_invitations
from console.customers.queries import (
    AccountView,
    PastVerification,
    lockouts_of,
    members_of,
    owner_first,
    select_members,
    verifications_of,
)
from console.customers.rights import Right
from console.hosting.models import Service
from console.hosting.queries import services_of
from console.identity.models import DeviceRecovery
from console.identity.queries import is_waiting
from console.mail.models import Mail
from console.mail.queries import of_account
from console.mail.receiving.incoming import returned_among
from console.staff.roles import Permission
from console.tickets.models import Ticket
from console.tickets.queries import ticket_key, visible
from console.views.shared.mail_access import listed

MAX_ROWS = 50
TICKETS = 20  # on one page of the tab
MAILS = 20
CHATS = 20
NONE: frozenset[Right] = frozenset()
# Of a person's rights, those an agent looks for first.
FIRST_RIGHTS = (Right.PRODUCTS, Right.MANAGE_PRODUCTS, Right.DOMAINS, Right.INVOICES, Right.CONTACTS, Right.TRANSFER)
# The right that opens an action in the history; actions that are not listed are left out.
_HISTORY_RIGHTS = {
    "customer.": Right.PROFILE,
    "account.": Right.PROFILE,
    "verification.": Right.PROFILE,
    "pin.": Right.PROFILE,
    "service.": Right.PRODUCTS,
    "migration.": Right.PRODUCTS,
    "domain.": Right.DOMAINS,
    "dns.": Right.DOMAINS,
    "proforma.": Right.INVOICES,
    "storno.": Right.INVOICES,
    "payment.": Right.INVOICES,
    "credit.": Right.INVOICES,
    "member.": Right.CONTACTS,
}


class Group(StrEnum):
    """What a part of the page shows beside people, services and pro-formas; each is a statement or two."""

    HISTORY = "history"
    INVITATIONS = "invitations"
    MAILS = "mails"
    PAST = "past"  # verifications
    REGISTRY = "registry"  # domains whose registrant has yet to change
    STORNOS = "stornos"
    TICKETS = "tickets"
    WAITING = "waiting"  # a correction and lost devices that wait


@dataclass
class CustomerPage:
    """One account as far as this reader may see it. ``None`` in a group: it is not opened."""

    customer: Customer
    actor: Actor
    verification: Verification | None
    rights: frozenset[Right] = NONE
    members: Sequence[Membership] | None = None
    owner: Membership | None = None
    services: list[Service] | None = None
    proformas: Sequence[Proforma] | None = None
    stornos: Sequence[Storno] | None = None
    mails: Sequence[Mail] | None = None
    returned: frozenset[int] = frozenset()  # of these mails, those that came back
    history: Sequence[AuditEntry] | None = None
    tickets: Sequence[Ticket] | None = None
    chats: Sequence[Chat] | None = None
    older: str | None = None  # the last ticket shown, where there are older ones
    older_mail: int | None = None
    past: list[PastVerification] = field(default_factory=list)
    locks: dict[int, datetime] = field(default_factory=dict)
    at_registry: Sequence[tuple[str, str]] = ()  # migration and domain whose registrant has yet to change
    invitations: Sequence[Invitation] = ()  # that wait, where its people are opened
    correction: Correction | None = None  # of the holder, that waits
    recoveries: Sequence[DeviceRecovery] = ()  # lost devices that wait

    @property
    def verified(self) -> bool:
        """Return whether a person was verified (an override verifies no one)."""
        return self.verification is not None and self.verification.kind is VerificationKind.PIN

    @property
    def named(self) -> bool:
        """Return whether the account's name is shown: a person of it was verified, or the role reads its documents."""
        return self.verification is not None or self.actor.may(Permission.READ_DOCUMENTS)

    def names(self, person: str | None, membership_id: int | None) -> bool:
        """Return whether a verified person is named: one of the people, or the caller."""
        is_caller = self.verification is not None and membership_id == self.verification.membership_id
        return person is not None and (is_caller or self.opens(Right.CONTACTS))

    @property
    def may_verify(self) -> bool:
        return self.actor.may(Permission.VERIFY) and self.customer.status is not CustomerStatus.CLOSED

    @property
    def may_override(self) -> bool:
        return (
            self.actor.may(Permission.OVERRIDE)
            and self.verification is None
            and self.customer.status is not CustomerStatus.CLOSED
        )

    @property
    def may_transfer(self) -> bool:
        """Return whether a migration may be started: the person verified holds the right, and it was a person."""
        return self.verified and Right.TRANSFER in self.rights and self.actor.may(Permission.REQUEST_MIGRATION)

    @property
    def may_move_many(self) -> bool:
        """Return whether the chosen services may also be moved one by one."""
        return self.may_transfer and self.actor.may(Permission.MIGRATE_MANY)

    def opens(self, right: Right) -> bool:
        """Return whether the field group of ``right`` is opened."""
        by_role = right in (Right.INVOICES, Right.PRODUCTS, Right.DOMAINS)
        return right in self.rights or (by_role and self.actor.may(Permission.READ_DOCUMENTS))

    @property
    def open_proformas(self) -> list[Proforma]:
        return [row for row in self.proformas or () if row.status in ACTIVE_STATUSES]

    @property
    def due(self) -> dict[str, int]:
        """Return what is to be paid, by currency."""
        sums: dict[str, int] = {}
        for row in self.open_proformas:
            sums[row.currency] = sums.get(row.currency, 0) + row.owed
        return sums


def load(
    actor: Actor,
    account: AccountView,
    *,
    groups: frozenset[Group] = frozenset(),
    before: str = "",
) -> CustomerPage:
    """Read what is opened of an account for ``actor``, and nothing else.

    Args:
        account: the account as it was loaded for ``actor``.
        groups: what to read beside people, services and pro-formas, each where a right opens it.
        before: of tickets and mail, read those older than this one.
    """
    customer, verification = account.customer, account.verification
    page = CustomerPage(customer, actor, verification, verification.opened_rights() if verification else NONE)
    _load_people(page, waiting=Group.WAITING in groups)
    if Group.INVITATIONS in groups and page.opens(Right.CONTACTS):
        page.invitations = open_invitations(customer.id)
    page.services = services_of(customer.id, page.opens)
    if Group.REGISTRY in groups and page.opens(Right.DOMAINS):
        page.at_registry = open_domains(customer.id)
    if page.opens(Right.INVOICES):
        page.proformas = _proformas(customer.id)
        page.stornos = _stornos(customer.id) if Group.STORNOS in groups else None
    if Group.MAILS in groups and page.opens(Right.EMAILS):
        _load_mails(page, before)
    if Group.HISTORY in groups and page.opens(Right.PROFILE):
        page.history = _history(customer.id, page)
    if Group.TICKETS in groups and page.opens(Right.TICKETS):
        _load_conversations(page, before)
    if Group.PAST in groups:
        page.past = verifications_of(customer.id)
    return page


def _load_people(page: CustomerPage, *, waiting: bool) -> None:
    """Read the people who are opened with what waits for them, and who is locked for who may unlock."""
    unlocks = page.actor.may(Permission.UNLOCK_PIN)
    opened = page.opens(Right.CONTACTS) or page.opens(Right.PROFILE) or unlocks
    condition = _recoveries_to_show(page, waiting=waiting)
    if not opened and condition is None:
        return
    recovery = and_(
        DeviceRecovery.person_id == Membership.person_id, is_waiting(), false() if condition is None else condition
    )
    corrects = true() if waiting and page.opens(Right.PROFILE) else false()
    correction = and_(Correction.customer_id == Membership.customer_id, is_open(), corrects)
    query = (
        select_members(page.customer.id)
        # One of each at most: a person has one that waits, and so has the account.
        .outerjoin_from(Membership, DeviceRecovery, recovery)
        .outerjoin_from(Membership, Correction, correction)
        .options(joinedload(DeviceRecovery.reviewed_by))
        .add_columns(DeviceRecovery, Correction)
    )
    if not opened:
        query = query.where(DeviceRecovery.id.is_not(None))
    rows = db.session.execute(query).all()
    found = {row.DeviceRecovery.id: row.DeviceRecovery for row in rows if row.DeviceRecovery is not None}
    page.recoveries = [found[key] for key in sorted(found)]
    page.correction = next((row.Correction for row in rows if row.Correction is not None), None)
    members = owner_first(row.Membership for row in rows)
    if unlocks:
        page.locks = lockouts_of(members)
    if page.opens(Right.CONTACTS):
        page.members = members
    if page.opens(Right.PROFILE):
        page.owner = next((member for member in members if member.is_owner), None)


def _recoveries_to_show(page: CustomerPage, *, waiting: bool) -> ColumnElement[bool] | None:
    """Return whose lost devices are shown: who reviews them sees all on each tab, others those who are opened."""
    caller = page.verification.membership if page.verification is not None else None
    if page.actor.may(Permission.REVIEW_RECOVERY):
        return true()
    if waiting and page.opens(Right.CONTACTS):
        return Membership.role != MemberRole.CONTACT  # who may have their sign-in without this account knowing
    return Membership.person_id == caller.person_id if waiting and caller is not None else None


def _load_mails(page: CustomerPage, before: str) -> None:
    sent = of_account(page.customer.id, before=read_key(before), limit=MAILS + 1, only=listed(page.actor))
    page.mails = sent[:MAILS]
    page.older_mail = page.mails[-1].id if len(sent) > MAILS else None
    page.returned = returned_among([mail.id for mail in page.mails])


def _load_conversations(page: CustomerPage, before: str) -> None:
    actor, key = page.actor, page.customer.id
    if actor.may(Permission.READ_TICKETS):
        found = _tickets(actor, key, before)
        page.tickets = found[:TICKETS]
        page.older = page.tickets[-1].number if len(found) > TICKETS else None
    if actor.may(Permission.CHAT):
        page.chats = _chats(actor, key)


def load_group(actor: Actor, verification: Verification, group: str) -> CustomerPage:
    """Read one group of what a verification opens: ``services``, ``documents``, ``people``, ``mail``, ``tickets``.

    What the reader's role would open is not: that is for the account's own page.
    """
    page = CustomerPage(verification.customer, _without_role(actor), verification, verification.opened_rights())
    key = verification.customer_id
    if group == "services":
        page.services = services_of(key, page.opens)
    elif group == "documents" and page.opens(Right.INVOICES):
        page.proformas = _proformas(key)
    elif group == "people" and page.opens(Right.CONTACTS):
        page.members = members_of(key)
    elif group == "mail" and page.opens(Right.EMAILS):
        page.mails = of_account(key, limit=MAILS, only=listed(actor))
    elif group == "tickets" and page.opens(Right.TICKETS):
        page.tickets = _tickets(actor, key, "")[:TICKETS]
    return page


def _without_role(actor: Actor) -> Actor:
    return replace(actor, permissions=actor.permissions - {Permission.READ_DOCUMENTS})


def _tickets(actor: Actor, customer_id: int, before: str) -> Sequence[Ticket]:
    """Return the account's tickets that the reader may see, newest first, one more than are shown."""
    query = select(Ticket).where(Ticket.customer_id == customer_id, visible(actor))
    key = ticket_key(before)
    if key is not None:
        query = query.where(Ticket.id < key)
    columns = load_only(
        Ticket.id, Ticket.subject, Ticket.status, Ticket.merged_into_id, Ticket.updated_at, Ticket.is_open
    )
    return db.session.scalars(query.options(columns).order_by(Ticket.id.desc()).limit(TICKETS + 1)).all()


def _chats(actor: Actor, customer_id: int) -> Sequence[Chat]:
    """Return the latest chats in which a person of the account was verified."""
    columns = load_only(
        Chat.id, Chat.name, Chat.status, Chat.preview, Chat.created_at, Chat.ended_at, Chat.rating, Chat.ticket_id
    )
    query = select(Chat).where(Chat.customer_id == customer_id, visible_chats(actor)).options(columns)
    return db.session.scalars(query.order_by(Chat.id.desc()).limit(CHATS)).all()


def _proformas(customer_id: int) -> Sequence[Proforma]:
    """Return the open documents and the latest of the others."""
    latest = select(Proforma.id).where(Proforma.customer_id == customer_id).order_by(Proforma.id.desc()).limit(MAX_ROWS)
    query = (
        select(Proforma)
        .where(Proforma.customer_id == customer_id)
        .where(or_(Proforma.status.in_(ACTIVE_STATUSES), Proforma.id.in_(latest)))
        .order_by(Proforma.issued_on.desc(), Proforma.id.desc())
        .limit(4 * MAX_ROWS)
    )
    return db.session.scalars(query).all()


def _stornos(customer_id: int) -> Sequence[Storno]:
    query = (
        select(Storno)
        .options(joinedload(Storno.proforma))
        .where(Storno.customer_id == customer_id)
        .order_by(Storno.id.desc())
        .limit(MAX_ROWS)
    )
    return db.session.scalars(query).all()


def _history(customer_id: int, page: CustomerPage) -> Sequence[AuditEntry]:
    """Return what happened, as far as the rights open it: an entry names its document, its domain."""
    conditions = [AuditEntry.action.startswith(kind) for kind, right in _HISTORY_RIGHTS.items() if page.opens(right)]
    query = (
        select(AuditEntry)
        .options(joinedload(AuditEntry.person_key))
        .where(AuditEntry.customer_id == customer_id, or_(*conditions))
        .order_by(AuditEntry.id.desc())
        .limit(MAX_ROWS)
    )
    return db.session.scalars(query).all()
