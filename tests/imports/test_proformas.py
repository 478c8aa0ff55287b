"""The file of pro-formas."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing.models import PROFORMA_SEARCH, NumberSeries, Proforma, ProformaLine, ProformaStatus
from console.billing.service import cancel_proforma
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.models import Customer
from console.imports.proformas import _reference
from console.imports.service import ImportRefusedError
from tests.factories import make_proforma, pay_proforma
from tests.imports.files import CUSTOMER, PROFORMA, SERVICE, bring, company, found, write

pytestmark = pytest.mark.both

SECOND = {"external_id": "P-1", "service": "", "description": "Domen", "net": "1800", "tax_rate": "20", "tax": "360"}


@pytest.fixture
def path(tmp_path: Path, session: Session) -> Path:
    abroad = company(3, country="DE", pib="", tax_status="abroad", currency="EUR")
    bring("customers", write(tmp_path / "customers.csv", [CUSTOMER, company(2), abroad]))
    bring("services", write(tmp_path / "services.csv", [SERVICE, SERVICE | {"external_id": "S-2", "customer": "F-2"}]))
    return tmp_path / "proformas.csv"


def one(session: Session, external_id: str = "P-1") -> Proforma:
    return session.scalars(select(Proforma).where(Proforma.external_id == external_id)).one()


def test_a_document_arrives_whole_with_its_number_and_frozen_parties(session: Session, path: Path) -> None:
    report = bring("proformas", write(path, [PROFORMA | {"total": "14.040,00"}, SECOND]))
    assert (report.new, report.refused) == (1, 0)
    document = one(session)
    assert (document.number, document.series, document.year, document.sequence) == ("2025/1", "X", 2025, None)
    assert (document.issued_on, document.due_on) == (date(2025, 10, 20), date(2025, 10, 28))
    assert (document.net, document.tax, document.total) == (1_170_000, 234_000, 1_404_000)
    assert (document.status, document.paid, document.tax_note) == (ProformaStatus.OPEN, 0, None)
    assert document.buyer == document.customer.buyer()
    assert document.issuer["pib"] == "100000049"
    assert document.reference == "6720251"  # model 97: 20251 * 100 % 97 is 31, and 98 - 31
    lines = [(line.position, line.service_id, line.net, line.tax, line.total) for line in document.lines]
    service_id = document.lines[0].service_id
    assert lines == [(1, service_id, 990_000, 198_000, 1_188_000), (2, None, 180_000, 36_000, 216_000)]
    assert document.lines[0].service is not None
    assert document.lines[0].service.external_id == "S-1"
    for words in ("2025/1", "6720251", "scepanovic"):
        assert found(session, PROFORMA_SEARCH, Proforma.id, words) == [document.id]
    assert session.scalar(select(func.count()).select_from(NumberSeries)) == 0


def test_what_the_reference_is_made_of() -> None:
    for number in ("2025/1", "PF-2025-0001", "17"):
        reference = _reference(number)
        assert reference is not None
        digits = "".join(str(int(char, 36)) for char in reference[2:] + reference[:2])
        assert int(digits) % 97 == 1
    assert _reference("PREDRAČUN-2025-00000001") is None
    assert _reference("/") is None


@pytest.mark.parametrize(
    ("state", "status", "paid"),
    [
        ({"status": "paid"}, ProformaStatus.PAID, 1_188_000),
        ({"status": "paid", "paid": "11880"}, ProformaStatus.PAID, 1_188_000),
        ({"status": "part_paid", "paid": "5.000,00"}, ProformaStatus.PART_PAID, 500_000),
        ({"status": "cancelled"}, ProformaStatus.CANCELLED, 0),
        ({"status": "open", "paid": "0"}, ProformaStatus.OPEN, 0),
    ],
)
@pytest.mark.only("sqlite")
def test_what_was_paid_fits_the_status(
    session: Session, path: Path, state: dict[str, str], status: ProformaStatus, paid: int
) -> None:
    bring("proformas", write(path, [PROFORMA | state]))
    assert (one(session).status, one(session).paid) == (status, paid)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"total": "11.881,00"}, "total: the lines make 11.880,00, not 11.881,00"),
        ({"tax": "1.981,00"}, "tax: 1.981,00 is not 20 % of 9.900,00"),
        ({"tax": "1.979,98", "total": "11.879,98"}, "tax: 1.979,98 is not 20 % of 9.900,00"),
        ({"line_total": "11.000,00"}, "line_total: net and tax make 11.880,00"),
        ({"net": "-9900"}, "net: an amount here is never negative"),
        ({"tax": "0", "total": "9900"}, "tax_note: no PDV was charged; say why"),
        ({"tax_note": "abroad"}, "tax_note: says why there is no PDV, but there is"),
        ({"tax": "0", "total": "9900", "tax_note": "because"}, "tax_note: 'because' is none of"),
        ({"customer": "C-9"}, "customer: no customer has the external id or number 'C-9'"),
        ({"service": "S-9"}, "service: no service has the external id or number 'S-9'"),
        ({"service": "S-2"}, "service: 'S-2' belongs to another customer"),
        ({"currency": "CHF"}, "currency: 'CHF' is none of RSD, EUR"),
        ({"issued_on": "2025-13-01"}, "issued_on: '2025-13-01' is no date"),
        ({"issued_on": "2150-01-01", "due_on": "2150-02-01"}, "issued_on: lies in the future"),
        ({"due_on": "2025-10-19"}, "due_on: lies before issued_on"),
        ({"status": "part_paid"}, "paid: a part paid document"),
        ({"status": "part_paid", "paid": "11.880,00"}, "paid: a part paid document"),
        ({"status": "open", "paid": "1"}, "paid: the status is open, so 0,00 was paid"),
        ({"status": "lost"}, "status: 'lost' is none of"),
        ({"number": "PR-2025-000001"}, "number: looks like one of this console's own series"),
        ({"number": "ĐŠ" * 11}, "reference: the number is too long"),
        ({"reference": "97|SF:221"}, "reference: has other characters"),
        ({"quantity": "0"}, "quantity: 0 is not between"),
        ({"tax_rate": "200"}, "tax_rate: '200' is no rate"),
        ({"net": "9" * 30}, "net: '999999999999999999999999999999' is no amount"),
        ({"description": ""}, "description: is needed"),
    ],
)
@pytest.mark.only("sqlite")
def test_a_bad_document_is_named_with_its_reason(
    session: Session, path: Path, change: dict[str, str], reason: str
) -> None:
    with pytest.raises(ImportRefusedError) as refusal:
        bring("proformas", write(path, [PROFORMA | change]))
    assert reason in refusal.value.report.reasons[0]
    assert session.scalar(select(func.count()).select_from(Proforma)) == 0
    assert session.scalar(select(func.count()).select_from(ProformaLine)) == 0


def test_a_paid_document_may_name_a_service_that_is_somebody_elses_now(session: Session, path: Path) -> None:
    bring("proformas", write(path, [PROFORMA | {"service": "S-2", "status": "paid"}]))
    assert one(session).lines[0].service is not None


def test_no_tax_abroad_and_the_document_says_why(session: Session, path: Path) -> None:
    row = PROFORMA | {"customer": "F-3", "service": "", "currency": "EUR", "net": "84", "tax": "0", "total": "84"}
    bring("proformas", write(path, [row]))
    assert (one(session).tax_note, one(session).tax, one(session).buyer["tax_status"]) == ("abroad", 0, "abroad")


def test_rounding_of_another_system_by_one_para_is_taken_as_it_is(session: Session, path: Path) -> None:
    bring("proformas", write(path, [PROFORMA | {"tax": "1.980,01", "total": "11.880,01"}]))
    assert one(session).tax == 198_001


def test_lines_stand_together(session: Session, path: Path) -> None:
    other = PROFORMA | {"external_id": "P-2", "number": "2025/2"}
    with pytest.raises(ImportRefusedError) as refusal:
        bring("proformas", write(path, [PROFORMA | {"total": "14040"}, other, SECOND]))
    assert any("'P-1' stands in row 2 already; the rows of one" in reason for reason in refusal.value.report.reasons)


def test_what_is_the_documents_must_not_differ_between_its_lines(session: Session, path: Path) -> None:
    with pytest.raises(ImportRefusedError) as refusal:
        bring("proformas", write(path, [PROFORMA | {"total": "14040"}, SECOND | {"customer": "F-2"}]))
    assert "row 3: customer: differs from the document's first row" in refusal.value.report.reasons[0]


def test_a_document_without_end_is_refused(session: Session, path: Path) -> None:
    with pytest.raises(ImportRefusedError) as refusal:
        bring("proformas", write(path, [PROFORMA, *[SECOND] * 1200]))
    assert "at most 500 lines" in refusal.value.report.reasons[0]


def test_a_number_is_given_once(session: Session, path: Path) -> None:
    with transaction():
        taken = make_proforma(one_customer(session)).number
    rows = [PROFORMA, PROFORMA | {"external_id": "P-2"}, PROFORMA | {"external_id": "P-3", "number": "2025/3"}]
    with pytest.raises(ImportRefusedError) as refusal:
        bring("proformas", write(path, rows))
    assert refusal.value.report.reasons == ["row 3: number: there is a document 2025/1 already"]
    assert taken.startswith("PR-")


def one_customer(session: Session) -> Customer:
    return session.scalars(select(Customer).where(Customer.external_id == "C-1")).one()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"net": "9800", "tax": "1960", "total": "11760"}, "total, lines"),
        ({"number": "2025/9"}, "number"),
        ({"due_on": "2025-11-30"}, "due_on"),
        ({"customer": "F-2", "service": "S-2"}, "customer, lines"),
        ({"description": "Hosting M"}, "lines"),
        ({"reference": "1"}, "reference"),
        ({"status": "paid"}, "status"),
        ({"status": "cancelled"}, "status"),
    ],
)
@pytest.mark.only("sqlite")
def test_an_imported_document_never_changes(session: Session, path: Path, change: dict[str, str], what: str) -> None:
    bring("proformas", write(path, [PROFORMA]))
    with pytest.raises(ImportRefusedError) as refusal:
        bring("proformas", write(path, [PROFORMA | change]))
    assert refusal.value.report.reasons[0].startswith(f"row 2: {what}: differs from the stored document")
    assert (one(session).number, one(session).total, one(session).status) == (
        "2025/1",
        1_188_000,
        ProformaStatus.OPEN,
    )


def test_what_the_console_did_since_is_no_difference(session: Session, path: Path) -> None:
    rows = [PROFORMA, PROFORMA | {"external_id": "P-2", "number": "2025/2"}]
    bring("proformas", write(path, rows))
    with transaction():
        pay_proforma(one(session), 100)
        cancel_proforma(SYSTEM, one(session, "P-2"), "Greška")
    more = PROFORMA | {"external_id": "P-3", "number": "2025/3"}
    report = bring("proformas", write(path, [*rows, more]))
    assert (report.new, report.unchanged) == (1, 2)
    assert (one(session).paid, one(session, "P-2").status) == (100, ProformaStatus.CANCELLED)
