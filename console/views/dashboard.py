"""The first page after signing in: what this person should act on now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose
from flask_babel import gettext, lazy_gettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, load_only

from console.billing.models import ACTIVE_STATUSES, OPEN_STATES, Migration, MigrationState, Proforma
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Text
from console.customers.models import Customer
from console.customers.queries import live_verifications, locked_people
from console.hosting.models import Domain, Service, ServiceStatus
from console.staff.roles import Permission
from console.views.base import Guarded
from console.views.labels import MIGRATION_STATE, today
from console.views.menu import link
from console.web.identity import current_actor

SHOWN = 6  # rows of a card
COUNTED = 99  # a tile says "99+": more digits would not change what one does
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Tile:
    """One figure, and the list behind it."""

    label: Text
    icon: str
    count: int
    note: Text
    url: str
    urgent: bool = False

    @property
    def value(self) -> str:
        """Return the figure as it is shown."""
        return f"{COUNTED}+" if self.count > COUNTED else str(self.count)


class Dashboard(Guarded, AdminIndexView):
    """What this person should act on now, and the search box."""

    group = "work"
    letter = "d"

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Dashboard"), endpoint="admin", url="/console", menu_icon_value="home")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the dashboard."""
        actor = current_actor()
        return self.render(
            "admin/dashboard.html",
            actor=actor,
            may={permission.name: actor.may(permission) for permission in Permission},
            tiles=_tiles(actor),
            verifications=live_verifications(actor),
            waiting=_waiting() if actor.may(Permission.DECIDE_MIGRATION) else [],
            requests=_requests(actor) if actor.may(Permission.REQUEST_MIGRATION) else [],
            locked=locked_people()[:SHOWN] if actor.may(Permission.UNLOCK_PIN) else [],
            overdue=_overdue() if actor.may(Permission.READ_DOCUMENTS) else [],
            states=MIGRATION_STATE,
        )


def _tiles(actor: Actor) -> list[Tile]:
    tiles: list[Tile] = []
    if actor.may(Permission.DECIDE_MIGRATION):
        tiles.append(_migration_tile(MigrationState.REQUESTED, gettext("To approve"), "migrate"))
        tiles.append(_migration_tile(MigrationState.APPROVED, gettext("To execute"), "ok"))
    if actor.may(Permission.READ_DOCUMENTS):
        tiles += [_overdue_tile(), _expiring_domains_tile(), _expiring_services_tile()]
    return tiles[:4]


def _migration_tile(state: MigrationState, label: str, icon: str) -> Tile:
    count = _count(select(Migration.id).where(Migration.state == state))
    note = gettext("migrations wait for you") if count else gettext("nothing waits")
    return Tile(label, icon, count, note, link("migrations", state=state.value), urgent=count > 0)


def _overdue_tile() -> Tile:
    count = _count(select(Proforma.id).where(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on < today()))
    return Tile(gettext("Overdue"), "file", count, gettext("pro-formas past their day"), link("proformas", overdue="1"))


def _expiring_domains_tile() -> Tile:
    until = today() + SOON
    count = _count(select(Domain.id).where(Domain.expires_on.between(today(), until)))
    url = link("domains", expires_from=today().isoformat(), expires_until=until.isoformat(), sort="expires_on")
    return Tile(gettext("Expiring domains"), "globe", count, gettext("within 30 days"), url)


def _expiring_services_tile() -> Tile:
    until = today() + SOON
    count = _count(select(Service.id).where(Service.status == ServiceStatus.ACTIVE, Service.paid_until <= until))
    url = link("services", status=ServiceStatus.ACTIVE.value, paid_until=until.isoformat())
    return Tile(gettext("Services to renew"), "server", count, gettext("paid for 30 days at most"), url)


def _count(keys: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(keys.limit(COUNTED + 1).subquery())) or 0


def _migrations() -> Select[Any]:
    return select(Migration).options(
        joinedload(Migration.from_customer).load_only(Customer.name),
        joinedload(Migration.to_customer).load_only(Customer.name),
    )


def _waiting() -> list[Migration]:
    """Return what billing should decide or execute, the oldest first."""
    query = _migrations().where(Migration.state.in_(OPEN_STATES)).order_by(Migration.id).limit(SHOWN)
    return list(db.session.scalars(query))


def _requests(actor: Actor) -> list[Migration]:
    """Return what this person asked for, the newest first."""
    query = _migrations().where(Migration.requested_by_id == actor.id).order_by(Migration.id.desc()).limit(SHOWN)
    return list(db.session.scalars(query))


def _overdue() -> list[Proforma]:
    """Return the pro-formas that wait for money the longest."""
    query = (
        select(Proforma)
        .options(
            joinedload(Proforma.customer).load_only(Customer.name),
            load_only(
                Proforma.number, Proforma.total, Proforma.paid, Proforma.currency, Proforma.due_on, Proforma.customer_id
            ),
        )
        .where(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on < today())
        .order_by(Proforma.due_on, Proforma.id)
        .limit(SHOWN)
    )
    return list(db.session.scalars(query))
