"""A password counts the same however a keyboard writes its letters."""

from __future__ import annotations

import unicodedata
from contextlib import ExitStack

import pytest

from console.core import passwords
from console.core.errors import TooMany
from console.core.passwords import hash_password, password_matches
from console.staff.passwords import complaint

PASSWORD = "Čvrsta šifra Đurđevdan"


def test_composed_and_decomposed_are_one() -> None:
    apart = unicodedata.normalize("NFD", PASSWORD)
    assert apart != PASSWORD
    for stored, typed in ((PASSWORD, apart), (apart, PASSWORD), (PASSWORD, PASSWORD.replace(" ", "\u00a0"))):
        assert password_matches(hash_password(stored), typed)
    assert not password_matches(hash_password(PASSWORD), PASSWORD.replace("Č", "C"))


def test_the_shortest_one_is_counted_in_what_is_seen() -> None:
    short = "kod\u010d" + "eš 9x"  # nine characters
    for typed in (short, unicodedata.normalize("NFD", short), "\u200b".join(short)):
        assert complaint(typed, email="ana@example.test") is not None
    assert complaint("šest žutih mačaka", email="ana@example.test") is None


def test_only_so_many_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hash_password(PASSWORD)
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    with ExitStack() as held:
        for _ in range(passwords.AT_ONCE):
            held.enter_context(passwords.turn())
        for work in (lambda: hash_password(PASSWORD), lambda: password_matches(stored, PASSWORD)):
            with pytest.raises(TooMany):
                work()
    assert password_matches(stored, PASSWORD)
