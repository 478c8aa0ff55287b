"""Column formatters of lists and details."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from console.views.shared.labels.states import Label
from console.views.shared.menu import customer_url
from console.web import filters

Formatter = Callable[[Any, Any, Any, str], Any]


def day(_view: Any, _context: Any, row: Any, name: str) -> str:
    """Write a calendar day."""
    return filters.day(getattr(row, name))


def ago(_view: Any, _context: Any, row: Any, name: str) -> Markup:
    """Write an instant relatively, the exact one on hover."""
    return filters.ago(getattr(row, name))


def amount(_view: Any, _context: Any, row: Any, name: str) -> Markup:
    """Write an amount in the row's own currency."""
    return filters.amount(getattr(row, name), row.currency)


def state(labels: Mapping[Any, Label]) -> Formatter:
    """Return a formatter that draws a state."""

    def draw(_view: Any, _context: Any, row: Any, name: str) -> Markup:
        return labels[getattr(row, name)].status()

    return draw


def customer(_view: Any, _context: Any, row: Any, _name: str) -> Markup:
    """Write the account's name and number, with the way there."""
    account = row.customer
    return Markup('<a class="plain" href="{}">{}</a> <span class="muted ref">{}</span>').format(
        customer_url(account.number), account.name, account.number
    )
