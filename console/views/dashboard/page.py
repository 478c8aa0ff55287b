"""The first page after signing in: what this person should act on now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, load_only

from console.billing.models import ACTIVE_STATUSES, OPEN_STATES, Migration, MigrationState, Proforma
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext
from console.customers.account.disputes import live_and_disputed
from console.customers.models import Customer
from console.customers.queries import live_verifications, locked_out_people
from console.hosting.models import Domain
from console.staff.roles import Permission
from console.tickets.list_queries import count_each
from console.tickets.stats.periods import midnight
from console.views.dashboard import tickets as ticket_tiles
from console.views.dashboard.tickets import Board, number
from console.views.dashboard.tiles import Tile
from console.views.shared import charts
from console.views.shared.access import Guarded
from console.views.shared.labels.hours import hours_status
from console.views.shared.labels.states import migration_label, today
from console.views.shared.labels.stats import percent_label, working_time
from console.views.shared.labels.tickets import due, ticket_url
from console.views.shared.menu import badge_queries, link
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor

MAX_ROWS = 6  # rows of a card
MAX_COUNT = 99  # a tile of billing says "99+": more digits would not change what one does
SOON = timedelta(days=30)
LOOKED_AT = 500  # newest migrations among which today's are


class Dashboard(Guarded, AdminIndexView):
    """What this person should act on now, and the search box."""

    group = "work"
    letter = "d"

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Dashboard"), endpoint="admin", url="/console", menu_icon_value="home")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the dashboard, or tell programs its figures."""
        actor = current_actor()
        board = ticket_tiles.board(actor, badges=() if wants_json() else badge_queries())
        if wants_json():
            return jsonify(as_json(board, _tiles(actor)))
        unlocks, issues = actor.may(Permission.UNLOCK_PIN), actor.may(Permission.ISSUE_DOCUMENTS)
        live, disputed = live_and_disputed(actor, MAX_ROWS) if unlocks else (live_verifications(actor), [])
        return self.render(
            "admin/dashboard/page.html",
            actor=actor,
            may={permission.name: actor.may(permission) for permission in Permission},
            tiles=_tiles(actor),
            board=board,
            badge_counts=board.badge_counts,
            hours=hours_status(),
            week=ticket_tiles.my_week(actor) if actor.may(Permission.WORK_TICKETS) and _is_agent(actor) else None,
            desk=ticket_tiles.desk() if board.whole else None,
            verifications=live,
            waiting=_waiting() if actor.may(Permission.DECIDE_MIGRATION) else [],
            requests=_today(actor) if actor.may(Permission.SEE_MIGRATIONS) and not issues else [],
            locked=locked_out_people()[:MAX_ROWS] if unlocks else [],
            disputed=disputed,
            overdue=_overdue() if issues else [],
            migration_label=migration_label,
            time_label=working_time,
            percent_label=percent_label,
            draw=charts.draw,
            draw_axis=charts.draw_axis,
            rows=charts.table,
            **_board_context(),
        )

    @expose("/now")
    def now(self) -> ResponseReturnValue:
        """Answer what changes while one looks at it, for the page to put in place."""
        return self.render("admin/dashboard/now.html", board=ticket_tiles.board(current_actor()), **_board_context())


def _board_context() -> dict[str, Any]:
    return {"due": due, "ticket_url": ticket_url}


def _is_agent(actor: Actor) -> bool:
    """Return whether tickets are all of this person's work: supervisors and billing have other figures."""
    return not (actor.may(Permission.SEE_REPORTS) or actor.may(Permission.ISSUE_DOCUMENTS))


def as_json(board: Board, tiles: list[Tile]) -> dict[str, Any]:
    """Return the dashboard for programs: the figures by name, and what is due next."""
    status = hours_status()
    return {
        "hours": {"open": status.is_open, "until": local_time(status.until)},
        "figures": {one.key: {"value": one.value, "url": one.url} for one in [*board.tiles, *tiles]},
        "chat": {one.key: {"value": one.value, "url": one.url} for one in board.chat},
        "needs": {one.key: {"count": one.count, "url": one.url} for one in board.needs},
        "due": [{"number": one.number, "subject": one.subject, "due_at": local_time(one.due_at)} for one in board.due],
    }


