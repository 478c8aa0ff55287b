"""The file of services."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import (
    DOMAIN_SEARCH,
    SERVICE_SEARCH,
    Domain,
    Ownership,
    Product,
    ProductKind,
    Service,
    ServiceStatus,
    SuspensionReason,
)
from console.hosting.service import suspend
from console.imports.service import ImportRefusedError
from tests.factories import make_customer, make_product
from tests.imports.files import CUSTOMER, SERVICE, bring, company, found, write

pytestmark = pytest.mark.both


@pytest.fixture
def path(tmp_path: Path, session: Session) -> Path:
    bring("customers", write(tmp_path / "customers.csv", [CUSTOMER, company(2)]))
    return tmp_path / "services.csv"


def one(session: Session, external_id: str = "S-1") -> Service:
    return session.scalars(select(Service).where(Service.external_id == external_id)).one()


def test_a_service_arrives_with_product_domain_host_and_history(session: Session, path: Path) -> None:
    domain = {"domain": "Čajdžinica.example.rs", "registered_on": "1.3.2020.", "expires_on": "2027-03-01"}
    rows = [
        SERVICE,
        SERVICE | {"external_id": "S-2", "product": "domen", "product_kind": "domain", "hosted_with": "S-1"} | domain,
    ]
    assert bring("services", write(path, rows, delimiter=";")).new == 2
    first, second = one(session), one(session, "S-2")
    assert (first.price, first.currency, first.period_months, first.auto_renew) == (990_000, "RSD", 12, True)
    assert (first.started_on, first.paid_until) == (date(2025, 3, 1), date(2027, 3, 1))
    assert first.customer.external_id == "C-1"
    assert second.hosted_with_id == first.id
    assert second.domain is not None
    assert (second.domain.name, second.domain.registered_on) == ("xn--ajdinica-jbb74i.example.rs", date(2020, 3, 1))
    product = session.scalars(select(Product).where(Product.code == "hosting-s")).one()
    assert (product.name, product.kind, product.price, product.tax_bp) == (
        "Hosting S",
        ProductKind.HOSTING,
        990_000,
        2000,
    )
    history = session.scalars(select(Ownership).where(Ownership.service_id == first.id)).one()
    assert (history.customer_id, history.to_at, history.cause) == (first.customer_id, None, "import")
    assert history.from_at.date() in (date(2025, 2, 28), date(2025, 3, 1))
    assert found(session, SERVICE_SEARCH, Service.id, "djordje") == [first.id, second.id]
    assert found(session, DOMAIN_SEARCH, Domain.id, "cajdzinica") == [second.domain.id]


def test_what_is_blank_is_the_products(session: Session, path: Path) -> None:
    make_product(code="vps", price=77_700, currency="EUR", period_months=1)
    bring("services", write(path, [SERVICE | {"product": "vps", "price": "", "product_name": "", "product_kind": ""}]))
    service = one(session)
    assert (service.price, service.currency, service.period_months) == (77_700, "EUR", 1)


def test_suspension_and_lock_come_along(session: Session, path: Path) -> None:
    state = {"status": "suspended", "suspension": "abuse", "transfer_locked": "da", "auto_renew": "ne"}
    bring("services", write(path, [SERVICE | state]))
    service = one(session)
    assert (service.status, service.suspension) == (ServiceStatus.SUSPENDED, SuspensionReason.ABUSE)
    assert (service.transfer_locked, service.auto_renew) == (True, False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"customer": "C-9"}, "customer: no customer has the external id or number 'C-9'"),
        ({"product": "x", "product_name": ""}, "product: there is no product 'x'"),
        ({"started_on": "2025-02-30"}, "started_on: '2025-02-30' is no date"),
        ({"paid_until": ""}, "paid_until: is needed"),
        ({"price": "1.234"}, "price: '1.234' is no amount"),
        ({"price": "-5"}, "price: an amount here is never negative"),
        ({"currency": "USD"}, "currency: 'USD' is none of RSD, EUR"),
        ({"period_months": "0"}, "period_months: 0 is not between 1 and 120"),
        ({"auto_renew": "maybe"}, "auto_renew: 'maybe' is neither yes nor no"),
        ({"status": "suspended"}, "suspension: names the reason"),
        ({"suspension": "abuse"}, "suspension: names the reason"),
        ({"hosted_with": "S-7"}, "hosted_with: 'S-7' is no service of this customer"),
        ({"hosted_with": "S-1"}, "hosted_with: 'S-1' is no service of this customer"),
        ({"domain": "no domain"}, "domain: Enter a valid domain name"),
        ({"domain": "a..rs"}, "domain: Enter a valid domain name"),
        ({"label": "a\0b"}, "label: contains a NUL"),
    ],
)
@pytest.mark.only("sqlite")
def test_a_bad_row_is_named_with_its_reason(session: Session, path: Path, change: dict[str, str], reason: str) -> None:
    with pytest.raises(ImportRefusedError) as refusal:
        bring("services", write(path, [SERVICE | change]))
    assert refusal.value.report.reasons[0].startswith(f"row 2: {reason}")
    assert session.scalar(select(func.count()).select_from(Service)) == 0
    assert session.scalar(select(func.count()).select_from(Product)) == 0


def test_a_domain_belongs_to_one_service(session: Session, path: Path) -> None:
    named = SERVICE | {"domain": "jasen.example.rs"}
    with pytest.raises(ImportRefusedError) as refusal:
        bring("services", write(path, [named, named | {"external_id": "S-2", "domain": "JASEN.example.rs."}]))
    assert refusal.value.report.reasons == ["row 3: domain: JASEN.example.rs. belongs to another service"]


def test_nobody_hosts_with_a_stranger(session: Session, path: Path) -> None:
    rows = [SERVICE, SERVICE | {"external_id": "S-2", "customer": "F-2", "hosted_with": "S-1"}]
    with pytest.raises(ImportRefusedError) as refusal:
        bring("services", write(path, rows))
    assert "hosted_with" in refusal.value.report.reasons[0]


def test_a_changed_row_changes_what_a_file_may_change_and_no_more(session: Session, path: Path) -> None:
    bring("services", write(path, [SERVICE | {"domain": "jasen.example.rs"}]))
    change = {
        "label": "novo.example.rs",
        "paid_until": "2028-03-01",
        "price": "1",
        "status": "cancelled",
        "transfer_locked": "yes",
        "expires_on": "2029-01-01",
    }
    report = bring("services", write(path, [SERVICE | {"domain": "jasen.example.rs"} | change]))
    assert (report.new, report.changed, report.unchanged) == (0, 1, 0)
    service = one(session)
    assert (service.label, service.paid_until, service.price) == ("novo.example.rs", date(2028, 3, 1), 100)
    assert (service.status, service.transfer_locked) == (ServiceStatus.ACTIVE, False)
    assert service.domain is not None
    assert service.domain.expires_on == date(2029, 1, 1)
    assert found(session, SERVICE_SEARCH, Service.id, "novo") == [service.id]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"customer": "F-2"}, "customer: the service belongs to another customer; it moves by a migration"),
        ({"product": "other"}, "product: the service is stored as hosting-s"),
        ({"started_on": "2024-01-01"}, "started_on: the service is stored with 2025-03-01"),
        ({"domain": "x.example.rs"}, "domain: the service is stored with no domain"),
    ],
)
@pytest.mark.only("sqlite")
def test_a_file_moves_no_service_and_rewrites_no_history(
    session: Session, path: Path, change: dict[str, str], reason: str
) -> None:
    bring("services", write(path, [SERVICE]))
    with pytest.raises(ImportRefusedError) as refusal:
        bring("services", write(path, [SERVICE | change]))
    assert reason in refusal.value.report.reasons[0]


def test_a_suspension_is_not_lifted_by_an_old_export(session: Session, path: Path) -> None:
    bring("services", write(path, [SERVICE]))
    with transaction():
        suspend(SYSTEM, one(session), SuspensionReason.ABUSE)
    bring("services", write(path, [SERVICE | {"status": "active", "price": "1"}]))
    assert one(session).suspension is SuspensionReason.ABUSE


def test_a_service_that_has_moved_on_stays_where_it_is(session: Session, path: Path) -> None:
    bring("services", write(path, [SERVICE]))
    service = one(session)
    with transaction():
        taker = make_customer()
        session.execute(update(Ownership).values(to_at=func.now()))
        session.add(Ownership(service_id=service.id, customer_id=taker.id, from_at=taker.created_at, cause="M-0001"))
        service.customer_id = taker.id
    taken_by = taker.id
    report = bring("services", write(path, [SERVICE | {"price": "1"}, SERVICE | {"external_id": "S-2"}]))
    assert (report.new, report.changed, report.unchanged) == (1, 0, 1)
    assert (one(session).customer_id, one(session).price) == (taken_by, 990_000)
    assert session.get_one(Customer, taken_by).external_id is None
