"""What an entry says about a person is sealed under their key, and gone with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from console.audit import queries, sealing
from console.audit.models import AuditEntry
from console.audit.service import record
from console.core.actor import SYSTEM
from console.core.context import sealer
from console.core.db import db
from console.core.transaction import transaction
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.server import ROOT

# Words that name what may be personal, and the actions in which it is a colleague's, a product's, or one of a few keys.
PERSONAL = {
    "name", "email", "phone", "reason", "note", "body", "text", "remark", "answer", "tags", "city", "subject_line",
    "before", "after", "added", "removed", "filters", "comment",
}  # fmt: skip
NOT_OF_A_PERSON = {
    "product.added", "product.changed", "staff.added", "staff.changed", "department.changed", "settings.changed",
    "chat.rules_changed", "chat.presence", "hours.week_changed", "member.changed", "person.held", "service.suspended",
    "customer.status_changed", "ticket.merged", "verification.ended", "reply.standard_loaded", "list.exported",
    "application.changed", "sso.refused", "sso.revoked", "sso.switched_off",
}  # fmt: skip


def entries() -> list[AuditEntry]:
    db.session.expire_all()
    return list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


@pytest.mark.both
def test_it_opens_until_the_key_is_destroyed(session: Session) -> None:
    person, other = factories.make_person(), factories.make_person()
    with transaction():
        record(SYSTEM, "thing.done", "K-1", about=person.id, personal={"city": "Čačak", "old": None}, count=1)
        record(SYSTEM, "thing.done", "K-2", about=other.id, personal={"city": "Niš"})
        record(SYSTEM, "thing.done", "K-3", personal={"city": "Bor"}, count=2)
    first, second, third = entries()[-3:]
    assert "Čačak" not in str(first.data) and first.data["count"] == 1
    assert sealing.data_of(first) == {"count": 1, "city": "Čačak", "old": None}
    assert third.data == {"count": 2} == sealing.data_of(third)  # no one's key: left out
    with transaction() as writing:
        sealing.destroy_key(writing, person.id)
        record(SYSTEM, "thing.done", "K-4", about=person.id, personal={"city": "Zrenjanin"}, count=3)
    first, second, _third, last = entries()[-4:]
    assert sealing.data_of(first) == {"count": 1} and sealing.data_of(second) == {"city": "Niš"}
    assert last.data == {"count": 3}
    assert list(queries.verify(session, sealer())) == []
    with transaction() as writing:
        writing.execute(text("UPDATE audit_entries SET data = '{\"count\": 1}' WHERE id = :id"), {"id": first.id})
    assert {flaw.place for flaw in queries.verify(session, sealer())} == {first.id}


@pytest.mark.only("sqlite")
def test_the_log_shows_it_opened_in_few_statements(client: ConsoleClient, app: Flask) -> None:
    people = [factories.make_person() for _ in range(12)]
    with transaction():
        for place, person in enumerate(people):
            record(SYSTEM, "customer.profile_changed", "K-10001", about=person.id, personal={"city": f"Grad {place}"})
    sign_in(client, Role.SUPERVISOR)
    with count_queries(app) as statements:
        answer = client.get_json("/console/audit/?action=customer.profile_changed&sort=id")
    assert [one["data"]["city"] for one in answer.json["items"]] == [f"Grad {place}" for place in range(12)]
    assert len(statements) <= 8
    entry = next(one for one in entries() if one.action == "customer.profile_changed")
    page = client.get(f"/console/audit/details/?id={entry.id}").text
    assert "Grad 0" in page and "gAAAA" not in page
    file = client.get("/console/audit/export/csv/?action=customer.profile_changed").text
    assert "Grad 11" in file and "gAAAA" not in file


@pytest.mark.only("sqlite")
def test_what_was_typed_into_a_filter_is_not_repeated(client: ConsoleClient) -> None:
    sign_in(client, Role.SUPERVISOR)
    assert client.get("/console/audit/export/csv/?actor=ana@example.rs&kind=person").status_code == 200
    entry = entries()[-1]
    assert entry.data == {"filters": {"kind": "person", "actor": "…"}, "searched": False}


def _plain_words() -> Iterator[tuple[str, str]]:
    """Yield each action with the names of what it records in plain text."""
    for path in (ROOT / "console").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record":
                action = node.args[1] if len(node.args) > 1 else None
                name = action.value if isinstance(action, ast.Constant) else str(path.stem)
                yield from ((str(name), word.arg) for word in node.keywords if word.arg is not None)


def test_no_entry_has_words_of_a_person_in_plain_text() -> None:
    found = {action for action, word in _plain_words() if word in PERSONAL}
    assert found - NOT_OF_A_PERSON == set(), "seal it: record(…, about=…, personal={…})"
