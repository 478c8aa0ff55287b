"""What documents say, and that they are sound: text, code, pages, and the same bytes wherever they are made."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys

import pytest
from PIL import Image
from sqlalchemy.orm import Session

from console.billing.issuing.data import ItemData, ProformaData
from console.billing.issuing.service import make_proforma
from console.billing.models import Proforma, Storno
from console.billing.pdf.files import key_of, make, record_key
from console.billing.pdf.instructions import instructions_for
from console.billing.pdf.models import Side
from console.billing.pdf.proforma import sheet_of
from console.billing.pdf.qr import QUIET, squares
from console.billing.service import cancel_proforma
from console.core.actor import SYSTEM
from console.core.files import content_digest
from console.core.texts import in_language
from console.core.transaction import transaction
from console.customers.models import TaxStatus
from tests import factories
from tests.billing.pdf.papers import (
    NAMES,
    code_in,
    flaws_of,
    make_buyer,
    make_long,
    pages_of,
    pictures_of,
    seen_by_zbar,
    text_of,
)
from tests.factories.migrations import make_move

pytestmark = pytest.mark.only("sqlite")


def test_a_pro_forma_says_all_and_its_code_is_read(session: Session) -> None:
    proforma = make_long(make_buyer(), 3)
    content = make(key_of(proforma, "sr_Latn"))
    text = text_of(content)
    for words in (
        "Predračun", proforma.number, "Mint Hosting", "Kupac", NAMES, "Žarka Čolića 7 ж", "Šabac", "Rok", "20 %",
        "10 %", "Bez PDV-a", proforma.reference, "840-955845-10", "Predračun nije poreski dokument", "Strana 1 od 1",
    ):  # fmt: skip
        assert words in text or words in text.replace("\n", " "), words
    assert "fiskaln" not in text.lower() and "faktura" not in text.lower()
    how = instructions_for(proforma, proforma.total)
    assert how.code is not None and code_in(content) == how.code == seen_by_zbar(pictures_of(content)[0])
    assert f"RO:97{proforma.reference}" in how.code and "SF:221" in how.code
    assert flaws_of(content) == []


@pytest.mark.parametrize("payee", ["Mint Hosting d.o.o.", "Đorđe Žižić pr Šabac", "Љубиша Ђоковић"])
def test_zbar_reads_the_code_to_the_letter(session: Session, payee: str) -> None:
    proforma = factories.make_proforma(make_buyer())
    how = instructions_for(proforma, proforma.total)
    assert how.code is not None and how.code.isascii()
    text = how.code.replace("Mint Hosting d.o.o.", payee)
    code = squares(text)
    picture = Image.new("L", (code.size + 2 * QUIET,) * 2, 255)
    for bar in code.bars:
        left, top = bar.column + QUIET, bar.row + QUIET
        picture.paste(0, (left, top, left + bar.length, top + 1))
    assert seen_by_zbar(picture.resize((picture.width * 4,) * 2)) == text


def test_its_note_and_discounts_are_on_it_and_go_over_the_page(session: Session) -> None:
    """What the buyer was told on the page they are told on the paper."""
    lines = [f"{place}. rata do kraja meseca" for place in range(1, 66)]
    items = (ItemData("Izrada sajta", 90_000, discount=10_000, discount_bp=1_000), ItemData("Rad", 4_500, discount=500))
    data = ProformaData("RSD", factories.today(), items, note="\n".join(["Hvala na poverenju.", *lines]))
    with transaction():
        number = make_proforma(SYSTEM, make_buyer(), data, "k")["number"]
    proforma = session.query(Proforma).filter_by(number=number).one()
    content = make(key_of(proforma, "sr_Latn"))
    text = text_of(content)
    for words in ("Cena 1.000,00, popust 10 %", "Cena 50,00, popust 5,00", "Hvala na poverenju.", *lines):
        assert words in text.replace("\n", " "), words
    assert len(pages_of(content)) > 1 and flaws_of(content) == []
    with transaction():
        cancel_proforma(SYSTEM, proforma, "Pogrešno")
    assert "Cena −1.000,00, popust 10 %" in text_of(make(key_of(session.query(Storno).one(), "sr_Latn")))


def test_in_english(session: Session) -> None:
    proforma = make_long(make_buyer(), 1)
    text = text_of(make(key_of(proforma, "en")))
    for words in ("Pro-forma", "Buyer", "12,000.00", "not a tax document", "Page 1 of 1", NAMES):
        assert words in text.replace("\n", " "), words
    assert "invoice" not in text.lower() and "fiscal" not in text.lower()


def test_in_euros_with_iban_and_bic_and_without_a_code(session: Session) -> None:
    proforma = make_long(make_buyer(tax_status=TaxStatus.ABROAD, country="AT"), 1, "EUR")
    content = make(key_of(proforma, "en"))
    text = text_of(content)
    assert "RS35 1050 0812 3123 1231 73" in text and "AIKBRS22" in text
    assert "the place of supply is the buyer’s" in text and "0 %" in text
    assert instructions_for(proforma, proforma.total).code is None
    with pytest.raises(ValueError, match="not enough values"):
        code_in(content)


def test_forty_lines_repeat_their_head_and_totals_are_never_alone(session: Session) -> None:
    for lines in (14, 15, 40):
        pages = pages_of(make(key_of(make_long(make_buyer(), lines), "sr_Latn")))
        count = len(pages)
        assert count == (3 if lines == 40 else count) and count > 1 - (lines < 17)
        for place, page in enumerate(pages, 1):
            assert f"Strana {place} od {count}" in page
        with_rows = [page for page in pages if "Hosting Premium" in page]
        assert all("Količina" in page for page in with_rows)
        totals = next(page for page in pages if re.search(r"Ukupno.*RSD", page.replace("\n", " ")))
        assert totals.count("Hosting Premium") >= 2
    text = "\n".join(pages)
    assert text.count("Hosting Premium") == 40


def test_a_storno_cites_what_it_cancels_with_the_sign_turned(session: Session) -> None:
    proforma = factories.make_proforma(make_buyer(), cancelled=True)
    storno = session.query(Storno).one()
    content = make(key_of(storno))
    text = text_of(content).replace("\n", " ")
    for words in ("Storno", storno.number, proforma.number, "−14.400,00 RSD", "Pogrešno izdato", NAMES):
        assert words in text, words
    assert "kredit" not in text
    assert flaws_of(content) == []


def test_a_storno_says_what_had_been_paid_and_is_on_credit(session: Session) -> None:
    factories.make_proforma(make_buyer(), paid=440_000, cancelled=True)
    content = make(key_of(session.query(Storno).one(), "en"))
    assert "4,400.00 RSD was put on the account’s credit." in text_of(content).replace("\n", " ")


def test_the_record_of_a_migration_tells_each_side_its_own(session: Session) -> None:
    move = make_move(old=(old := make_buyer()), services=[factories.make_service(old)])
    factories.make_proforma(old, move.services)
    move.to_approved().execute()
    migration = move.migration()
    before, after = (text_of(make(record_key(migration, side, "sr_Latn"))).replace("\n", " ") for side in Side)
    (source,) = session.query(Proforma).filter(Proforma.customer_id == old.id)
    (storno,) = session.query(Storno)
    (made,) = session.query(Proforma).filter(Proforma.customer_id == move.new.id)
    assert all(words in before for words in (migration.ref, NAMES, source.number, storno.number, move.new.number))
    assert made.number not in before and move.new.name not in before
    assert all(words in after for words in (migration.ref, move.new.name, made.number))
    assert not any(words in after for words in (source.number, storno.number, NAMES, old.number))


def test_another_process_makes_the_same_bytes_and_loads_the_library_late(session: Session) -> None:
    proforma = make_long(make_buyer(), 5)
    with in_language("sr_Latn"):
        sheet = sheet_of(proforma)
    script = (
        "import hashlib, pickle, sys\n"
        "import console.billing.pdf.files, console.billing.pdf.jobs, console.billing.pdf.statement\n"
        "from console.billing.pdf.layout import render\n"
        "assert 'fpdf' not in sys.modules\n"
        "print(hashlib.sha256(render(pickle.load(sys.stdin.buffer))).hexdigest())\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    other = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(sheet), env=environment, capture_output=True, check=True
    )
    assert other.stdout.decode().strip() == content_digest(make(key_of(proforma, "sr_Latn")))


@pytest.mark.parametrize("total", [1, 99_999_999_999_99])
def test_amounts_of_thirteen_digits_stay_whole(session: Session, total: int) -> None:
    proforma = factories.make_proforma(make_buyer(), [factories.LineSpec(None, net=total, tax_bp=0)])
    text = text_of(make(key_of(proforma, "sr_Latn")))
    assert {1: "0,01 RSD", 99_999_999_999_99: "99.999.999.999,99 RSD"}[total] in text
    assert text.count({1: "0,01", 99_999_999_999_99: "99.999.999.999,99"}[total]) >= 4
