"""Bytes of a mail as text, whatever its headers say of them."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# What people here write in; others are not guessed, because a short text fits many.
_LIKELY = ["utf_8", "cp1250", "cp1251", "iso8859_2", "iso8859_5", "koi8_r", "cp1252"]
_LATIN1 = frozenset({"iso8859-1", "cp1252", "iso8859-15"})
# č, ć and đ of Windows-1250, read as Latin-1: è, æ and ð, of which the last two are seen in Icelandic alone.
_MISREAD = re.compile("[æðÆÐ]")
# š, ž, Š and Ž of ISO 8859-2, read as Windows-1250, which has them elsewhere.
_LATIN2 = re.compile(r"[ąľ]|[©®][^\W\d]|[^\W\d][©®]")
_WINDOWS_ONLY = re.compile(rb"[\x8a\x8e\x9a\x9e]")
_GUESSED_FROM = 20_000
_SPOILED = "\ufffd"  # for what is no UTF-8
_ONE_BYTE = ("iso8859", "cp125", "koi8", "mac")
# Letters of Windows-125x stand where ISO 8859 has control characters, which no text has.
_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")
_WINDOWS = {"iso8859-2": "cp1250", "iso8859-5": "cp1251", "iso8859-1": "cp1252", "iso8859-16": "cp1250"}


def decode(content: bytes, charset: str | None = None) -> str:
    """Return ``content`` as text: by the charset it names where that fits, else by one that does. Never fails."""
    name = _known(charset)
    if name is not None and name.startswith(_ONE_BYTE) and not content.isascii() and is_utf8(content):
        return content.decode()  # no text of one byte a letter is UTF-8 by chance
    if name is not None and name != "ascii":
        try:
            text = content.decode(name)
        except (UnicodeDecodeError, ValueError):
            pass
        else:
            if name in _WINDOWS and _CONTROLS.search(text):
                name = _WINDOWS[name]
                text = content.decode(name, "replace")
            return content.decode("cp1250", "replace") if name in _LATIN1 and _MISREAD.search(text) else text
    text = content.decode("utf-8", "replace")
    spoiled = text.count(_SPOILED)
    if not spoiled or len(text) - len(text.encode("ascii", "ignore")) > 3 * spoiled:
        return text  # cut off, or with a byte of something else in it: no other charset has so many pairs by chance
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    guess = from_bytes(content[:_GUESSED_FROM], cp_isolation=_LIKELY).best()
    name = _known(guess.encoding if guess is not None else "cp1250") or "cp1250"
    text = content.decode(name, "replace")
    if name in _LATIN1 and _MISREAD.search(text):
        return content.decode("cp1250", "replace")
    if name == "cp1250" and _LATIN2.search(text) and not _WINDOWS_ONLY.search(content):
        return content.decode("iso8859-2", "replace")
    return text


def is_utf8(content: bytes) -> bool:
    """Return whether ``content`` is UTF-8 throughout."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def mended(text: str) -> str:
    """Return a header's text where bytes that no charset explained are read as :func:`decode` would."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return decode(text.encode("utf-8", "surrogateescape" if _is_escaped(text) else "replace"))


def _is_escaped(text: str) -> bool:
    return not any("\ud800" <= char <= "\udc7f" or "\udd00" <= char <= "\udfff" for char in text)


def _known(charset: str | None) -> str | None:
    try:
        return codecs.lookup((charset or "").strip("\"' ")).name
    except (LookupError, ValueError):
        return None
