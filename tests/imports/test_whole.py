"""The import as a whole: all or nothing, good rows only, again, at once, killed, and very long."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit import queries as audit_queries
from console.audit.models import AuditEntry
from console.billing.models import Proforma, ProformaLine, Storno
from console.core.context import sealer
from console.core.db import Base, db
from console.core.errors import NotFound
from console.customers.models import Customer, Membership, Person
from console.hosting.models import Domain, Ownership, Product, Service
from console.imports.cli import command
from console.imports.reader import FileError
from console.imports.service import KINDS, import_file
from console.staff.roles import Role
from tests.factories import actor_of, make_staff
from tests.imports.files import CUSTOMER, PROFORMA, SERVICE, bring, company, customers, write
from tests.support import server

TABLES = (Customer, Person, Membership, Service, Domain, Ownership, Product, Proforma, ProformaLine, Storno, AuditEntry)
EXAMPLES = server.ROOT / "docs" / "examples"
DOCS = server.ROOT / "docs" / "import.md"


def counts(session: Session) -> dict[str, int]:
    session.rollback()
    return {model.__tablename__: session.scalar(select(func.count()).select_from(model)) or 0 for model in TABLES}


def contents(session: Session) -> list[object]:
    """Return everything that is stored, but for the audit log."""
    session.rollback()
    found: list[object] = []
    for table in Base.metadata.sorted_tables:
        if not table.name.startswith("audit"):
            found.append((table.name, [tuple(row) for row in session.execute(select(table)).all()]))
    return found


def refused_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


# --- good rows only ---


@pytest.mark.both
def test_good_rows_are_stored_and_the_others_kept_beside_the_file_with_their_reasons(
    session: Session, tmp_path: Path
) -> None:
    rows = [CUSTOMER, company(2, pib="1"), company(3), company(4, owner_email="x")]
    path = write(tmp_path / "c.csv", rows, delimiter=";")
    report = bring("customers", path, keep_going=True)
    assert (report.new, report.refused) == (2, 2)
    assert report.refused_file == tmp_path / "c.csv.refused.csv"
    assert report.refused_file.read_bytes().startswith(b"\xef\xbb\xbf")
    second, fourth = refused_rows(report.refused_file, ";")
    assert (second["external_id"], second["refused_row"]) == ("F-2", "3")
    assert second["refused_reason"].startswith("pib: ")
    assert (fourth["external_id"], fourth["refused_row"]) == ("F-4", "5")
    assert set(session.scalars(select(Customer.external_id))) == {"C-1", "F-3"}


def test_the_file_of_refused_rows_comes_back_when_corrected(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [CUSTOMER, company(2, pib="1", phone="+381 11 123", name="=SUM(A1)")])
    refused = bring("customers", path, keep_going=True).refused_file
    assert refused is not None
    assert refused_rows(refused)[0]["phone"] == "'+381 11 123"
    refused.write_text(refused.read_text(encoding="utf-8-sig").replace(",1,", ",100000049,"), encoding="utf-8")
    assert bring("customers", refused).new == 1
    stored = session.scalars(select(Customer).where(Customer.external_id == "F-2")).one()
    assert (stored.phone, stored.name) == ("+381 11 123", "=SUM(A1)")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " ="])
@pytest.mark.only("sqlite")
def test_no_refused_cell_is_a_formula(session: Session, tmp_path: Path, start: str) -> None:
    formula = f"{start}HYPERLINK(0)"
    report = bring("customers", write(tmp_path / "c.csv", [company(2, pib=formula, city=formula)]), keep_going=True)
    assert report.refused_file is not None
    (row,) = refused_rows(report.refused_file)
    for cell in row.values():
        assert not cell.lstrip().startswith(("=", "+", "-", "@")), cell
    assert row["city"].startswith("'")


@pytest.mark.only("sqlite")
def test_an_older_file_of_refused_rows_goes_when_nothing_is_refused_any_more(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    first = bring("customers", write(path, [company(2, pib="1")]), keep_going=True).refused_file
    assert first is not None
    second = bring("customers", write(path, [company(2)]), keep_going=True)
    assert second.refused_file is None
    assert [file.name for file in tmp_path.iterdir() if "refused" in file.name] == []


@pytest.mark.only("sqlite")
def test_a_broken_file_leaves_nothing_even_when_keeping_on(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [CUSTOMER, company(2)])
    path.write_bytes(path.read_bytes() + "F-3,Đ".encode("cp1250"))
    before = contents(session)
    with pytest.raises(FileError, match="line 4 is not UTF-8"):
        bring("customers", path, keep_going=True)
    assert contents(session) == before
    assert [file.name for file in tmp_path.iterdir() if "refused" in file.name] == []


@pytest.mark.both
def test_all_lines_of_a_refused_document_are_kept(session: Session, tmp_path: Path) -> None:
    bring("customers", write(tmp_path / "c.csv", [CUSTOMER]))
    bring("services", write(tmp_path / "s.csv", [SERVICE]))
    second = {"external_id": "P-1", "description": "Domen", "net": "1800", "tax_rate": "20", "tax": "360"}
    good = PROFORMA | {"external_id": "P-2", "number": "2025/2"}
    report = bring("proformas", write(tmp_path / "p.csv", [PROFORMA, second, good]), keep_going=True)
    assert (report.new, report.refused) == (1, 1)
    assert report.refused_file is not None
    assert [row["refused_row"] for row in refused_rows(report.refused_file)] == ["2", "3"]


# --- again ---


@pytest.mark.both
def test_the_examples_import_and_again_change_nothing(app: Flask, session: Session) -> None:
    run = app.test_cli_runner()
    files = [f"--{kind}={EXAMPLES / kind}.csv" for kind in ("customers", "services", "proformas")]
    first = run.invoke(command, files)
    assert first.exit_code == 0, first.output
    before, entries = contents(session), counts(session)["audit_entries"]
    assert counts(session)["proformas"] == 3
    again = run.invoke(command, files)
    assert again.exit_code == 0
    assert again.output.count("nothing was changed") == 3
    assert contents(session) == before
    assert counts(session)["audit_entries"] == entries


def test_the_same_rows_in_another_file_change_nothing(session: Session, tmp_path: Path) -> None:
    for kind in ("customers", "services", "proformas"):
        assert bring(kind, EXAMPLES / f"{kind}.csv").new > 0
    before = contents(session)
    for kind in ("customers", "services", "proformas"):
        same = tmp_path / f"{kind}.csv"
        same.write_bytes((EXAMPLES / f"{kind}.csv").read_bytes() + b"\n")
        report = bring(kind, same)
        assert (report.new, report.changed, report.refused, report.known) == (0, 0, 0, False)
        assert report.unchanged > 0
    assert contents(session) == before


def test_the_trail_is_whole_afterwards(session: Session) -> None:
    for kind in ("customers", "services", "proformas"):
        bring(kind, EXAMPLES / f"{kind}.csv")
    assert list(audit_queries.verify(session, sealer())) == []


# --- the command ---


@pytest.mark.only("sqlite")
def test_the_command_says_what_it_did(app: Flask, session: Session, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    good = write(tmp_path / "good.csv", [CUSTOMER])
    bad = write(tmp_path / "bad.csv", [SERVICE | {"price": "x", "customer": "C-1"}])
    answer = run.invoke(command, ["--services", str(bad), "--customers", str(good)])
    assert answer.exit_code == 1
    assert "good.csv: 1 new, 0 changed, 0 unchanged." in answer.output
    assert "bad.csv: 1 of 1 services were refused. Nothing of it was stored." in answer.output
    assert "row 2: price: 'x' is no amount" in answer.output
    assert counts(session)["customers"] == 1
    partly = run.invoke(command, ["--services", str(bad), "--keep-going"])
    assert partly.exit_code == 3
    assert f"1 refused (see {bad}.refused.csv)" in partly.output
    assert run.invoke(command, []).exit_code == 2
    assert run.invoke(command, ["--customers", str(tmp_path / "none.csv")]).exit_code == 2


@pytest.mark.only("sqlite")
def test_a_pipe_and_a_folder_that_cannot_be_written_are_told(app: Flask, session: Session, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    answer = run.invoke(command, ["--customers", str(pipe)])
    assert (answer.exit_code, "no regular file" in answer.output) == (1, True)
    path = write(tmp_path / "c.csv", [company(2, pib="1")])
    (tmp_path / "c.csv.refused.csv").mkdir()
    answer = run.invoke(command, ["--customers", str(path), "--keep-going"])
    assert answer.exit_code == 1
    assert "c.csv.refused.csv" in answer.output
    assert "Traceback" not in answer.output


@pytest.mark.only("sqlite")
def test_at_most_twenty_reasons_are_shown(app: Flask, session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [company(number, pib="1") for number in range(50)])
    answer = app.test_cli_runner().invoke(command, ["--customers", str(path)])
    assert answer.output.count("row ") == 20
    assert "and 30 more" in answer.output


# --- at once, killed, very long ---


@pytest.mark.both
def test_two_imports_at_once_store_everything_once(app: Flask, session: Session, tmp_path: Path) -> None:
    """Two threads, two files with the same accounts, each in a context of its own."""
    paths = [write(tmp_path / f"{n}.csv", [*customers(300), company(n)]) for n in (1, 2)]
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    def work(path: Path) -> None:
        with app.app_context():
            together.wait()
            try:
                bring("customers", path)
            except BaseException as error:  # noqa: BLE001  (shown below)
                failures.append(error)
            finally:
                db.session.remove()

    session.rollback()
    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    after = counts(session)
    assert (after["customers"], after["people"], after["memberships"], after["audit_entries"]) == (302, 302, 302, 2)


@pytest.mark.both
def test_killed_in_the_middle_nothing_is_there(
    app: Flask, session: Session, database: str, tmp_path: Path, samples: Callable[[int, int], int]
) -> None:
    path = write(tmp_path / "c.csv", customers(3_000))
    before = contents(session)
    session.rollback()
    env = server.environment(DATABASE_URL=database, AUDIT_ANCHOR=str(tmp_path / "a.json"))
    for chunks in range(samples(1, 2), 3):
        # It stops after some chunks by itself and waits there to be killed.
        process = subprocess.Popen(
            [sys.executable, "-c", _STOPS, str(path), str(chunks)],
            env=env,
            cwd=server.ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"in the middle"
        process.kill()
        process.wait()
        process.stdout.close()
        assert contents(session) == before
        session.rollback()
    assert bring("customers", path).new == 3_000


_STOPS = """
import sys, time
from pathlib import Path
from console.app import create_app
from console.core.actor import SYSTEM
from console.imports.service import import_file
seen = []
def progress(position):
    seen.append(position)
    if len(seen) == int(sys.argv[2]):
        print("in the middle", flush=True)
        time.sleep(600)
