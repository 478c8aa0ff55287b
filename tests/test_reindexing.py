"""The search indexes are made again where the rules of what stands in them have changed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Integer, inspect, literal_column, select, table, text
from sqlalchemy.orm import Session

from console import reindexing
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.search import SearchIndex, rules_of
from console.core.transaction import transaction
from console.setup import prepare_database
from console.tickets.canned.service import load_standard
from console.tickets.service import merging
from tests import factories
from tests.factories.chat import ask
from tests.factories.tickets import make_ticket

pytestmark = pytest.mark.both

QUESTIONS = {
    "search_customers": "pekare", "search_services": "paketu", "search_domains": "prodavnice",
    "search_proformas": "pekaru", "search_tickets": "poruku", "search_replies": "lozinke", "search_chats": "pošte",
    "search_help": "lozinku",
}  # fmt: skip


def hits(session: Session, name: str) -> list[int]:
    key: Any = literal_column("rowid" if session.get_bind().dialect.name == "sqlite" else "id", Integer)
    condition = SearchIndex(name).matches(session, key, QUESTIONS[name], whole=True)
    assert condition is not None
    found: list[int] = sorted(session.scalars(select(key).select_from(table(name)).where(condition)))
    session.rollback()
    return found


def test_every_index_is_made_again_as_the_verbs_write_it(session: Session) -> None:
    with transaction():
        load_standard(SYSTEM)
        customer = factories.make_customer(name="Pekara Đerdap")
        service = factories.make_service(customer, label="Paket jedan")
        factories.make_domain(service, "prodavnica-šljiva.rs")
        factories.make_proforma(customer, [service])
        child, parent = (make_ticket(SYSTEM, requester_email="ana@example.test", body=one) for one in ("Poruka", "Ne"))
        merging.merge(SYSTEM, [child.id], parent.id)
    ask("Ne stiže pošta")
    before = {name: hits(session, name) for name in reindexing.INDEXES}
    assert all(before.values()), before
    with transaction():
        for name in reindexing.INDEXES:
            session.execute(text(f"DELETE FROM {name}"))
        session.execute(text("UPDATE search_rules SET rules = '1'"))
    assert reindexing.is_outdated()
    prepare_database()
    assert not reindexing.is_outdated()
    assert {name: hits(session, name) for name in reindexing.INDEXES} == before


@pytest.mark.only("sqlite")
def test_no_index_is_forgotten(session: Session) -> None:
    there = {name for name in inspect(db.engine).get_table_names() if name.startswith("search_") and "_" in name}
    shadows = ("_config", "_content", "_data", "_docsize", "_idx")
    assert {name for name in there if not name.endswith(shadows)} - {"search_rules"} == set(reindexing.INDEXES)


@pytest.mark.only("sqlite")
def test_what_was_broken_off_begins_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        session.execute(text("UPDATE search_rules SET rules = '1'"))
        for number in range(3):
            factories.make_customer(name=f"Pekara {number}")
        session.execute(text("DELETE FROM search_customers"))
    monkeypatch.setattr(reindexing, "BATCH", 2)
    next(reindexing.reindex())  # the first batch, then no more
    assert reindexing.is_outdated()
    assert rules_of(session) == "1"
    session.rollback()
    made = [(name, count) for name, count in reindexing.reindex() if name != "search_help"]
    assert made == [("search_customers", 2), ("search_customers", 1)]
    assert not reindexing.is_outdated()
    assert len(hits(session, "search_customers")) == 3
