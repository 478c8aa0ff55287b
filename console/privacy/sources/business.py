"""Services, domains, documents and migrations; and the audit log's entries by and about someone.

Documents stay as they were issued for as long as the law says, with the buyer they name. So does the record of a
migration, which explains them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from console.audit import sealing
from console.audit.models import AuditEntry, PersonKey
from console.audit.sealing import address_of
from console.billing.duties.models import Duty
from console.billing.ledger.models import LedgerPosting
from console.billing.models import Migration, MigrationItem, Proforma, Storno
from console.billing.payments.models import Payment
from console.billing.pdf.models import DocumentFile, DocumentKind
from console.customers.models import Customer, Membership, Person
from console.customers.owners import owner_of
from console.hosting.models import Domain, Ownership, Service
from console.privacy.parts import Erased, Part, Source, all_rows, dump

# What is sealed for a person although no account of theirs may be named: tickets and chats need none.
ABOUT_REQUESTERS = ("ticket.tagged", "ticket.untagged", "ticket.links_voided", "chat.blocked")


def _nothing(_person: Person) -> Iterator[Part]:
    yield from ()


def _stays(_person: Person) -> Erased:
    return Erased({})


def _hosting(customer: Customer) -> Iterator[Part]:
    folder = f"accounts/{customer.number}"
    services = all_rows(select(Service).where(Service.customer_id == customer.id))
    yield Part(f"{folder}/services", [dump(row) | {"product": row.product.name} for row in services])
    domains = all_rows(select(Domain).where(Domain.service_id.in_([row.id for row in services])))
    yield Part(f"{folder}/domains", [dump(row) for row in domains])
    history = all_rows(select(Ownership).where(Ownership.customer_id == customer.id))
    yield Part(f"{folder}/ownership", [dump(row) for row in history])


def _documents(customer: Customer) -> Iterator[Part]:
    folder = f"accounts/{customer.number}"
    proformas = all_rows(select(Proforma).where(Proforma.customer_id == customer.id))
    lines = [dump(row) | {"lines": [dump(line) for line in row.lines]} for row in proformas]
    yield Part(f"{folder}/pro-formas", lines, files=_files(DocumentKind.PROFORMA, proformas))
    stornos = all_rows(select(Storno).where(Storno.customer_id == customer.id))
    yield Part(f"{folder}/stornos", [dump(row) for row in stornos], files=_files(DocumentKind.STORNO, stornos))
    duties = all_rows(select(Duty).where(Duty.customer_id == customer.id))
    yield Part(f"{folder}/tax-documents", [dump(row, "done_by_id", "entry_id") for row in duties])
    yield from _money(customer)
    # Of a migration the two sides know that there was one; whose the other account is stays theirs.
    moved = or_(Migration.from_customer_id == customer.id, Migration.to_customer_id == customer.id)
    hidden = (
        "from_customer_id", "to_customer_id", "requested_by_id", "approved_by_id", "ended_by_id", "plan", "snapshot",
    )  # fmt: skip
    migrations = all_rows(select(Migration).where(moved))
    items = all_rows(select(MigrationItem).where(MigrationItem.migration_id.in_([row.id for row in migrations])))
    yield Part(
        f"{folder}/migrations",
        [
            dump(row, *hidden)
            | {"given_away": row.from_customer_id == customer.id}
            | {"services": [item.service_id for item in items if item.migration_id == row.id]}
            for row in migrations
        ],
    )


def _files(kind: DocumentKind, documents: Sequence[Proforma | Storno]) -> tuple[tuple[str, str], ...]:
    """Return the PDFs that were made of documents."""
    numbers = {row.id: row.number.replace("/", "-") for row in documents}  # others number with slashes
    query = select(DocumentFile).where(DocumentFile.kind == kind, DocumentFile.document_id.in_(numbers))
    return tuple((f"{numbers[row.document_id]}-{row.language}.pdf", row.sha256) for row in all_rows(query))


def _money(customer: Customer) -> Iterator[Part]:
    """Yield what came for an account and what moved on it: by law it stays as long as the documents do."""
    folder = f"accounts/{customer.number}"
    payments = all_rows(select(Payment).where(Payment.customer_id == customer.id))
    yield Part(f"{folder}/payments", [dump(row, "recorded_by_id", "statement_line_id") for row in payments])
    postings = all_rows(
        select(LedgerPosting).options(joinedload(LedgerPosting.entry)).where(LedgerPosting.customer_id == customer.id)
    )
    yield Part(f"{folder}/ledger", [dump(row) | dump(row.entry, "id", "staff_id", "reverses_id") for row in postings])


def _acts(person: Person) -> Iterator[Part]:
    theirs = (AuditEntry.actor_kind == "person") & (AuditEntry.actor_id == person.id)
    accounts = [row.customer_id for row in all_rows(select(Membership).where(Membership.person_id == person.id))]
    of_them = AuditEntry.data[sealing.SEALED]["person"].as_integer() == person.id
    about = or_(AuditEntry.customer_id.in_(accounts), AuditEntry.action.in_(ABOUT_REQUESTERS)) & of_them
    rows = all_rows(select(AuditEntry).where(or_(theirs, about, AuditEntry.subject == f"person:{person.id}")))
    keys = sealing.keys_for(rows)
    yield Part(
        "activity",
        [_entry(row, keys, person.id) | ({"address": address_of(row)} if _is_by(person, row) else {}) for row in rows],
    )


def _is_by(person: Person, row: AuditEntry) -> bool:
    return row.actor_kind == "person" and row.actor_id == person.id


def _history(customer: Customer) -> Iterator[Part]:
    rows = all_rows(select(AuditEntry).where(AuditEntry.customer_id == customer.id))
    owner, keys = owner_of(customer.id), sealing.keys_for(rows)
    yield Part(f"accounts/{customer.number}/activity", [_entry(row, keys, owner) for row in rows])


def _entry(row: AuditEntry, keys: Mapping[int, PersonKey], reader: int | None) -> dict[str, object]:
    """Return an entry without who did it: colleagues are named by what they are, others have data of their own.

    What is sealed in it for another, as for an earlier holder of the account, is left out.
    """
    opened = reader is not None and sealing.about(row) == reader
    data = sealing.data_of(row, keys) if opened else sealing.without_sealed(row)
    return dump(row, "actor_name", "actor_id", "address", "sealed", "data") | {"data": data}


HOSTING = Source("hosting", _nothing, _hosting, _stays)
BILLING = Source("billing", _nothing, _documents, _stays)
AUDIT = Source("audit", _acts, _history, _stays)
