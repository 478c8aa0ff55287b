"""``console import``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from tqdm import tqdm

from console.core.actor import SYSTEM
from console.core.errors import Refusal
from console.core.texts import in_language
from console.imports.reader import FileError
from console.imports.service import ImportRefusedError, Report, import_file, paths_of

PARTLY = 3  # exit code: good rows are stored, some were refused
_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command("import")
@click.option("--customers", type=_FILE, help="CSV file of customers with their owners.")
@click.option("--services", type=_FILE, help="CSV file of services and domains.")
@click.option("--proformas", type=_FILE, help="CSV file of pro-formas, a row a line.")
@click.option("--keep-going", is_flag=True, help="Store the good rows; write the others to <file>.refused.csv.")
@with_appcontext
def command(customers: Path | None, services: Path | None, proformas: Path | None, *, keep_going: bool) -> None:
    """Bring data in from CSV files (docs/import.md), in the order customers, services, pro-formas.

    Every file is stored whole or not at all, unless --keep-going. The same file
    again changes nothing. Exit code: 0 all stored, 1 a file was refused, 3 with
    --keep-going some rows were.
    """
    files = list(paths_of({"customers": customers, "services": services, "proformas": proformas}))
    if not files:
        raise click.UsageError("Nothing to import: give --customers, --services or --proformas.")
    partly = False
    for kind, path in files:
        report = _import(kind, path, keep_going)
        click.echo(_summary(report))
        for reason in report.reasons:
            click.echo(f"  {reason}", err=True)
        partly = partly or report.refused > 0
    sys.exit(PARTLY if partly else 0)


def _import(kind: str, path: Path, keep_going: bool) -> Report:
    with tqdm(total=path.stat().st_size, desc=kind, unit="B", unit_scale=True, disable=None) as bar:
        try:
            return import_file(
                SYSTEM,
                kind,
                path,
                keep_going=keep_going,
                progress=lambda position: bar.update(position - bar.n) and None,
            )
        except ImportRefusedError as error:
            bar.close()
            raise click.ClickException(_refusal(error.report)) from error
        except FileError as error:
            bar.close()
            raise click.ClickException(f"{path.name}: {error}. Nothing of it was stored.") from error
        except OSError as error:
            bar.close()
            raise click.ClickException(f"{error.filename or path}: {error.strerror or error}") from error
        except Refusal as error:
            bar.close()
            with in_language("en"):
                raise click.ClickException(f"{path.name}: {error.message}") from error


def _summary(report: Report) -> str:
    if report.known:
        return f"{report.file}: was the last file of {report.kind} and is stored already; nothing was changed."
    text = f"{report.file}: {report.new} new, {report.changed} changed, {report.unchanged} unchanged"
    if report.refused_file is not None:
        text += f", {report.refused} refused (see {report.refused_file})"
    return text + "."


def _refusal(report: Report) -> str:
    lines = [f"{report.file}: {report.refused} of {report.count} {report.kind} were refused. Nothing of it was stored."]
    lines += [f"  {reason}" for reason in report.reasons]
    if report.refused > len(report.reasons):
        lines.append(f"  and {report.refused - len(report.reasons)} more")
    return "\n".join([*lines, "Correct the file, or use --keep-going to store the good rows."])
