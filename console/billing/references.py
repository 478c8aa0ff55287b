"""Payment references (model 97): making them, and reading them as payers and banks write them."""

from __future__ import annotations

import re

MODEL = "97"
MAX_KEY = 40
_OTHERS = re.compile("[^0-9A-Z]")


def payment_reference(year: int, sequence: int) -> str:
    """Return the model 97 reference of a document: two check digits, then year and number.

    Check = 98 − (N × 100 mod 97), letters as A=10 … Z=35 (ISO 7064 MOD 97-10,
    Narodna banka Srbije, model 97). At most 20 digits.
    """
    return with_check_digits(f"{year}{sequence:06d}")


def with_check_digits(body: str) -> str:
    """Put the model 97 check digits in front of ``body``."""
    return f"{98 - int(_digits(body)) * 100 % 97:02d}{body}"


def is_checked(key: str) -> bool:
    """Return whether a key begins with the check digits of what follows."""
    return len(key) > len(MODEL) and key[:2].isdigit() and with_check_digits(key[2:]) == key


def reference_key(text: str) -> str:
    """Return what a reference is looked up by: its digits and letters alone, without a model in front.

    Banks write the model before the reference or leave it out, and dashes and spaces as they like.
    """
    key = _plain(text)
    rest = key.removeprefix(MODEL)
    return rest if rest != key and is_checked(rest) and not is_checked(key) else key


def possible_keys(text: str) -> tuple[str, ...]:
    """Return every key that a reference as received may mean, the likeliest first; none where it is empty.

    ``97`` in front may be the model or check digits. Another model in front (``00``, ``11``), as payers choose it by
    mistake, counts as one only where what follows has check digits of its own.
    """
    key = _plain(text)
    rest = key.removeprefix(MODEL)
    other = key[2:] if key[:2].isdigit() and not is_checked(key) and is_checked(key[2:]) else ""
    return tuple(dict.fromkeys(one for one in (reference_key(text), key, rest, other) if one))


def _plain(text: str) -> str:
    return _OTHERS.sub("", text.upper())[:MAX_KEY]


def _digits(body: str) -> str:
    key = _OTHERS.sub("", body.upper())
    return key if key.isdecimal() else "".join(str(int(char, 36)) for char in key) or "0"
