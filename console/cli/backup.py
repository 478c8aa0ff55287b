"""Whole copies of an installation, database and attachments together, in one file.

A copy is a tar file: ``database`` (SQLite's online backup, or what pg_dump writes), ``files/<sha256>`` for each
attachment, and last of all ``manifest.json`` with the size and the SHA-256 of every member. A file that was cut off has
no manifest, so it is never taken for a whole one. Nothing of a copy is ever unpacked by its own name.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from flask_migrate import upgrade
from sqlalchemy import inspect

from console import stored_files
from console.cli import database_copy
from console.cli.database_copy import BackupError
from console.cli.restoring import Ended, end_all
from console.core import clock, revisions
from console.core.actor import SYSTEM
from console.core.db import database_file, db
from console.core.files import FileStore
from console.core.settings import Settings
from console.core.transaction import transaction

FORMAT = 1
DATABASE, MANIFEST = "database", "manifest.json"
MAX_MANIFEST = 512 * 1024 * 1024
_FILE = re.compile(r"files/([0-9a-f]{64})")

__all__ = ["BackupError", "Copied", "back_up", "check", "restore"]


@dataclass
class Copied:
    """What a copy holds."""

    files: int = 0
    size: int = 0  # of the copy, bytes
    missing: list[str] = field(default_factory=list)  # places in the database whose file was not there, or damaged
    whole: bool = True  # false: a copy as they were before, of the database alone
    ended: Ended | None = None  # what a restore ended


def back_up(settings: Settings, target: Path) -> Copied:
    """Write a copy of database and attachments to ``target``, while they are in use. Whole or not at all.

    It is read back and verified before it gets its name.

    Raises:
        BackupError: the file exists, or the copy failed.
    """
    if target.exists():
        raise BackupError(f"{target} exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _draft(target, "database.new") as dump, _draft(target, "new") as draft:
            with draft.open("wb") as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
                writer = _Writer(archive, FileStore(settings.files_folder))
                # Files first: what is deleted meanwhile is in the database's copy. Then those that came meanwhile.
                writer.add_files()
                database_copy.dump(settings, dump)
                writer.add_database(dump)
                writer.add_files()
                missing = writer.finish(settings)
            copied = check(settings, draft)
            _make_durable(draft)
            if target.exists():
                raise BackupError(f"{target} exists already")
            draft.replace(target)
            _make_durable(target.parent)
    except OSError as error:
        raise BackupError(f"{error.filename or target}: {error.strerror or error}") from error
    copied.missing = missing
    return copied


def check(settings: Settings, source: Path) -> Copied:
    """Read the copy in ``source`` from end to end and hold every member against its manifest.

    Raises:
        BackupError: no usable copy, one that was cut off, or of another kind of database.
    """
    kind = database_copy.kind_of(source)
    if kind is not None:
        _same_kind(settings, kind)
        database_copy.check(source)
        return Copied(size=source.stat().st_size, whole=False)
    with _open(source) as archive:
        manifest = _read_manifest(archive, source)
        _same_kind(settings, str(manifest.get("database")))
        members: dict[str, list[Any]] = dict(manifest["members"])
        for member, file in _members(archive, source):
            if member.name == MANIFEST:
                continue
            size, digest = members.pop(member.name, (None, None))
            if member.size != size or _digest(file) != digest:
                raise BackupError(f"{source} is damaged: {member.name} is not as it was written")
        if members:
            raise BackupError(f"{source} is not whole: {len(members)} of its members are missing")
    return Copied(len(manifest["members"]) - 1, source.stat().st_size, list(manifest.get("missing", [])))


def restore(settings: Settings, source: Path, *, force: bool = False, skip_numbers: int = 0) -> Copied:
    """Put the copy in ``source`` in the place of database and attachments. Nothing else may be using them.

    The whole copy is verified first. Attachments that are there and not in the copy stay. What the copy would let in
    is ended at once, in tables of the present revision (:func:`console.cli.restoring.end_all`).

    Args:
        force: even if the database has tables already; they are lost.
        skip_numbers: numbers to pass over in each series.

    Raises:
        BackupError: no usable copy, or a database that is not empty.
    """
    if not source.is_file():
        raise BackupError(f"{source} does not exist")
    if not force and inspect(db.engine).get_table_names():
        raise BackupError("the database is not empty; with --force what is in it is lost")
    copied = check(settings, source)
    db.session.remove()
    db.engine.dispose()
    _put_back(settings, source, copied, force=force)
    if revisions.current(db.engine) != revisions.newest():
        upgrade()
    with transaction():
        copied.ended = end_all(SYSTEM, skip_numbers=skip_numbers)
    return copied


def _put_back(settings: Settings, source: Path, copied: Copied, *, force: bool) -> None:
    try:
        if not copied.whole:
            database_copy.put_back(settings, source, force=force)
            return
        _put_files_back(source, FileStore(settings.files_folder))
        place = database_file(settings) or settings.files_folder
        place.parent.mkdir(parents=True, exist_ok=True)
        with _draft(place, "restore.new") as dump:
            _extract_database(source, dump)
            database_copy.put_back(settings, dump, force=force)
    except OSError as error:
        raise BackupError(f"{error.filename or source}: {error.strerror or error}") from error


class _Writer:
    """Writes the members of one copy."""

    def __init__(self, archive: tarfile.TarFile, store: FileStore) -> None:
        self._archive = archive
        self._store = store
        self._members: dict[str, list[Any]] = {}
        self._missing: dict[str, list[str]] = {}  # by digest: where it is named

    def add_files(self) -> None:
        """Add every attachment that is named now and not in the copy yet."""
        missing: dict[str, list[str]] = {}
        for digest, place in stored_files.named():
            name = f"files/{digest}"
            if name in self._members:
                continue
            if digest in missing or not self._add_file(name, digest):
                missing.setdefault(digest, []).append(place)
        self._missing = missing

    def add_database(self, dump: Path) -> None:
        """Add the database's own copy."""
        with dump.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._add(DATABASE, dump, digest)

    def finish(self, settings: Settings) -> list[str]:
        """Write the manifest, which makes the copy one; return the places whose file was not there."""
        missing = [place for places in self._missing.values() for place in places]
        manifest = {
            "format": FORMAT,
            "database": database_copy.kind(settings),
            "revision": revisions.current(db.engine),
            "made_at": clock.now().isoformat(),
            "members": self._members,
            "missing": missing,
        }
        content = json.dumps(manifest).encode()
        self._archive.addfile(_member(MANIFEST, len(content)), io.BytesIO(content))
        return missing

    def _add_file(self, name: str, digest: str) -> bool:
        if not self._store.is_whole(digest):
            return False
        try:
            self._add(name, self._store.path(digest), digest)
        except FileNotFoundError:  # deleted this very moment: then no row names it any more when they are read again
            return False
        return True

    def _add(self, name: str, path: Path, digest: str) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._archive.addfile(_member(name, size), file)
        self._members[name] = [size, digest]


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in stored_files.pieces(file):
        digest.update(piece)
    return digest.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(clock.now().timestamp())
    return member


