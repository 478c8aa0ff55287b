"""Example values of every mail template: what the console's previews show and what the tests try.

Whatever a person could have typed is a :class:`Typed`, so that the tests can put something evil in its place.
"""

from __future__ import annotations

from console.mail.examples import accounts, billing, desk
from console.mail.examples.example import TOKEN, Example, Typed

__all__ = ["TOKEN", "Example", "Typed", "examples"]


def examples(base_url: str) -> tuple[Example, ...]:
    """Return an example of every template, several where it says several things."""
    return (*accounts.examples(base_url), *billing.examples(base_url), *desk.examples(base_url))
