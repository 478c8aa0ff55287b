"""The database: base class, column types, and SQLite opened safely.

Models inherit :class:`Base`; ``db`` gives them a session per application context.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Engine, Enum, MetaData, String, TypeDecorator, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from console.core.files import create_private
from console.core.places import sqlite_path
from console.core.settings import Settings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
ANALYSED_ROWS = 1_000  # of an index, for the statistics that SQLite plans by
WRITES = "console_writes"  # execution option: this transaction will write
BUSY_TIMEOUT_MS = 10_000
RESTED = 1.0  # seconds after which a server's connection is tried before it is used


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as UTC. SQLite has no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what prepares a value. A group of rows repeats a few instants, and each costs three microseconds."""
        process = super().bind_processor(dialect)
        return None if process is None else lru_cache(maxsize=64)(process)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is no instant")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class seconds_of(GenericFunction[int]):  # noqa: N801  (a function of SQL)
    """The whole seconds of an instant since 1970: both databases count them, each by its own name."""

    type = BigInteger()
    name = "seconds_of"
    inherit_cache = True


@compiles(seconds_of, "sqlite")
def _seconds_in_sqlite(element: seconds_of, compiler: SQLCompiler, **options: Any) -> str:
    # Without its fraction, which strftime would round.
    return f"CAST(strftime('%s', substr({compiler.process(element.clauses, **options)}, 1, 19)) AS INTEGER)"


@compiles(seconds_of, "postgresql")
def _seconds_in_postgresql(element: seconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **options)})) AS BIGINT)"


Amount = Annotated[int, "minor units"]  # 64 bits: 32 end at 21 million dinars


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: Instant(),
        str: String(255),
        Amount: BigInteger(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


def enum_column(kind: type[StrEnum]) -> Enum:
    """Return a column type that stores the member's value as text, on both databases alike."""
    return Enum(kind, native_enum=False, length=20, values_callable=lambda members: [m.value for m in members])


# For its engine and its session per context; models inherit our typed Base, not db.Model.
db = SQLAlchemy(metadata=Base.metadata)


def init_db(app: Flask, settings: Settings) -> None:
    """Bind ``db`` to the application's database."""
    app.config["SQLALCHEMY_DATABASE_URI"] = absolute_url(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)


def absolute_url(url: str) -> str:
    """Make a relative SQLite path one from the working directory, and its folder exist."""
    path = sqlite_path(url)
    if path is None:
        return url
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}"


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return the engine's options."""
    # A statement's parameters hold addresses, hashes and sealed secrets: they stay out of error messages.
    options: dict[str, Any] = {"hide_parameters": True}
    if settings.sqlite:
        return options | {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}}
    # The connection that was used last is taken first: what it has prepared is used again.
    return options | {
        "pool_size": settings.database_pool,
        "max_overflow": settings.database_overflow,
        "pool_use_lifo": True,
    }


def prepare_engine(engine: Engine) -> None:
    """Give SQLite connections their pragmas and real transactions, and its file to its owner alone.

    A writing transaction begins IMMEDIATE: with a deferred one, two that read
    first and write then would number two documents alike or fail as locked.
    """
    if engine.dialect.name != "sqlite":
        _ping_what_rested(engine)
        return

    @event.listens_for(engine, "do_connect")
    def on_do_connect(_dialect: Dialect, _entry: ConnectionPoolEntry, cargs: list[Any], _cparams: Any) -> None:
        # Before the driver would create it readable for all; journal and index get the mode of the file.
        if cargs and cargs[0] != ":memory:":
            create_private(Path(cargs[0]))

    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we begin and commit, not the driver
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # NORMAL may lose the last commits at power loss
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def update_statistics(session: Session) -> None:
    """Tell SQLite how its tables are filled, so that it chooses the right index; a server does so by itself.

    It looks at some rows of each index, which takes milliseconds (https://www.sqlite.org/lang_analyze.html, 4.1).
    Connections that are open learn of it when they are made again.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text(f"PRAGMA analysis_limit={ANALYSED_ROWS}"))
        session.execute(text("ANALYZE"))


def _ping_what_rested(engine: Engine) -> None:
    """Try a connection that was not used for a while before it is used; another one takes the place of a dead one.

    As ``pool_pre_ping`` does every time, which costs a page as much as one of its statements.
    """
    from console.core.postgres import set_autocommit

    @event.listens_for(engine, "checkin")
    def on_checkin(connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info["used"] = time.monotonic()
        if connection is not None:  # it read, perhaps, without a transaction
            set_autocommit(connection, False)

    @event.listens_for(engine, "checkout")
    def on_checkout(connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        used = entry.info.get("used")
        if used is None or time.monotonic() - used < RESTED:
            return
        try:
            alive = engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the others are older
        if not alive:
            raise InvalidatePoolError


def database_file(settings: Settings) -> Path | None:
    """Return where the SQLite file lies, ``None`` for a server."""
    path = sqlite_path(settings.database_url)
    return path.absolute() if path else None
