"""The ``console`` command."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo, with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError

from console.core.binds import HOST, MAX_PORT, PORT, Bind, read_bind
from console.core.context import settings
from console.core.db import db
from console.core.errors import NoSpace, Unavailable
from console.core.settings import Settings, SettingsError
from console.staff.roles import Role

if TYPE_CHECKING:
    from console.cli.restoring import Ended

# These bring their own command, named ``command``; they run in an application context.
ELSEWHERE = {"import": "console.imports.cli", "demo": "console.demo.cli"}
MIN_PASSWORD = 12
WITH_GAPS = 3  # exit code: a copy was written, but files were missing


class Commands(click.Group):
    """Our commands and those that live elsewhere. What an operator can put right is said in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *(name for name, module in ELSEWHERE.items() if _exists(module))])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = ELSEWHERE.get(cmd_name)
        if module is None or not _exists(module):
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in ELSEWHERE:
            ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(f"the database: {error.orig}".strip()) from error
        except (Unavailable, NoSpace) as error:
            cause = error.__cause__
            raise click.ClickException(f"the database: {getattr(cause, 'orig', cause)}".strip()) from error


def _exists(module: str) -> bool:
    package = module.rpartition(".")[0]
    return find_spec(package) is not None and find_spec(module) is not None


def _app() -> Flask:
    from console.app import create_app

    return create_app()


@click.group(cls=Commands, context_settings={"obj": ScriptInfo(create_app=_app)})
def main() -> None:
    """A support console for hosting companies."""


@main.command()
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


@main.command()
@with_appcontext
def worker() -> None:
    """Run the periodic jobs, as a process of its own."""
    from console.core.logging import write_to_stderr
    from console.setup import check_start
    from console.worker import run_forever

    write_to_stderr(production=settings().production)
    check_start(_running_app())
    run_forever(_running_app())


