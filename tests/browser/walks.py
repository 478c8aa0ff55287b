"""Walks of the README as a browser goes them: each numbered step is read there and has an action here.

A step's wording is a pattern in which ``{name}`` takes what the README marks: a label in asterisks, a key or a text in
backticks. The action gets what was taken, so what is pressed is what the README says. A step that no pattern knows
fails, and so does a pattern that no step uses: neither the README nor the test can drift alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

Action = Callable[..., None]


class WalkError(AssertionError):
    """The README and the walk say different things. ``str()`` says which."""


def steps_of(readme: Path, title: str) -> list[str]:
    """Return the numbered steps of a section, each in one line."""
    _before, found, section = readme.read_text().partition(f"\n### {title}\n")
    if not found:
        raise WalkError(f"the README has no section »{title}«")
    section = re.split(r"\n##+ ", section)[0]
    numbered = re.findall(r"^(\d+)\. (.+(?:\n   .+)*)", section, re.MULTILINE)
    if [int(number) for number, _text in numbered] != list(range(1, len(numbered) + 1)):
        raise WalkError(f"the steps of »{title}« are not numbered from 1 on")
    return [re.sub(r"\s+", " ", text) for _number, text in numbered]


class Walk:
    """Patterns and their actions, in the order of the README."""

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}

    def step(self, pattern: str) -> Callable[[Action], Action]:
        """Register an action for a step."""

        def register(action: Action) -> Action:
            self._actions[pattern] = action
            return action

        return register

    def go(self, place: object, steps: list[str]) -> None:
        """Go all ``steps``. Actions get ``place``, and what their pattern took.

        Raises:
            WalkError: a step is unknown, or one that is known is not there or not in its place.
        """
        found = [self._find(step) for step in steps]
        missing = [pattern for pattern in self._actions if pattern not in [known for known, _taken in found]]
        if missing:
            raise WalkError(f"the README no longer has: {missing}")
        if [known for known, _taken in found] != list(self._actions):
            raise WalkError("the README has the steps in another order, or one twice")
        for pattern, taken in found:
            self._actions[pattern](place, **taken)

    def _find(self, step: str) -> tuple[str, dict[str, str]]:
        for pattern in self._actions:
            expression = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^*`]+)", re.escape(pattern))
            match = re.fullmatch(expression, step)
            if match:
                return pattern, match.groupdict()
        raise WalkError(f"the walk does not know the README's step: {step}")
