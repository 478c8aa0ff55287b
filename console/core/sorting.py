"""Names in Serbian order, the same on both databases: č after c, ć after č, then d, dž, đ …; Cyrillic as its Latin.

The order of the databases' own collations differs, and PostgreSQL may be built without ICU. So a name has a key next to
it, made here and compared byte by byte: indexed, and good for cursors. It follows CLDR's sr-Latn, where dž, lj and nj
are letters; words before longer words; signs count as a space; large and small letters alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import String, event
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

LENGTH = 120  # enough to tell names apart; where two agree so far, the older row comes first
KEY = String(LENGTH).with_variant(String(LENGTH, collation="C"), "postgresql")

_LATIN = str.maketrans({
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ђ": "đ", "е": "e", "ж": "ž", "з": "z", "и": "i",
    "ј": "j", "к": "k", "л": "l", "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "ћ": "ć", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "č", "џ": "dž", "ш": "š",
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l",
})  # fmt: skip
# A letter of our own comes right after its plain one: behind "z", whatever letter follows.
_AFTER = {"č": "c{", "ć": "c|", "dž": "d{", "đ": "d|", "lj": "l{", "nj": "n{", "š": "s{", "ž": "z{"}
_OWN = re.compile("|".join(_AFTER))
_SIGNS = re.compile(r"[\W_]+")


def sort_key(text: str) -> str:
    """Return what ``text`` is sorted by: Cvetko, Čedomir, Dušan, Džemal, Đura, Zoran, Žarko."""
    text = text[:LENGTH]
    if text.isascii():  # most names; the rest of the way would change nothing but digraphs
        plain = text.lower()
    else:
        plain = unicodedata.normalize("NFKC", text).lower().translate(_LATIN)
        plain = unicodedata.normalize("NFC", plain)
    own = _OWN.sub(lambda match: _AFTER[match[0]], _SIGNS.sub(" ", plain).strip())
    if not own.isascii():
        own = "".join(char for char in unicodedata.normalize("NFD", own) if not unicodedata.combining(char))
    return own[:LENGTH]


def key_column(name: str, read: Callable[[str], str] = sort_key) -> Mapped[str]:
    """Return the column that holds the key of the column ``name``, also of rows inserted many at once.

    Args:
        name: the column that is sorted by.
        read: makes the key of it.
    """

    def of_row(context: DefaultExecutionContext) -> str:
        values: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
        return read(values[name])

    return mapped_column(KEY, default=of_row, server_default="")


def keep_key(
    source: InstrumentedAttribute[str], key: InstrumentedAttribute[str], read: Callable[[str], str] = sort_key
) -> None:
    """Let ``key`` follow ``source`` whenever it is set on an object."""

    @event.listens_for(source, "set")
    def on_set(target: Any, value: str, _old: Any, _initiator: Any) -> None:
        setattr(target, key.key, read(value))
