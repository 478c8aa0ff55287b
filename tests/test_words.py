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
    "forget", "forgetting", "finding", "findings", "shapes", "news", "torn",
})  # fmt: skip
# ... and as the whole of an identifier: a value is called by its kind, in scripts and tests too.
WHOLE = frozenset({"told", "asked", "counted", "kept", "given", "wanted", "shown", "glance"})
IN_SCRIPTS_AND_TESTS = WHOLE | {"said", "somebody", "nobody", "whoever", "anew", "forget"}
ROOT = Path(console.__path__[0])
BESIDE = Path(__file__).parent
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


def _script_names(script: str) -> set[str]:
    """The names that a script gives to values and functions; its comments and texts may say what they like."""
    code = re.sub(r"^\s*(//|/?\*).*$|\s//\s.*$", "", script, flags=re.MULTILINE)
    names = re.findall(r"\b(?:const|let|function|class)\s+([\w$]+)", code)
    parameters = re.findall(r"(?:function\s*[\w$]*\(|\()([\w$, ={}'.]*)\)\s*(?:=>|\{)", code)
    return {*names, *(name for part in parameters for name in re.findall(r"(?<![\w$.'])[\w$]+(?![\w$:'])", part))}


def test_no_retired_word_is_a_name_in_a_script() -> None:
    scripts = [path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts]
    assert len(scripts) > 50
    names = {f"{path.name}: {name}" for path in scripts for name in _script_names(path.read_text())}
    assert {name for name in names if name.partition(": ")[2].lower() in IN_SCRIPTS_AND_TESTS} == set()


def test_no_retired_word_is_a_name_in_a_test() -> None:
    found = set()
    for path in sorted([*BESIDE.rglob("*.py"), *(BESIDE.parent / "benchmarks").rglob("*.py")]):
        names = _names(ast.parse(path.read_text()))
        found |= {f"{path.name}: {name}" for name in names if name.lower().strip("_") in IN_SCRIPTS_AND_TESTS}
    assert found == set()


def _page_names(source: str) -> set[str]:
    """The names that a template or a style sheet gives: classes, ids, data attributes, macros and variables."""
    lists = re.findall(r'\b(?:class|id)="([^"]*)"', source)
    named = [name for names in lists for name in re.sub(r"{[{%].*?[}%]}", " ", names).split()]
    named += re.findall(r"\bdata-[a-z-]+|(?<=(?<!\w)\.)[a-z][a-z-]+(?=[\s{.,:>)\[])", source)
    return {*named, *re.findall(r"{%-? (?:macro|set) (\w+)", source)}


def test_no_retired_word_is_a_name_in_a_page() -> None:
    sheets = [path for path in (ROOT / "static").rglob("*.css") if "vendor" not in path.parts]
    found = {
        f"{path.name}: {name}"
        for path in sorted([*TEMPLATES.rglob("*.html"), *sheets])
        for name in _page_names(path.read_text())
        if {"said", "asked", "told", "spoken"}.intersection(re.split(r"[-_]", name))
    }
    assert found == set()


def test_a_retired_word_is_noticed() -> None:
    assert {"is-asked", "msg"} == _page_names('<p class="msg{% if one %} is-asked{% endif %}">')
    assert {"data-said", "told"} == _page_names("{%- set told = 1 %}<p data-said hidden>{{ said(told) }}</p>")
    assert {"gate-said"} == _page_names(".gate-said > ul { margin: 0.5rem; }")
    assert "said" in _script_names("const said = 1;") & _script_names("hear('x', (said) => { go(said); });")
    assert _script_names("// const said\nconst visible = (a, b = 2) => a;  // let told") == {"visible", "a", "b", "2"}
    assert all(map(_retired, ("Promise", "SlaPromise", "audit_trail", "_nobody", "told", "_ASKED", "NewsFeed")))
    assert not any(map(_retired, ("compromise", "trailing", "told_by_phone", "newsletter", "forgiven", "ListQuery")))
