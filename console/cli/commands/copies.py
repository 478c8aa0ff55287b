"""Commands for copies: ``backup``, ``restore``, ``after-restore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from console.core.context import settings

if TYPE_CHECKING:
    from console.cli.restoring import Ended

WITH_GAPS = 3  # exit code: a copy was written, but files were missing


@click.command()
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
    click.echo(f"Copied to {file} and verified: the database and {attachments(copied.files)}, {_size(copied.size)}.")
    click.echo("The seal keys are not in it: keep them too.")
    if copied.missing:
        places = ", ".join(copied.missing[:5]) + (" and more" if len(copied.missing) > 5 else "")
        click.echo(f"Missing or damaged: {attachments(len(copied.missing))}: {places}.", err=True)
        raise SystemExit(WITH_GAPS)


_skip_numbers = click.option(
    "--skip-numbers",
    default=0,
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    help="Pass over N numbers in each series: no more were used since the copy.",
)


@click.command()
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
    what = f"the database and {attachments(copied.files)}" if copied.whole else "the database alone, no attachments"
    if only_check:
        click.echo(f"{file} is whole: {what}.")
        return
    click.echo(f"Restored: {what}.")
    if copied.ended is not None:
        _print_ended(copied.ended)
    click.echo("Now run `console init-db`, `console audit anchor --force` and `console doctor`.")


@click.command("after-restore")
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
    _print_ended(ended)


def _print_ended(ended: Ended) -> None:
    click.echo(
        f"Ended: {ended.staff_sessions} sign-ins of staff, {ended.person_sessions} of customers, "
        f"{ended.verifications} verifications, {ended.cards} cards, {ended.tokens} links that serve once, "
        f"{ended.grants} grants of applications, the visitors' keys to {ended.chats} chats. "
        f"Renewed: {ended.pins} support PINs."
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


def attachments(count: int) -> str:
    """Return a count of attachments in words."""
    return f"{count} attachment{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MB"
