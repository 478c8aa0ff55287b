"""Who is reading, and who is not known any more once the database is away."""

from __future__ import annotations

import pytest
from flask import Flask, request, session
from flask_login import current_user
from sqlalchemy.exc import OperationalError

from console.hours import queries
from console.staff.models import StaffSession
from console.web import demo_clock, identity
from console.web.locale import settle_reader
from console.web.outage import do_without_database

pytestmark = pytest.mark.only("sqlite")


def test_a_reader_that_was_loaded_is_forgotten(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context("/console/"):
        reader = identity.Identity(StaffSession(id=1))
        assert reader.is_authenticated
        do_without_database()
        assert not reader.is_authenticated
        assert (reader.staff, reader.person) == (None, None)


def test_a_reader_is_not_looked_up_after_that(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_values: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(identity, "find_live", fail)
    with sqlite_app.test_request_context("/console/"):
        session[identity.STAFF_TOKEN] = "x" * 40
        do_without_database()
        assert identity.load_identity(request) is None
        assert not current_user.is_authenticated


def test_an_outage_noticed_at_the_reader_costs_the_banner_no_look(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_values: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the database is away"))

    def fail() -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(identity, "find_live", away)
    monkeypatch.setattr(queries, "cached_calendar", fail)
    monkeypatch.setattr(demo_clock, "can_move", lambda: True)
    with sqlite_app.test_request_context("/console/"):
        session[identity.STAFF_TOKEN] = "x" * 40
        settle_reader()
        assert demo_clock.banner().stops == []
