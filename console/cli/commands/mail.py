"""``receive-mail``: the pipe that a mail server hands messages to."""

from __future__ import annotations

import sys

import click
from flask.cli import ScriptInfo
from sqlalchemy.exc import DBAPIError

TRY_AGAIN, REFUSED = 75, 65  # EX_TEMPFAIL, EX_DATAERR of sysexits.h


@click.command("receive-mail")
@click.pass_context
def receive_mail(ctx: click.Context) -> None:
    """Take a message from standard input into a ticket and print the ticket's number.

    Exit 75 where it must be handed over again: the database is away, or a disk is full.
    """
    from console.core.errors import Busy, NoSpace, Refusal, Unavailable
    from console.core.settings import SettingsError
    from console.mail.receiving.incoming import MAX_SIZE

    raw = sys.stdin.buffer.read(MAX_SIZE + 1)
    if not raw.strip() or len(raw) > MAX_SIZE:
        _end(ctx, REFUSED, "there is no message" if not raw.strip() else "the message is too large")
    try:
        with ctx.ensure_object(ScriptInfo).load_app().app_context():
            click.echo(_receive(raw))
    except (Busy, NoSpace, Unavailable, DBAPIError, OSError, SettingsError) as error:
        cause = error.__cause__ if isinstance(error, Refusal) else error
        _end(ctx, TRY_AGAIN, str(getattr(cause, "orig", cause) or error))


def _receive(raw: bytes) -> str:
    """Return what is printed: the ticket's number, or what became of a message that has none."""
    from console.tickets.mail_in.service.receiving import outcome, receive
    from console.tickets.models import ticket_number

    row = outcome(receive(raw))
    return row.state.value if row.ticket_id is None else ticket_number(row.ticket_id)


def _end(ctx: click.Context, code: int, why: str) -> None:
    click.echo(f"receive-mail: {why}", err=True)
    ctx.exit(code)
