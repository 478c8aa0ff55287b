"""The sidebar: only pages that exist and that the role may open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, request
from flask_admin.base import BaseView
from flask_login import current_user
from sqlalchemy import Select, select

from console.billing.models import Proforma, Storno
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Text
from console.core.text import words
from console.core.texts import in_language, lazy_gettext
from console.views.shared.labels.states import proforma_amount
from console.web.addresses import url_for
from console.web.catalog import language
from console.web.identity import current_actor
from console.web.locale import LANGUAGES
from console.web.staff_signin import LANDING

MENU = "console.menu"
COMMANDS = "console.commands"
PAGES = "console.pages"
GROUPS: dict[str, Text] = {
    "work": lazy_gettext("Work"),
    "customers": lazy_gettext("Customers"),
    "billing": lazy_gettext("Billing"),
    "oversight": lazy_gettext("Oversight"),
    "system": lazy_gettext("System"),
}


@dataclass(frozen=True)
class Item:
    """One line of the sidebar."""

    name: str
    url: str
    icon: str
    letter: str  # G, then this letter, goes there; empty: no shortcut
    here: str = ""  # what aria-current says: "page", "true" on a page below it, or nothing
    badge_of: str = ""  # the endpoint whose count is next to the name; empty: no count


def init_app(app: Flask, pages: Sequence[BaseView]) -> None:
    """Give templates the menu of ``pages``, the addresses that many link to, and the amounts they show."""
    app.extensions[PAGES] = pages
    app.extensions[LANDING] = landing_url
    app.jinja_env.globals.update(
        menu_groups=groups,
        customer_url=customer_url,
        document_url=document_url,
        proforma_amount=proforma_amount,
        menu_above=above,
        menu_badge=badge,
        menu_badge_counts=badge_counts,
    )


Groups = list[tuple[str, list[Item]]]


def groups(current: BaseView | None = None) -> Groups:
    """Return this person's sidebar; ``current`` is the view that is open."""
    # The same for all who may do the same; badges are drawn from their counts.
    drawn: dict[Any, Groups] = current_app.extensions.setdefault(MENU, {})
    actor = current_actor() if current_user.is_authenticated else None
    key = (None if actor is None else actor.permissions, current, language(), request.script_root)
    found = drawn.get(key)
    if found is None:
        found = drawn[key] = _groups(current)
    return found


def _groups(current: BaseView | None) -> Groups:
    found: dict[str, list[Item]] = {key: [] for key in GROUPS}
    for view in _open_views():
        if view.group is not None and view.is_visible() and _view_above(view) is None:
            found[view.group].append(_item(view, current))
    return [(str(GROUPS[key]), lines) for key, lines in found.items() if lines]


def items() -> list[Item]:
    """Return the lines of this person's sidebar as one list, and the pages below them that it leaves out."""
    below = [replace(_item(view, None), letter="") for view in _open_views() if _view_above(view) is not None]
    return [item for _group, lines in groups() for item in lines] + below


def below(endpoint: str) -> list[tuple[Any, Item]]:
    """Return the pages below one of the sidebar's that this person may open."""
    return [(view, _item(view, None)) for view in _open_views() if view.parent == endpoint]


def above(view: BaseView | None) -> Item | None:
    """Return the page that the sidebar has in place of ``view``, if this person may open one."""
    found = _view_above(view)
    return None if found is None else _item(found, None)


def _open_views() -> Iterator[Any]:
    for view in current_app.extensions[PAGES]:
        if hasattr(view, "group") and view.is_open():
            yield view


def landing_url(actor: Actor) -> str:
    """Return where someone begins after signing in."""
    pages = (view for view in current_app.extensions[PAGES] if getattr(view, "landing", False))
    found = next((view for view in pages if actor.may(view.permission)), None)
    return url_for("admin.index") if found is None else _address(found)


def _view_above(view: Any) -> Any:
    if getattr(view, "group", None) is None or view.parent is None:
        return None
    return next((one for one in _open_views() if one.endpoint == view.parent), None)


@dataclass(frozen=True)
class Command:
    """What the palette offers to open or to begin. ``words``: of its name in every language of ours, folded."""

    item: Item
    words: tuple[frozenset[str], ...]


def commands() -> list[Command]:
    """Return what this person may open by name: the sidebar, further pages, and forms for something new."""
    drawn: dict[Any, list[Command]] = current_app.extensions.setdefault(COMMANDS, {})
    key = (current_actor().permissions, language(), request.script_root)
    found = drawn.get(key)
    if found is None:
        found = drawn[key] = [Command(item, _names(name)) for item, name in _openable()]
    return found


