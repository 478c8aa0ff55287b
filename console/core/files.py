"""Files stored outside of the web root, named by what is in them (SHA-256): never by what a user called them."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PRIVATE = 0o600
_DIGEST = re.compile(r"[0-9a-f]{64}")


class DamagedFile(OSError):
    """What is stored is not what was put."""


def content_digest(content: bytes) -> str:
    """Return the name a file is stored under."""
    return hashlib.sha256(content).hexdigest()


def create_private(path: Path) -> None:
    """Create an empty file that its owner alone may open; one that is there stays as it is, and is not opened.

    To open and close it would take this process's locks from it (POSIX), SQLite's among them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))


def make_private(path: Path) -> None:
    """Let the owner alone open a file, if it is there."""
    if path.exists() and not is_private(path):
        path.chmod(PRIVATE)


def is_private(path: Path) -> bool:
    """Return whether only the owner may open a file."""
    return path.stat().st_mode & 0o077 == 0


@dataclass(frozen=True)
class FileStore:
    """A folder of files by digest. The same content is stored once; who removes it knows that nothing needs it."""

    folder: Path

    def put(self, content: bytes) -> str:
        """Keep ``content``, durably, and return its digest. Readers see the whole of it or nothing."""
        digest = content_digest(content)
        target = self.path(digest)
        if target.exists():
            os.utime(target)  # who removes what nothing names sees that it is about to be named
            return digest
        self._write(target, [content])
        return digest

    def put_named(self, digest: str, chunks: Iterable[bytes]) -> None:
        """Keep what belongs under ``digest``, in the place of what is there.

        Raises:
            ValueError: ``chunks`` are not what the digest names; nothing is stored.
        """
        found = hashlib.sha256()

        def checked() -> Iterator[bytes]:
            for chunk in chunks:
                found.update(chunk)
                yield chunk
            if found.hexdigest() != digest:
                raise ValueError("not what the digest names")

        self._write(self.path(digest), checked())

    def _write(self, target: Path, chunks: Iterable[bytes]) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def get(self, digest: str) -> bytes:
        """Return what is stored under ``digest``.

        Raises:
            FileNotFoundError: nothing is.
            DamagedFile: it is not what was put.
        """
        content = self.path(digest).read_bytes()
        if content_digest(content) != digest:
            raise DamagedFile(digest)
        return content

    def exists(self, digest: str) -> bool:
        """Return whether something is stored under ``digest``."""
        return self.path(digest).exists()

    def is_whole(self, digest: str) -> bool:
        """Return whether what is stored under ``digest`` is there and still what was put."""
        try:
            with self.path(digest).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return False

    def link(self, digest: str, other: FileStore) -> bool:
        """Keep what ``other`` has under ``digest`` too, as a link where the disk can; tell whether it was whole.

        A file is never written to, so two stores may share it: each takes away its own name for it.
        """
        if not other.is_whole(digest):
            return False
        target = self.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(other.path(digest), target)
        except FileExistsError:
            pass
        except OSError:  # another disk, or one that has no links
            self.put(other.get(digest))
        return True

    def remove(self, digest: str, *, untouched: float = 0) -> None:
        """Forget it; where it is not there, nothing is done.

        Args:
            untouched: seconds; what was put (again) within them stays, because its row may not be committed yet.
        """
        path = self.path(digest)
        # A file's own time is the machine's, so it is held against that and not against a clock that a demo has moved.
        if untouched and path.exists() and time.time() - path.stat().st_mtime < untouched:
            return
        path.unlink(missing_ok=True)

    def path(self, digest: str) -> Path:
        """Return where ``digest`` is stored, to be read in pieces.

        Raises:
            ValueError: it is no digest.
        """
        if not _DIGEST.fullmatch(digest):
            raise ValueError("no digest")
        return self.folder / digest[:2] / digest
