"""Importing one file: read, check, store, all in one transaction, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.text import is_blank, one_line
from console.core.texts import in_language
from console.core.transaction import transaction
from console.imports.bulk import chunks
from console.imports.cells import RowError
from console.imports.customers import Customers
from console.imports.kinds import Kind, Outcome, State, refused
from console.imports.proformas import Proformas
from console.imports.reader import FileError, Row, Source, file_digest
from console.imports.refusals import RefusedRows
from console.imports.seen import Seen
from console.imports.services import Services
from console.imports.titles import column_titles

IMPORT = "customers.import"  # no role has it: who runs the command has the machine
STORED = "import.stored"
KINDS: dict[str, Callable[[], Kind[Any]]] = {"customers": Customers, "services": Services, "proformas": Proformas}
MAX_REASONS = 20  # shown; a file of refused rows has them all
_LOCK = 7_105_001  # of PostgreSQL's advisory locks: one import at a time

Progress = Callable[[int], None]


@dataclass
class Report:
    """What became of a file. Counts are of things: accounts, services, documents."""

    kind: str
    file: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)  # the first ones
    refused_file: Path | None = None
    known: bool = False  # this very file was the last one stored: nothing was done

    @property
    def count(self) -> int:
        return self.new + self.changed + self.unchanged + self.refused


class ImportRefusedError(Exception):
    """Nothing of the file was stored. ``report`` has the reasons."""

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(f"{report.refused} refused")


def import_file(
    actor: Actor, kind: str, path: Path, *, keep_going: bool = False, progress: Progress = lambda _position: None
) -> Report:
    """Import one file in a transaction of its own.

    Args:
        actor: the system, as a rule.
        path: a regular file.
        kind: ``customers``, ``services`` or ``proformas``.
        keep_going: store the good rows, and write the others next to the file with their reasons.
        progress: is called with how many bytes have been read.

    Raises:
        FileError: it cannot be read as a file of this kind.
        ImportRefusedError: rows were refused, and ``keep_going`` was not set.
    """
    actor.require(IMPORT)
    if not path.is_file():
        raise FileError("it is no regular file, which can be read twice")
    digest = file_digest(path)
    if _was_last(kind, digest):
        return Report(kind, path.name, known=True)
    reader = KINDS[kind]()
    with (
        in_language("en"),  # reasons come from several places: in one language, the command's
        _source(reader, path) as source,
        Seen() as seen,
    ):
        rows = RefusedRows(source) if keep_going else None
        try:
            report = _File(reader, source, seen, rows, Report(kind, path.name)).store(actor, digest, progress)
        except BaseException:
            if rows is not None:
                rows.drop()
            raise
        report.refused_file = rows.keep() if rows is not None else None
    return report


def _source(kind: Kind[Any], path: Path) -> Source:
    known = [column.name for column in kind.columns]
    return Source(path, known=known, required=_needed(kind), titles=column_titles(kind.titles))


def _needed(kind: Kind[Any]) -> dict[str, str]:
    return {column.name: column.instead for column in kind.columns if column.needed}


def _was_last(kind: str, digest: str) -> bool:
    """Return whether the last file of this kind was this one, stored whole. What came since stays as it is."""
    query = (
        select(AuditEntry.data)
        .where(AuditEntry.action == STORED, AuditEntry.subject == kind)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )
    last = db.session.scalar(query)
    return last is not None and last.get("digest") == digest and not last.get("refused")


class _File:
    """One file on its way into the database."""

    def __init__(
        self, kind: Kind[Any], source: Source, seen: Seen, refused_rows: RefusedRows | None, report: Report
    ) -> None:
        self._kind = kind
        self._source = source
        self._seen = seen
        self._refused = refused_rows
        self._report = report

    def store(self, actor: Actor, digest: str, progress: Progress) -> Report:
        try:
            with transaction() as session:
                _one_at_a_time(session)
                for units in chunks(self._kind.group(self._source.rows())):
                    self._store_chunk(session, units)
                    progress(self._source.position)
                if self._report.refused and self._refused is None:
                    raise ImportRefusedError(self._report)
                if self._source.digest() != digest:
                    raise FileError("the file changed while it was read; nothing was stored")
                self._record(actor, digest)
        except IntegrityError as error:
            raise FileError(
                "the same thing was stored by another at the same moment; nothing was stored, import the file again"
            ) from error
        return self._report

    def _store_chunk(self, session: Session, units: Sequence[Sequence[Row]]) -> None:
        good: list[tuple[Sequence[Row], Any]] = []
        for rows in units:
            read = self._read(rows)
            if isinstance(read, Outcome):
                self._count(rows, read)
            else:
                good.append((rows, read))
        outcomes = self._kind.store(session, [thing for _rows, thing in good])
        session.flush()
        session.expunge_all()  # or the session would hold the whole file in the end
        for (rows, _thing), outcome in zip(good, outcomes, strict=True):
            self._count(rows, outcome)

    def _read(self, rows: Sequence[Row]) -> Any:
        for row in rows:
            if row.flaw:
                return refused(row.flaw)
        values = rows[0].values
        name = "number" if is_blank(values.get("external_id", "")) else "external_id"
        key = one_line(values.get(name, ""))
        before = self._seen.before(key, rows[0].number) if key else None
        if before is not None:
            together = "; the rows of one document stand together" if self._kind.name == "proformas" else ""
            return refused(f"{name}: {key[:60]!r} stands in row {before} already{together}")
        try:
            return self._kind.read(rows)
        except RowError as error:
            return refused(str(error))

    def _count(self, rows: Sequence[Row], outcome: Outcome) -> None:
        report = self._report
        setattr(report, outcome.state.value, getattr(report, outcome.state.value) + 1)
        if outcome.state is not State.REFUSED:
            return
        if len(report.reasons) < MAX_REASONS:
            report.reasons.append(f"row {rows[0].number}: {outcome.reason}")
        if self._refused is not None:
            for row in rows:
                self._refused.add(row, outcome.reason)

    def _record(self, actor: Actor, digest: str) -> None:
        report = self._report
        record(
            actor,
            STORED,
            report.kind,
            file=report.file[:200],
            digest=digest,
            new=report.new,
            changed=report.changed,
            unchanged=report.unchanged,
            refused=report.refused,
        )


def _one_at_a_time(session: Session) -> None:
    """Let a second import wait for the first. SQLite's one writer always does."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def paths_of(files: dict[str, Path | None]) -> Iterator[tuple[str, Path]]:
    """Yield the files given, in the order in which one builds on the other."""
    for kind in KINDS:
        path = files.get(kind)
        if path is not None:
            yield kind, path
