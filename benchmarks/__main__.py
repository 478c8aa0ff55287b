"""``python -m benchmarks``: measures on databases of its own and writes the table to docs/performance.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from benchmarks.http import BenchError
from benchmarks.report import PAGE, Report

F = TypeVar("F", bound=Callable[..., Any])


@click.group("benchmarks")
def command() -> None:
    """Measure what docs/performance.md promises, on temporary databases."""


def _common(function: F) -> F:
    function = click.option(
        "--database-url",
        metavar="URL",
        help="A PostgreSQL where a database may be created for the bench. [default: a SQLite file]",
    )(function)
    return click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The page whose section is rewritten. [default: docs/performance.md where it is; /dev/null for none]",
    )(function)


@command.command()
@click.option("--small", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--large", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--tries", type=click.IntRange(1), default=61, show_default=True)
@_common
def lists(small: int, large: int, tries: int, database_url: str | None, out: Path | None) -> None:
    """Time the first page of each list with few rows and with many."""
    from benchmarks.lists import run

    _show(lambda words: run(small, large, tries, database_url, words), out)


@command.command()
@click.option("--small", type=click.IntRange(1), default=1_000, show_default=True, help="Lines.")
@click.option("--large", type=click.IntRange(1), default=100_000, show_default=True, help="Lines.")
@_common
def statements(small: int, large: int, database_url: str | None, out: Path | None) -> None:
    """Import bank statements, and match their lines to as many open pro-formas."""
    from benchmarks.statements import run

    _show(lambda words: run(small, large, database_url, words), out)


@command.command()
@click.option("--count", type=click.IntRange(50), default=1_000, show_default=True, help="Mails.")
@click.option("--mailbox", is_flag=True, help="Fill the mailbox of CONSOLE_IMAP_URL and read it, instead of no server.")
@_common
def receiving(count: int, mailbox: bool, database_url: str | None, out: Path | None) -> None:
    """Time mail that comes in."""
    from benchmarks.receiving import read, run

    work = read if mailbox else run
    _show(lambda words: work(count, database_url, words), out)


@command.command()
@click.option("--tries", type=click.IntRange(1), default=200, show_default=True)
@_common
def verify(tries: int, database_url: str | None, out: Path | None) -> None:
    """Time the four ways in which a verification fails: they must take as long."""
    from benchmarks.verify import run

    _show(lambda words: run(tries, database_url, words), out)


@command.command()
@click.option("--tries", type=click.IntRange(1), default=200, show_default=True)
@_common
def addresses(tries: int, database_url: str | None, out: Path | None) -> None:
    """Time the forms of the portal that ask for an address: none may tell whether it is registered."""
    from benchmarks.addresses import run

    _show(lambda words: run(tries, database_url, words), out)


@command.command()
@click.option("--small", type=click.IntRange(10), default=1_000, show_default=True, help="Accounts.")
@click.option("--large", type=click.IntRange(10), default=100_000, show_default=True, help="Accounts.")
@click.option("--tries", type=click.IntRange(1), default=41, show_default=True)
@_common
def portal(small: int, large: int, tries: int, database_url: str | None, out: Path | None) -> None:
    """Time the customers' pages with few accounts and with many, and a zone with few records and with many."""
    from benchmarks.portal import run

    _show(lambda words: run(small, large, tries, database_url, words), out)


@command.command()
@click.option("--count", type=click.IntRange(1), default=300, show_default=True, help="Migrations of each kind.")
@click.option("--small", type=click.IntRange(0), default=100, show_default=True, help="Open documents around.")
@click.option("--large", type=click.IntRange(0), default=10_000, show_default=True, help="Open documents around.")
@_common
def migrations(count: int, small: int, large: int, database_url: str | None, out: Path | None) -> None:
    """Time executions: against the same rows without rules, and with many documents around."""
    from benchmarks.migrations import run

    _show(lambda words: run(count, small, large, database_url, words), out)


