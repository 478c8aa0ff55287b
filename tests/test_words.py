"""The words of pages and mails are the field's (the glossary in CONTRIBUTING.md): retired ones do not come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import console

ENGLISH = (
    "whoever", "somebody", "nobody", "anew", "once more", "stands here", "stand here", "lies with", "in peace",
    "is kept", "promise", "trail", "nine in ten", "part again", "content customers", "came back", "kept out",
)  # fmt: skip
SERBIAN = (
    "nadzorni", "e-adres", "e-pošt", "obećanj", "procen", "obustavljen", "pošiljalac", "suzi", "devet od deset",
    "ponovo razdvoji",
)  # fmt: skip


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (Path(console.__path__[0]) / "translations/sr_Latn/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="sr_Latn")


def _found(texts: list[str], words: tuple[str, ...], end: str) -> dict[str, str]:
    retired = re.compile(rf"\b(?:{'|'.join(words)}){end}", re.IGNORECASE)
    return {text: hit[0] for text in texts if (hit := retired.search(re.sub(r"%\(\w+\)s", "", text)))}


def test_no_retired_word_is_in_the_catalogue(catalogue: Catalog) -> None:
    ids = [text for message in catalogue if message.id for text in _all(message.id)]
    translations = [text for message in catalogue if message.id for text in _all(message.string)]
    assert _found(ids, ENGLISH, r"s?\b") == {}
    assert _found(translations, SERBIAN, "") == {}


def _all(texts: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or ())
