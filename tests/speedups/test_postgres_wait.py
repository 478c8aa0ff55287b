"""PostgreSQL waited for on gevent's hub, by what psycopg has for it today."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.postgres import Postgres

pytestmark = pytest.mark.only("postgresql")


def test_the_hub_waits_for_what_is_ready_and_for_nothing_else(postgres_server: Postgres) -> None:
    url = postgres_server.create("hub_waits")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.speedups.hub_waits", url],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["installed"] is True
    assert seen["meanwhile"] == 7
    assert seen["waits of a sleep"] <= 2
    assert seen["waits of a pipeline"] <= 12
    assert seen["long text"] is True
    assert seen["given up"] == "ACTIVE"  # as psycopg leaves it; SQLAlchemy throws such a connection away
    assert seen["cut"] == "AdminShutdown"
    assert seen["many"] is True
    assert seen["off"] == [[7], 0]
