"""What each serving process does for the desk apart from answering: redraws lists, reports whose connections it holds.

Started by the first connection. The truth is in the tables: a process that is killed is missed by its beats.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from flask import Flask, current_app
from gevent.monkey import is_module_patched
from sqlalchemy import select

from console.chat import notifications, queries, serializers
from console.chat.service import presence
from console.core.db import db
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.staff.models import StaffSession
from console.web.sockets import connected_sessions, sessions_in

log = get_logger(__name__)

LISTS_SECONDS = 0.3
_started = False


def start() -> None:
    """Start the loops of this process, once. Where nothing is patched (tests, commands) there are none."""
    global _started  # noqa: PLW0603  (one set of loops for a process)
    if _started or not is_module_patched("socket"):
        return
    _started = True
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    gevent.spawn(_repeat, app, LISTS_SECONDS, show_lists)
    gevent.spawn(_repeat, app, presence.BEAT_SECONDS, beat)


def show_lists() -> None:
    """Push the rows of the chats that have changed since the last time, and the counts."""
    changed = notifications.take_changed()
    if not changed:
        return
    chats = queries.some(changed)
    queued, oldest, active = queries.counts()
    notifications.push_lists(chats, {"queued": queued, "oldest": serializers.instant(oldest), "active": active})


def beat() -> None:
    """Note whose connections this process holds, and which of them are at the desk."""
    sessions, at_desk = connected_sessions(), sessions_in(notifications.LISTS)
    if not sessions:
        return
    live = select(StaffSession.id, StaffSession.staff_id).where(
        StaffSession.id.in_(sessions), StaffSession.revoked_at.is_(None)
    )
    rows = db.session.execute(live).all()
    db.session.rollback()
    with transaction():
        presence.beat(
            {row.staff_id for row in rows if row.id in at_desk},
            {row.staff_id for row in rows if row.id not in at_desk},
        )


def _repeat(app: Flask, seconds: float, work: Callable[[], None]) -> None:
    while True:
        gevent.sleep(seconds)
        try:
            with app.app_context():
                work()
        except Exception:
            log.exception("a loop of the desk failed once", loop=work.__name__)
