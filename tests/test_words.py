"""Words of pages, mails and names are the field's (the glossary in CONTRIBUTING.md): retired ones do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import console
from console.core.places import TEMPLATES

ENGLISH = (
    "whoever", "somebody", "nobody", "anew", "once more", "stands here", "stand here", "lies with", "in peace",
    "is kept", "promise", "trail", "nine in ten", "part again", "content customers", "came back", "kept out",
    "was told", "is told", "for good", "by itself", "by themselves", "goes on", "needs nothing",
    "rests on", "of theirs", "many at once", "hangs together", "hang together",
)  # fmt: skip
SERBIAN = (
    "nadzorni", "e-adres", "e-pošt", "obećanj", "procen", "obustavljen", "suzi", "devet od deset",
    "ponovo razdvoji", "fajl", "pretplat", "nepovezan", "sektor", "više odjednom",
)  # fmt: skip
# Retired in names of files and in identifiers, wherever they are a word of the name ...
PARTS = frozenset({
    "promise", "promises", "trail", "letters", "whoever", "somebody", "nobody", "anybody", "everybody", "anew",
    "forgetting", "finding", "findings", "shapes", "news", "torn",
})  # fmt: skip
# ... and as the whole of an identifier: a value is called by its kind.
WHOLE = frozenset({"told", "asked", "counted", "kept", "given", "wanted", "shown", "glance"})
ROOT = Path(console.__path__[0])
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (ROOT / "translations/sr_Latn/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="sr_Latn")


def _found(texts: list[str], words: tuple[str, ...], end: str) -> dict[str, str]:
    retired = re.compile(rf"\b(?:{'|'.join(words)}){end}", re.IGNORECASE)
    return {text: hit[0] for text in texts if (hit := retired.search(re.sub(r"%\(\w+\)s", "", text)))}


def test_no_retired_word_is_in_the_catalogue(catalogue: Catalog) -> None:
    ids = [text for message in catalogue if message.id for text in _all(message.id)]
    translations = [text for message in catalogue if message.id for text in _all(message.string)]
    assert _found(ids, ENGLISH, r"s?\b") == {}
    assert _found(translations, SERBIAN, "") == {}


@pytest.mark.parametrize(("language", "words", "end"), [("en", ENGLISH, r"s?\b"), ("sr", SERBIAN, "")])
def test_no_retired_word_is_in_a_standard_reply(language: str, words: tuple[str, ...], end: str) -> None:
    replies = [path.read_text() for path in sorted((TEMPLATES / "replies").glob(f"*.{language}.txt"))]
    assert len(replies) > 20
    assert _found(replies, words, end) == {}


@pytest.mark.parametrize(("language", "words", "end"), [("en", ENGLISH, r"s?\b"), ("sr", SERBIAN, "")])
def test_no_retired_word_is_in_a_help_article(language: str, words: tuple[str, ...], end: str) -> None:
    articles = [path.read_text() for path in sorted((TEMPLATES / "help").glob(f"*.{language}.md"))]
    assert len(articles) > 10
    assert _found(articles, words, end) == {}


def _all(texts: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or ())


def _names(tree: ast.AST) -> Iterator[str]:
    """Every identifier that a module makes: what it imports is named elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _retired(name: str) -> bool:
    """Return whether a name has a retired word; ``CamelCase`` and ``snake_case`` alike."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(PARTS.intersection(word.lower() for word in words)) or name.lower().strip("_") in WHOLE


@pytest.mark.parametrize("package", PACKAGES)
def test_no_retired_word_is_in_a_name(package: str) -> None:
    found = set()
    for path in sorted((ROOT / package).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        found |= {f"{place}: {name}" for name in {path.stem, *_names(ast.parse(path.read_text()))} if _retired(name)}
    assert found == set()


def test_a_retired_word_is_noticed() -> None:
    assert all(map(_retired, ("Promise", "SlaPromise", "audit_trail", "_nobody", "told", "_ASKED", "NewsFeed")))
    assert not any(map(_retired, ("compromise", "trailing", "told_by_phone", "newsletter", "forgiven", "ListQuery")))
