from __future__ import annotations

from typing import Any

import psycopg

from tests.support.postgres import Postgres
from tests.support.reused import Reused

PEOPLE = """
    INSERT INTO people (email, name, phone, created_at)
    SELECT 'p' || number || '@example.test', repeat('X', 100), '', now() FROM generate_series(1, 2000) AS number
"""


def contents(connection: psycopg.Connection[Any]) -> list[list[Any]]:
    queries = (
        "SELECT count(*) FROM people",
        "SELECT * FROM help_articles ORDER BY id",
        "SELECT * FROM hours_intervals ORDER BY 1",
        "SELECT last_value, is_called FROM people_id_seq",
    )
    return [connection.execute(query).fetchall() for query in queries]


def test_a_database_serves_again_and_again_as_the_template_is(postgres_server: Postgres, _reused: Reused) -> None:
    """Were it dropped each time, as when statistics came by themselves, each test waited for six hundred files."""
    name = _reused.take()
    for _time in range(2):
        with psycopg.connect(host=str(postgres_server.folder), user="postgres", dbname=name) as connection:
            before = contents(connection)
            connection.execute(PEOPLE)
            connection.execute("UPDATE help_articles SET position = position + 1")
            connection.execute("DELETE FROM hours_intervals")
            assert contents(connection) != before
        _reused.give_back(name)
        assert _reused.take() == name
        with psycopg.connect(host=str(postgres_server.folder), user="postgres", dbname=name) as connection:
            assert contents(connection) == before
    _reused.give_back(name)
