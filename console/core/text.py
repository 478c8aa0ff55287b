"""Text as it is searched and compared: Cyrillic, diacritics and case folded away."""

from __future__ import annotations

import re
import unicodedata

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ђ": "dj", "е": "e", "ж": "z", "з": "z", "и": "i",
    "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "ћ": "c", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "c", "џ": "dz", "ш": "s",
    "đ": "dj", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l",
}  # fmt: skip
_TABLE = str.maketrans(_CYRILLIC)
_WORD = re.compile(r"[a-z0-9]+")


def fold(text: str) -> str:
    """Return ``text`` in lower case plain Latin: Đorđe, ĐORĐE, Ђорђе and Djordje are one."""
    lowered = unicodedata.normalize("NFC", text).lower().translate(_TABLE)
    stripped = unicodedata.normalize("NFD", lowered)
    return "".join(char for char in stripped if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """Return the folded words of ``text``, in order, repeated ones too."""
    return _WORD.findall(fold(text))


def initials(name: str) -> str:
    """Return up to two letters for an avatar."""
    parts = [part for part in name.split() if part[:1].isalpha()]
    return "".join(part[0] for part in parts[:2]).upper() or "?"
