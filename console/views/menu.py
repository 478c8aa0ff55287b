"""The sidebar: only pages that exist and that the role may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, g
from flask_admin.base import BaseView
from flask_babel import lazy_gettext
from sqlalchemy import Select, select

from console.billing.models import Proforma, Storno
from console.core.db import db
from console.core.errors import Text
from console.web.addresses import url_for

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

    name: Text
    url: str
    icon: str
    letter: str  # G, then this letter, goes there; empty: no shortcut
    here: str  # what aria-current says: "page", "true" on a page below it, or nothing
    badge: Callable[[], str] | None = None  # what stands beside the name; asked when the line is drawn


def init_app(app: Flask) -> None:
    """Give templates the menu and the addresses that many pages link to."""
    app.jinja_env.globals.update(
        menu_groups=groups,
        customer_url=customer_url,
        document_url=document_url,
    )


def groups(current: BaseView | None = None) -> list[tuple[Text, list[Item]]]:
    """Return this person's sidebar; ``current`` is the view that is open."""
    drawn: dict[int, list[tuple[Text, list[Item]]]] = g.setdefault("menu", {})  # asked by the sidebar and by the keys
    if id(current) not in drawn:
        drawn[id(current)] = _groups(current)
    return drawn[id(current)]


def _groups(current: BaseView | None) -> list[tuple[Text, list[Item]]]:
    found: dict[str, list[Item]] = {key: [] for key in GROUPS}
    for view in current_app.extensions["admin"][0]._views:  # noqa: SLF001  (Flask-Admin has no other list)
        group = getattr(view, "group", None)
        if group is not None and view.is_accessible() and view.is_visible():
            found[group].append(_item(view, current))
    return [(GROUPS[key], lines) for key, lines in found.items() if lines]


def items() -> list[Item]:
    """Return the lines of this person's sidebar, flat."""
    return [item for _group, lines in groups() for item in lines]


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


def counted(view: BaseView) -> int:
    """Return what the sidebar counts beside a page: for all pages in one statement, once a request.

    A page says what to count by ``badge_query()``: a select of one number, or ``None``.
    """
    if "menu_counts" not in g:
        asked: list[tuple[str, Select[int]]] = []
        for one in current_app.extensions["admin"][0]._views:  # noqa: SLF001  (Flask-Admin has no other list)
            query = one.badge_query() if hasattr(one, "badge_query") and one.is_accessible() else None
            if query is not None:
                asked.append((one.endpoint, query))
        g.menu_counts = dict(db.session.execute(_together(tuple(asked))).mappings().one()) if asked else {}
    counts: dict[str, int] = g.menu_counts
    return counts.get(view.endpoint) or 0


@lru_cache(maxsize=256)  # the pages give the same queries again
def _together(asked: tuple[tuple[str, Select[int]], ...]) -> Select[Any]:
    return select(*(query.scalar_subquery().label(endpoint) for endpoint, query in asked))


def _item(view: BaseView, current: BaseView | None) -> Item:
    return Item(
        name=view.name or "",
        url=url_for(f"{view.endpoint}.{view._default_view}", **getattr(view, "menu_query", {})),  # noqa: SLF001
        icon=view.menu_icon_value or "dot",
        letter=getattr(view, "letter", ""),
        here=_here(view, current),
        badge=getattr(view, "badge", None),
    )


def _here(view: BaseView, current: BaseView | None) -> str:
    if view is current:
        return "page"
    return "true" if current is not None and getattr(current, "parent", None) == view.endpoint else ""
