"""The benches run, with tiny counts, and keep their table. No time is ever asserted.

Two of them on SQLite every day: one that asks queries, one that serves the console. The others share their parts, and
what they measure is tested elsewhere: with ``--prove``, and each time one measures.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from benchmarks.__main__ import command
from benchmarks.imports import KINDS, write
from benchmarks.report import Report
from console.core.actor import SYSTEM
from console.imports.service import import_file
from tests.support.postgres import Postgres

pytestmark = pytest.mark.long

TINY = {
    "import": ("--small", "5", "--large", "20", "--kind", "customers"),  # each file is a start of the console
    "lists": ("--small", "20", "--large", "60", "--tries", "2"),
    "verify": ("--tries", "3"),
    "addresses": ("--tries", "2"),
    "portal": ("--small", "20", "--large", "40", "--tries", "2"),
    "migrations": ("--count", "2", "--small", "3", "--large", "9"),
    "statements": ("--small", "10", "--large", "20"),
    "processes": ("--rounds", "1", "--seconds", "0.5", "--chats", "2", "--bare"),
    "chat": (
        "--chats",
        "2",
        "--rounds",
        "1",
        "--seconds",
        "0.5",
        "--steady",
        "3",
        "--connections",
        "4",
        "--warm-up",
        "0.2",
        "--bare",
    ),
}
DAILY = {"lists", "verify"}
LABELS = {
    "statements": ("10 lines", "20 lines"),
    "import": ("customers, 20 rows", "customers again, 20 rows"),
    "lists": ("customers, first page", "services, rare word", "audit, first page"),
    "verify": ("unknown e-mail", "wrong PIN", "burned PIN", "locked"),
    "portal": ("/moj/", "a zone, a record added"),
    "addresses": ("sign-in", "forgotten password", "registration", "invitation"),
    "chat": ("relay", "product"),
    "processes": ("list pages", "chat messages"),
    "migrations": ("executed, 3 documents around", "plain ORM, 3 documents around", "executed, 9 documents around"),
}


def server_options(request: pytest.FixtureRequest, engine: str) -> tuple[str, ...]:
    """Return the options that choose where to measure."""
    if engine == "sqlite":
        return ()
    instance: Postgres = request.getfixturevalue("postgres_server")
    return ("--database-url", instance.url("postgres"))


@pytest.mark.parametrize(
    ("bench", "engine"),
    [
        pytest.param(bench, engine, marks=() if bench in DAILY and engine == "sqlite" else pytest.mark.full)
        for bench in sorted(TINY)
        for engine in ("sqlite", "postgresql")
        if (bench, engine) != ("processes", "sqlite")  # two processes share a server's database
    ],
)
def test_a_bench_runs_and_keeps_its_table(
    request: pytest.FixtureRequest, bench: str, engine: str, tmp_path: Path
) -> None:
    place = server_options(request, engine)
    if bench == "processes":
        place += ("--redis-url", request.getfixturevalue("redis_url"))
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nWritten by hand.\n", encoding="utf-8")
    answer = CliRunner().invoke(command, [bench, *TINY[bench], *place, "--out", str(page)])
    assert answer.exit_code == 0, answer.output
    written = page.read_text(encoding="utf-8")
    assert written.startswith("# Performance\n\nWritten by hand.\n")
    assert written.count(f"<!-- bench: {bench}-{engine} -->") == written.count(f"<!-- end: {bench}-{engine} -->") == 1
    for label in LABELS[bench]:
        assert f"| {label} " in written
        assert label in answer.output
    if bench == "lists":
        assert "the same number of queries at both, at most 6: **kept**" in written
    if bench == "chat":
        assert " lost: **kept**" in written
    if bench == "portal":
        assert "statements a page" in written
        assert "at most 8 statements a page (most: 8): **kept**" in written
    if bench in ("verify", "addresses"):
        assert "one and the same answer" in written
        assert "one and the same answer: **not kept**" not in written
    if engine == "postgresql":
        assert databases_left(request.getfixturevalue("postgres_server")) == []


def databases_left(server: Postgres) -> list[str]:
    with psycopg.connect(host=str(server.folder), user="postgres", dbname="postgres") as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()]
    return [name for name in names if name.startswith("console_bench_")]


@pytest.mark.full
def test_every_kind_of_file_is_measured(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        command, ["import", "--small", "5", "--large", "20", "--out", str(tmp_path / "page.md")]
    )
    assert answer.exit_code == 0, answer.output
    for label in ("customers, 20 rows", "services, 20 rows", "proformas again, 20 rows"):
        assert label in answer.output


@pytest.mark.only("sqlite")
def test_the_files_of_the_import_bench_are_taken_whole(session: Session, tmp_path: Path) -> None:
    for kind in KINDS:
        path = tmp_path / f"{kind}.csv"
        write(path, kind, 20)
        assert import_file(SYSTEM, kind, path).new == 20


def report(section: str, verdict: str) -> Report:
    return Report(
        section, f"About {section}", "console bench x", [verdict], ["what", "how"], [["a", "1"], ["bb", "22"]]
    )


def test_a_section_is_rewritten_in_its_place_and_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    report("one", "first").keep(page)
    report("two", "second").keep(page)
    page.write_text(page.read_text(encoding="utf-8") + "\nBelow.\n", encoding="utf-8")
    report("one", "third").keep(page)
    text = page.read_text(encoding="utf-8")
    assert "first" not in text
    assert text.index("third") < text.index("second") < text.index("Below.")
    once = text
    report("one", "third").keep(page)
    assert page.read_text(encoding="utf-8") == once


def test_a_table_is_aligned() -> None:
    assert report("one", "x").table() == "| what | how |\n|------|----:|\n| a    |   1 |\n| bb   |  22 |"
