"""The file of customers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.models import (
    CUSTOMER_SEARCH,
    Customer,
    CustomerKind,
    CustomerStatus,
    MemberRole,
    Membership,
    Person,
    TaxStatus,
)
from console.customers.service import suspend_customer
from console.customers.verification.pins import current_pin
from console.imports.service import ImportRefusedError
from tests.imports.files import CUSTOMER, bring, company, found, write

pytestmark = pytest.mark.both


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def test_an_account_arrives_with_its_owner_and_is_found(session: Session, path: Path) -> None:
    report = bring("customers", write(path, [CUSTOMER, company(2)], delimiter=";"))
    assert (report.new, report.refused) == (2, 0)
    customer = session.scalars(select(Customer).where(Customer.external_id == "C-1")).one()
    assert (customer.kind, customer.name, customer.city) == (CustomerKind.PERSON, "Đorđe Šćepanović", "Niš")
    assert (customer.tax_status, customer.status, customer.currency) == (
        TaxStatus.DOMESTIC,
        CustomerStatus.ACTIVE,
        "RSD",
    )
    owner = session.scalars(select(Membership).where(Membership.customer_id == customer.id)).one()
    assert owner.role is MemberRole.OWNER
    assert (owner.person.email, owner.person.password_hash, owner.pin_secret) == ("djordje@example.test", None, None)
    for words in ("scepanovic", "Ђорђе", customer.number):
        assert found(session, CUSTOMER_SEARCH, Customer.id, words) == [customer.id]


def test_the_support_pin_is_made_when_it_is_first_asked_for(session: Session, path: Path) -> None:
    bring("customers", write(path, [CUSTOMER]))
    with transaction():
        pin, _until = current_pin(session.scalars(select(Membership)).one())
    assert len(pin) == 6
    assert session.scalars(select(Membership)).one().pin_secret is not None


def test_one_person_may_own_several_accounts(session: Session, path: Path) -> None:
    rows = [company(n) | {"owner_email": mail} for n, mail in ((1, "Z@Example.test"), (2, "z@example.test "))]
    bring("customers", write(path, rows))
    assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert session.scalar(select(func.count()).select_from(Membership)) == 2


def test_a_person_who_is_known_stays_as_they_are(session: Session, path: Path) -> None:
    from tests.factories import make_person

    known = make_person(email="djordje@example.test", name="Đole")
    hashed = known.password_hash
    bring("customers", write(path, [CUSTOMER]))
    person = session.scalars(select(Person)).one()
    assert (person.name, person.password_hash) == ("Đole", hashed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pib": "100000048"}, "row 2: pib: "),
        ({"pib": "12345"}, "row 2: pib: "),
        ({"kind": "company"}, "row 2: pib: Enter the company’s PIB"),
        ({"mb": "123"}, "row 2: mb: "),
        ({"owner_email": "nobody"}, "row 2: owner_email: "),
        ({"owner_email": "a@b@c.example.test"}, "row 2: owner_email: "),
        ({"owner_email": ""}, "row 2: owner_email: is needed"),
        ({"owner_email": "петар@пошта.срб"}, "row 2: owner_email: "),  # needs SMTPUTF8
        ({"owner_email": "podrska@example.test"}, "row 2: owner_email: "),  # our own
        ({"name": "\u200b\u3164"}, "row 2: name: is needed"),
        ({"name": " "}, "row 2: name: is needed"),
        ({"name": "x" * 201}, "row 2: name: longer than 200 characters"),
        ({"name": "a\0b"}, "row 2: name: contains a NUL"),
        ({"kind": "alien"}, "row 2: kind: 'alien' is none of person, company"),
        ({"country": "XQ"}, "row 2: country: "),
        ({"currency": "USD"}, "row 2: currency: "),
        ({"language": "fr"}, "row 2: language: "),
        ({"tax_status": "none"}, "row 2: tax_status: 'none' is none of domestic, abroad, exempt"),
        ({"status": "dead"}, "row 2: status: 'dead' is none of"),
        ({"external_id": "x" * 101}, "row 2: external_id: longer than 100"),
        ({"external_id": ""}, "row 2: external_id: is needed"),
    ],
)
@pytest.mark.only("sqlite")
def test_a_bad_row_is_named_with_its_reason_and_nothing_is_stored(
    session: Session, path: Path, change: dict[str, str], reason: str
) -> None:
    write(path, [CUSTOMER | change, company(3)])
    with pytest.raises(ImportRefusedError) as refusal:
        bring("customers", path)
    assert refusal.value.report.refused == 1
    assert refusal.value.report.reasons[0].startswith(reason)
    assert session.scalar(select(func.count()).select_from(Customer)) == 0
    assert session.scalar(select(func.count()).select_from(Person)) == 0


def test_an_id_twice_in_one_file_is_refused_with_both_rows(session: Session, path: Path) -> None:
    write(path, [CUSTOMER, company(2), CUSTOMER | {"name": "Another"}])
    with pytest.raises(ImportRefusedError) as refusal:
        bring("customers", path)
    assert refusal.value.report.reasons == ["row 4: external_id: 'C-1' stands in row 2 already"]
    assert session.scalar(select(func.count()).select_from(Customer)) == 0


def test_a_changed_row_changes_what_a_file_may_change_and_no_more(session: Session, path: Path) -> None:
    bring("customers", write(path, [CUSTOMER, company(2)]))
    key, made = session.execute(select(Customer.id, Customer.created_at).where(Customer.external_id == "C-1")).one()
    write(
        path,
        [
            CUSTOMER | {"name": "Žika Šarić", "city": "Užice", "owner_name": "Someone else", "status": "closed"},
            company(2),
        ],
    )
    report = bring("customers", path)
    assert (report.new, report.changed, report.unchanged) == (0, 1, 1)
    customer = session.get_one(Customer, key, populate_existing=True)
    assert (customer.name, customer.city, customer.status) == ("Žika Šarić", "Užice", CustomerStatus.ACTIVE)
    assert customer.created_at == made
    assert (
        session.scalars(select(Person.name).where(Person.email == "djordje@example.test")).one() == "Đorđe Šćepanović"
    )
    assert found(session, CUSTOMER_SEARCH, Customer.id, "saric") == [key]
    assert found(session, CUSTOMER_SEARCH, Customer.id, "scepanovic") == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"owner_email": "thief@example.test"}, "owner_email: the account has another owner"),
        ({"kind": "company", "pib": "100000049"}, "kind: the account is stored as person"),
    ],
)
def test_a_file_takes_no_account_over(session: Session, path: Path, change: dict[str, str], reason: str) -> None:
    bring("customers", write(path, [CUSTOMER]))
    with pytest.raises(ImportRefusedError) as refusal:
        bring("customers", write(path, [CUSTOMER | change]))
    assert reason in refusal.value.report.reasons[0]


def test_the_same_file_again_undoes_nothing_that_was_done_since(session: Session, path: Path) -> None:
    bring("customers", write(path, [CUSTOMER]))
    with transaction():
        customer = session.scalars(select(Customer)).one()
        suspend_customer(SYSTEM, customer, "Dugovanje")
        customer.city = "Pirot"
    assert bring("customers", path).known
    assert session.scalars(select(Customer.city)).one() == "Pirot"
    # With another row it is another file: it may change the city, and never the status.
    report = bring("customers", write(path, [CUSTOMER, company(9)]))
    assert (report.new, report.changed) == (1, 1)
    assert session.execute(select(Customer.city, Customer.status).where(Customer.external_id == "C-1")).one() == (
        "Niš",
        CustomerStatus.SUSPENDED,
    )


def test_a_file_is_one_entry_in_the_trail(session: Session, path: Path) -> None:
    bring("customers", write(path, [CUSTOMER, company(2)]))
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject, entry.data["new"], entry.data["file"]) == (
        "import.stored",
        "customers",
        2,
        "customers.csv",
    )
    assert len(entry.data["digest"]) == 64
