"""Files to import, with good rows to start from."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from console.core.actor import SYSTEM
from console.core.search import SearchIndex
from console.imports.service import Report, import_file
from tests.factories import make_pib

CUSTOMER = {
    "external_id": "C-1",
    "kind": "person",
    "name": "Đorđe Šćepanović",
    "address": "Cara Dušana 12",
    "postcode": "18000",
    "city": "Niš",
    "owner_email": "djordje@example.test",
}
SERVICE = {
    "external_id": "S-1",
    "customer": "C-1",
    "product": "hosting-s",
    "product_name": "Hosting S",
    "product_kind": "hosting",
    "label": "djordje.example.rs",
    "started_on": "2025-03-01",
    "paid_until": "01.03.2027.",
    "price": "9.900,00",
}
PROFORMA = {
    "external_id": "P-1",
    "number": "2025/1",
    "customer": "C-1",
    "issued_on": "2025-10-20",
    "due_on": "28.10.2025.",
    "currency": "RSD",
    "total": "11.880,00",
    "service": "S-1",
    "description": "Hosting S, 12 meseci",
    "net": "9.900,00",
    "tax_rate": "20",
    "tax": "1.980,00",
}


def write(path: Path, rows: Iterable[Mapping[str, Any]], *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write rows; the columns are those that occur in any of them."""
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def company(number: int, **more: str) -> dict[str, str]:
    """Return a good row of a company."""
    return {
        "external_id": f"F-{number}",
        "kind": "company",
        "name": f"Pekara Žito {number} d.o.o.",
        "pib": make_pib(number),
        "mb": "20123456",
        "owner_email": f"vlasnik{number}@example.test",
        **more,
    }


def bring(kind: str, path: Path, *, keep_going: bool = False) -> Report:
    """Import a file as the command does."""
    return import_file(SYSTEM, kind, path, keep_going=keep_going)


def customers(count: int) -> Iterable[dict[str, str]]:
    """Return ``count`` good rows."""
    return (
        CUSTOMER | {"external_id": f"C-{n}", "owner_email": f"osoba{n}@example.test", "name": f"Živka Čolić {n}"}
        for n in range(1, count + 1)
    )


def found(session: Session, index: SearchIndex, key: InstrumentedAttribute[int], words: str) -> list[int]:
    """Return the keys that a search finds."""
    condition = index.matches(session, key.expression, words)
    assert condition is not None
    return list(session.scalars(select(key).where(condition).order_by(key)))
