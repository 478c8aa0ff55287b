"""What waits or waited on an account for others to confirm it: corrections, new sign-in addresses, handovers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from console.core.actor import SYSTEM
from console.core.db import db
from console.customers.account import corrections, emails, handover
from console.customers.account.models import Correction, EmailChange, Handover, HandoverState
from console.customers.models import Customer, Person
from console.privacy.parts import ANONYMOUS, Erased, Part, Source, addresses_of, all_rows, anonymous_address, dump


@dataclass(frozen=True)
class Holding:
    """From when to when a person had an account: data of another time on it are another holder's."""

    customer_id: int
    since: datetime | None
    until: datetime | None

    def has(self, correction: type[Correction]) -> ColumnElement[bool]:
        """Return the condition of a correction that was asked for in this time."""
        return and_(
            correction.customer_id == self.customer_id,
            correction.requested_at >= self.since if self.since is not None else true(),
            correction.requested_at < self.until if self.until is not None else true(),
        )


def _holdings(person: Person) -> list[Holding]:
    """Return the accounts that a person owns, and those that they have handed over."""
    handed = _accepted(Handover.owner.has(person_id=person.id))
    found = [Holding(row.customer_id, _before(row), row.ended_at) for row in handed]
    return [*found, *(_present(member.customer_id) for member in person.memberships if member.is_owner)]


def _present(customer_id: int) -> Holding:
    last = _accepted(Handover.customer_id == customer_id)
    return Holding(customer_id, last[-1].ended_at if last else None, None)


def _before(row: Handover) -> datetime | None:
    earlier = _accepted(and_(Handover.customer_id == row.customer_id, Handover.id < row.id))
    return earlier[-1].ended_at if earlier else None


def _accepted(condition: ColumnElement[bool]) -> list[Handover]:
    return all_rows(select(Handover).where(condition, Handover.state == HandoverState.ACCEPTED))


def _corrections_of(holdings: list[Holding]) -> ColumnElement[bool]:
    return or_(false(), *(one.has(Correction) for one in holdings))


def _of_person(person: Person) -> Iterator[Part]:
    changes = all_rows(select(EmailChange).where(EmailChange.person_id == person.id))
    yield Part("e-mail-changes", [dump(row) for row in changes])
    # Who gave an account away wrote the new holder down, who is named in the mails to both.
    theirs = or_(Handover.owner.has(person_id=person.id), Handover.email.in_(addresses_of(person)))
    yield Part("handovers", [_handover(row) for row in all_rows(select(Handover).where(theirs))])
    requested = Correction.requested_by.has(person_id=person.id)
    yield Part("corrections", [_correction(row) for row in all_rows(select(Correction).where(requested))])


def _of_account(customer: Customer) -> Iterator[Part]:
    folder = f"accounts/{customer.number}"
    here = all_rows(select(Correction).where(_present(customer.id).has(Correction)))
    yield Part(f"{folder}/corrections", [_correction(row) for row in here])
    owner = customer.owner
    if owner is not None:
        theirs = or_(Handover.owner.has(person_id=owner.id), Handover.email.in_(addresses_of(owner)))
        rows = all_rows(select(Handover).where(Handover.customer_id == customer.id, theirs))
        yield Part(f"{folder}/handovers", [_handover(row) for row in rows])


def _handover(row: Handover) -> dict[str, object]:
    return dump(row, "staff_id", "owner_id", "verification_id") | {"account": row.customer.number}


def _correction(row: Correction) -> dict[str, object]:
    return dump(row, "staff_id", "ended_by_id", "requested_by_id") | {"account": row.customer.number}


def _erase(person: Person) -> Erased:
    """End what is open, and take the names and addresses out of the rest."""
    corrected = _erase_corrections(person)
    handed = _erase_handovers(person)
    db.session.flush()
    return Erased({"corrections": corrected, "handovers": handed})


def _erase_corrections(person: Person) -> int:
    theirs = all_rows(select(Correction).where(_corrections_of(_holdings(person))))
    # On the accounts of others the data are those of the account, and only the words are the person's.
    others = all_rows(select(Correction).where(Correction.requested_by.has(person_id=person.id)))
    for row in {*theirs, *others}:
        if row.ended_at is None:
            corrections.end_for(SYSTEM, row.customer_id, person.id if row in theirs else None)
        row.reason = ANONYMOUS
        if row in theirs:
            row.answer = ANONYMOUS if row.answer else ""
            row.before, row.after = dict.fromkeys(row.before, ANONYMOUS), dict.fromkeys(row.after, ANONYMOUS)
    return len({*theirs, *others})


def _erase_handovers(person: Person) -> int:
    """Make anonymous what was offered to the person, and what they offered; not the new holder's who accepted it."""
    to_them = Handover.email.in_(addresses_of(person))
    by_them = and_(Handover.owner.has(person_id=person.id), Handover.state != HandoverState.ACCEPTED)
    rows = all_rows(select(Handover).where(or_(to_them, by_them)))
    for row in rows:
        if row.ended_at is None and row.owner.person_id == person.id:
            handover.end(SYSTEM, row, HandoverState.WITHDRAWN, "account.handover_withdrawn")
        elif row.ended_at is None:
            handover.end(SYSTEM, row, HandoverState.REFUSED, "account.handover_refused")
        row.email = anonymous_address(person.id)
        row.person_name = row.name = ANONYMOUS
        row.pib = row.mb = None
        row.address = row.postcode = row.city = row.phone = ""
    return len(rows)


def erase_changes(person: Person) -> int:
    """End and empty a person's requests for another address, and those of others that name an address of theirs.

    Last of all that is erased, with the person: before, it says which addresses were theirs.
    """
    known = addresses_of(person)
    theirs = or_(EmailChange.person_id == person.id, EmailChange.old_email.in_(known), EmailChange.new_email.in_(known))
    rows = all_rows(select(EmailChange).where(theirs))
    for row in rows:
        if row.ended_at is None:
            emails.withdraw_open(SYSTEM, row.person)
        for name in ("old_email", "new_email"):
            if row.person_id == person.id or getattr(row, name) in known:
                setattr(row, name, anonymous_address(person.id))
    db.session.flush()
    return len(rows)


SOURCE = Source("account", _of_person, _of_account, _erase)
