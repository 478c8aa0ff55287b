"""Commands that serve: ``serve``, ``worker``."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo, with_appcontext

from console.core.binds import HOST, MAX_PORT, PORT, Bind, read_bind
from console.core.context import settings
from console.core.settings import Settings


@click.command()
@click.option("--host", help=f"Address to listen on. [default: {HOST}]")
@click.option("--port", type=click.IntRange(1, MAX_PORT), help=f"Port to listen on. [default: {PORT}]")
@click.option("--bind", metavar="HOST:PORT|unix:PATH", help="Both in one, or the path of a Unix socket.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="How many; each at a port of its own, counted up from this one, or at PATH.0, PATH.1 … "
    "[default: CONSOLE_PROCESSES, else 1]",
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
        _serve_many(environment, address, count)
    else:
        _serve_one(ctx, address, worker=worker)


def _bind(bind: str | None, host: str | None, port: int | None) -> Bind:
    if bind is None:
        return Bind(host or HOST, port or PORT)
    if host or port:
        raise click.UsageError("--bind names both: leave --host and --port out")
    try:
        return read_bind(bind)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--bind") from error


def _serve_one(ctx: click.Context, bind: Bind, *, worker: bool | None) -> None:
    from console.server import serve as serve_app
    from console.setup import check_start

    app = ctx.ensure_object(ScriptInfo).load_app()
    check_start(app)
    try:
        serve_app(app, bind, with_worker=worker)
    except OSError as error:
        raise click.ClickException(f"{bind}: {error.strerror or error}") from error


def _serve_many(environment: Settings, bind: Bind, count: int) -> None:
    from console.core.logging import configure, write_to_stderr
    from console.supervisor import supervise

    try:
        binds = [bind.of_process(index) for index in range(count)]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--processes") from error
    configure()
    write_to_stderr(production=environment.production)
    raise SystemExit(supervise(binds))


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
