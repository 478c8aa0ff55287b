"""Making and revoking a link that lets another person pay, and what is behind one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from console.audit.service import record
from console.billing.locks import lock_proformas
from console.billing.models import ACTIVE_STATUSES, Proforma
from console.billing.pay_links.models import PayLink
from console.core import clock
from console.core.actor import Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.ids import new_token, token_digest
from console.core.texts import lazy_gettext
from console.customers.access import require_right
from console.customers.rights import Right
from console.staff.roles import Permission


def create_link(actor: Actor, proforma: Proforma) -> PayLink:
    """Create the link to pay a pro-forma, or return the existing one.

    Raises:
        NotFound: ``actor`` is neither billing nor a person who may see and pay the account's documents.
        Conflict: ``over``: it is paid or cancelled.
    """
    _require(actor, proforma)
    lock_proformas([proforma.id])
    if proforma.status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("This pro-forma is already paid or cancelled."), code="over")
    link = live_link(proforma.id)
    if link is not None:
        return link
    token = new_token()
    link = PayLink(
        proforma=proforma,
        token_digest=token_digest(token),
        sealed_token=sealer().seal(token.encode()),
        created_at=clock.now(),
    )
    db.session.add(link)
    db.session.flush()
    record(actor, "pay_link.created", proforma.number, customer_id=proforma.customer_id)
    return link


def revoke_link(actor: Actor, proforma: Proforma) -> None:
    """Revoke the link to pay a pro-forma.

    Raises:
        NotFound: there is none, or as in :func:`create_link`.
    """
    _require(actor, proforma)
    lock_proformas([proforma.id])
    link = live_link(proforma.id)
    if link is None:
        raise NotFound
    link.revoked_at, link.sealed_token = clock.now(), None
    db.session.flush()
    record(actor, "pay_link.revoked", proforma.number, customer_id=proforma.customer_id)


def may_share(actor: Actor, proforma: Proforma) -> bool:
    """Return whether ``actor`` may make and revoke the link of a pro-forma."""
    try:
        _require(actor, proforma)
    except NotFound:
        return False
    return True


def live_link(proforma_id: int) -> PayLink | None:
    """Return the active link of a pro-forma."""
    return db.session.scalar(select(PayLink).where(PayLink.proforma_id == proforma_id, PayLink.revoked_at.is_(None)))


def shared_address(actor: Actor, proforma: Proforma) -> str | None:
    """Return the address of a pro-forma's link for who may share it; none where there is none, or it is over."""
    if proforma.status not in ACTIVE_STATUSES or not may_share(actor, proforma):
        return None
    link = live_link(proforma.id)
    return address_of(link) if link is not None else None


def address_of(link: PayLink) -> str:
    """Return the whole address of a link, for who made it."""
    token = sealer().open(link.sealed_token or "").decode()
    return f"{settings().base_url}/pay/{token}"


def proforma_behind(token: str) -> Proforma:
    """Return the pro-forma that a link lets pay, in whatever state.

    Raises:
        NotFound: ``link_gone``: there is no such link, or it was revoked.
    """
    query = (
        select(PayLink)
        .join(PayLink.proforma)
        .options(contains_eager(PayLink.proforma))
        .where(PayLink.token_digest == token_digest(token), PayLink.revoked_at.is_(None))
    )
    link = db.session.scalar(query)
    if link is None:
        raise NotFound(code="link_gone")
    return link.proforma


def _require(actor: Actor, proforma: Proforma) -> None:
    if actor.kind == "person":
        require_right(actor, proforma.customer_id, Right.INVOICES)
    else:
        actor.require(Permission.ISSUE_DOCUMENTS)
