"""Where a server listens: ``HOST:PORT``, ``[IPv6]:PORT`` or ``unix:PATH``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

HOST, PORT = "127.0.0.1", 8000
MAX_PORT = 65_535
UNIX = "unix:"
_TCP = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Bind:
    """An address of one server: a port, or the path of a Unix socket."""

    host: str = HOST
    port: int = PORT
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{UNIX}{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def of_process(self, index: int) -> Bind:
        """Return where one of several servers listens: at ports that follow each other, or paths with its number.

        Args:
            index: 0 is the first.

        Raises:
            ValueError: ports end before.
        """
        if self.path:
            return replace(self, path=f"{self.path}.{index}")
        if self.port + index > MAX_PORT:
            raise ValueError(f"there is no port {self.port + index}")
        return replace(self, port=self.port + index)


def read_bind(text: str) -> Bind:
    """Read an address.

    Raises:
        ValueError: it is none.
    """
    path = text.removeprefix(UNIX)
    if path != text and path.startswith("/"):
        return Bind(path=path)
    found = _TCP.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= MAX_PORT:
        raise ValueError(f"{text!r} is neither HOST:PORT nor unix:/PATH")
    return Bind(found["six"] or found["host"], int(found["port"]))
