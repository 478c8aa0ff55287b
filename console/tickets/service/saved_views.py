"""Saved views of the list: filters, order and columns under a name. Private, or shared with the whole desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.masking import refuse_pins
from console.staff.roles import Permission
from console.tickets.list_queries import MOST_VIEWS
from console.tickets.models import SavedView

MAX_NAME = 60
MAX_VALUE = 200


def save_view(
    actor: Actor, name: str, query: Mapping[str, str], columns: Sequence[str] = (), *, shared: bool = False
) -> SavedView:
    """Keep a list as it is under a name.

    Args:
        query: the list's parameters, as in its address.
        columns: what it shows; empty: what is usual.
        shared: with the whole desk; requires ``MANAGE_DESK``.

    Raises:
        NotFound: this person may not do it.
        Invalid: no name, or one too long.
        Conflict: there are too many.
    """
    actor.require(Permission.READ_TICKETS)
    if shared:
        actor.require(Permission.MANAGE_DESK)
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    mine = db.session.scalar(select(func.count()).select_from(SavedView).where(SavedView.staff_id == actor.id)) or 0
    if mine >= MOST_VIEWS:
        raise Conflict(lazy_gettext("You have too many saved views. Delete one first."), code="many_views")
    view = SavedView(
        staff_id=actor.id,
        name=_name(name),
        shared=shared,
        query=_clean(query),
        columns=list(columns),
        created_at=clock.now(),
    )
    db.session.add(view)
    db.session.flush()
    if shared:
        record(actor, "ticket_view.shared", view.name)
    return view


def change_view(
    actor: Actor,
    key: int,
    *,
    name: str | None = None,
    query: Mapping[str, str] | None = None,
    columns: Sequence[str] | None = None,
    shared: bool | None = None,
) -> SavedView:
    """Rename a view, or let it show something else; what is ``None`` stays.

    Raises:
        NotFound: no such view, or not for this person to change.
        Invalid: no name, or one too long.
    """
    view = lock_view(actor, key)
    was_shared = view.shared
    if shared is not None and shared != view.shared:
        actor.require(Permission.MANAGE_DESK)
        view.shared = shared
    if name is not None:
        view.name = _name(name)
    if query is not None:
        view.query = _clean(query)
    if columns is not None:
        view.columns = list(columns)
    db.session.flush()
    if view.shared or was_shared:
        record(actor, "ticket_view.changed", view.name, shared=view.shared)
    return view


def remove_view(actor: Actor, key: int) -> None:
    """Forget a view.

    Raises:
        NotFound: no such view, or not for this person to remove.
    """
    view = lock_view(actor, key)
    if view.shared:
        record(actor, "ticket_view.removed", view.name)
    db.session.delete(view)
    db.session.flush()


def lock_view(actor: Actor, key: int) -> SavedView:
    """Return a view that ``actor`` may change, locked.

    Raises:
        NotFound: none: a colleague's private one, or shared and ``actor`` does not manage the desk.
    """
    actor.require(Permission.READ_TICKETS)
    view = db.session.scalar(select(SavedView).where(SavedView.id == key).with_for_update())
    if view is None or not may_change(actor, view):
        raise NotFound
    return view


def may_change(actor: Actor, view: SavedView) -> bool:
    """Return whether ``actor`` may change or remove ``view``."""
    return actor.may(Permission.MANAGE_DESK) if view.shared else view.staff_id == actor.id


def _name(name: str) -> str:
    cleaned = one_line(name)
    if not cleaned:
        raise Invalid(fields={"name": [lazy_gettext("Enter a name for the view.")]})
    if len(cleaned) > MAX_NAME:
        raise Invalid(fields={"name": [lazy_gettext("At most 60 characters.")]})
    return refuse_pins(cleaned, "name")


def _clean(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:MAX_VALUE] for name, value in query.items() if value}
