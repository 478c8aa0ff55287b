"""MT940 of SWIFT, read by ``mt-940``: accounts abroad, and the SWIFT export of FX Client.

The library does not say where a tag is that it cannot read, and writes it into the log. So each line that it would
stumble over is found before. Field 86 is read here: what FX Client writes into it (``?21SIF-``, ``?23PBO-``) is no one
else's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import mt940

from console.billing.statements.readers import fields
from console.billing.statements.readers.statement import Flaws, Statement, StatementLine
from console.core.money import MINOR
from console.core.texts import lazy_gettext

START = ":20:"
_TAG = re.compile(r":(\d\d[A-Z]?|NS):")
_BALANCE = re.compile(r"[CD]\d{6}[A-Z]{3}\d{1,15}(,\d{0,2})?")
_FORMS = {
    "25": re.compile(r"\S.{0,39}"),
    "28": re.compile(r"\d{1,5}(/\d{1,5})?"),
    "28C": re.compile(r"\d{1,5}(/\d{1,5})?"),
    "60F": _BALANCE,
    "60M": _BALANCE,
    "61": re.compile(r"\d{6}(\d{4})?R?[CD][A-Z]?\d{1,15}(,\d{0,2})?[A-Z][A-Z0-9]{3}.*"),
    "62F": _BALANCE,
    "62M": _BALANCE,
}
_KNOWN = frozenset({"13", "13D", "20", "21", "34F", "64", "65", "86", "90C", "90D", *_FORMS})
_OPENING, _CLOSING = ("60F", "60M"), ("62F", "62M")
_PART = re.compile(r"\?(\d\d)")
_UNKNOWN = ("", "NONREF")
_OPTIONS = mt940.Options.all()
_RAW: dict[str, list[Any]] = {"post_transaction_details": []}  # field 86 as it came


@dataclass(frozen=True)
class _Block:
    """One message: from ``:20:`` to its closing balance."""

    row: int
    text: str
    line_rows: Sequence[int]


def read(text: str) -> list[Statement]:
    """Read every statement of a file; messages that go on in the next one are put together.

    Raises:
        UnreadableStatement: by line.
    """
    flaws = Flaws()
    blocks = _blocks(text, flaws)
    flaws.check()
    found: list[Statement] = []
    for block in blocks:
        statement = _statement(block, flaws)
        if statement is None:
            continue
        last = found[-1] if found else None
        if last is not None and _goes_on(last, statement):
            found[-1] = _joined(last, statement)
        else:
            found.append(statement)
    flaws.check()
    return found


def _blocks(text: str, flaws: Flaws) -> list[_Block]:
    blocks: list[_Block] = []
    lines: list[str] = []
    rows: list[int] = []
    start, seen, closed = 0, set[str](), True
    for row, line in enumerate(text.split("\n"), 1):
        found = _TAG.match(line)
        tag = found[1] if found else ""
        if tag == "20":
            _check_whole(seen, closed, start, flaws)
            lines, rows, start, seen, closed = [], [], row, set(), False
        elif closed:
            continue  # an envelope, or what follows a closing balance
        if found and tag not in _KNOWN:
            flaws.add(lazy_gettext("A field that MT940 does not have: %(tag)s", tag=f":{tag}:"), row)
        form = _FORMS.get(tag)
        value = line[found.end() :].strip() if found else ""
        if form is not None and not form.fullmatch(value):
            flaws.add(lazy_gettext("The field %(tag)s cannot be read.", tag=f":{tag}:"), row)
        if tag == "61":
            rows.append(row)
        seen.add(tag)
        lines.append(line)
        if tag in _CLOSING:
            closed = True
            _check_whole(seen, closed, start, flaws)
            blocks.append(_Block(start, "\n".join(lines), rows))
            seen = set()
    _check_whole(seen, closed, start, flaws)
    if not blocks:
        flaws.add(lazy_gettext("There is no statement in this file."), 1)
    return blocks


def _check_whole(seen: set[str], closed: bool, start: int, flaws: Flaws) -> None:
    if not seen:
        return
    if not closed:
        flaws.add(
            lazy_gettext("The statement has no closing balance (%(tag)s). The file is incomplete.", tag=":62F:"), start
        )
    for tags in (("25",), _OPENING):
        if not seen.intersection(tags):
            flaws.add(lazy_gettext("The statement lacks the field %(tag)s.", tag=f":{tags[0]}:"), start)


def _statement(block: _Block, flaws: Flaws) -> Statement | None:
    messages = mt940.models.Transactions(_RAW, options=_OPTIONS)
    try:
        messages.parse(block.text)
        data = messages.data
        opening = _balance(data, ("final_opening_balance", "intermediate_opening_balance"))
        closing = _balance(data, ("final_closing_balance", "intermediate_closing_balance"))
        code = fields.currency(opening[1])
        account = fields.account(str(data.get("account_identification", "")))
    except (ValueError, ArithmeticError, RuntimeError) as error:
        flaws.add(
            lazy_gettext("The header of the statement cannot be read: %(value)s", value=str(error)[:60]), block.row
        )
        return None
    if closing[1] != opening[1]:
        flaws.add(lazy_gettext("The balances are in two currencies."), block.row)
    lines: list[StatementLine] = []
    for row, one in zip(block.line_rows, messages, strict=True):
        try:
            lines.append(_line(one.data, len(lines) + 1, row, code))
        except ValueError as error:
            flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), row)
    days = [closing[2], *(line.booked_on for line in lines)]
    return Statement(
        account=account,
        number=str(data.get("statement_number") or "").lstrip("0"),
        currency=code,
        opened_on=min(days),
        closed_on=max(days),
        opening=opening[0],
        closing=closing[0],
        lines=tuple(lines),
    )


def _balance(data: dict[str, Any], names: Sequence[str]) -> tuple[int, str, date]:
    for name in names:
        found = data.get(name)
        if found is not None:
            return _minor(found.amount), str(found.amount.currency), fields.within(date(*found.date.timetuple()[:3]))
    raise ValueError(names[0])


def _minor(amount: Any) -> int:
    value = amount.amount * MINOR
    if value != int(value) or abs(value) > fields.MOST:
        raise ValueError(str(amount.amount))
    return int(value)


def _line(data: dict[str, Any], position: int, row: int, currency: str) -> StatementLine:
    amount = _minor(data["amount"])
    booked = data.get("entry_date") or data["date"]
    details = str(data.get("transaction_details") or "")
    parts = _parts(details)
    own = str(data.get("customer_reference") or "").strip()
    number, model = fields.reference(parts.get("PBO") or parts.get("PBZ") or ("" if own in _UNKNOWN else own))
    return StatementLine(
        position=position,
        booked_on=fields.within(date(*booked.timetuple()[:3])),
        amount=amount,
        currency=currency,
        reference=number,
        model=model,
        payer=fields.name(parts.get("payer", "")),
        payer_account=fields.account(parts.get("account", "")),
        purpose=fields.purpose(parts.get("purpose", details)),
        bank_id=fields.bank_id(str(data.get("bank_reference") or "")),
        row=row,
    )


def _parts(details: str) -> dict[str, str]:
    """Return what field 86 holds, where it has parts; nothing where it is a text alone."""
    pieces = _PART.split(details.replace("\n", ""))
    if len(pieces) < 3:
        return {}
    found: dict[str, str] = {}
    purpose: list[str] = []
    for tag, value in zip(pieces[1::2], pieces[2::2], strict=True):
        if value[:4] in ("PBO-", "PBZ-"):
            found[value[:3]] = value[4:].strip()
        elif tag in ("31", "30"):
            found["account"] = value if tag == "31" or "account" not in found else found["account"]
        elif tag == "32":
            found["payer"] = value
        elif "20" <= tag <= "29" and value[:4] != "SIF-":
            purpose.append(value)
    return found | {"purpose": " ".join(purpose)}


def _goes_on(first: Statement, second: Statement) -> bool:
    """Return whether the second message is more of the first one's statement."""
    return (
        bool(first.number)
        and (first.account, first.number, first.currency) == (second.account, second.number, second.currency)
        and first.closing == second.opening
    )


def _joined(first: Statement, second: Statement) -> Statement:
    count = len(first.lines)
    moved = [_moved(line, count) for line in second.lines]
    return Statement(
        account=first.account,
        number=first.number,
        currency=first.currency,
        opened_on=min(first.opened_on, second.opened_on),
        closed_on=max(first.closed_on, second.closed_on),
        opening=first.opening,
        closing=second.closing,
        lines=(*first.lines, *moved),
    )


def _moved(line: StatementLine, count: int) -> StatementLine:
    return replace(line, position=line.position + count)


def is_swift(text: str) -> bool:
    """Return whether a text is of this format, in an envelope or bare."""
    head = text[:4000].lstrip()
    return head.startswith((START, "{1:")) or f"\n{START}" in head[:400]
