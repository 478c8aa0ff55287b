"""The mails: complete in both languages, nothing loaded, nothing of the receiver's data taken for markup."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from console.mail.templates import FOLDER, render

AT = datetime(2026, 11, 23, 13, 42, tzinfo=UTC)
EVIL = '<b>Ana</b> & "sinovi"\r\nBcc: x@example.test'
FRAME = {"brand": "Mint podrška", "base_url": "https://console.example.test", "name": EVIL}
ACCOUNT = {"customer": EVIL, "number": "K-10482", "staff": EVIL, "at": AT, "until": AT}
DOCUMENT = {
    "number": "PR-2026-000001",
    "total": 123_450,
    "currency": "RSD",
    "due_on": date(2026, 11, 30),
    "reference": "97 16 3220000",
}
MIGRATION = {"ref": "M-0317", "services": ["Hosting · a.example.rs", EVIL]}

MAILS: list[tuple[str, dict[str, Any]]] = [
    *(
        ("verification", ACCOUNT | {"channel": channel, "role": role, "person": EVIL})
        for channel, role in (("phone", "owner"), ("mail", "user"), ("chat", "contact"), ("ticket", "owner"))
    ),
    ("override", ACCOUNT | {"channel": "override", "reason": EVIL}),
    ("pin_locked", {"at": AT, "until": AT}),
    ("pin_renewed", {"customer": EVIL, "number": "K-10482", "at": AT, "by": None}),
    ("pin_renewed", {"customer": EVIL, "number": "K-10482", "at": AT, "by": EVIL}),
    ("migration_requested", MIGRATION),
    ("migration_rejected", MIGRATION | {"reason": EVIL}),
    (
        "migration_executed",
        MIGRATION | {"recipient": "old", "cancelled": [DOCUMENT | {"storno": "ST-2026-000001"}], "issued": [DOCUMENT]},
    ),
    ("migration_executed", MIGRATION | {"recipient": "new", "cancelled": [], "issued": [DOCUMENT]}),
    ("migration_executed", MIGRATION | {"recipient": "old", "cancelled": [], "issued": []}),
]


@pytest.mark.parametrize("language", ["sr_Latn", "en"])
@pytest.mark.parametrize(("template", "values"), MAILS)
def test_it_is_whole_and_harmless(sqlite_app: Flask, template: str, values: dict[str, Any], language: str) -> None:
    with sqlite_app.app_context():
        mail = render(template, language, **FRAME, **values)
    assert mail.subject and "\n" not in mail.subject and "\r" not in mail.subject
    assert "%(" not in mail.subject + mail.text + mail.html
    assert len(mail.text.splitlines()) > 4 and "Mint podrška" in mail.text
    assert "<b>" not in mail.html and "&lt;b&gt;" in mail.html
    assert not re.search(r"<(script|img|link|iframe)|url\(|@import", mail.html)
    assert set(re.findall(r'(?:href|src)="([^"]*)"', mail.html)) <= {"https://console.example.test/moj/"}
    assert f'lang="{"sr-Latn" if language == "sr_Latn" else "en"}"' in mail.html


def test_each_template_is_tried() -> None:
    frames = {"base.html", "words.txt"}
    there = {path.stem for path in FOLDER.iterdir() if path.name not in frames}
    assert there == {template for template, _ in MAILS}
    assert all((FOLDER / f"{name}{end}").exists() for name in there for end in (".txt", ".html"))


def test_times_and_amounts_are_written_for_their_reader(sqlite_app: Flask) -> None:
    values = dict(MAILS)["migration_executed"] | {"recipient": "new", "cancelled": [], "issued": [DOCUMENT]}
    with sqlite_app.app_context():
        serbian = render("migration_executed", "sr_Latn", **FRAME, **values).text
        english = render("migration_executed", "en", **FRAME, **values).text
        locked = render("pin_locked", "sr_Latn", **FRAME, at=AT, until=AT).text
    assert "1.234,50 RSD" in serbian and "30.11.2026." in serbian
    assert "1,234.50 RSD" in english and "30 Nov 2026" in english
    assert "23.11.2026. 14:42" in locked  # Belgrade, not UTC
