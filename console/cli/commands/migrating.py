"""``console migrate``: many migrations from a file, with the same rules as on the page."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import click
from flask.cli import with_appcontext
from tqdm import tqdm

from console.billing.migration.batches import queries, service, work
from console.billing.migration.models import BatchState, ItemState, MigrationBatch
from console.billing.migration.obstacles import four_eyes_rule, reason_of
from console.core.actor import SYSTEM
from console.core.errors import Refusal
from console.core.sheets import neutral
from console.core.texts import in_language
from console.core.transaction import transaction

PARTLY = 3  # exit code: some rows did not move
WAIT_SECONDS = 1.0
LISTED = 20
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command("migrate")
@click.option("--file", "path", type=_FILE, required=True, help="CSV file: service, new_owner.")
@click.option("--authority", help="On what the transfers rest: the order that both owners signed.")
@click.option("--dry-run", is_flag=True, help="Say what each row would do, and move nothing.")
@with_appcontext
def migrate(path: Path, authority: str | None, *, dry_run: bool) -> None:
    """Move services to new owners, each in its own transaction.

    Each row is checked first. The same file again goes on where it was: also after this command was killed. Results
    are written to <file>.result.csv. Exit code: 0 every row moved, 3 some did not.
    """
    try:
        with transaction():
            batch = service.create_from_file(
                SYSTEM, path.name, path.read_bytes(), authority or "", default=f"console migrate --file {path.name}"
            )
        key, ref = batch.id, batch.ref
        _follow(key, BatchState.CHECKING, "checking")
        counts = queries.counts_of(key)
        ready = counts[ItemState.READY] + counts[ItemState.ALONG]
        click.echo(f"{ref}: {ready} rows would move, {counts[ItemState.REFUSED]} would not.")
        _show_refused(key)
        if dry_run:
            return
        if _start(key):
            _follow(key, BatchState.RUNNING, "moving")
    except Refusal as error:
        with in_language("en"):
            raise click.ClickException(f"{path.name}: {error.message}") from error
    _finish(key, ref, path)


def _start(key: int) -> bool:
    state = queries.find_batch(key).state
    if state is BatchState.RUNNING:
        return True  # it was killed, or a worker is at it
    if state not in (BatchState.CHECKED, BatchState.STOPPED):
        return False
    if four_eyes_rule().on:
        raise click.ClickException("The four-eyes rule is on: another person has to start it on its page.")
    with transaction():
        service.start(SYSTEM, key)
    return True


def _follow(key: int, state: BatchState, what: str) -> None:
    """Work on a batch while it is in a state, or watch the worker that has it."""
    total = queries.find_batch(key).rows
    with tqdm(total=total, desc=what, disable=None) as bar:
        while _read(key).state is state:
            claimed = work.claim(key)
            if claimed is None:
                bar.set_postfix_str("another worker has it")
                time.sleep(WAIT_SECONDS)
            else:
                work.work(*claimed, progress=lambda: _draw(bar, key))
            _draw(bar, key)


def _draw(bar: tqdm[None], key: int) -> None:
    if bar.disable:
        return
    counts = queries.counts_of(key)
    waiting = counts[ItemState.NEW] if queries.find_batch(key).state is BatchState.CHECKING else counts[ItemState.READY]
    bar.update(bar.total - waiting - bar.n)


def _read(key: int) -> MigrationBatch:
    batch = queries.find_batch(key)
    queries.refresh(batch)
    return batch


def _show_refused(key: int) -> None:
    with in_language("en"):
        for item in queries.list_items(key, state=ItemState.REFUSED, limit=LISTED):
            click.echo(f"  row {item.row}, {item.service}: {reason_of(item.code)}", err=True)


def _finish(key: int, ref: str, path: Path) -> None:
    target = path.with_name(f"{path.name}.result.csv")
    with in_language("en"), target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "service", "new_owner", "result", "reason", "migration"))
        for chunk in queries.each_chunk(key):
            writer.writerows(
                (
                    item.row,
                    neutral(item.service),
                    neutral(item.target),
                    item.state.value,
                    str(reason_of(item.code)),
                    queries.ref_of(item.migration_id),
                )
                for item in chunk
            )
    counts = queries.counts_of(key)
    click.echo(f"{ref}: {counts[ItemState.DONE]} rows moved, {counts[ItemState.REFUSED]} did not; see {target}.")
    if counts[ItemState.DONE] < sum(counts.values()):
        raise SystemExit(PARTLY)
