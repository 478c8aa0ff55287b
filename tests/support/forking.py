"""The process behind ``tests.support.warm``: it has loaded the console, and forks a server for each order.

``python -m tests.support.forking FD FOLDER``: orders come on the socket FD, each with two descriptors, of a socket for
the answers and of a log. What is answered is the process id, and at the server's end its exit code. FOLDER is where
compiled templates lie, for all servers of a run.

Only gevent and what is needed before it patches the process is imported here at first, as in ``console.__main__``.
"""

from __future__ import annotations

import sys
from typing import Any

NUMBER = 8  # bytes of one in an answer
MAX_ORDER = 1 << 18


def serve_orders(descriptor: int) -> None:
    """Fork a server for each order until there are no more."""
    import json
    import os
    import socket

    from gevent import monkey

    # Its hub is made in each server, after the fork: nothing here may wait in gevent.
    orders = monkey.get_original("socket", "socket")(fileno=descriptor)
    while True:
        order, descriptors, _flags, _address = socket.recv_fds(orders, MAX_ORDER, 2)
        if not order:
            return
        answers, log = descriptors
        _fork(json.loads(order), orders, answers, log)
        os.close(answers)
        os.close(log)


def _fork(order: dict[str, Any], orders: Any, answers: int, log: int) -> None:
    """Fork a watcher, which forks the server, waits for its end and says how it ended."""
    import os
    import signal
    from contextlib import suppress

    from gevent import monkey
    from gevent.os import fork_gevent

    from tests.support import processes

    if fork_gevent():
        return
    os.setsid()
    processes.die_with_parent(signal.SIGKILL)
    orders.close()
    server = fork_gevent()
    if not server:
        os.close(answers)
        _become(order, log)
    os.close(log)
    os.write(answers, server.to_bytes(NUMBER, "big", signed=True))
    _pid, status = monkey.get_original("os", "waitpid")(server, 0)
    with suppress(BrokenPipeError):  # the tests have ended
        os.write(answers, os.waitstatus_to_exitcode(status).to_bytes(NUMBER, "big", signed=True))
    os._exit(0)


def _become(order: dict[str, Any], log: int) -> None:
    """Be ``console`` with the order's arguments, to its end."""
    import os
    import signal
    import traceback

    from tests.support import processes

    code = 1
    try:
        os.setsid()
        processes.die_with_parent(signal.SIGTERM)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        sys.argv = ["console", *order["arguments"]]
        code = _run_command()
    except BaseException:  # noqa: BLE001  said in the log, as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run_command() -> int:
    from console.cli.main import main as command

    try:
        command(prog_name="console")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def load(folder: str) -> None:
    """Import what a server imports, let servers share what they compile of templates, and make passwords cheap."""
    from importlib import import_module
    from pathlib import Path

    from flask import Flask
    from sqlalchemy.orm import configure_mappers

    from console import app, models
    from console.core import passwords
    from console.core.settings import Settings
    from tests.support import routing
    from tests.support.hashing import CHEAP
    from tests.support.templates import CompiledTemplates

    for name in ("console.cli.main", "console.server", "console.setup"):
        import_module(name)
    models.load()
    configure_mappers()
    routing.keep_compiled()
    templates, create_app = CompiledTemplates(Path(folder)), app.create_app

    def create(settings: Settings | None = None) -> Flask:
        made = create_app(settings)
        made.jinja_env.bytecode_cache = templates
        return made

    app.create_app, passwords.HASHER = create, CHEAP


def main() -> None:
    import gc

    gc.disable()  # as console.__main__ does for what serves
    from gevent import monkey

    monkey.patch_all()
    load(sys.argv[2])
    gc.freeze()
    serve_orders(int(sys.argv[1]))


if __name__ == "__main__":
    main()
