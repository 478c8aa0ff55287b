"""Bringing in very many customers, services and documents: how fast, and in how much memory."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from flask import Flask

from benchmarks.http import BenchError
from benchmarks.place import engine_name, machine, temporary_app
from benchmarks.report import Report, verdict
from console.demo.names import Names, mb, pib, slug

SEED = 1
MAX_GROWTH = 1.5
MIB = 1024  # KiB, in which the system counts
KINDS = ("customers", "services", "proformas")


@dataclass(frozen=True)
class _Done:
    """One file brought in by a process of its own."""

    seconds: float
    peak: int  # MiB


def run(small: int, large: int, kinds: Sequence[str], server: str | None, command: str) -> Report:
    """Import files of ``small`` rows, then of ``large``, and the large ones again."""
    with tempfile.TemporaryDirectory(prefix="console-bench-") as folder:
        few = _import_all(Path(folder), small, kinds, server)
        many = _import_all(Path(folder), large, kinds, server, again=True)
    growth = max(many[kind].peak / few[kind].peak for kind in kinds)
    engine = engine_name(server)
    return Report(
        section=f"import-{engine.lower()}",
        title=f"Import ({engine})",
        command=command,
        verdicts=[
            verdict(
                f"peak memory at {large:,} rows at most {MAX_GROWTH} of that at {small:,} (worst: {growth:.2f})",
                holds=growth <= MAX_GROWTH,
            )
        ],
        header=["file", "memory to small", "peak memory", "rows a second", "seconds"],
        rows=[
            [
                f"{name}, {large:,} rows",
                f"{done.peak / few[name.partition(' ')[0]].peak:.2f}",
                f"{done.peak} MiB",
                f"{large / done.seconds:,.0f}",
                f"{done.seconds:.0f}",
            ]
            for name, done in many.items()
        ],
        notes=[
            (
                f"`console import` in a process of its own for each file, start included; each file is one "
                f"transaction; seed {SEED}; {machine()}"
            ),
            "again: the same rows in a file with one blank line more, so that each is compared and nothing changes",
        ],
    )


def _import_all(
    folder: Path, rows: int, kinds: Sequence[str], server: str | None, *, again: bool = False
) -> dict[str, _Done]:
    results: dict[str, _Done] = {}
    with temporary_app(server) as app:
        for kind in kinds:
            path = folder / f"{kind}-{rows}.csv"
            write(path, kind, rows)
            results[kind] = _import(app, kind, path)
        for kind in kinds if again else ():
            path = folder / f"{kind}-{rows}.csv"
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
            results[f"{kind} again"] = _import(app, kind, path)
    return results


def _import(app: Flask, kind: str, path: Path) -> _Done:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", "console", "import", f"--{kind}", str(path)],
        env=plain | {"CONSOLE_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"the import of {kind} ended with {process.returncode}")
    return _Done(time.perf_counter() - began, usage.ru_maxrss // MIB)


def write(path: Path, kind: str, count: int) -> None:
    """Write a file of ``count`` rows; those of services and pro-formas belong to the customers of as many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        for row in _ROWS[kind](count):
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)


def _customers(count: int) -> Iterator[dict[str, str]]:
    names = Names(Random(SEED))  # noqa: S311  (chance that repeats)
    for number in range(count):
        company = number % 3 == 0
        name = names.company() if company else names.person()
        postcode, city = names.town()
        yield {
            "external_id": f"C-{number}",
            "kind": "company" if company else "person",
            "name": name,
            "pib": pib(number) if company else "",
            "mb": mb(number) if company else "",
            "address": names.street(),
            "postcode": postcode,
            "city": city,
            "phone": names.phone(),
            "owner_email": f"{slug(name)}.{number}@example.test",
            "owner_name": names.person(),
        }


def _services(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        label = f"sajt-{number}.example.rs"
        yield {
            "external_id": f"S-{number}",
            "customer": f"C-{number}",
            "product": "hosting",
            "product_name": "Hosting",
            "product_kind": "hosting",
            "label": label,
            "started_on": "01.03.2025.",
            "paid_until": "01.03.2027.",
            "price": "7.900,00",
            "domain": label,
        }


def _proformas(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {
            "external_id": f"P-{number}",
            "number": f"2025/{number:06d}",
            "customer": f"C-{number}",
            "issued_on": "2025-03-01",
            "due_on": "2025-03-09",
            "currency": "RSD",
            "total": "9.480,00",
            "service": f"S-{number}",
            "description": "Hosting, 12 meseci",
            "net": "7.900,00",
            "tax_rate": "20",
            "tax": "1.580,00",
        }


_ROWS = {"customers": _customers, "services": _services, "proformas": _proformas}
