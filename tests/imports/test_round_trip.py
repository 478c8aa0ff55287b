"""What the console exports for a reader of either language, its own import reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from console.billing.models import Proforma
from console.core.transaction import transaction
from console.hosting.models import Service, ServiceStatus, SuspensionReason
from console.imports.service import ImportRefusedError
from console.staff.roles import Role
from tests import factories
from tests.imports.files import CUSTOMER, PROFORMA, SERVICE, bring, write
from tests.support.client import ConsoleClient, sign_in
from tests.support.spreadsheets import read

LANGUAGES = ("sr-Latn", "en")


@pytest.fixture
def scene(client: ConsoleClient, session: Session, tmp_path: Path) -> ConsoleClient:
    """Accounts, services and documents from elsewhere, and some that began here; billing is signed in."""
    bring("customers", write(tmp_path / "c.csv", [CUSTOMER]))
    other = SERVICE | {"external_id": "S-2", "label": 'Šator; "veliki"', "price": "1234,50", "auto_renew": "ne"}
    bring("services", write(tmp_path / "s.csv", [SERVICE, other | {"status": "suspended", "suspension": "unpaid"}]))
    part = PROFORMA | {"status": "part_paid", "paid": "0,50"}
    second = {"external_id": "P-1", "description": "=1+1", "net": "100", "tax_rate": "10", "tax": "10,00"}
    bring("proformas", write(tmp_path / "p.csv", [part | {"total": "11.990,00"}, second]))
    customer = factories.make_customer(name="Čedomir")
    with transaction():
        made = factories.make_service(customer, label="@ovde")
        made.status, made.suspension = ServiceStatus.SUSPENDED, SuspensionReason.ABUSE
    service = factories.make_service(customer, price=1)
    factories.make_proforma(customer, lines=[service])
    factories.make_proforma(customer, cancelled=True)
    factories.make_proforma(customer, paid=-1)
    session.rollback()
    sign_in(client, Role.BILLING)
    return client


def _saved(client: ConsoleClient, address: str, language: str, path: Path) -> Path:
    answer = client.get(f"/console/{address}/", headers={"Accept-Language": language})
    assert answer.status_code == 200
    path.write_bytes(answer.get_data())
    return path


def test_services_come_back(scene: ConsoleClient, session: Session, tmp_path: Path) -> None:
    for language in LANGUAGES:
        path = _saved(scene, "services/export/csv", language, tmp_path / f"{language}.csv")
        report = bring("services", path)
        assert (report.new, report.changed, report.unchanged) == (0, 0, 4)
    rows = read((tmp_path / "sr-Latn.csv").read_text())
    assert rows[0][:3] == ["Broj", "Spoljni ID", "Usluga"]
    assert rows[2][rows[0].index("Cena bez PDV-a")] == "1234,50"
    assert "aktivna" in {row[rows[0].index("Stanje")] for row in rows[1:]}
    assert "01.03.2027." in rows[1]
    # And what was changed in the spreadsheet is taken over, also of what began here.
    text = (tmp_path / "sr-Latn.csv").read_text().replace("'@ovde", "novo-ime").replace("1234,50", "2.000,00")
    (tmp_path / "changed.csv").write_text(text)
    assert bring("services", tmp_path / "changed.csv").changed == 2
    session.expire_all()
    assert session.query(Service).filter_by(label="novo-ime").one().customer.name == "Čedomir"
    assert session.query(Service).filter_by(external_id="S-2").one().price == 200_000


@pytest.mark.both
def test_documents_come_back_and_never_change(scene: ConsoleClient, session: Session, tmp_path: Path) -> None:
    for language in LANGUAGES:
        path = _saved(scene, "proformas/export/lines", language, tmp_path / f"{language}.csv")
        report = bring("proformas", path)
        assert (report.new, report.changed, report.unchanged) == (0, 0, session.query(Proforma).count())
    text = (tmp_path / "sr-Latn.csv").read_text()
    for old, new in (("12 meseci", "13 meseci"), ("PR-", "PR-9")):
        (tmp_path / "changed.csv").write_text(text.replace(old, new))
        with pytest.raises(ImportRefusedError):
            bring("proformas", tmp_path / "changed.csv")


def test_a_number_names_only_what_is_here(scene: ConsoleClient, tmp_path: Path) -> None:
    rows = {"number": "U-9999"}, {"number": "1001"}, {"number": "U-1001", "external_id": "S-2"}, {"number": ""}
    bare = {name: value for name, value in SERVICE.items() if name != "external_id"}
    for row in rows:
        path = write(tmp_path / "s.csv", [bare | row])
        with pytest.raises(ImportRefusedError) as refusal:
            bring("services", path)
        assert "number" in refusal.value.report.reasons[0] or "external_id" in refusal.value.report.reasons[0]
