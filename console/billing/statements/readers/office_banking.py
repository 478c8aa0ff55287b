"""XML of FX Client and Office Banking (Asseco): ``stmtrs``, ``pmtnotification``, or several in a ``stmtrslist``.

``ledgerbal`` is the balance that the statement before it closed with, ``availbal`` the one that this closes with.
``refnumber`` is the reference of the account's owner; some banks fill ``payeerefnumber`` alone.
"""

from __future__ import annotations

from console.billing.statements.readers import fields, markup
from console.billing.statements.readers.markup import Element
from console.billing.statements.readers.statement import Flaw, Flaws, Statement, StatementLine, UnreadableStatement
from console.core.texts import lazy_gettext

ROOTS = frozenset({"stmtrs", "pmtnotification"})
LIST = "stmtrslist"
_FINE = ("", "0")


def read(text: str) -> list[Statement]:
    """Read every statement of a file.

    Raises:
        UnreadableStatement: by line.
    """
    flaws = Flaws()
    root = markup.parse(text, statements=ROOTS, record="stmttrn", convert=lambda one, count: _lines(one, count, flaws))
    flaws.check()
    found = [root] if root.tag in ROOTS else [one for one in root.children if one.tag in ROOTS]
    if not found:
        raise UnreadableStatement(Flaw(lazy_gettext("There is no statement in this file."), root.row))
    statements = [_statement(one, flaws) for one in found]
    flaws.check()
    return [one for one in statements if one is not None]


def _statement(root: Element, flaws: Flaws) -> Statement | None:
    status = root.value("status/code")
    if status not in _FINE:
        flaws.add(
            lazy_gettext("The bank answered with an error (%(code)s) instead of a statement.", code=status), root.row
        )
        return None
    try:
        code = fields.currency(root.value("curdef") or "RSD")
        account = fields.account(root.value("acctid"))
        opening = _balance(root, "ledgerbal")
        closing = _balance(root, "availbal")
        day = root.value("availbal/dtasof", "dtasof")
        closed_on = fields.day(day) if day else max(line.booked_on for line in root.lines)
    except ValueError as error:
        flaws.add(lazy_gettext("The header of the statement cannot be read: %(value)s", value=_of(error)), root.row)
        return None
    if not account:
        flaws.add(lazy_gettext("The statement names no account."), root.row)
        return None
    listed = root.find("trnlist")
    if listed is None:
        flaws.add(lazy_gettext("The statement has no list of lines (%(tag)s).", tag="trnlist"), root.row)
        return None
    said = listed.attributes.get("count", "")
    days = [line.booked_on for line in root.lines]
    return Statement(
        account=account,
        number=root.value("stmtnumber")[:20],
        currency=code,
        opened_on=min([closed_on, *days]),
        closed_on=max([closed_on, *days]),
        opening=opening,
        closing=closing,
        lines=tuple(root.lines),
        count=int(said) if said.isdecimal() else None,
    )


def _balance(root: Element, tag: str) -> int | None:
    text = root.value(f"{tag}/balamt")
    return fields.amount(text) if text else None


def _lines(record: Element, count: int, flaws: Flaws) -> list[StatementLine]:
    direction = record.value("benefit").lower()
    if direction not in ("credit", "debit"):
        flaws.add(lazy_gettext("Neither incoming nor outgoing: %(value)s", value=direction or "—"), record.row)
        return []
    try:
        size = abs(fields.amount(record.value("trnamt")))
        booked_on = fields.day(record.value("dtposted", "dtasof", "dtavail", "dtuser"))
        code = fields.currency(said) if (said := record.value("curdef")) else ""
        payer_account = fields.account(record.value("payeeaccountinfo/acctid"))
    except ValueError as error:
        flaws.add(lazy_gettext("This cannot be read: %(value)s", value=_of(error)), record.row)
        return []
    number, model = fields.reference(record.value("refnumber"), record.value("refmodel"))
    if not number:
        number, model = fields.reference(record.value("payeerefnumber"), record.value("payeerefmodel"))
    line = StatementLine(
        position=count + 1,
        booked_on=booked_on,
        amount=size if direction == "credit" else -size,
        currency=code,
        reference=number,
        model=model,
        payer=fields.name(record.value("payeeinfo/name")),
        payer_account=payer_account,
        purpose=fields.purpose(record.value("purpose")),
        bank_id=fields.bank_id(record.value("fitid")),
        row=record.row,
    )
    return [line]


def _of(error: ValueError) -> str:
    return str(error)[:60]
