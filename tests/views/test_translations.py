"""Every text has its Serbian, with its plurals, in Latin script."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.checkers import python_format
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask import Flask
from wtforms import IntegerField, StringField
from wtforms.validators import DataRequired, Length

from console.core.forms import Form
from console.core.texts import gettext, in_language, ngettext
from tests.support.server import ROOT

PO = ROOT / "console/translations/sr_Latn/LC_MESSAGES/messages.po"
KEYWORDS = DEFAULT_KEYWORDS | {
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}
CYRILLIC = re.compile("[\u0400-\u04ff]")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="sr_Latn")


@pytest.fixture(scope="module")
def extracted() -> set[tuple[str | None, object]]:
    """Every text in the code and in the templates, by context."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(ROOT, methods, options, KEYWORDS, directory_filter=_ours)
    return {(context, message) for _file, _line, message, _comments, context in found if message}


def _ours(folder: str) -> bool:
    return Path(folder).name not in {".venv", "node_modules", ".git", "tests", "docs", "var"}


def _key(message: Message) -> tuple[str | None, object]:
    return message.context, message.id if isinstance(message.id, str) else tuple(message.id)


def _strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def test_every_text_is_translated(catalog: Catalog, extracted: set[tuple[str | None, object]]) -> None:
    translated = {_key(message) for message in catalog if message.id and all(_strings(message))}
    assert len(extracted) > 300
    missing = extracted - translated
    assert not missing, sorted(map(str, missing))


def test_no_text_is_hidden_from_the_extractor(catalog: Catalog) -> None:
    """Babel does not look inside f-strings, where Python before 3.12 has no tokens."""
    known = {message.id for message in catalog if isinstance(message.id, str)}
    calls = [
        (path, node)
        for path in sorted((ROOT / "console").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("gettext", "lazy_gettext")
    ]
    texts = {
        f"{path.relative_to(ROOT)}:{node.lineno}": node.args[0].value
        for path, node in calls
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert len(texts) > 300
    assert {place: text for place, text in texts.items() if text not in known} == {}


def test_nothing_is_left_over(catalog: Catalog, extracted: set[tuple[str | None, object]]) -> None:
    assert not {_key(message) for message in catalog if message.id} - extracted
    assert not catalog.obsolete


def test_nothing_is_fuzzy(catalog: Catalog) -> None:
    assert not [message.id for message in catalog if message.fuzzy]


def test_placeholders_are_kept(catalog: Catalog) -> None:
    for message in catalog:
        if message.id:
            python_format(catalog, message)


def test_three_plural_forms(catalog: Catalog) -> None:
    assert catalog.num_plurals == 3
    for message in catalog:
        if message.pluralizable:
            assert len(_strings(message)) == 3, message.id


def test_latin_script_and_no_blame(catalog: Catalog) -> None:
    for message in filter(lambda message: message.id, catalog):
        for text in _strings(message):
            assert not CYRILLIC.search(text), text
            assert not re.search(r"\bnažalost\b|molimo pokušajte|greška sistema", text, re.IGNORECASE), text
            assert "!" not in text, text


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 usluga"), (2, "2 usluge"), (5, "5 usluga"), (11, "11 usluga"), (12, "12 usluga"), (21, "21 usluga"),
     (22, "22 usluge"), (101, "101 usluga"), (111, "111 usluga"), (104, "104 usluge")],
)  # fmt: skip
def test_plurals(sqlite_app: Flask, count: int, text: str) -> None:
    _need_compiled()
    with sqlite_app.test_request_context(), in_language("sr_Latn"):
        assert ngettext("%(num)d service", "%(num)d services", count) == text


def test_built_in_form_messages(sqlite_app: Flask) -> None:
    _need_compiled()

    class Example(Form):
        name = StringField("Ime", [DataRequired(), Length(max=3)])
        count = IntegerField("Broj")

    with sqlite_app.test_request_context(method="POST", data={"count": "x"}), in_language("sr_Latn"):
        form = Example(meta={"csrf": False})
        assert not form.validate()
        assert form.errors == {"name": ["Ovo polje je obavezno."], "count": ["Ovo nije ceo broj."]}
    with sqlite_app.test_request_context(method="POST", data={"name": "abcd", "count": "1"}), in_language("sr_Latn"):
        form = Example(meta={"csrf": False})
        assert not form.validate()
        assert form.errors == {"name": ["Unesite najviše 3 znaka."]}


def test_english_is_what_stands_in_the_code(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(), in_language("en"):
        assert gettext("Customers") == "Customers"


def _need_compiled() -> None:
    assert PO.with_suffix(".mo").exists(), "run `make translations`"
