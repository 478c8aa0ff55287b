"""What the console's own exports call columns and states, so that a file it wrote can be read back, in any language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.core.errors import Text
from console.core.texts import in_language
from console.views.shared.labels.states import Label
from console.web.locale import LANGUAGES


def column_titles(titles: Mapping[str, Text]) -> dict[str, str]:
    """Return the column's name by its title in each language, in small letters."""
    return {title: name for name, text in titles.items() for title in _written(text)}


def state_words(labels: Mapping[Any, Label | Text]) -> dict[str, Any]:
    """Return the state by its word in each language, in small letters."""
    return {
        word: state
        for state, label in labels.items()
        for word in _written(label.text if isinstance(label, Label) else label)
    }


def _written(text: Text) -> Iterator[str]:
    for language in LANGUAGES:
        with in_language(language):
            yield str(text).casefold()