@contextmanager
def _draft(target: Path, ending: str) -> Iterator[Path]:
    """Yield a file next to ``target`` that only its owner reads: a copy is as secret as the database. It goes away."""
    draft = target.with_name(f"{target.name}.{ending}")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _open(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, mode="r:") as archive:
            yield archive
    except tarfile.TarError as error:
        raise BackupError(f"{source} is no copy of a console, or was cut off: {error}") from error


def _members(archive: tarfile.TarFile, source: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for member in archive:
        file = archive.extractfile(member) if member.isreg() else None
        if file is None or not (member.name in (DATABASE, MANIFEST) or _FILE.fullmatch(member.name)):
            raise BackupError(f"{source} is no copy of a console: it holds {member.name[:80]!r}")
        yield member, file


def _read_manifest(archive: tarfile.TarFile, source: Path) -> dict[str, Any]:
    last = None
    for member, file in _members(archive, source):
        last = (member, file)
    if last is None or last[0].name != MANIFEST or last[0].size > MAX_MANIFEST:
        raise BackupError(f"{source} was cut off: the manifest at its end is missing")
    try:
        manifest: dict[str, Any] = json.load(last[1])
        if manifest["format"] != FORMAT:
            raise BackupError(f"{source} was written by a newer console (format {manifest['format']})")
        if DATABASE not in manifest["members"]:
            raise BackupError(f"{source} holds no database")
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source} is damaged: its manifest cannot be read") from error
    return manifest


def _same_kind(settings: Settings, kind: str) -> None:
    if kind != database_copy.kind(settings):
        raise BackupError(f"the copy is of a {kind} database, this console has {database_copy.kind(settings)}")


def _put_files_back(source: Path, store: FileStore) -> None:
    with _open(source) as archive:
        for member, file in _members(archive, source):
            match = _FILE.fullmatch(member.name)
            if match is not None and not store.is_whole(match[1]):
                store.put_named(match[1], stored_files.pieces(file))


def _extract_database(source: Path, dump: Path) -> None:
    with _open(source) as archive, dump.open("wb") as out:
        for member, file in _members(archive, source):
            if member.name == DATABASE:
                out.writelines(stored_files.pieces(file))


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
