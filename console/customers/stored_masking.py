"""Masking a number in a text that is already stored: it was said to be no PIN, and was one.

Of the text before it was masked only a keyed digest stays, so that a client that sends it again under the same id gets
the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.core.context import sealer
from console.core.errors import Invalid
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins, mask_token
from console.customers.pin_detection import digits_of, find_pins

_WAS = "was"


def had_text(body: str, data: Mapping[str, Any], text: str) -> bool:
    """Return whether a stored text is, or was before a number in it was masked, ``text``.

    Args:
        body: as it is stored now.
        data: the data stored with it.
    """
    return text == body or (_WAS in data and _digest(text) in data[_WAS])


def mask_stored(body: str, data: Mapping[str, Any], token: str | None) -> tuple[str, dict[str, Any]]:
    """Return a stored text with a number masked, and the data to store with it.

    Args:
        token: which; ``None``: all that looks like a PIN.

    Raises:
        Invalid: there is no such number in it.
    """
    masked, count = mask_pins(body) if token is None else mask_token(body, token)
    if not count:
        raise Invalid(fields={"token": [lazy_gettext("This number is not in the text.")]})
    excused = len(find_pins(masked)) if data.get("not_pin") else 0
    changed = {**data, "masked": data.get("masked", 0) + count, "not_pin": excused}
    return masked, changed | {_WAS: [*data.get(_WAS, ()), _digest(body)]}


def numbers_of(body: str, token: str | None) -> list[str]:
    """Return which numbers :func:`mask_stored` masks, by their digits: for the other places that repeat the text."""
    return [digits_of(token)] if token is not None else sorted({one.digits for one in find_pins(body)})


def _digest(text: str) -> str:
    return sealer().keyed_digest("masked-text", text)