def _openable() -> Iterator[tuple[Item, Text]]:
    for view in current_app.extensions[PAGES]:
        if not view.is_open():
            continue
        if getattr(view, "group", None) is not None and view.is_visible():
            yield _item(view, None), view.name
        if getattr(view, "command", ""):
            yield Item(str(view.command), _address(view), view.menu_icon_value or "dot", ""), view.command
        if getattr(view, "can_create", False) and _may_create(view):
            yield Item(str(view.create_label), url_for(f"{view.endpoint}.create_view"), "plus", ""), view.create_label


def _may_create(view: Any) -> bool:
    permission = view.permissions.get("create_view")
    return permission is None or current_actor().may(permission)


def _names(name: Text) -> tuple[frozenset[str], ...]:
    """Return the words of a name in each language."""
    found = []
    for one in LANGUAGES:
        with in_language(one):
            found.append(frozenset(words(str(name))))
    return tuple(found)


def link(endpoint: str, **query: Any) -> str:
    """Return the address of a list, narrowed by ``query``."""
    return url_for(f"{endpoint}.index_view", **query)


def customer_url(number: str) -> str:
    """Return the address of a customer's page."""
    return url_for("customers.index_view") + number


def document_url(document: Proforma | Storno) -> str:
    """Return the address of a document's page."""
    endpoint = "proformas.document" if isinstance(document, Proforma) else "stornos.document"
    return url_for(endpoint, number=document.number)


BADGE_LIMIT = 99  # a badge says "99+": counting further would cost what the rows do
BadgeQueries = tuple[tuple[str, Select[int]], ...]
BadgeCounts = Mapping[str, int]


def badge_queries() -> BadgeQueries:
    """Return what counts the sidebar's badges for this person, by page; always the same selects for one person.

    A page counts by ``badge_query()``: a select of one number, at most ``BADGE_LIMIT`` and one, or ``None``.
    """
    found: list[tuple[str, Select[int]]] = []
    for one in current_app.extensions[PAGES]:
        query = one.badge_query() if hasattr(one, "badge_query") and one.is_open() else None
        if query is not None:
            found.append((one.endpoint, query))
    return tuple(found)


def badge_counts() -> BadgeCounts:
    """Count all badges in one statement, for a page that has not counted them along with one of its own."""
    queries = badge_queries()
    return dict(db.session.execute(_together(queries)).mappings().one()) if queries else {}


def badge_counts_with(queries: Mapping[str, Select[Any]]) -> tuple[BadgeCounts, dict[str, Any]]:
    """Count all badges and read values of the page itself, in one statement.

    Args:
        queries: selects of one value each, by name.

    Returns:
        The counts, and the values by their names.
    """
    badges = badge_queries()
    columns = [query.scalar_subquery().label(f"badge_{endpoint}") for endpoint, query in badges]
    columns += [query.scalar_subquery().label(f"value_{name}") for name, query in queries.items()]
    row = db.session.execute(select(*columns)).mappings().one()
    return {name: row[f"badge_{name}"] for name, _query in badges}, {name: row[f"value_{name}"] for name in queries}


def badge(item: Item, counts: BadgeCounts) -> str:
    """Return the badge of a line of the sidebar."""
    count = counts.get(item.badge_of) or 0
    return "" if not count else f"{BADGE_LIMIT}+" if count > BADGE_LIMIT else str(count)


@lru_cache(maxsize=256)  # the pages return the same queries each time
def _together(queries: BadgeQueries) -> Select[Any]:
    return select(*(query.scalar_subquery().label(endpoint) for endpoint, query in queries))


def _item(view: BaseView, current: BaseView | None) -> Item:
    return Item(
        name=str(view.name or ""),
        url=_address(view, getattr(view, "menu_query", {})),
        icon=view.menu_icon_value or "dot",
        letter=getattr(view, "letter", ""),
        here=_here(view, current),
        badge_of=str(view.endpoint) if hasattr(view, "badge_query") else "",
    )


def _address(view: BaseView, query: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return where a page begins."""
    address = f"{request.script_root}{view.url}/"
    return f"{address}?{urlencode(query)}" if query else address


def _here(view: BaseView, current: BaseView | None) -> str:
    if view is current:
        return "page"
    return "true" if current is not None and getattr(current, "parent", None) == view.endpoint else ""
