"""``python -m tests.support.supervised FOLDER``: the supervisor over two programs that write their process ids there.

A console takes seconds to start, and what is looked at here is who starts and ends it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from gevent import monkey

if __name__ == "__main__":
    if "serve" in sys.argv:  # as the supervisor starts a server
        path = Path(sys.argv[-1].removeprefix("unix:"))
        with path.open("a") as file:
            file.write(f"{os.getpid()}\n")
        signal.pause()
    monkey.patch_all()

    from console.core.binds import Bind
    from console.supervisor import supervise

    sys.exit(supervise([Bind(path=f"{sys.argv[1]}/{name}") for name in ("one", "two")]))
