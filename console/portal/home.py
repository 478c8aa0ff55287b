"""The home page of one account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload, load_only

from console.billing.models import ACTIVE_STATUSES, OPEN_STATES, Migration, MigrationState, Proforma
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.customers import labels
from console.customers.account.disputes import last_uses
from console.customers.account.models import Handover
from console.customers.models import Membership
from console.customers.rights import Right
from console.hosting.queries import services_of
from console.identity.models import DeviceRecovery
from console.identity.queries import is_shown_to
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.portal.forms import RecoveryForm
from console.portal.routes import pin_card
from console.tickets.account_queries import ListQuery, list_tickets
from console.tickets.models import Ticket, TicketStatus

MOST = 5  # rows of a card
SOON = timedelta(days=30)


@portal.get("/")
@signed_in
def home() -> ResponseReturnValue:
    """Show the PIN, what ends soon, what is to be paid, and what waits."""
    accounts = own_accounts()
    if not accounts:
        return render_template("portal/nothing.html", accounts=accounts, mine=None)
    mine = chosen(accounts)
    held = mine.held_rights()
    handover, recoveries = _warnings(mine)
    today = clock.local_date(clock.now(), settings().zone)
    return render_template(
        "portal/home.html",
        accounts=accounts,
        mine=mine,
        card=pin_card(mine),
        uses=last_uses(mine),
        recoveries=recoveries,
        stop=RecoveryForm(formdata=None),
        confirm=confirmation.is_needed(),
        services=services_of(mine.customer_id, held.__contains__),
        proformas=_proformas(mine) if Right.INVOICES in held else None,
        tickets=_tickets(mine),
        migrations=_migrations(mine) if held & {Right.TRANSFER, Right.PRODUCTS} else (),
        handover=handover,
        today=today,
        soon=today + SOON,
        most=MOST,
        labels=labels,
        Right=Right,
        MigrationState=MigrationState,
        TicketStatus=TicketStatus,
    )


def _warnings(mine: Membership) -> tuple[Handover | None, Sequence[DeviceRecovery]]:
    """Return the handover under way, for the owner, and the lost devices that wait; one statement."""
    offered = Handover.customer_id == mine.customer_id, Handover.ended_at.is_(None), Handover.expires_at > clock.now()
    query = (
        select(Handover, DeviceRecovery)
        .select_from(Membership)
        .outerjoin(Handover, and_(Membership.is_owner, *offered))
        .outerjoin(DeviceRecovery, is_shown_to(mine.person_id, mine))
        .where(Membership.id == mine.id)
        .options(joinedload(DeviceRecovery.person))
        .order_by(DeviceRecovery.id)
    )
    rows = db.session.execute(query).all()
    return next((one for one, _ in rows), None), [one for _, one in rows if one is not None]


def _proformas(mine: Membership) -> Sequence[Proforma]:
    """Return what is to be paid, what is due first on top."""
    columns = load_only(
        Proforma.number, Proforma.status, Proforma.total, Proforma.paid, Proforma.currency, Proforma.due_on
    )
    query = (
        select(Proforma)
        .options(columns)
        .where(Proforma.customer_id == mine.customer_id, Proforma.status.in_(ACTIVE_STATUSES))
        .order_by(Proforma.due_on, Proforma.id)
        .limit(200)
    )
    return db.session.scalars(query).all()


def _tickets(mine: Membership) -> list[Ticket]:
    """Return the open tickets that this person may read: those that wait for them first, then the newest."""
    tickets = [line.ticket for line in list_tickets(mine, ListQuery("open", limit=50))]
    return sorted(tickets, key=lambda ticket: ticket.status is not TicketStatus.WAITING)[:MOST]


def _migrations(mine: Membership) -> Sequence[Migration]:
    """Return the migrations under way, from the account or to it."""
    either = or_(Migration.from_customer_id == mine.customer_id, Migration.to_customer_id == mine.customer_id)
    columns = load_only(
        Migration.id, Migration.state, Migration.from_customer_id, Migration.requested_at, Migration.needs_acceptance
    )
    query = select(Migration).options(columns).where(either, Migration.state.in_(OPEN_STATES))
    return db.session.scalars(query.order_by(Migration.id.desc()).limit(MOST)).all()
