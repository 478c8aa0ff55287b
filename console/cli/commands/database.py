"""Commands for the tables: ``init-db``, ``reindex``."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from console.cli.commands.copies import attachments
from console.core.context import settings


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create the tables, or bring them up to date."""
    from console.setup import prepare_database

    brought = prepare_database()
    click.echo("The database is up to date.")
    if brought:
        click.echo(f"{attachments(brought)} brought over to {settings().files_folder}.")


@click.command()
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
