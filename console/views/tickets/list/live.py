"""Rows that have changed since a list was opened, for the page to put in place."""

from __future__ import annotations

from datetime import datetime

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.tickets.models import Ticket
from console.tickets.queries import ticket_key, visible
from console.views.shared.base import BaseModelView
from console.views.tickets.list import columns
from console.views.tickets.list.query import TicketListQuery
from console.web.identity import current_actor

MAX_ROWS = 100  # in one answer


def changed_rows(ticket_list: BaseModelView, list_query: TicketListQuery) -> ResponseReturnValue:
    """Answer rows as this list draws them: those named (``numbers``), or those changed ``since`` an instant.

    Each says whether the list, as the address filters it, still has it. A ticket that the reader may not see is not
    in the answer.
    """
    now = clock.now()
    keys = _named() or _changed()
    rows: list[Ticket] = []
    if keys:
        rows = ticket_list.read_rows(ticket_list.select_rows().where(Ticket.id.in_(keys)).order_by(Ticket.id))
    listed = _listed(ticket_list, list_query, [row.id for row in rows])
    names, cells = columns.of_view(list_query.began), columns.Cells()
    return jsonify(
        rows=[
            {
                "number": row.number,
                "cells": [{"name": name, "html": str(cells.draw(name, row))} for name in names],
                "state": ticket_list.row_state(row),
                "listed": row.id in listed,
                "created_at": row.created_at.isoformat(),
            }
            for row in rows
        ],
        at=now.isoformat(),
    )


def _listed(ticket_list: BaseModelView, list_query: TicketListQuery, keys: list[int]) -> set[int]:
    """Return which of ``keys`` the list has."""
    if not keys:
        return set()
    query = ticket_list.matching(list_query).with_only_columns(Ticket.id).order_by(None)
    return set(db.session.scalars(query.where(Ticket.id.in_(keys))))


def _named() -> list[int]:
    numbers = request.args.get("numbers", "")[: 20 * MAX_ROWS].split(",")[:MAX_ROWS]
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
        .limit(MAX_ROWS)
    )
    return list(db.session.scalars(query))
