"""Each format read back as it was written, and what is wrong with a file said by line."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.billing.statements.readers import FORMATS, StatementFile, UnreadableStatement, read
from console.billing.statements.readers.statement import Statement, StatementLine
from tests.billing.statements.writers import IN_EUROS, NO_BALANCES, WRITERS, write_office_banking
from tests.support.server import ROOT

DAY = date(2026, 11, 23)
OWN, OTHER = "840000000095584510", "160000000000003718"
_letters = st.text("abcdefghijkLMNOPčćžšđČĆŽŠĐ .&'", min_size=1, max_size=30).map(lambda text: " ".join(text.split()))
_names = _letters.filter(lambda text: text[:1].isalpha())
_references = st.from_regex(r"[0-9]{1,18}", fullmatch=True).filter(lambda text: text.strip("0") != "")
_amounts = st.one_of(st.integers(1, 10**12), st.integers(-(10**12), -1))


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """Return a statement that every format can hold."""
    count = draw(st.integers(1, 6))
    opening = draw(st.integers(-(10**13), 10**13))
    currency = draw(st.sampled_from(["RSD", "EUR"]))
    lines = [
        StatementLine(
            position=place + 1,
            booked_on=DAY - timedelta(days=draw(st.integers(0, 3))),
            amount=draw(_amounts),
            currency=currency,
            reference=draw(st.one_of(st.just(""), _references)),
            payer=draw(_names),
            payer_account=OTHER,
            purpose=draw(_names),
            bank_id=f"B{place}-{draw(st.integers(0, 9999))}",
        )
        for place in range(count)
    ]
    lines = [replace(one, model="97" if one.reference and draw(st.booleans()) else "") for one in lines]
    total = sum(one.amount for one in lines)
    first = min(DAY, *(one.booked_on for one in lines))
    return Statement(OWN, str(draw(st.integers(1, 366))), currency, first, DAY, opening, opening + total, tuple(lines))


def plain(one: Statement, *, balances: bool = True) -> Statement:
    """Return what a format says of a statement, without where it says it."""
    lines = tuple(replace(line, row=0) for line in one.lines)
    bare = replace(one, lines=lines, count=None, debits=None, credits=None)
    return bare if balances else replace(bare, opening=None, closing=None)


@pytest.mark.parametrize("key", WRITERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250", "cp852", "utf-16"])
@given(case=statements())
def test_reads_back_what_was_written(key: str, encoding: str, case: Statement) -> None:
    if key not in IN_EUROS:
        case = replace(case, currency="RSD", lines=tuple(replace(line, currency="RSD") for line in case.lines))
    if key in ("csv", "halcom_extended"):  # the period is that of its lines
        case = replace(case, closed_on=max(line.booked_on for line in case.lines))
    if encoding in ("cp1250", "cp852"):  # told apart by Serbian letters alone, so there is one
        case = replace(case, lines=(replace(case.lines[0], payer="Đurđa Žikić"), *case.lines[1:]))
    written = WRITERS[key](case).replace('encoding="utf-8"', "").replace('encoding="UTF-8"', "")
    found = read(written.encode(encoding))
    assert found.format == key
    assert [plain(one) for one in found.statements] == [plain(case, balances=key not in NO_BALANCES)]


def a_statement(*amounts: int, opening: int = 100_000) -> Statement:
    """Return a statement of plain lines."""
    lines = tuple(
        StatementLine(
            position=place,
            booked_on=DAY,
            amount=amount,
            currency="RSD",
            reference=f"16{place:04d}",
            model="97",
            payer=f"Platilac {place} Čačak",
            payer_account=OTHER,
            purpose="Uplata po predračunu",
            bank_id=f"X{place}",
        )
        for place, amount in enumerate(amounts, 1)
    )
    return Statement(OWN, "15", "RSD", DAY, DAY, opening, opening + sum(amounts), lines)


def refusal(content: bytes) -> str:
    """Return what is said of a file that cannot be read, with the lines."""
    with pytest.raises(UnreadableStatement) as caught:
        read(content)
    return str(caught.value)


def written(key: str, *amounts: int) -> str:
    return WRITERS[key](a_statement(*(amounts or (250_050, -1_000, 99_00))))


@pytest.mark.parametrize("key", WRITERS)
def test_cut_file(key: str) -> None:
    text = written(key)
    if key in NO_BALANCES:
        message = refusal(text[: len(text) - 40].encode())  # in the middle of a line
    else:
        message = refusal(text[: text.index("Platilac 3")].encode())
    assert message


@pytest.mark.parametrize("key", sorted(set(WRITERS) - NO_BALANCES))
def test_wrong_sums(key: str) -> None:
    case = a_statement(250_050, -1_000)
    text = WRITERS[key](replace(case, closing=(case.closing or 0) + 1))
    assert "3.490,51 RSD" in refusal(text.encode()) or "349.051" in refusal(text.encode())


@pytest.mark.parametrize("key", WRITERS)
def test_doubled_line(key: str) -> None:
    case = a_statement(250_050, 250_050)
    twin = replace(case.lines[0], position=2)
    message = refusal(WRITERS[key](replace(case, lines=(*case.lines, twin))).encode())
    assert message
    if key in NO_BALANCES:
        assert message.startswith("4: ")
        assert "2" in message


@pytest.mark.parametrize(
    ("key", "ours", "other"),
    [
        ("office_banking", "<curdef>DIN</curdef>\n<refmodel>", "<curdef>EUR</curdef>\n<refmodel>"),
        ("camt053", '<Ntry><Amt Ccy="RSD">', '<Ntry><Amt Ccy="EUR">'),
    ],
)
def test_a_line_in_another_currency_is_refused(key: str, ours: str, other: str) -> None:
    """Its amount would be booked as so many dinars: the sums hold either way."""
    text = written(key)
    assert text.count(ours) == 3
    message = refusal(text.replace(ours, other, 1).encode())
    assert "EUR" in message and int(message.partition(":")[0]) > 1


def test_a_line_that_names_no_currency_has_that_of_its_statement() -> None:
    text = written("office_banking").replace("<curdef>DIN</curdef>\n<refmodel>", "<refmodel>")
    (found,) = read(text.replace("<curdef>DIN</curdef>", "<curdef>EUR</curdef>").encode()).statements
    assert found.currency == "EUR" and len(found.lines) == 3


def test_two_payments_alike_in_everything_pass_where_the_balances_prove_them() -> None:
    case = a_statement(250_050)
    twice = replace(
        case, lines=(*case.lines, replace(case.lines[0], position=2)), closing=(case.closing or 0) + 250_050
    )
    assert len(read(WRITERS["halcom"](twice).encode()).statements[0].lines) == 2


def test_a_flaw_names_its_line() -> None:
    text = written("csv").replace("-10,00", "ten")
    assert refusal(text.encode()).startswith("3: amount")
    text = written("halcom").replace("23.11.26", "33.11.26", 1)
    assert refusal(text.encode()).startswith("1: ")
    text = written("mt940").replace(":61:2611231123D10,00", ":61:261123x")
    assert refusal(text.encode()).startswith("14: ")
    text = written("office_banking").replace("<benefit>debit", "<benefit>both")
    assert refusal(text.encode()).startswith("18: ")


def test_every_flaw_is_said_up_to_twenty() -> None:
    with pytest.raises(UnreadableStatement) as caught:
        read(WRITERS["csv"](a_statement(*([1_00] * 50))).replace("1,00", "?").encode())
    assert len(caught.value.flaws) == 20
    assert [flaw.row for flaw in caught.value.flaws[:3]] == [2, 3, 4]


def test_wrong_encoding() -> None:
    cyrillic = written("csv").replace("Platilac 1 Čačak", "Ђорђе Петровић из Чачка")
    message = refusal(cyrillic.replace("č", "c").replace("Č", "C").encode("cp1251"))
    assert message.startswith("2: ")
    assert "UTF-8" in message
    assert read(cyrillic.encode()).statements[0].lines[0].payer == "Ђорђе Петровић из Чачка"
    damaged = written("csv").encode("utf-8-sig").replace("Platilac 3 Č".encode(), b"Platilac 3 \xc4")
    assert refusal(damaged).startswith("4: ")
    assert "windows-1251" in refusal(written("camt053").replace("UTF-8", "windows-1251").encode())
    assert refusal(written("csv").replace("Platilac 2", "Plat\x00ilac").encode()).startswith("3: ")


def test_document_type_is_refused_before_an_entity_is_read() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE stmtrs [<!ENTITY l0 "ha">{laughs}]><stmtrs><acctid>&l9;</acctid></stmtrs>'
    begun = time.process_time()  # others on this machine do not count; a billion letters take minutes
    assert "DOCTYPE" in refusal(bomb.encode())
    assert time.process_time() - begun < 2
    outside = '<!DOCTYPE stmtrs SYSTEM "file:///etc/passwd"><stmtrs/>'
    assert "DOCTYPE" in refusal(outside.encode())
    hidden = "<!--" + " " * 30_000 + "--><!DOCTYPE Document [<!ENTITY x 'y'>]><Document/>"
    assert refusal(hidden.encode())
    within = written("office_banking").replace("<stmtrs>", "<!DOCTYPE stmtrs [<!ENTITY x 'y'>]><stmtrs>", 1)
    assert "DOCTYPE" in refusal(within.encode())
    assert refusal(written("office_banking").replace("Uplata", "&nbsp;").encode())


def test_nested_without_end() -> None:
    assert "39" in refusal(("<stmtrs>" + "<a>" * 100_000).encode()) or refusal(("<stmtrs>" + "<a>" * 100).encode())


def test_what_is_no_statement() -> None:
    assert "PDF" in refusal(b"%PDF-1.7 and more")
    assert "rss" in refusal(b"<?xml version='1.0'?><rss/>")
    assert refusal(b"hello")
    assert refusal(b"")
    assert refusal(b"\xff\xfe")
    assert "account" in refusal(b"date,amount,reference\n")
    assert "Missing column" in refusal(b"date,amount\n") or refusal(b"date,amount\n")


def test_several_statements_in_one_file() -> None:
    first, second = a_statement(100_00), replace(a_statement(200_00), number="16")
    texts = [write_office_banking(one).partition("?>")[2] for one in (first, second)]
    found = read(f"<stmtrslist>{''.join(texts)}</stmtrslist>".encode()).statements
    assert [one.number for one in found] == ["15", "16"]
    found = read((WRITERS["mt940"](first) + WRITERS["mt940"](second)).encode()).statements
    assert [len(one.lines) for one in found] == [1, 1]


def test_swift_message_that_goes_on_in_the_next() -> None:
    first = a_statement(100_00)
    second = a_statement(200_00, opening=first.closing or 0)
    text = WRITERS["mt940"](first).replace(":62F:", ":62M:")
    text += WRITERS["mt940"](second).replace(":60F:", ":60M:").replace("/1", "/2")
    (found,) = read(text.encode()).statements
    assert [line.position for line in found.lines] == [1, 2]
    assert (found.opening, found.closing) == (first.opening, second.closing)


def test_cancelled_bookings_of_halcom() -> None:
    text = written("halcom", 250_050, -1_000)
    assert text[18:20] == "20"
    reversed_ = text[:18] + "40" + text[20:]  # money that came in and left again
    lines = reversed_.split("\r\n")
    recap = lines[2][:102] + f"{100_000 - 250_050 - 1_000:018d}"[:18] + lines[2][120:]
    (found,) = read("\r\n".join([lines[0], lines[1], recap]).encode()).statements
    assert [line.amount for line in found.lines] == [-250_050, -1_000]


def test_batch_of_camt_becomes_a_line_for_each_payment() -> None:
    text = written("camt053", 300_00)
    details = text[text.index("<TxDtls>") : text.index("</TxDtls>") + len("</TxDtls>")]
    parts = "".join(
        details.replace("<TxDtls>", f'<TxDtls><Amt Ccy="RSD">{amount}</Amt>').replace("160001", reference)
        for amount, reference in (("100.00", "160007"), ("200.00", "160008"))
    )
    (found,) = read(text.replace(details, parts).encode()).statements
    assert [(line.amount, line.reference) for line in found.lines] == [(100_00, "160007"), (200_00, "160008")]


def test_every_format_has_a_writer() -> None:
    assert set(FORMATS) == set(WRITERS)
    assert isinstance(read(written("csv").encode()), StatementFile)


def test_encoding_that_an_xml_file_declares() -> None:
    text = written("camt053").replace("UTF-8", "windows-1250")
    assert read(text.encode("cp1250")).statements[0].lines[0].payer == "Platilac 1 Čačak"
    assert refusal(text.replace("windows-1250", "UTF-8").encode("cp1250")).startswith("11: ")


def test_documented_example_is_read() -> None:
    (found,) = read((ROOT / "docs/examples/statement.csv").read_bytes()).statements
    assert [line.amount for line in found.lines] == [9_480_00, 8_920_00, -1_250_00]
    assert (found.account, found.number, found.lines[0].reference) == (OWN, "227", "93 2026 000040")


@pytest.mark.parametrize(
    ("number", "model", "expected"),
    [
        ("(97)16-22", "", ("16-22", "97")),
        ("16-22", "97", ("16-22", "97")),
        ("0000", "00", ("", "")),
        ("", "97", ("", "")),
        ("97 16-22", "", ("97 16-22", "")),
    ],
)
def test_reference_and_model(number: str, model: str, expected: tuple[str, str]) -> None:
    from console.billing.statements.readers import fields

    assert fields.reference(number, model) == expected
