"""``python -m tests.support.supervised FOLDER``: the supervisor over two programs that write their process ids there.

A console takes a second to start, and what is looked at here is who starts and ends it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    from console.core.binds import Bind
    from console.supervisor import fork_servers

    served = fork_servers([Bind(path=f"{sys.argv[1]}/{name}") for name in ("one", "two")])
    with Path(served.path or "").open("a") as file:
        file.write(f"{os.getpid()}\n")
    signal.pause()
