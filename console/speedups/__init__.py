"""What goes round a library for speed, because a goal of ``docs/performance.md`` falls without it.

One module each; it says what it gains and what of the library it leans on, and a test notices when that changes.
``CONSOLE_SPEEDUPS=off`` leaves all of them out: everything works without, only slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # plugin_search serves before gevent has patched what settings import
    from console.core.settings import Settings


def install(settings: Settings) -> None:
    """Install what serves this process, or take it back; for the whole process, as the libraries are."""
    if settings.sqlite:
        return
    from console.speedups import postgres_wait  # loads psycopg, which SQLite does without

    postgres_wait.install(on=settings.speedups)
