"""Text: as it is let in, and as it is searched and compared.

What comes from outside is cleaned once, where it comes in: requests (``console.web.incoming``), packets
(``console.web.sockets``), rows of a file (``console.imports.cells``) and arguments of commands (``console.cli.main``).
A verb then gives a text its shape, :func:`one_line` or :func:`paragraphs`, and asks whether anything is left.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ђ": "dj", "е": "e", "ж": "z", "з": "z", "и": "i",
    "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "ћ": "c", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "c", "џ": "dz", "ш": "s",
    "đ": "dj", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l",
}  # fmt: skip
_TABLE = str.maketrans(_CYRILLIC)
_SPELLED = re.compile(f"[{''.join(_CYRILLIC)}]")
_MARKS = re.compile("[\u0300-\u034e\u0350-\u036f]+")  # those of Latin letters; the rest is looked at one by one
_WORD = re.compile(r"[a-z0-9]+")

PREVIEW = 160
MAX_DEPTH = 8  # of a packet
_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
# Control characters; what turns the direction of the text around it (UAX 9: embeddings, overrides, isolates); half
# of a pair. The marks 200E and 200F stay: they change nothing but themselves. So do the joiners of emoji and scripts.
_UNFIT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Letters and signs by their category, and yet nothing is drawn: Hangul fillers, the empty Braille cell, a null note.
_DRAWS_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Mn", "Me", "Zs", "Zl", "Zp"})
# Not assigned as far as our Unicode tables go, and yet it may be drawn: pictographs that are newer than they are.
_PICTOGRAPHS = range(0x1F000, 0x1FB00)


def clean(text: str) -> str:
    """Return ``text`` as it may be stored: normal form C, lines that end in one way, nothing that cannot be stored.

    Control characters, overrides of direction and halves of a surrogate pair are left out. Where nothing that can
    be seen is left, it is empty.
    """
    if not text.isprintable():  # both patterns find what is not; most texts are
        text = _UNFIT.sub("", _LINE_END.sub("\n", text))
    if text.isascii():  # most are
        return text if text.strip() else ""
    return "" if is_blank(text) else unicodedata.normalize("NFC", text)


def clean_tree(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a value as JSON brings it, with every text in it cleaned.

    Raises:
        ValueError: it is nested deeper than anything of ours.
    """
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise ValueError("nested too deep")
    if isinstance(value, dict):
        return {key: clean_tree(one, depth - 1) for key, one in value.items()}
    return [clean_tree(one, depth - 1) for one in value]


def one_line(text: str) -> str:
    """Return ``text`` clean and on one line, single spaces in it and none around it; empty where it is blank."""
    return " ".join(clean(text).split())


def paragraphs(text: str) -> str:
    """Return ``text`` clean, without the space around it or at the end of its lines; empty where it is blank."""
    return "\n".join(line.rstrip() for line in clean(text).split("\n")).strip()


def preview(text: str) -> str:
    """Return how a message begins, on one line, for a list."""
    return " ".join(text[: 4 * PREVIEW].split())[:PREVIEW]


def shorten(text: str, length: int) -> str:
    """Return ``text`` on one line, cut after a word where it is longer than ``length``."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[:length].rsplit(" ", 1)[0] + "…"


def is_blank(text: str) -> bool:
    """Return whether nothing of ``text`` can be seen: spaces, joiners, marks without a letter, fillers."""
    return not any(map(_is_seen, text))


def visible_length(text: str) -> int:
    """Return how many characters a reader counts: what is seen, and the spaces between."""
    return len("".join(char for char in text if char.isspace() or _is_seen(char)).strip())


def without_unseen(text: str) -> str:
    """Return ``text`` without what is never seen, as a joiner that was copied along. Spaces and marks in it stay."""
    return "".join(char for char in text if unicodedata.category(char) != "Cf" and char not in _DRAWS_NOTHING).strip()


def _is_seen(char: str) -> bool:
    if char.isascii():
        return "!" <= char <= "~"
    if ord(char) in _PICTOGRAPHS:
        return True
    return unicodedata.category(char) not in _UNSEEN and char not in _DRAWS_NOTHING


def fold(text: str) -> str:
    """Return ``text`` in lower case plain Latin: Đorđe, ĐORĐE, Ђорђе and Djordje are one."""
    lowered = unicodedata.normalize("NFC", text).lower()
    if lowered.isascii():
        return lowered
    spelled = lowered.translate(_TABLE) if _SPELLED.search(lowered) else lowered  # looking costs far less
    stripped = _MARKS.sub("", unicodedata.normalize("NFD", spelled))
    return stripped if stripped.isascii() else "".join(char for char in stripped if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """Return the folded words of ``text``, in order, repeated ones too."""
    return _WORD.findall(fold(text))


def same_name(one: str, other: str) -> bool:
    """Return whether two names are one, however it is spelled: case, diacritics, script and order aside."""
    return sorted(fold(one).split()) == sorted(fold(other).split())


def initials(name: str) -> str:
    """Return up to two letters for an avatar."""
    parts = [part for part in name.split() if part[:1].isalpha()]
    return "".join(part[0] for part in parts[:2]).upper() or "?"
