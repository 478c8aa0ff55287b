"""Reading a bank statement from whatever a bank gives: which format it is, its content says.

``read`` knows no database and no request: it may run in a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.billing.statements.readers import camt, checks, fx_client, halcom, markup, office_banking, swift, table
from console.billing.statements.readers.encodings import decode
from console.billing.statements.readers.statement import Flaw, Statement, StatementLine, UnreadableStatement
from console.core.errors import Text
from console.core.texts import lazy_gettext

DOCUMENT_TYPE = "!DOCTYPE"


@dataclass(frozen=True)
class StatementFile:
    """A file that was read: which format it is of, and its statements. ``format`` is a key of :data:`FORMATS`."""

    format: str
    statements: list[Statement]


@dataclass(frozen=True)
class Format:
    """One format: how its content is known, and what reads it."""

    name: str
    is_one: Callable[[str], bool]
    read: Callable[[str], list[Statement]]


def _root(text: str) -> str:
    """Return the name of an XML document's first element, without a namespace's prefix."""
    rest = text[:20_000].lstrip()
    while rest.startswith(("<?", "<!--")):
        end = "?>" if rest.startswith("<?") else "-->"
        rest = rest.partition(end)[2].lstrip()
    name = rest[1:100].replace("/", " ").replace(">", " ").split()
    return name[0].rpartition(":")[2] if rest.startswith("<") and name else ""


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n", 50) if line.strip()), "")


FORMATS = {
    "camt053": Format(
        "camt.053", lambda text: _root(text) == "Document" and "BkToCstmrStmt" in text[:20_000], camt.read
    ),
    "office_banking": Format(
        "FX Client / Office Banking XML",
        lambda text: _root(text) in {*office_banking.ROOTS, office_banking.LIST},
        office_banking.read,
    ),
    "mt940": Format("MT940", swift.is_swift, swift.read),
    "halcom_extended": Format(
        "Halcom #", lambda text: text.lstrip()[:20].upper().startswith(halcom.EXTENDED), halcom.read_extended
    ),
    "halcom": Format(
        "Halcom TXT", lambda text: halcom.is_line(_first_line(text)) or halcom.is_recap(_first_line(text)), halcom.read
    ),
    "fx_client": Format("FX Client TXT", lambda text: fx_client.is_record(_first_line(text)), fx_client.read),
    "csv": Format("CSV", table.is_table, table.read),
}


def read(content: bytes) -> StatementFile:
    """Read a file and check that its statements do not contradict themselves.

    Raises:
        UnreadableStatement: with all that is wrong, by line.
    """
    text = decode(content)
    if not text.strip():
        raise UnreadableStatement(Flaw(lazy_gettext("The file is empty.")))
    if _root(text) == DOCUMENT_TYPE:
        raise markup.document_type()
    key = next((key for key, one in FORMATS.items() if one.is_one(text)), None)
    if key is None:
        raise UnreadableStatement(Flaw(_unknown(text)))
    statements = FORMATS[key].read(text)
    for one in statements:
        checks.check(one)
    return StatementFile(key, statements)


def _unknown(text: str) -> Text:
    if text.lstrip().startswith("<"):
        return lazy_gettext(
            "This XML is not a bank statement: its first element is %(name)s.", name=_root(text)[:40] or "—"
        )
    if text.lstrip().startswith("%PDF"):
        return lazy_gettext("This is a PDF. Ask your bank for the statement as a file for import.")
    return lazy_gettext(
        "This format cannot be imported. Supported are CSV, Halcom TXT, FX Client TXT and XML, MT940, camt.053."
    )


__all__ = ["FORMATS", "Statement", "StatementFile", "StatementLine", "UnreadableStatement", "read"]
