"""PostgreSQL is read without a transaction around it."""

from __future__ import annotations

import pytest
from flask import Flask
from psycopg import Connection
from psycopg.pq import TransactionStatus
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from console.core.db import db
from console.core.transaction import end_reading, transaction
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories

pytestmark = pytest.mark.only("postgresql")


def raw(session: Session) -> Connection[object]:
    connection = session.connection().connection.dbapi_connection
    assert isinstance(connection, Connection)
    return connection


def test_reading_begins_no_transaction(app: Flask, session: Session) -> None:
    assert session.scalar(select(func.count()).select_from(Staff)) == 0
    assert raw(session).info.transaction_status == TransactionStatus.IDLE
    factories.make_staff(Role.AGENT)  # elsewhere it would have to be committed first; here it just is
    assert session.scalar(select(func.count()).select_from(Staff)) == 1


def test_writing_has_one_and_it_rolls_back(session: Session) -> None:
    member = factories.make_staff(Role.AGENT)
    session.scalar(text("SELECT 1"))
    with pytest.raises(ZeroDivisionError), transaction() as writing:
        writing.execute(update(Staff).values(name="Neko Drugi"))
        assert raw(writing).info.transaction_status == TransactionStatus.INTRANS
        raise ZeroDivisionError
    assert session.scalar(select(Staff.name)) == member.name


def test_a_connection_goes_back_as_it_came(app: Flask, session: Session) -> None:
    session.scalar(text("SELECT 1"))
    connection = raw(session)
    assert connection.autocommit
    end_reading(session)
    assert not connection.autocommit
    with db.engine.begin() as begun:  # a revision, say: all of it or nothing
        begun.execute(text("SELECT 1"))
        used = begun.connection.dbapi_connection
        assert isinstance(used, Connection) and used.info.transaction_status == TransactionStatus.INTRANS


def test_one_that_was_cut_is_thrown_away(session: Session) -> None:
    session.scalar(text("SELECT 1"))
    lost = raw(session)
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": lost.info.backend_pid})
    with pytest.raises(OperationalError):
        session.scalar(text("SELECT 2"))
    session.rollback()
    assert lost.closed
    assert session.scalar(text("SELECT 3")) == 3
