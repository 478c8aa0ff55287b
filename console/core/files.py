"""Files kept outside of the web root, named by what is in them (SHA-256): never by what a user called them."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileStore:
    """A folder of files by digest. The same content is kept once; whoever removes it knows that nobody needs it."""

    folder: Path

    def put(self, content: bytes) -> str:
        """Keep ``content``, durably, and return its digest. Readers see the whole of it or nothing."""
        digest = hashlib.sha256(content).hexdigest()
        target = self._path(digest)
        if target.exists():
            os.utime(target)  # whoever removes what nobody names sees that somebody is about to
            return digest
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest

    def get(self, digest: str) -> bytes:
        """Return what is kept under ``digest``.

        Raises:
            FileNotFoundError: nothing is.
        """
        return self._path(digest).read_bytes()

    def exists(self, digest: str) -> bool:
        """Tell whether something is kept under ``digest``."""
        return self._path(digest).exists()

    def remove(self, digest: str, *, untouched: float = 0) -> None:
        """Forget it; where it is not there, nothing is done.

        Args:
            untouched: seconds; what was put (again) within them stays, because its row may not be committed yet.
        """
        path = self._path(digest)
        # A file's own time is the machine's, so it is held against that and not against a clock that a demo has moved.
        if untouched and path.exists() and time.time() - path.stat().st_mtime < untouched:
            return
        path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise ValueError("no digest")
        return self.folder / digest[:2] / digest