@main.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create the tables, or bring them up to date."""
    from console.setup import prepare_database

    brought = prepare_database()
    click.echo("The database is up to date.")
    if brought:
        click.echo(f"{_attachments(brought)} brought over to {settings().files_folder}.")


@main.command()
@with_appcontext
def reindex() -> None:
    """Make the search indexes again, while they are in use; `init-db` does it where it is needed."""
    from collections import Counter

    from console.reindexing import reindex as make_again

    counts: Counter[str] = Counter()
    for name, count in make_again():
        counts[name] += count
    for name, count in counts.items():
        click.echo(f"{name.removeprefix('search_')}: {count}")
    click.echo("The search indexes are up to date.")


@main.command("new-key")
def new_key() -> None:
    """Print a fresh key for CONSOLE_SEAL_KEYS or CONSOLE_SECRET_KEY."""
    from console.core import seal

    click.echo(seal.new_key())


@main.command()
@with_appcontext
def reseal() -> None:
    """Seal every secret with the newest key of CONSOLE_SEAL_KEYS."""
    from console.cli.sealing import reseal as reseal_secrets
    from console.core.seal import InvalidToken

    try:
        count = reseal_secrets()
    except InvalidToken as error:
        raise click.ClickException("a secret was sealed with a key that is not listed; see `console doctor`") from error
    click.echo(f"{count} secrets are sealed with the newest key. Keep the old keys listed: the audit log needs them.")


@main.group()
def staff() -> None:
    """Staff accounts."""


@staff.command("add")
@click.option("--email", prompt=True, help="What they sign in with.")
@click.option("--name", prompt=True, help="As shown to colleagues and in the audit log.")
@click.option("--role", prompt=True, type=click.Choice([role.value for role in Role]))
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@with_appcontext
def add_staff(email: str, name: str, role: str, password_stdin: bool) -> None:
    """Add a staff account."""
    from console.core.actor import SYSTEM
    from console.core.errors import Refusal
    from console.core.passwords import hash_password
    from console.core.transaction import transaction
    from console.staff import service
    from console.staff.passwords import complaint

    password = _prompt_password(from_stdin=password_stdin)
    problem = complaint(password, email=email, name=name)
    if problem is not None:
        raise click.ClickException(str(problem))
    hashed = hash_password(password)
    try:
        with transaction():
            added = service.add_staff(SYSTEM, email=email, name=name, role=Role(role), password_hash=hashed)
            address = added.email
    except Refusal as refusal:
        typed = {"email": email, "name": name}
        reasons = [f"{typed[field]}: {text}" for field, texts in refusal.fields.items() for text in texts]
        raise click.ClickException(" ".join(reasons) or str(refusal.message)) from refusal
    click.echo(f"{address} can sign in as {role}.")


def _prompt_password(*, from_stdin: bool) -> str:
    from console.core.text import visible_length

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if visible_length(password) < MIN_PASSWORD:
        raise click.ClickException(f"a password needs {MIN_PASSWORD} characters or more")
    return str(password)


@main.command()
@with_appcontext
def doctor() -> None:
    """Look the installation over. Exits with 1 if something is wrong."""
    from console.cli.doctor import Level, examine

    signs = {Level.GOOD: "  ok  ", Level.NOTE: " note ", Level.FAULT: "FAULT "}
    faults = 0
    for result in examine():
        faults += result.level is Level.FAULT
        click.echo(f"{signs[result.level]} {result.words}")
    if faults:
        click.echo(f"{faults} to put right.")
        raise SystemExit(1)


@main.group()
def audit() -> None:
    """The audit log."""


@audit.command("verify")
@with_appcontext
def verify_log() -> None:
    """Prove that no entry was changed, removed, inserted or cut off. Exits with 1 if one was."""
    from console.audit import queries
    from console.core.context import sealer

    anchor = queries.read_anchor(settings().anchor_file)
    flaws = 0
    for flaw in queries.verify(db.session(), sealer(), anchor):
        flaws += 1
        click.echo(f"{f'entry {flaw.place}' if flaw.place else 'the end'}: {flaw.what}")
    if flaws:
        raise click.ClickException(f"the audit log has {flaws} flaws")
    last = queries.current_anchor(db.session())
    click.echo(f"The audit log is whole: {last.last if last else 0} entries.")
    if anchor is None:
        click.echo("Its end was not noted outside the database yet; a worker does that every minute.")


@audit.command("anchor")
@click.option(
    "--force", is_flag=True, help="Even if the audit log no longer contains the end noted before (after a restore)."
)
@with_appcontext
def anchor_log(force: bool) -> None:
    """Note the audit log's end outside the database, where CONSOLE_AUDIT_ANCHOR says."""
    from console.audit import anchor

    try:
        last = anchor.advance(db.session(), settings().anchor_file, force=force)
    except (anchor.AnchorMismatch, LookupError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Noted entry {last} in {settings().anchor_file}.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup(file: Path) -> None:
    """Write a copy of database and attachments to FILE, while they are in use.

    The copy is read back and verified before it gets its name. Exit code 3: it
    is written, but attachments that the database names were missing or damaged.
    """
    from console.cli.backup import BackupError, back_up

    try:
        copied = back_up(settings(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Copied to {file} and verified: the database and {_attachments(copied.files)}, {_size(copied.size)}.")
    click.echo("The seal keys are not in it: keep them too.")
    if copied.missing:
        places = ", ".join(copied.missing[:5]) + (" and more" if len(copied.missing) > 5 else "")
        click.echo(f"Missing or damaged: {_attachments(len(copied.missing))}: {places}.", err=True)
        raise SystemExit(WITH_GAPS)


_skip_numbers = click.option(
    "--skip-numbers",
    default=0,
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    help="Pass over N numbers in each series: no more were used since the copy.",
)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Even if the database is not empty: what is in it is lost.")
@click.option("--check", "only_check", is_flag=True, help="Verify the copy and change nothing.")
@_skip_numbers
@with_appcontext
def restore(file: Path, force: bool, only_check: bool, skip_numbers: int) -> None:
    """Put the copy in FILE in the place of database and attachments. Stop the server first.

    Every sign-in, verification and token in it ends, and every support PIN is renewed.
    """
    from console.cli.backup import BackupError, check
    from console.cli.backup import restore as put_back

    try:
        if not file.is_file():
            raise BackupError(f"{file} does not exist")
        copied = (
            check(settings(), file)
            if only_check
            else put_back(settings(), file, force=force, skip_numbers=skip_numbers)
        )
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    what = f"the database and {_attachments(copied.files)}" if copied.whole else "the database alone, no attachments"
    if only_check:
        click.echo(f"{file} is whole: {what}.")
        return
    click.echo(f"Restored: {what}.")
    if copied.ended is not None:
        _tell_ended(copied.ended)
    click.echo("Now run `console init-db`, `console audit anchor --force` and `console doctor`.")


@main.command("after-restore")
@_skip_numbers
@with_appcontext
def after_restore(skip_numbers: int) -> None:
    """End all that a database brings back that was restored by other means than `console restore`.

    Every sign-in, verification and token in it ends, and every support PIN is renewed. Also to pass over numbers
    afterwards.
    """
    from console.cli.restoring import end_all
    from console.core.actor import SYSTEM
    from console.core.transaction import transaction

    with transaction():
        ended = end_all(SYSTEM, skip_numbers=skip_numbers)
    _tell_ended(ended)


def _tell_ended(ended: Ended) -> None:
    click.echo(
        f"Ended: {ended.staff_sessions} sign-ins of staff, {ended.person_sessions} of customers, "
        f"{ended.verifications} verifications, {ended.cards} cards, {ended.tokens} links that serve once, "
        f"the visitors' keys to {ended.chats} chats. Renewed: {ended.pins} support PINs."
    )
    if ended.mails_waiting:
        click.echo(f"{ended.mails_waiting} mails wait: what left after the copy was made leaves once again.")
    click.echo("A ticket's link that was voided since the copy opens its ticket again: void it again.")
    numbers = ", ".join(ended.next_numbers)
    if not ended.skipped:
        click.echo(
            f"Next numbers: {numbers}. What was numbered since the copy had them too: look at the mail that left,"
        )
        click.echo("and pass them over with `console after-restore --skip-numbers N`.")
        return
    click.echo(f"{ended.skipped} numbers were passed over in each series. Next: {numbers}.")
    if ended.unmoved:
        click.echo(f"SQLite gives the next free number of {', '.join(ended.unmoved)}: these were not passed over.")


def _attachments(count: int) -> str:
    return f"{count} attachment{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MB"


def _running_app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app
