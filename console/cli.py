"""The ``console`` command."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import FlaskGroup


def _app() -> Flask:
    from console.app import create_app

    return create_app()


@click.group(cls=FlaskGroup, create_app=_app, add_default_commands=False, add_version_option=False)
def main() -> None:
    """A support console for hosting companies."""


@main.command("init-db")
def init_db() -> None:
    """Create the tables, or bring them up to date."""
    from console.setup import prepare_database

    prepare_database()
    click.echo("The database is up to date.")


@main.command("new-key")
def new_key() -> None:
    """Print a fresh key for CONSOLE_SEAL_KEYS or CONSOLE_SECRET_KEY."""
    from console.core import seal

    click.echo(seal.new_key())
