"""The audit log speaks in words, and is filtered by them: when, who, which kind of action."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy.orm import Session

from console.audit.service import record
from console.core.actor import SYSTEM, Actor
from console.core.transaction import transaction
from console.staff.roles import Role
from console.views.shared.labels.audit import AREAS, action_names, actions_of
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.server import ROOT

NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)  # 23:30 here


def _recorded() -> Iterator[str]:
    """Every action that the code records by name."""
    for path in (ROOT / "console").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record":
                action = node.args[1] if len(node.args) > 1 else None
                if isinstance(action, ast.Constant) and isinstance(action.value, str):
                    yield action.value


def test_every_action_has_words() -> None:
    recorded = set(_recorded())
    assert len(recorded) > 20
    assert not recorded - action_names().keys()


def test_every_action_is_of_one_area() -> None:
    in_areas = [action for area in AREAS for action in actions_of(area)]
    assert sorted(in_areas) == sorted(action_names())


@pytest.mark.only("sqlite")
class TestFilters:
    @pytest.fixture(autouse=True)
    def entries(self, session: Session, clock: Any, client: ConsoleClient) -> None:
        """Write what an agent did, then a customer past midnight, then the system a day later."""
        clock.set(NOW)
        ana = factories.make_person(name="Ana Đorđević", email="ana@example.test")
        uros = factories.make_staff(Role.AGENT, name="Uroš Šćepanović")
        with transaction():
            record(uros.actor("127.0.0.1"), "verification.started", "K-10001")
        clock.advance(timedelta(hours=1))
        with transaction():
            record(Actor("person", ana.id, ana.name), "person.signed_in", "person:1")
        clock.advance(timedelta(days=1))
        with transaction():
            record(SYSTEM, "verification.ended", "K-10001")
        sign_in(client, Role.SUPERVISOR)

    def found(self, client: ConsoleClient, **filters: str) -> list[str]:
        answer = client.get_json(f"/console/audit/?{urlencode(filters)}&sort=id").json
        assert answer is not None and "ignored" not in answer
        return [one["action"] for one in answer["items"] if not one["action"].startswith("staff.")]

    def test_kind_of_action(self, client: ConsoleClient) -> None:
        assert self.found(client, action="verification") == ["verification.started", "verification.ended"]
        assert self.found(client, action="verification.ended") == ["verification.ended"]
        assert self.found(client, action="customers") == ["person.signed_in"]
        assert client.get_json("/console/audit/?action=nonsense").json["ignored"]

    @pytest.mark.parametrize("who", ["Uroš", "uros", "Šćepanović", "Uroš Šćepanović"])
    def test_a_colleague_by_a_part_of_the_name(self, client: ConsoleClient, who: str) -> None:
        assert self.found(client, actor=who) == ["verification.started"]

    def test_a_customer_by_email_or_name(self, client: ConsoleClient) -> None:
        for who in ("ana@example.test", "ANA@example.test", "Ana Đorđević"):
            assert self.found(client, actor=who) == ["person.signed_in"]
        assert self.found(client, kind="person") == ["person.signed_in"]
        assert self.found(client, kind="system") == ["verification.ended"]
        assert self.found(client, actor="Niko Nikić") == []

    def test_days_are_local(self, client: ConsoleClient) -> None:
        assert self.found(client, until="2026-11-25") == ["verification.started"]
        assert self.found(client, since="2026-11-26", until="2026-11-26") == ["person.signed_in"]

    def test_the_list_shows_words_and_the_entry_its_key(self, client: ConsoleClient) -> None:
        page = client.get("/console/audit/").text
        assert "verification.started</code>" not in page and "Identitet potvrđen" in page
        assert '<optgroup label="Provera identiteta i PIN za podršku">' in page
        assert 'osoba <span class="muted ref">1</span>' in page and "person:1" not in page
        entry = client.get_json("/console/audit/?action=verification.started").json["items"][0]["id"]
        assert "verification.started</code>" in client.get(f"/console/audit/details/?id={entry}").text
