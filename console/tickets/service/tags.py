"""Tags: short words in one spelling."""

from __future__ import annotations

from collections.abc import Iterable

from console.core.errors import Invalid
from console.core.sorting import sort_key
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.masking import refuse_pins

MAX_TAG = 40
MOST = 20


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags in lower case, each once, sorted.

    Raises:
        Invalid: one is too long or looks like a support PIN, or they are too many.
    """
    cleaned = {"-".join(one_line(tag).lower().split()).replace(",", "") for tag in tags}
    cleaned.discard("")
    if len(cleaned) > MOST or any(len(tag) > MAX_TAG for tag in cleaned):
        raise Invalid(fields={"tags": [lazy_gettext("At most 20 tags of up to 40 characters each.")]})
    for tag in cleaned:
        refuse_pins(tag.replace("-", " "), "tags")
    return tuple(sorted(cleaned, key=lambda tag: (sort_key(tag), tag)))
