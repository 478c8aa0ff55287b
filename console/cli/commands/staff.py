"""Commands for staff accounts: ``staff add``."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from console.staff.roles import Role

MIN_PASSWORD = 12


@click.group()
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