with create_app().app_context():
    import_file(SYSTEM, "customers", Path(sys.argv[1]), progress=progress)
"""


@pytest.mark.long
@pytest.mark.only("sqlite")
def test_memory_does_not_grow_with_the_file(app: Flask, database: str, tmp_path: Path) -> None:
    """Twenty times the rows take hardly more memory: a limit generous enough for any machine."""
    peaks = []
    for count in (1_000, 20_000):
        path = write(tmp_path / f"{count}.csv", customers(count))
        env = server.environment(DATABASE_URL=database, AUDIT_ANCHOR=str(tmp_path / "a.json"))
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, str(path)],
            env=env,
            cwd=server.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(done.stdout.splitlines()[-1])
        assert answer["stored"] == count - (1_000 if count > 1_000 else 0)
        peaks.append(answer["peak"])
    assert peaks[1] - peaks[0] < 40 * 1024  # KiB; holding the rows would take more


_MEASURED = """
import json, resource, sys
from pathlib import Path
from console.app import create_app
from console.core.actor import SYSTEM
from console.imports.service import import_file
with create_app().app_context():
    report = import_file(SYSTEM, "customers", Path(sys.argv[1]))
print(json.dumps({"stored": report.new, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@pytest.mark.only("sqlite")
def test_a_file_that_changes_while_it_is_read_is_not_stored(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "c.csv", [CUSTOMER])
    monkeypatch.setattr("console.imports.service.file_digest", lambda _path: "0" * 64)
    with pytest.raises(FileError, match="changed while it was read"):
        bring("customers", path)
    assert counts(session)["customers"] == 0


# --- the manual ---


@pytest.mark.only("sqlite")
def test_every_column_is_in_the_manual_and_in_an_example(session: Session) -> None:
    manual = DOCS.read_text(encoding="utf-8")
    for kind, make in KINDS.items():
        section = manual.partition(f"## `--{kind}`")[2].partition("\n## ")[0]
        header = (EXAMPLES / f"{kind}.csv").read_text(encoding="utf-8").splitlines()[0].replace(";", ",").split(",")
        for column in make().columns:
            assert f"| `{column.name}` " in section, f"docs/import.md lacks {kind}.{column.name}"
            assert (f"| `{column.name}` | yes |" in section) == column.needed, column.name
        assert set(header) == {column.name for column in make().columns}


@pytest.mark.only("sqlite")
def test_nobody_who_works_in_the_console_may_import(session: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [CUSTOMER])
    for role in Role:
        with pytest.raises(NotFound):
            import_file(actor_of(make_staff(role)), "customers", path)
    assert counts(session)["customers"] == 0
