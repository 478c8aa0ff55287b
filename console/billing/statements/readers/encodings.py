"""Bytes of a bank into text: UTF-8, UTF-16, windows-1250 or cp852, and nothing guessed beyond what Serbian has."""

from __future__ import annotations

import codecs
import re
from collections import Counter

from console.billing.statements.readers.statement import Flaw, UnreadableStatement
from console.core.errors import Text
from console.core.texts import lazy_gettext

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EIGHT_BIT = ("cp1250", "cp852")
_SERBIAN = frozenset("čćžšđČĆŽŠĐ")
# What an XML file may say of itself, by how Python calls it.
_DECLARED = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "utf-16": "utf-16", "windows-1250": "cp1250",
    "cp1250": "cp1250", "cp852": "cp852", "ibm852": "cp852", "iso-8859-2": "iso8859-2",
}  # fmt: skip
_DECLARATION = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_OTHERS = re.compile("[^\x00-\x7f]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f\x7f\ufffd]")
_END_OF_FILE = "\x1a"  # DOS's, which Halcom's description asks for
_WINDOW = 400  # bytes at the start in which an XML file says its encoding


def decode(content: bytes) -> str:
    """Return the text of a file, its lines ending in a line feed.

    Raises:
        UnreadableStatement: in no encoding that is known, or with characters that no statement has; by line.
    """
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n").rstrip(_END_OF_FILE + "\n\x00 ")
    found = _CONTROL.search(text)
    if found:
        raise _flaw(
            lazy_gettext("A character that no bank uses. The file is damaged or is not a statement."), text, found
        )
    return text


def _decoded(content: bytes) -> str:
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _strict(content, name)
    declared = _DECLARATION.search(content[:_WINDOW])
    if declared:
        said = declared[1].decode().lower()
        if said not in _DECLARED:
            message = lazy_gettext(
                "The file says that its encoding is %(name)s. Save it as UTF-8 and try again.", name=said
            )
            raise UnreadableStatement(Flaw(message, 1))
        return _strict(content, _DECLARED[said])
    if _looks_like_utf16(content):
        return _strict(content, "utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _eight_bit(content, error)


def _looks_like_utf16(content: bytes) -> bool:
    head = content[:200]
    return len(head) >= 4 and head.count(0) * 3 > len(head)


def _strict(content: bytes, name: str) -> str:
    try:
        return content.decode(name)
    except UnicodeDecodeError as error:
        raise _not_in(content, error.start, name) from error


def _eight_bit(content: bytes, error: UnicodeDecodeError) -> str:
    """Choose between windows-1250 and cp852 by what reads as Serbian.

    Both know nearly every byte, so a text of another code page would be read as other letters: more than half of what
    is not ASCII must be the ten Serbian letters.
    """
    best, most = "", 0
    for name in _EIGHT_BIT:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        others = Counter(_OTHERS.findall(text))
        serbian = sum(count for char, count in others.items() if char in _SERBIAN)
        if 2 * serbian > others.total() and serbian > most:
            best, most = text, serbian
    if not best:
        raise _not_in(content, error.start, "") from error
    return best


def _not_in(content: bytes, start: int, name: str) -> UnreadableStatement:
    row = content.count(b"\n", 0, start) + 1
    if name:
        said = name.removesuffix("-sig").replace("cp1250", "windows-1250").upper()
        return UnreadableStatement(Flaw(lazy_gettext("This line is not %(name)s.", name=said), row))
    message: Text = lazy_gettext(
        "The encoding of this line is unknown (supported: UTF-8, UTF-16, windows-1250, cp852). Save the file as UTF-8."
    )
    return UnreadableStatement(Flaw(message, row))


def _flaw(message: Text, text: str, found: re.Match[str]) -> UnreadableStatement:
    return UnreadableStatement(Flaw(message, text.count("\n", 0, found.start()) + 1))
