"""The door of the ``console`` command.

What serves runs on gevent, which must patch the standard library before
anything else imports it; every other command runs unpatched.
"""

from __future__ import annotations

import gc
import sys

ON_GEVENT = frozenset({"serve", "worker"})


def main() -> None:
    """Patch if the command asked for needs it, then run it."""
    if ON_GEVENT.intersection(sys.argv[1:]):
        gc.disable()  # a third of a start: what is loaded now stays (see console.core.hub.rest_the_collector)
        from gevent import monkey

        from console.speedups.plugin_search import searched_once

        with searched_once():
            monkey.patch_all()
    from console.cli.main import main as command

    command(prog_name="console")


if __name__ == "__main__":
    main()
