"""The file of customers: one row an account with its owner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.emails import normal_email
from console.core.errors import Invalid, Text
from console.customers.labels import TAX_STATUS
from console.customers.models import (
    CUSTOMER_SEARCH,
    Customer,
    CustomerKind,
    CustomerStatus,
    Membership,
    Person,
    TaxStatus,
)
from console.customers.service import CustomerData, MemberData, check_customer, check_member
from console.imports import kinds
from console.imports.bulk import NewCustomer, insert_customers
from console.imports.cells import Cells, Column
from console.imports.kinds import Outcome, refused
from console.imports.reader import Row
from console.imports.titles import state_words
from console.tickets.search import index_accounts
from console.views.shared.labels.states import CUSTOMER_KIND, CUSTOMER_STATUS

# What a later file may change. Status is the console's once the account is here;
# whose account it is changes by a handover, never by a file.
CHANGEABLE = (
    "name", "pib", "mb", "address", "postcode", "city", "country", "phone", "tax_status", "language", "currency",
)  # fmt: skip


class Customers:
    """Reads and stores accounts."""

    name = "customers"
    columns = (
        Column("external_id", needed=True, limit=100, code=True),
        Column("name", needed=True, limit=200),
        Column("owner_email", needed=True, limit=254),
        Column("kind", limit=20),
        Column("pib", limit=20, code=True),
        Column("mb", limit=20, code=True),
        Column("address", limit=200),
        Column("postcode", limit=20),
        Column("city", limit=100),
        Column("country", limit=2),
        Column("phone", limit=40, code=True),
        Column("tax_status", limit=20),
        Column("status", limit=20),
        Column("language", limit=10),
        Column("currency", limit=3),
        Column("owner_name", limit=120),
        Column("owner_phone", limit=40, code=True),
    )
    titles: Mapping[str, Text] = {}  # there is no export of accounts: what is personal opens after a verification

    def __init__(self) -> None:
        self._words = {
            "kind": state_words(CUSTOMER_KIND),
            "status": state_words(CUSTOMER_STATUS),
            "tax_status": state_words(TAX_STATUS),
        }

    def group(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Let every row be an account."""
        return kinds.singly(rows)

    def read(self, rows: Sequence[Row]) -> NewCustomer:
        """Return the account and its owner, checked as the console checks a new one."""
        cells = Cells(rows[0].values, self.columns, self._words)
        kind = cells.choice("kind", CustomerKind, CustomerKind.COMPANY if cells.text("pib") else CustomerKind.PERSON)
        status = cells.choice("status", CustomerStatus, CustomerStatus.ACTIVE)
        tax_status = cells.choice("tax_status", TaxStatus, TaxStatus.DOMESTIC)
        cells.check()
        data = CustomerData(
            name=cells.text("name"),
            kind=kind,
            pib=cells.text("pib") or None,
            mb=cells.text("mb") or None,
            address=cells.text("address"),
            postcode=cells.text("postcode"),
            city=cells.text("city"),
            country=cells.text("country").upper() or "RS",
            phone=cells.text("phone"),
            tax_status=tax_status,
            language=cells.text("language") or "sr_Latn",
            currency=cells.text("currency").upper() or "RSD",
            external_id=cells.text("external_id"),
        )
        owner = MemberData(
            email=cells.text("owner_email"),
            name=cells.text("owner_name") or data.name[:120],
            phone=cells.text("owner_phone"),
        )
        try:
            check_customer(data)
        except Invalid as error:
            cells.flaws_of(error)
        try:
            owner = replace(owner, email=check_member(owner))
        except Invalid as error:
            cells.flaws_of(error, {"email": "owner_email", "name": "owner_name", "phone": "owner_phone"})
        cells.check()
        return NewCustomer(data, owner, status)

    def store(self, session: Session, batch: Sequence[NewCustomer]) -> list[Outcome]:
        """Store new accounts, change known ones."""
        external_ids = [row.data.external_id for row in batch]
        known = {
            c.external_id: c for c in session.scalars(select(Customer).where(Customer.external_id.in_(external_ids)))
        }
        insert_customers(session, [row for row in batch if row.data.external_id not in known])
        owners = _owners(session, list(known.values()))
        outcomes = []
        renamed = []
        for row in batch:
            customer = known.get(row.data.external_id)
            if customer is None:
                outcomes.append(kinds.NEW)
                continue
            name = customer.name
            outcome = _change(customer, row, owners.get(customer.id))
            if outcome is kinds.CHANGED and customer.name != name:
                renamed.append(customer)
            outcomes.append(outcome)
        CUSTOMER_SEARCH.put_many(session, [(customer.id, customer.searchable()) for customer in renamed])
        index_accounts(renamed)
        return outcomes


def _owners(session: Session, customers: Sequence[Customer]) -> dict[int, str]:
    """Return the owners' e-mails by account."""
    query = (
        select(Membership.customer_id, Person.email)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.customer_id.in_([customer.id for customer in customers]),
            Membership.is_owner,
        )
    )
    return dict(iter(session.execute(query)))


def _change(customer: Customer, row: NewCustomer, owner: str | None) -> Outcome:
    """Take over what a file may change."""
    if customer.kind is not row.data.kind:
        return refused(f"kind: the account is stored as {customer.kind.value}; a file does not change that")
    if owner != normal_email(row.owner.email):
        return refused("owner_email: the account has another owner; it changes hands by a handover, not by a file")
    changed = [name for name in CHANGEABLE if getattr(customer, name) != getattr(row.data, name)]
    for name in changed:
        setattr(customer, name, getattr(row.data, name))
    return kinds.CHANGED if changed else kinds.UNCHANGED
