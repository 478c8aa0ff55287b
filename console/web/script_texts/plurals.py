"""Texts that count, as scripts need them: a form for each plural category."""

from __future__ import annotations

from collections.abc import Callable

Texts = dict[str, str | dict[str, str]]

# A number of each plural category that Serbian has; English uses the first and the last.
_SAMPLES = {"one": 1, "few": 2, "other": 5}


def forms_of(write: Callable[[int], str]) -> dict[str, str]:
    """Return the plural forms of a text, by plural category; ``#`` is the place of the number."""
    return {category: write(number).replace(str(number), "#") for category, number in _SAMPLES.items()}
