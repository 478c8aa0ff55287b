"""Routes whose builders are written late, by what Werkzeug has for them today."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Map, Rule

from console import speedups
from console.core.settings import Settings
from console.speedups.url_builders import LateRule

PATHS: list[tuple[str, str, dict[str, Any]]] = [
    ("plain", "/tickets/", {}),
    ("one", "/tickets/<int:number>/", {"number": 7}),
    ("two", "/proformas/<path:number>/lines/<line>", {"number": "2026/17", "line": "č"}),
    ("query", "/tickets/<int:number>", {"number": 7, "after": "a b", "rule": "x", "self": "y"}),
]


def _addresses(kind: type[Rule]) -> list[str]:
    built = Map([kind(path, endpoint=name) for name, path, _values in PATHS]).bind("console.test", url_scheme="https")
    return [built.build(name, values) for name, _path, values in PATHS for _twice in range(2)]


def test_an_address_is_what_werkzeug_builds() -> None:
    assert _addresses(LateRule) == _addresses(Rule)


def test_a_default_is_left_out_of_the_address() -> None:
    rules = [
        LateRule("/page/", endpoint="page", defaults={"number": 1}),
        LateRule("/page/<int:number>", endpoint="page"),
    ]
    page = Map(rules).bind("console.test")
    assert page.build("page", {"number": 1}) == "/page/" and page.build("page", {"number": 2}) == "/page/2"


def test_nothing_is_written_before_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Werkzeug writes nothing as a route is added, this speed-up can go."""
    written: list[str] = []
    write: Callable[..., Any] = Rule._compile_builder

    def noted(rule: Rule, append_unknown: bool = True) -> Any:
        written.append(rule.rule)
        return write(rule, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", noted)
    Map([Rule("/a", endpoint="a")])
    assert written == ["/a", "/a"]
    late = Map([LateRule("/b", endpoint="b")])
    assert written == ["/a", "/a"]
    assert late.bind("console.test").build("b") == "/b" and written == ["/a", "/a", "/b"]


@pytest.mark.parametrize(("on", "kind"), [(True, LateRule), (False, Rule)])
def test_the_application_has_them_unless_speedups_are_off(settings: Settings, on: bool, kind: type[Rule]) -> None:
    app = Flask(__name__, static_folder=None)
    speedups.install(app, replace(settings, speedups=on))
    app.add_url_rule("/a", "a")
    assert {type(rule) for rule in app.url_map.iter_rules()} == {kind}
