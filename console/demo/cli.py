"""``console demo``."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from tqdm import tqdm

from console.core.settings import DEMO_PASSWORD
from console.demo.service import DemoRefusedError, fill, is_empty


@click.command("demo")
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Same seed, same data.")
@click.option("--customers", type=click.IntRange(0, 5_000_000), default=0, help="This many more than the story names.")
@click.option("--tickets", type=click.IntRange(0, 5_000_000), default=0, help="This many more than the story names.")
@click.option("--chats", type=click.IntRange(0, 5_000_000), default=0, help="This many more than the story names.")
@click.option("--if-empty", is_flag=True, help="Do nothing, and say so, where the database is not empty.")
@with_appcontext
def command(seed: int, customers: int, tickets: int, chats: int, *, if_empty: bool) -> None:
    """Fill an empty database with a small hosting company's last years. Not in production."""
    if if_empty and not is_empty():
        click.echo("The database is not empty; it stays as it is.")
        return
    bars: dict[str, tqdm[None]] = {}

    def progress(what: str, count: int) -> None:
        if what == "story":
            bars.setdefault(what, tqdm(total=count, desc=what, unit=" events", disable=None)).update(1)
        else:
            total = {"customers": customers, "tickets": tickets, "chats": chats}[what]
            bars.setdefault(what, tqdm(total=total, desc=what, unit=f" {what}", disable=None)).update(count)

    try:
        fill(seed, customers, progress, tickets=tickets, more_chats=chats)
    except DemoRefusedError as error:
        raise click.ClickException(str(error)) from error
    finally:
        for bar in bars.values():
            bar.close()
    click.echo(f"Demo data of seed {seed} is in. Everyone signs in with {DEMO_PASSWORD}:")
    click.echo("  staff at /login: agent@, agent2@, billing@, supervisor@, admin@example.test")
    click.echo("  customers at /moj/: ana@, firma@, novi@example.test")
