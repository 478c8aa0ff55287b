"""Commands for keys: ``new-key``, ``reseal``."""

from __future__ import annotations

import click
from flask.cli import with_appcontext


@click.command("new-key")
def new_key() -> None:
    """Print a fresh key for CONSOLE_SEAL_KEYS or CONSOLE_SECRET_KEY."""
    from console.core import seal

    click.echo(seal.new_key())


@click.command()
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
