"""Whether there is room to write: free space where the database and the files lie, and what the last write met."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from console.core.context import settings
from console.core.db import database_file

RESERVE = 32 * 1024 * 1024  # bytes; below it the next attachments fill the disk
REMEMBERED = 60.0  # seconds for which a write that found no room counts, unless a later one goes well
_refused_at: float | None = None


def note_refused() -> None:
    """Note that something could not be written for want of room; the server's disk may be another machine's."""
    global _refused_at  # noqa: PLW0603  (one disk for a process)
    _refused_at = time.monotonic()


def note_written() -> None:
    """Note that writing goes well."""
    global _refused_at  # noqa: PLW0603
    _refused_at = None


def shortage() -> str | None:
    """Return in a few words what there is no room for; ``None`` where all is well."""
    if _refused_at is not None and time.monotonic() - _refused_at < REMEMBERED:
        return "no space left: a write failed"
    database = database_file(settings())
    if database is not None and _free(database.parent) < RESERVE:
        return "little space left for the database"
    if _free(settings().files_folder) < RESERVE:
        return "little space left for files"
    return None


def _free(folder: Path) -> int:
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    return shutil.disk_usage(there).free
