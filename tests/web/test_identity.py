"""Who is reading, and who is not known any more once the database is away."""

from __future__ import annotations

import pytest
from flask import Flask, request, session
from flask_login import current_user

from console.staff.models import StaffSession
from console.web import identity
from console.web.locale import forget_reader

pytestmark = pytest.mark.only("sqlite")


def test_a_reader_that_was_loaded_is_forgotten(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context("/console/"):
        reader = identity.Identity(StaffSession(id=1))
        assert reader.is_authenticated
        forget_reader()
        assert not reader.is_authenticated
        assert (reader.staff, reader.person) == (None, None)


def test_a_reader_is_not_looked_up_after_that(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_values: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(identity, "find_live", fail)
    with sqlite_app.test_request_context("/console/"):
        session[identity.STAFF_TOKEN] = "x" * 40
        forget_reader()
        assert identity.load_identity(request) is None
        assert not current_user.is_authenticated
