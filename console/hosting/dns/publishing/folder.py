"""Zone files in a folder, which BIND, NSD and Knot read."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from console.core.hub import off_the_hub
from console.hosting.dns import zone_files
from console.hosting.dns.publishing.snapshot import PublishingFailed, Snapshot

READABLE = 0o644  # another user runs the name server


@dataclass(frozen=True)
class ZoneFolder:
    """Writes ``<domain>.zone``. Who reads it sees the old file or the new one, never a part."""

    folder: Path

    def publish(self, snapshot: Snapshot) -> None:
        """Put a zone's file into place.

        Raises:
            PublishingFailed: the folder cannot be written.
        """
        off_the_hub(self._write, snapshot)

    def path(self, name: str) -> Path:
        """Return where a domain's file lies."""
        return self.folder / f"{name}.zone"

    def _write(self, snapshot: Snapshot) -> None:
        text = zone_files.write(snapshot.name, snapshot.serial, snapshot.records, snapshot.authority)
        temporary = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix=".", delete=False, encoding="ascii") as file:
                temporary = Path(file.name)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(READABLE)
            temporary.replace(self.path(snapshot.name))
        except OSError as error:
            if temporary is not None:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            raise PublishingFailed(f"{self.folder}: {error.strerror or error}", is_down=True) from error
