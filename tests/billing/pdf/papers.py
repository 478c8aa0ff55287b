"""Documents to look at, and what is read from a PDF: its text, its pages as pictures, its QR code."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from typing import Any

import pikepdf
import pypdfium2
import zxingcpp
from PIL.Image import Image

from console.billing.models import Proforma
from console.customers.models import Customer, CustomerKind
from tests import factories
from tests.conftest import missing
from tests.factories.billing import LineSpec

NAMES = "Љубиша Ђоковић, Šećer Čačak Žižić i Đorđe Ćirić d.o.o."


def make_buyer(**more: Any) -> Customer:
    """Make a company whose name and address take every letter of ours, in both scripts."""
    return factories.make_customer(
        CustomerKind.COMPANY, name=NAMES, address="Žarka Čolića 7 ж", city="Šabac", postcode="15000", **more
    )


def make_long(customer: Customer, lines: int, currency: str | None = None) -> Proforma:
    """Issue a pro-forma of many lines, of two rates, some with a long description."""
    service = factories.make_service(customer)
    specs = [
        LineSpec(
            service if place % 2 else None,
            net=1_200_000 + place,
            tax_bp=1000 if place % 3 == 2 else 2000,
            quantity=1 + place % 4,
            description="Hosting Premium, godišnje" + (" – uz migraciju sajta i pošte, čćšžđ" * (place % 7 == 3) * 2),
        )
        for place in range(lines)
    ]
    return factories.make_proforma(customer, specs, currency=currency)


def text_of(content: bytes) -> str:
    """Return the text of all pages, as a reader copies it."""
    with pypdfium2.PdfDocument(content) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document).replace("\r\n", "\n")


def pages_of(content: bytes) -> list[str]:
    """Return the text of each page."""
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def code_in(content: bytes) -> str:
    """Return what the one QR code says that is on its pages, as a phone's camera sees them."""
    found = [code.text for picture in pictures_of(content) for code in zxingcpp.read_barcodes(picture)]
    (text,) = found
    return text


def pictures_of(content: bytes) -> list[Image]:
    """Return the pages as pictures, 180 dots to the inch."""
    with pypdfium2.PdfDocument(content) as document:
        return [page.render(scale=2.5).to_pil() for page in document]


def seen_by_zbar(picture: Image) -> str:
    """Return what zbar reads in a picture: many apps are built on it, and it guesses charsets like no other."""
    program = shutil.which("zbarimg") or missing("zbarimg (Debian: apt-get install zbar-tools)")
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        picture.save(file.name)
        command = [program, "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file.name]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.removesuffix("\n")


def flaws_of(content: bytes) -> list[str]:
    """Return what qpdf finds wrong with a file."""
    with pikepdf.open(io.BytesIO(content)) as document:
        return list(document.check_pdf_syntax())
