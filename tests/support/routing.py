"""Compiled addresses, kept for all applications of a test process.

Werkzeug makes two functions out of every address of an application, a third of the time of most tests. They
follow from the address alone, and each test's application has the same six hundred.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


def keep_compiled() -> None:
    """Let each address be compiled once in this process."""
    compiled: dict[object, _Builder] = {}
    original = Rule._compile_builder

    def compile_builder(rule: Rule, append_unknown: bool = True) -> _Builder:
        if rule.defaults:  # written into the function, by the application's own converters
            return original(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in compiled:
            compiled[key] = original(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = compile_builder  # type: ignore[method-assign,assignment]
