"""A PowerDNS of this run's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import missing
from tests.support import name_servers
from tests.support.name_servers import PowerDnsServer


@pytest.fixture(scope="session")
def power_dns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDnsServer]:
    if name_servers.program("pdns_server") is None or not name_servers.SCHEMA.exists():
        missing("PowerDNS (Debian: apt-get install pdns-server pdns-backend-sqlite3)")
    server = PowerDnsServer(tmp_path_factory.mktemp("pdns"))
    server.start()
    yield server
    server.stop()
