"""Departments and colleagues to choose from, in filters, forms and reports."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping

from console.core.errors import Text
from console.core.texts import gettext
from console.tickets import list_queries
from console.tickets.list_queries import Names
from console.views.shared.per_request import cached_per_request
from console.web.filters import language

ME, UNASSIGNED = "me", "none"


@cached_per_request
def names() -> Names:
    """Return departments and colleagues."""
    return list_queries.load_names()


def department_name(key: int) -> str:
    """Return what a department is called in the reader's language."""
    serbian, english = names().departments.get(key, ("?", "?"))
    return english if language() == "en" else serbian


def departments() -> dict[str, str]:
    """Return the departments in use, to choose from."""
    return {str(key): department_name(key) for key in names().departments if key not in names().inactive_departments}


def colleagues() -> dict[str, str]:
    """Return who works on tickets, to choose from."""
    known = names()
    return {str(key): name for key, name in known.staff.items() if key not in known.former_staff}


def assignees() -> dict[str, str]:
    return {ME: gettext("me"), UNASSIGNED: gettext("unassigned"), **colleagues()}


class LazyChoices(Mapping[str, Text]):
    """Choices that are read when a request needs them."""

    def __init__(self, read: Callable[[], Mapping[str, Text]]) -> None:
        self._read = read

    def __getitem__(self, key: str) -> Text:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> ItemsView[str, Text]:
        """Return all of them, read once: a mapping's own way reads them again for each."""
        return self._read().items()
