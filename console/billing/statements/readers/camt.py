"""camt.053 of ISO 20022, whichever version: one ``Stmt`` is one statement, one ``Ntry`` one booking.

A booking that the bank made of several payments is a line for each of them where each says its amount, and one line
where they do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from console.billing.statements.readers import fields, markup
from console.billing.statements.readers.markup import Element
from console.billing.statements.readers.statement import Flaw, Flaws, Statement, StatementLine, UnreadableStatement
from console.core.texts import lazy_gettext

STATEMENT, ENTRY = "Stmt", "Ntry"
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)
_BOOKED = ("", "BOOK")


@dataclass(frozen=True)
class _Balance:
    amount: int
    currency: str
    day: date | None


def read(text: str) -> list[Statement]:
    """Read every statement of a file.

    Raises:
        UnreadableStatement: by line.
    """
    flaws = Flaws()
    root = markup.parse(
        text, statements=frozenset({STATEMENT}), record=ENTRY, convert=lambda one, count: _lines(one, count, flaws)
    )
    flaws.check()
    message = root.find("BkToCstmrStmt")
    found = message.every(STATEMENT) if message is not None else []
    if not found:
        raise UnreadableStatement(Flaw(lazy_gettext("There is no statement in this file."), root.row))
    statements = [_statement(one, flaws) for one in found]
    flaws.check()
    return [one for one in statements if one is not None]


def _statement(root: Element, flaws: Flaws) -> Statement | None:
    try:
        account = fields.account(root.value("Acct/Id/IBAN", "Acct/Id/Othr/Id"))
        opening, closing = _balance(root, _OPENING), _balance(root, _CLOSING)
        code = fields.currency(root.value("Acct/Ccy") or next(_currencies(root, opening, closing), ""))
        days = _days(root, closing)
    except ValueError as error:
        flaws.add(
            lazy_gettext("The header of the statement cannot be read: %(value)s", value=str(error)[:60]), root.row
        )
        return None
    if not account:
        flaws.add(lazy_gettext("The statement names no account."), root.row)
        return None
    said = root.value("TxsSummry/TtlNtries/NbOfNtries")
    if said.isdecimal() and int(said) != root.records:
        flaws.add(
            lazy_gettext(
                "The file should have %(said)d lines but has %(count)d. It is incomplete or was changed.",
                said=int(said),
                count=root.records,
            ),
            root.row,
        )
    return Statement(
        account=account,
        number=root.value("LglSeqNb", "ElctrncSeqNb", "Id")[:20],
        currency=code,
        opened_on=min(days),
        closed_on=max(days),
        opening=None if opening is None else opening.amount,
        closing=None if closing is None else closing.amount,
        lines=tuple(root.lines),
    )


def _currencies(root: Element, *balances: _Balance | None) -> Iterator[str]:
    yield from (one.currency for one in balances if one is not None and one.currency)
    yield from (line.currency for line in root.lines[:1])


def _days(root: Element, closing: _Balance | None) -> list[date]:
    days = [line.booked_on for line in root.lines]
    days += [fields.day(text) for text in (root.value("FrToDt/FrDtTm"), root.value("FrToDt/ToDtTm")) if text]
    if closing is not None and closing.day is not None:
        days.append(closing.day)
    return days or [fields.day(root.value("CreDtTm"))]


def _balance(root: Element, kinds: tuple[str, ...]) -> _Balance | None:
    """Return the first balance of one of these kinds."""
    for kind in kinds:
        for one in root.every("Bal"):
            if one.value("Tp/CdOrPrtry/Cd") == kind:
                size, code = _amount(one)
                day = one.value("Dt/Dt", "Dt/DtTm")
                return _Balance(_signed(one, size), code, fields.day(day) if day else None)
    return None


def _amount(holder: Element, path: str = "Amt") -> tuple[int, str]:
    """Return an amount and its currency.

    Raises:
        ValueError: none, or none that can be read.
    """
    found = holder.find(path)
    if found is None:
        raise ValueError(path)
    return fields.amount(found.text), found.attributes.get("Ccy", "")


def _signed(holder: Element, size: int) -> int:
    return -size if holder.value("CdtDbtInd") == "DBIT" else size


def _lines(entry: Element, count: int, flaws: Flaws) -> list[StatementLine]:
    if entry.value("Sts/Cd", "Sts") not in _BOOKED:
        return []  # announced, not booked: it comes again when it is
    direction = entry.value("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        flaws.add(lazy_gettext("Neither incoming nor outgoing: %(value)s", value=direction or "—"), entry.row)
        return []
    try:
        size, code = _amount(entry)
        code = fields.currency(code)
        booked_on = fields.day(entry.value("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm"))
        parts = _parts(entry, size)
        return [
            _line(entry, details, count + place, _signed(entry, part), code, booked_on)
            for place, (details, part) in enumerate(parts, 1)
        ]
    except ValueError as error:
        flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), entry.row)
        return []


def _parts(entry: Element, size: int) -> list[tuple[Element, int]]:
    """Return the payments that a booking consists of, with their amounts."""
    details = [one for holder in entry.every("NtryDtls") for one in holder.every("TxDtls")]
    if len(details) < 2:
        return [(details[0] if details else entry, size)]
    amounts = []
    for one in details:
        path = next((path for path in ("Amt", "AmtDtls/TxAmt/Amt") if one.find(path) is not None), None)
        if path is None:
            return [(entry, size)]
        amounts.append(_amount(one, path)[0])
    return list(zip(details, amounts, strict=True)) if sum(amounts) == size else [(entry, size)]


def _line(
    entry: Element, details: Element, position: int, amount: int, currency: str, booked_on: date
) -> StatementLine:
    side = "Dbtr" if entry.value("CdtDbtInd") == "CRDT" else "Cdtr"
    remittance = details.find("RmtInf")
    text = " ".join(one.text for one in remittance.every("Ustrd")) if remittance is not None else ""
    number, model = fields.reference(
        details.value("RmtInf/Strd/CdtrRefInf/Ref", "Refs/EndToEndId").removeprefix("NOTPROVIDED")
    )
    account = details.value(f"RltdPties/{side}Acct/Id/IBAN", f"RltdPties/{side}Acct/Id/Othr/Id")
    return StatementLine(
        position=position,
        booked_on=booked_on,
        amount=amount,
        currency=currency,
        reference=number,
        model=model,
        payer=fields.name(details.value(f"RltdPties/{side}/Nm", f"RltdPties/{side}/Pty/Nm")),
        payer_account=fields.account(account),
        purpose=fields.purpose(text or entry.value("AddtlNtryInf")),
        bank_id=fields.bank_id(details.value("Refs/AcctSvcrRef") or entry.value("AcctSvcrRef", "NtryRef")),
        row=entry.row,
    )
