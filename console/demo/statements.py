"""Two bank statements that billing imported in the last days, with what such files have in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle

from sqlalchemy import select

from console.billing.models import Proforma, ProformaStatus
from console.billing.service import LineDraft, issue_proforma, today
from console.billing.statements.files import Upload, read_files
from console.billing.statements.readers.table import COLUMNS
from console.billing.statements.service import import_statement
from console.core import money
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.customers.models import Customer, CustomerStatus, TaxStatus
from console.demo.events import Event
from console.demo.story import Story

OPENING = 1_250_000_00
MEGABYTES = 1
_SOLD = (
    ("Dodatnih 20 GB prostora, 12 meseci", 4_800),
    ("Prenos sajta sa drugog hostinga", 6_000),
    ("Sertifikat za tri domena, 12 meseci", 9_900),
    ("Dodatna IP adresa, 12 meseci", 3_600),
    ("Sat rada administratora", 5_500),
    ("Arhiva pošte, 12 meseci", 7_200),
    ("Dodatnih 4 GB memorije, 12 meseci", 12_000),
)
PAYER_ACCOUNT = "265000000012345678"


@dataclass(frozen=True)
class _Line:
    amount: int
    payer: str
    purpose: str
    reference: str = ""


def tell(story: Story) -> None:
    """Put the statements into ``story``: documents of accounts that others speak of stay as they are."""
    billed = story.at(story.instant(7, hour=12, minute=30), lambda: _bill(story))
    story.at(story.instant(4, hour=9, minute=20), lambda: _earlier(story, billed), [billed])
    story.at(story.instant(1, hour=9, minute=15), lambda: _later(story, billed), [billed])


def _bill(story: Story) -> Sequence[Proforma]:
    """Issue documents to a few accounts that the story does not name, in turn."""
    query = select(Customer).where(
        Customer.status == CustomerStatus.ACTIVE,
        Customer.name.not_in([one.account.data.name for one in story.known.values()]),
        Customer.tax_status == TaxStatus.DOMESTIC,
    )
    customers = list(db.session.scalars(query.order_by(Customer.id).limit(len(_SOLD))))
    return [
        issue_proforma(SYSTEM, customer, [LineDraft(what, net * money.MINOR, 2000)], currency="RSD")
        for customer, (what, net) in zip(cycle(customers), _SOLD if customers else (), strict=False)
    ]


def _earlier(story: Story, billed: Event) -> None:
    lines = [_paying(one) for one in billed.outcome[:4]]
    lines += [
        _Line(-1_250_00, "Naša banka a.d.", "Naknada za vođenje računa"),
        _Line(15_000_00, "Danica Ristić", "Uplata za hosting", "9700000123"),
    ]
    _import(story, lines, OPENING)


def _later(story: Story, billed: Event) -> None:
    lines = [_paying(one) for one in billed.outcome[4:6]]
    lines += [_paying(one, less=100_00) for one in billed.outcome[6:7]]
    lines += [_paying(one, amount=one.total) for one in _cancelled()]
    lines.append(_Line(-48_000_00, "Data centar Sever d.o.o.", "Zakup prostora u ormanu"))
    _import(story, lines, OPENING + 380_000_00)


def _paying(document: Proforma, *, less: int = 0, amount: int | None = None) -> _Line:
    paid = document.owed - less if amount is None else amount
    return _Line(paid, document.buyer["name"], f"Uplata po predračunu {document.number}", document.reference)


def _cancelled() -> Sequence[Proforma]:
    query = select(Proforma).where(Proforma.status == ProformaStatus.CANCELLED, Proforma.currency == "RSD")
    return list(db.session.scalars(query.order_by(Proforma.id.desc()).limit(1)))


def _import(story: Story, lines: Sequence[_Line], opening: int) -> None:
    day = today() - timedelta(days=1)
    content = _write(lines, opening, day)
    (file,) = read_files([Upload(f"izvod-{day:%Y-%m-%d}.csv", content)], megabytes=MEGABYTES)
    import_statement(story.actor("billing"), file)


def _write(lines: Sequence[_Line], opening: int, day: date) -> bytes:
    """Write the CSV that ``docs/statements.md`` documents."""
    account = settings().issuer.accounts.get("RSD", "") or "840-955845-10"
    closing = opening + sum(line.amount for line in lines)
    number = (day - date(day.year, 1, 1)).days + 1
    head = [account, str(number), "RSD", money.write(opening), money.write(closing)]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";")
    writer.writerow(COLUMNS)
    for place, line in enumerate(lines, 1):
        model = "97" if line.reference else ""
        amount = money.write(line.amount).replace("\N{MINUS SIGN}", "-")
        cells = [f"{day:%d.%m.%Y}.", amount, line.reference, model, line.payer, PAYER_ACCOUNT, line.purpose]
        writer.writerow([*head, *cells, f"{day:%y%m%d}{place:04d}"])
        head = [""] * len(head)
    return file.getvalue().encode()
