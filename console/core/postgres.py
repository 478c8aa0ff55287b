"""Reading PostgreSQL without a transaction around it."""

from __future__ import annotations

from typing import Any

from psycopg.pq import TransactionStatus


def set_autocommit(connection: Any, value: bool) -> None:
    """Let each statement be a transaction of its own, or not; a connection that is lost stays as it is."""
    if connection.autocommit != value and connection.pgconn.transaction_status == TransactionStatus.IDLE:
        connection.autocommit = value