# --- Billing ----------------------------------------------------------------------------------------------------------


def _tiles(actor: Actor) -> list[Tile]:
    """Return the figures of billing, counted in one statement."""
    if not actor.may(Permission.ISSUE_DOCUMENTS):
        return []
    until = today() + SOON
    counts = count_each(
        {
            "requested": select(Migration.id).where(
                or_(
                    Migration.state == MigrationState.ACCEPTED,
                    (Migration.state == MigrationState.REQUESTED) & Migration.needs_acceptance.is_(False),
                )
            ),
            "approved": select(Migration.id).where(
                Migration.state == MigrationState.APPROVED, Migration.scheduled_for.is_(None)
            ),
            "overdue": select(Proforma.id).where(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on < today()),
            "domains": select(Domain.id).where(Domain.expires_on.between(today(), until)),
        }
    )
    return [
        _migration_tile("requested", gettext("To approve"), "migrate", counts),
        _migration_tile("approved", gettext("To execute"), "ok", counts),
        _tile("overdue", gettext("Overdue"), "file", counts, gettext("pro-formas past due"), _overdue_url()),
        _tile("domains", gettext("Expiring domains"), "globe", counts, gettext("within 30 days"), _domains_url()),
    ]


def _tile(key: str, label: Text, icon: str, counts: dict[str, int], note: Text, url: str, mark: str = "") -> Tile:
    return Tile(key, label, icon, number(counts[key], MAX_COUNT), note, url, mark)


def _migration_tile(key: str, label: Text, icon: str, counts: dict[str, int]) -> Tile:
    note = gettext("migrations waiting for you") if counts[key] else gettext("none waiting")
    return _tile(key, label, icon, counts, note, link("migrations", state=key), "warn" if counts[key] else "")


def _overdue_url() -> str:
    return link("proformas", overdue="1")


def _domains_url() -> str:
    until = today() + SOON
    return link("domains", expires_from=today().isoformat(), expires_until=until.isoformat(), sort="expires_on")


def _migrations() -> Select[Any]:
    return select(Migration).options(
        joinedload(Migration.from_customer).load_only(Customer.name),
        joinedload(Migration.to_customer).load_only(Customer.name),
    )


def _waiting() -> list[Migration]:
    """Return what billing should decide or execute, the oldest first."""
    query = _migrations().where(Migration.state.in_(OPEN_STATES)).order_by(Migration.id).limit(MAX_ROWS)
    return list(db.session.scalars(query))


def _today(actor: Actor) -> list[Migration]:
    """Return the migrations of today and those still under way, newest first: one's own, or of everyone.

    Among the newest of all: older ones that are still open are in the list of migrations.
    """
    begin = midnight(today(), settings().zone)
    lately = or_(Migration.state.in_(OPEN_STATES), Migration.requested_at >= begin, Migration.ended_at >= begin)
    newest = select(func.max(Migration.id) - LOOKED_AT).scalar_subquery()
    query = _migrations().where(Migration.id > newest, lately)
    if not ticket_tiles.sees_desk(actor):
        query = query.where(Migration.requested_by_id == actor.id)
    return list(db.session.scalars(query.order_by(Migration.id.desc()).limit(MAX_ROWS)))


def _overdue() -> list[Proforma]:
    """Return the pro-formas that wait for money the longest."""
    query = (
        select(Proforma)
        .options(
            joinedload(Proforma.customer).load_only(Customer.name),
            load_only(
                Proforma.number,
                Proforma.status,
                Proforma.total,
                Proforma.paid,
                Proforma.currency,
                Proforma.due_on,
                Proforma.customer_id,
            ),
        )
        .where(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on < today())
        .order_by(Proforma.due_on, Proforma.id)
        .limit(MAX_ROWS)
    )
    return list(db.session.scalars(query))
