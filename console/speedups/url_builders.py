"""Routes that write the code which builds their addresses when one is first built.

Werkzeug writes and compiles two functions for each route as it is added; of our 550 routes a page links to some thirty.

Gain: an eighth of a start (0.2 of 1.8 seconds of processor); a page that links to thirty routes pays 15 ms of it, once.

Leans on: ``Rule._compile_builder``, and ``Rule`` keeping what it returns as ``_build`` and ``_build_unknown``.
``tests/speedups/test_url_builders.py`` notices when it no longer does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LateRule(Rule):
    """A route as Werkzeug has it, to be set as ``Flask.url_rule_class``."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        written: Callable[..., tuple[str, str]] | None = None

        def build(rule: LateRule, /, **values: Any) -> tuple[str, str]:
            nonlocal written
            if written is None:
                written = super(LateRule, rule)._compile_builder(append_unknown)
            return written(rule, **values)

        return build
