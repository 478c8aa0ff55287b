"""Commands that look the installation over: ``doctor``, ``audit verify``, ``audit anchor``."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from console.core.context import settings
from console.core.db import db


@click.command()
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


@click.group()
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
