"""Commands that serve: ``serve``, ``worker``."""

from __future__ import annotations

import gc
import threading
from importlib import import_module

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo, with_appcontext

from console.core.binds import HOST, MAX_PORT, PORT, Bind, read_bind
from console.core.context import settings
from console.core.settings import Settings

# Imported when they are needed, and so by every server soon after it starts.
FIRST_NEEDED = ("console.server", "console.setup", "holidays", "snowballstemmer")


@click.command()
@click.option("--host", help=f"Address to listen on. [default: {HOST}]")
@click.option("--port", type=click.IntRange(1, MAX_PORT), help=f"Port to listen on. [default: {PORT}]")
@click.option("--bind", metavar="HOST:PORT|unix:PATH", help="Both in one, or the path of a Unix socket.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="How many; each at a port of its own, counted up from this one, or at PATH.0, PATH.1 … "
    "Each is started again when it ends. [default: CONSOLE_PROCESSES, else this process alone]",
)
@click.option("--worker/--no-worker", default=None, help="Run the periodic jobs here too. [default: on SQLite]")
@click.pass_context
def serve(
    ctx: click.Context,
    host: str | None,
    port: int | None,
    bind: str | None,
    processes: int | None,
    worker: bool | None,
) -> None:
    """Serve the console."""
    address = _bind(bind, host, port)
    environment = Settings.from_environ()
    count = processes or environment.processes
    if count > 1:
        environment.check_processes(count)
        if worker:
            raise click.UsageError("with several processes, jobs run in one of their own: console worker")
    if count > 1 or processes:
        address = _fork(environment, address, count)
    _serve(ctx, address, worker=worker)


def _bind(bind: str | None, host: str | None, port: int | None) -> Bind:
    if bind is None:
        return Bind(host or HOST, port or PORT)
    if host or port:
        raise click.UsageError("--bind names both: leave --host and --port out")
    try:
        return read_bind(bind)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--bind") from error


def _serve(ctx: click.Context, bind: Bind, *, worker: bool | None) -> None:
    from console.server import serve as serve_app
    from console.setup import check_start

    app = ctx.ensure_object(ScriptInfo).load_app()
    check_start(app)
    try:
        serve_app(app, bind, with_worker=worker)
    except OSError as error:
        raise click.ClickException(f"{bind}: {error.strerror or error}") from error


def _fork(environment: Settings, bind: Bind, count: int) -> Bind:
    """Return in each server, with its address; the parent keeps them up and ends here (see console.supervisor)."""
    from console.core.logging import write_to_stderr
    from console.supervisor import fork_servers

    try:
        binds = [bind.of_process(index) for index in range(count)] if count > 1 else [bind]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--processes") from error
    _load()
    write_to_stderr(production=environment.production)
    return fork_servers(binds)


def _load() -> None:
    """Import what every server and its first requests need, and build an application once.

    Each server builds its own, with its own connections and its own name among the processes: the second is made in a
    third of the time, because Flask-Admin, WTForms and SQLAlchemy have read our classes for the first.
    """
    from sqlalchemy.orm import configure_mappers

    for module in FIRST_NEEDED:
        import_module(module)
    from console.app import create_app

    create_app()
    configure_mappers()
    for started in threading.enumerate():  # the limiter cleans up once: servers would begin in the middle of it
        if started is not threading.current_thread():
            started.join(timeout=1)
    gc.freeze()  # a round of the collector in a server would copy what all share


@click.command()
@with_appcontext
def worker() -> None:
    """Run the periodic jobs, as a process of its own."""
    from console.core.logging import write_to_stderr
    from console.setup import check_start
    from console.worker import run_forever

    write_to_stderr(production=settings().production)
    check_start(_running_app())
    run_forever(_running_app())


def _running_app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app