@command.command()
@click.option("--count", type=click.IntRange(1), default=10_000, show_default=True, help="Services.")
@_common
def batches(count: int, database_url: str | None, out: Path | None) -> None:
    """Time many migrations from a file, against the same rows by plain SQL with one commit a service."""
    from benchmarks.batches import run

    _show(lambda words: run(count, database_url, words), out)


@command.command()
@click.option("--small", type=click.IntRange(5), default=1_000, show_default=True, help="Tickets.")
@click.option("--large", type=click.IntRange(5), default=100_000, show_default=True, help="Tickets.")
@click.option("--tries", type=click.IntRange(1), default=41, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=5.0, show_default=True, help="With eight clients.")
@click.option(
    "--against",
    type=click.Choice(["django-helpdesk"]),
    help="Install it into an environment of its own and measure it in turn, with the same tickets. PostgreSQL only.",
)
@_common
def tickets(
    small: int,
    large: int,
    tries: int,
    seconds: float,
    against: str | None,
    database_url: str | None,
    out: Path | None,
) -> None:
    """Time the ticket desk: list, search, a ticket, a new one; with few tickets and with many."""
    from benchmarks.tickets import run

    _show(lambda words: run(small, large, tries, seconds, database_url, against, words), out)


_bare = click.option("--bare", is_flag=True, help="No demo data beside what is measured: to see that the bench runs.")


@command.command()
@click.option("--chats", type=click.IntRange(1), default=50, show_default=True, help="Conversations of two at once.")
@click.option("--rounds", type=click.IntRange(1), default=9, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=5.0, show_default=True, help="Of each measurement.")
@click.option("--steady", type=click.IntRange(1), default=500, show_default=True, help="Chats, for the delay.")
@click.option("--connections", type=click.IntRange(1), default=1_000, show_default=True, help="Visitors at once.")
@click.option("--warm-up", type=click.FloatRange(0), default=2.0, show_default=True, help="Seconds before it counts.")
@_bare
@_common
def chat(database_url: str | None, out: Path | None, **size: Any) -> None:
    """Measure the chat against a bare Flask-SocketIO relay: speed, delay, memory, connecting."""
    from benchmarks.chat import Size, run

    _show(lambda words: run(Size(**size), database_url, words), out)


@command.command()
@click.option("--redis-url", required=True, metavar="URL", help="A Redis that carries pushes between processes.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5), default=5.0, show_default=True, help="Of each measurement.")
@click.option("--chats", type=click.IntRange(2), default=50, show_default=True, help="Conversations of two at once.")
@_bare
@_common
def processes(
    redis_url: str, rounds: int, seconds: float, chats: int, bare: bool, database_url: str | None, out: Path | None
) -> None:
    """Measure two processes against one, on list pages and in the chat; on PostgreSQL."""
    from benchmarks.processes import run

    if database_url is None:
        raise click.UsageError("several processes need a PostgreSQL: --database-url")
    _show(lambda words: run(rounds, seconds, chats, database_url, redis_url, words, bare=bare), out)


@command.command("import")
@click.option("--small", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--large", type=click.IntRange(1), default=100_000, show_default=True)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(["customers", "services", "proformas"]),
    multiple=True,
    help="Only files of this kind, which may need those before it. [default: all]",
)
@_common
def imports(small: int, large: int, kinds: tuple[str, ...], database_url: str | None, out: Path | None) -> None:
    """Time the import of very many rows, and weigh its memory."""
    from benchmarks.imports import KINDS, run

    _show(lambda words: run(small, large, kinds or KINDS, database_url, words), out)


def _show(run: Callable[[str], Report], out: Path | None) -> None:
    try:
        report = run(_words())
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.text())
    page = out or (PAGE if PAGE.exists() else None)
    if page is not None and page != Path("/dev/null"):
        report.keep(page)


def _words() -> str:
    """Return the command line without the server's address, which stays private."""
    context = click.get_current_context()
    values = [
        f"--{name.replace('_', '-')} {'…' if name.endswith('_url') else value}".removesuffix(" True")
        for name, value in context.params.items()
        if name != "out" and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    return " ".join(["python -m benchmarks", str(context.info_name), *values])


if __name__ == "__main__":
    command(prog_name="python -m benchmarks")
