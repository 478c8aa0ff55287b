"""A bank statement of very many lines: how fast it is read, imported and matched, and in how much memory."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks.http import BenchError
from benchmarks.place import engine_name, machine, temporary_app
from benchmarks.report import Report, verdict
from console.app import create_app
from console.billing.references import with_check_digits
from console.billing.service import today
from console.billing.statements.files import MEGABYTE, Upload, read_files
from console.billing.statements.importing import import_due
from console.billing.statements.models import BankStatement, StatementState
from console.billing.statements.service import import_statement
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.hub import rest_the_collector
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.service import CustomerData, register_customer
from console.imports.bulk import NewLine, NewProforma, chunks, insert_proformas

LEAST = 2_000  # lines a second
MAX_GROWTH = 4.0  # of peak memory, for a hundred times the lines: the file itself is read whole
CUSTOMERS = 100
PRICE, TAX = 790_000, 158_000
OWN, OTHER = "840000000095584510", "160000000000003718"
MIB = 1024  # KiB, in which the system counts


@dataclass(frozen=True)
class _Done:
    """One statement that was imported by a process of its own."""

    reading: float
    importing: float
    peak: int  # MiB
    matched: int


def run(small: int, large: int, server: str | None, command: str) -> Report:
    """Import a statement of ``small`` lines, then one of ``large``; of ten lines eight match their document."""
    few, many = _measure(small, server), _measure(large, server)
    rate = large / many.importing
    growth = many.peak / few.peak
    engine = engine_name(server)
    return Report(
        section=f"statements-{engine.lower()}",
        title=f"Bank statements ({engine})",
        command=command,
        verdicts=[
            verdict(f"at least {LEAST:,} lines matched a second ({rate:,.0f})", holds=rate >= LEAST),
            verdict(
                f"peak memory at {large:,} lines at most {MAX_GROWTH:g} times that at {small:,} ({growth:.2f})",
                holds=growth <= MAX_GROWTH,
            ),
        ],
        header=["statement", "lines a second", "importing", "reading", "peak memory", "matched"],
        rows=[
            [
                f"{count:,} lines",
                f"{count / done.importing:,.0f}",
                f"{done.importing:.1f} s",
                f"{done.reading:.1f} s",
                f"{done.peak} MiB",
                f"{done.matched:,}",
            ]
            for count, done in ((small, few), (large, many))
        ],
        notes=[
            (
                "Halcom TXT with its balances, as many open pro-formas as lines; imported by the worker's job in a "
                f"process of its own, groups of lines each their own transaction, audit log included; {machine()}"
            ),
            "of ten lines eight are matched, one has another amount and one an unknown reference",
        ],
    )


def _measure(count: int, server: str | None) -> _Done:
    with tempfile.TemporaryDirectory(prefix="console-bench-") as folder, temporary_app(server) as app:
        with app.app_context():
            _fill(count)
            db.session.remove()
        path = Path(folder) / "izvod.txt"
        path.write_bytes(b"\r\n".join(_file(count)))
        read_end, write_end = os.pipe()
        url = str(app.config["SQLALCHEMY_DATABASE_URI"])
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "benchmarks.statements", url, str(path), str(write_end)],
            dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_DUP2, write_end, write_end)],
        )
        os.close(write_end)
        with os.fdopen(read_end) as file:
            answer = file.read().split()
        _pid, status, usage = os.wait4(child, 0)
        if os.waitstatus_to_exitcode(status) or len(answer) != 3:
            raise BenchError("the import of the statement failed")
        reading, importing, matched = answer
        return _Done(float(reading), float(importing), usage.ru_maxrss // MIB, int(matched))


def _fill(count: int) -> None:
    """Make accounts and as many open documents as the statement has lines."""
    with transaction():
        customers = [
            register_customer(SYSTEM, CustomerData(name=f"Kupac {number} d.o.o.")) for number in range(CUSTOMERS)
        ]
    buyers = [(customer.id, customer.buyer()) for customer in customers]
    lines = (NewLine("Hosting, 12 meseci", PRICE, 2000, TAX),)
    for numbers in chunks(range(count)):
        with transaction() as session:
            insert_proformas(
                session,
                [
                    NewProforma(
                        number=f"B-{number}",
                        customer_id=buyers[number % CUSTOMERS][0],
                        buyer=buyers[number % CUSTOMERS][1],
                        issued_on=today(),
                        due_on=today() + timedelta(days=8),
                        currency="RSD",
                        language="sr_Latn",
                        reference=_reference(number),
                        lines=lines,
                    )
                    for number in numbers
                ],
            )
        db.session.remove()


def _reference(number: int) -> str:
    return with_check_digits(f"2026{number:08d}")


def _file(count: int) -> Iterator[bytes]:
    day, total = date(2026, 11, 27), 0
    for number in range(count):
        amount = PRICE + TAX + (100 if number % 10 == 8 else 0)
        reference = "00000000009999" if number % 10 == 9 else _reference(number)
        total += amount
        yield (
            f"{OTHER}20{day:%d.%m.%y}  {'MINT HOSTING':35} {day:%d%m%y}{OWN}{amount:015d} 221  {'00':2}{'':22}"
            f"97{reference:22}{'Uplata po predračunu':36}{'BEOGRAD':10}{f'Kupac {number % CUSTOMERS} d.o.o.':35}"
            f"{number:022d}{'':18}"
        ).encode("cp1250")
    yield (
        f"01{OWN}{day:%d%m%Y}{day - timedelta(days=1):%d%m%Y}{0:018d}{0:06d}{0:018d}{count:06d}{total:018d}{total:018d}"
        f"{0:06d}{0:018d}{227:03d}"
    ).encode()


def _child(url: str, path: str, out: int) -> None:
    """Read and import one file, as the console and its worker do, and say how long each took."""
    settings = Settings(env="development", database_url=url)
    app = create_app(settings)
    rest_the_collector()  # as a worker does
    with app.app_context():
        content = Path(path).read_bytes()
        began = time.perf_counter()
        (file,) = read_files([Upload("izvod.txt", content)], megabytes=len(content) // MEGABYTE + 1)
        reading = time.perf_counter() - began
        del content
        began = time.perf_counter()
        with transaction():
            (row,) = import_statement(SYSTEM, file).statements
            key = row.id
        del file, row
        db.session.remove()
        import_due()
        done = db.session.get_one(BankStatement, key)
        if done.state is not StatementState.IMPORTED:
            raise BenchError(f"the statement is {done.state}")
        os.write(out, f"{reading} {time.perf_counter() - began} {done.matched}".encode())


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
