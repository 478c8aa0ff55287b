"""The catalogs of the scripts: what a script says is in the catalog of its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from console.web.script_texts import CATALOGS, script_texts

STATIC = Path(__file__).resolve().parents[2] / "console" / "static"
SAYS = re.compile(r"\b(?:say|count)\('(\w+)'")
CONSOLE = (
    "lib/*.js",
    "palette/*.js",
    "hours/*.js",
    "dashboard/*.js",
    "reviews/*.js",
    "tickets/*.js",
    "tickets/list/*.js",
)
PAGES = {
    ("everywhere",): CONSOLE,
    ("everywhere", "ticket"): ("tickets/page/*.js",),
    ("everywhere", "desk"): ("chat/*.js", "lib/chat/*.js"),
    ("widget",): ("widget/*.js", "lib/chat/*.js"),
    ("mailbox",): ("demo/mailbox.js",),
}


@pytest.mark.parametrize("names", PAGES, ids="+".join)
def test_what_the_scripts_of_a_page_say_is_in_its_catalogs(app: Flask, names: tuple[str, ...]) -> None:
    scripts = [path for pattern in PAGES[names] for path in STATIC.glob(pattern)]
    keys = {key for path in scripts for key in SAYS.findall(path.read_text())}
    assert keys
    with app.test_request_context():
        assert keys - set(script_texts(*names)) == set()


def test_no_text_of_a_page_hides_another_one(app: Flask) -> None:
    with app.test_request_context():
        everywhere = set(CATALOGS["everywhere"]("en"))
        for name in ("ticket", "desk"):
            assert everywhere & set(CATALOGS[name]("en")) == set()
