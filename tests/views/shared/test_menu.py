"""The sidebar's badges, which every page counts in the statement that it makes anyway."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request_finished

from console.staff.roles import Role
from console.views.shared import menu
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.only("sqlite")


@pytest.mark.parametrize("role", Role)
def test_a_reader_has_one_select_for_each_badge(app: Flask, client: ConsoleClient, session: object, role: Role) -> None:
    """A select that is made for each request has to be made ready each time, and with it the statement it is in."""
    made: list[dict[str, Any]] = []

    def keep(_app: Flask, **_values: Any) -> None:
        made.append(dict(menu.badge_queries()))

    sign_in(client, role)
    with request_finished.connected_to(keep, app):
        client.get("/console/profile/")
        client.get("/console/profile/")
    first, again = made
    assert first
    assert [name for name, query in first.items() if query is not again[name]] == []
