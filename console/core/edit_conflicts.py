"""What a form was filled in from: so that of two who change one thing at once the second learns of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from console.core.errors import Conflict, Text
from console.core.texts import lazy_gettext

CHANGED = "changed_meanwhile"  # the refusal's code


def mark(values: Mapping[str, Any]) -> str:
    """Return a short mark of ``values`` (JSON-able), for a hidden field: other values, another mark."""
    text = json.dumps(dict(values), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(seen: str | None, values: Mapping[str, Any]) -> None:
    """Refuse a change to what is not any more as it was looked at. Without a mark nothing is checked: a program.

    Raises:
        Conflict: it was changed since.
    """
    if seen and seen != mark(values):
        raise Conflict(changed_meanwhile(), code=CHANGED)


def changed_meanwhile() -> Text:
    """Say that a colleague was faster."""
    return lazy_gettext(
        "A colleague has changed this in the meantime. Your changes were not saved; save again to overwrite theirs."
    )
