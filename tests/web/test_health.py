"""Health and metrics: honest about what is missing, open to the right ones only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from console.core.db import db
from console.core.settings import Settings
from tests.support import processes
from tests.support.client import ConsoleClient

MakeApp = Callable[[Settings], Flask]
TOKEN = "a-token-for-the-collector"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, metrics_token=TOKEN)


def test_healthz(client: ConsoleClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


@pytest.mark.both
def test_readyz(client: ConsoleClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"status": "ready", "checks": {"database": True, "storage": True}},
    )


@pytest.mark.both
def test_not_ready_before_the_tables_are_up_to_date(client: ConsoleClient) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]) == (503, {"database": False, "storage": True})


@pytest.mark.both
@pytest.mark.only("postgresql")
def test_not_ready_without_its_database(settings: Settings, make_app: MakeApp) -> None:
    url = f"postgresql+psycopg://nobody@127.0.0.1:{processes.free_port()}/nowhere?connect_timeout=2"
    lonely = make_app(replace(settings, database_url=url))
    answer = lonely.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]) == (503, {"database": False, "storage": True})
    assert lonely.test_client().get("/healthz").status_code == 200


def test_redis_counts_where_it_is_used(settings: Settings, redis_url: str, make_app: MakeApp) -> None:
    with_redis = make_app(replace(settings, redis_url=redis_url))
    assert with_redis.test_client().get("/readyz").get_json()["checks"] == {
        "database": True,
        "storage": True,
        "redis": True,
    }


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 404),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 404),
        ("192.0.2.7", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("192.0.2.7", {"Authorization": f"Bearer {TOKEN}x"}, 404),
        ("192.0.2.7", {"Authorization": "Bearer "}, 404),
        ("192.0.2.7", {"Authorization": "Bearer ž"}, 404),
    ],
)
def test_metrics_are_for_this_machine_or_the_token(
    client: ConsoleClient, address: str, headers: dict[str, str], status: int
) -> None:
    environ: dict[str, Any] = {"REMOTE_ADDR": address}
    assert client.get("/metrics", headers=headers, environ_overrides=environ).status_code == status


def test_without_a_token_setting_no_token_opens_metrics(settings: Settings, make_app: MakeApp) -> None:
    app = make_app(replace(settings, metrics_token=None))
    for header in ("Bearer ", "Bearer None", ""):
        answer = app.test_client().get(
            "/metrics", headers={"Authorization": header}, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
        )
        assert answer.status_code == 404


@pytest.mark.both
def test_metrics_count_requests_and_transactions(client: ConsoleClient, session: Session, app: Flask) -> None:
    from console.audit.service import record
    from console.core.actor import SYSTEM
    from console.core.transaction import transaction

    client.get("/no/such/address")
    with transaction():
        record(SYSTEM, "thing.counted", "T-1")
    text_format = client.get("/metrics").text
    assert 'console_request_seconds_count{endpoint="none",method="GET",status="404"}' in text_format
    assert 'console_transactions_total{outcome="committed"}' in text_format
    assert 'console_actions_total{action="thing.counted"}' in text_format
