"""The trail speaks in words: every action that is recorded has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from console.views.trail_labels import action_names
from tests.support.server import ROOT


def _recorded() -> Iterator[str]:
    """Every action that the code records by name."""
    for path in (ROOT / "console").rglob("*.py"):
        if path.parent.name == "bench":  # writes to databases of its own
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record":
                action = node.args[1] if len(node.args) > 1 else None
                if isinstance(action, ast.Constant) and isinstance(action.value, str):
                    yield action.value


def test_every_action_has_words() -> None:
    recorded = set(_recorded())
    assert len(recorded) > 20
    assert not recorded - action_names().keys()
