"""Reading XML of a bank: streamed, by line, without a document type and so without entities.

A document type is refused before anything in it is read: what it could define (entities that grow, files, addresses)
no statement needs. The parser is Python's own, and asks no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias
from xml.parsers import expat

from console.billing.statements.readers.statement import Flaw, StatementLine, UnreadableStatement
from console.core.texts import lazy_gettext

Convert: TypeAlias = Callable[["Element", int], Iterable[StatementLine]]
DEEPEST = 40
_PIECE = 256 * 1024  # characters that the parser is given at once


class Element:
    """One element: its name without a namespace, its text, its children.

    Of a statement also its ``lines``, and how many ``records`` they were read from.
    """

    __slots__ = ("attributes", "children", "lines", "pieces", "records", "row", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], row: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.row = row
        self.pieces: list[str] = []
        self.children: list[Element] = []
        self.lines: list[StatementLine] = []
        self.records = 0

    @property
    def text(self) -> str:
        """Return its own text."""
        return "".join(self.pieces).strip()

    def find(self, path: str) -> Element | None:
        """Return the first descendant by the names on the way to it: ``ledgerbal/balamt``."""
        found: Element | None = self
        for tag in path.split("/"):
            found = next((one for one in found.children if one.tag == tag), None) if found is not None else None
        return found

    def value(self, *paths: str) -> str:
        """Return the text of the first of ``paths`` that has any."""
        for path in paths:
            found = self.find(path)
            if found is not None and found.text:
                return found.text
        return ""

    def every(self, tag: str) -> list[Element]:
        """Return the children of that name."""
        return [one for one in self.children if one.tag == tag]


def parse(text: str, *, statements: frozenset[str], record: str, convert: Convert) -> Element:
    """Return the root of a document whose records are not kept as elements, but as lines of their statement.

    Args:
        statements: the names of elements that are a statement.
        record: the name of the elements that are its lines.
        convert: makes the lines of a record, given how many the statement has before it.

    Raises:
        UnreadableStatement: it is cut, is no XML, has a document type, or is nested without end.
    """
    builder = _Builder(statements, record, convert)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes, parser.CurrentLineNumber)
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = lambda *_: _refuse_document_type(parser.CurrentLineNumber)
    try:
        for start in range(0, len(text), _PIECE):
            parser.Parse(text[start : start + _PIECE], False)
        parser.Parse("", True)
    except expat.ExpatError as error:
        message = lazy_gettext(
            "The XML ends or breaks here (%(reason)s). The file is incomplete or damaged.",
            reason=expat.ErrorString(error.code) or "?",
        )
        raise UnreadableStatement(Flaw(message, error.lineno)) from error
    if builder.root is None:  # expat would have said so
        raise UnreadableStatement(Flaw(lazy_gettext("The file is empty."), 1))
    return builder.root


def document_type(row: int | None = None) -> UnreadableStatement:
    """Return the refusal of a document that has a document type."""
    message = lazy_gettext("The file has a document type (DOCTYPE). No bank writes one, so it is not read.")
    return UnreadableStatement(Flaw(message, row))


def _refuse_document_type(row: int) -> None:
    raise document_type(row)


class _Builder:
    def __init__(self, statements: frozenset[str], record: str, convert: Convert) -> None:
        self.root: Element | None = None
        self._statements = statements
        self._record = record
        self._convert = convert
        self._open: list[Element] = []

    def start(self, tag: str, attributes: dict[str, str], row: int) -> None:
        if len(self._open) >= DEEPEST:
            raise UnreadableStatement(Flaw(lazy_gettext("The XML is nested deeper than any statement is."), row))
        element = Element(tag.rpartition(" ")[2], attributes, row)
        if self._open:
            if element.tag != self._record:
                self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def characters(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def end(self, _tag: Any) -> None:
        element = self._open.pop()
        if element.tag != self._record:
            return
        statement = next((one for one in reversed(self._open) if one.tag in self._statements), None)
        if statement is None:
            raise UnreadableStatement(Flaw(lazy_gettext("A line outside of any statement."), element.row))
        statement.records += 1
        statement.lines.extend(self._convert(element, len(statement.lines)))
