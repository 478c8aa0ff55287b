"""What goes round a library for speed, because a goal of ``docs/performance.md`` falls without it.

One module each; it says what it gains and what of the library it leans on, and a test notices when that changes.
``CONSOLE_SPEEDUPS=off`` leaves all of them out: everything works without, only slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # plugin_search serves before gevent has patched what settings import
    from flask import Flask

    from console.core.settings import Settings


def install(app: Flask, settings: Settings) -> None:
    """Install what serves this application or, as the libraries are, its whole process; or take it back.

    Call it before the application has routes.
    """
    if settings.speedups:
        from console.speedups.url_builders import LateRule

        app.url_rule_class = LateRule
    if settings.sqlite:
        return
    from console.speedups import postgres_wait  # loads psycopg, which SQLite does without

    postgres_wait.install(on=settings.speedups)
