"""What keeps an open list true: the rows that changed, and how many have come since."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.tickets.models import Ticket
from console.tickets.queries import ticket_key, visible
from console.views.tickets.list import columns
from console.views.tickets.list.query import TicketListQuery
from console.web.identity import current_actor

MOST = 100  # tickets that are asked about at once

if TYPE_CHECKING:
    from console.views.shared.base import BaseModelView as _Base
else:
    _Base = object


class TicketLive(_Base):
    """The address a list asks when something has changed (a mixin of the list)."""

    if TYPE_CHECKING:

        def read_list_query(self) -> TicketListQuery: ...
        def shown_columns(self, ask: TicketListQuery) -> tuple[str, ...]: ...
        def find_rows(self, keys: Any) -> list[Ticket]: ...
        def row_state(self, row: Any) -> str: ...

    @expose("/rows")
    def changed_rows(self) -> ResponseReturnValue:
        """Answer rows as this list draws them: those named (``numbers``), or those changed ``since`` an instant.

        Each says whether the list, as the address narrows it, still has it. One that is not the reader's to see
        is not answered.
        """
        ask, now = self.read_list_query(), clock.now()
        keys = _named() or _changed()
        rows = self.find_rows(keys) if keys else []
        listed = self._listed(ask, [row.id for row in rows])
        shown = self.shown_columns(ask)
        return jsonify(
            rows=[
                {
                    "number": row.number,
                    "cells": [{"name": name, "html": str(columns.CELLS[name](row))} for name in shown],
                    "state": self.row_state(row),
                    "listed": row.id in listed,
                    "created_at": row.created_at.isoformat(),
                }
                for row in rows
            ],
            at=now.isoformat(),
        )

    def _listed(self, ask: TicketListQuery, keys: list[int]) -> set[int]:
        """Return which of ``keys`` the list has."""
        if not keys:
            return set()
        found = self.matching(ask).with_only_columns(Ticket.id).order_by(None).where(Ticket.id.in_(keys))
        return set(db.session.scalars(found))


def _named() -> list[int]:
    numbers = request.args.get("numbers", "")[: 20 * MOST].split(",")[:MOST]
    return [key for key in map(ticket_key, numbers) if key is not None]


def _changed() -> list[int]:
    """Return the keys of what changed last, no further back than ``since``."""
    try:
        since = datetime.fromisoformat(request.args.get("since", "").replace(" ", "+"))
    except ValueError:
        return []
    if since.tzinfo is None:
        return []
    query = (
        select(Ticket.id)
        .where(Ticket.updated_at > since, visible(current_actor()))
        .order_by(Ticket.updated_at.desc(), Ticket.id.desc())
        .limit(MOST)
    )
    return list(db.session.scalars(query))
