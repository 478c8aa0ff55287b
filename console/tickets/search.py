"""Searching tickets by words of subject, messages, requester and account, or by a service or a domain.

The words are in the index, written by the verb that changes them. The owner of a service or a domain is read when
searching: so it is right after a migration, and found only by those who may see it. The index does not contain it,
because a ticket's page masks its service too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, func, literal, or_, select, union, union_all
from sqlalchemy.orm import aliased

from console.core.actor import Actor
from console.core.db import db
from console.core.search import LIMIT
from console.customers.account.hooks import register_renamed
from console.customers.models import Customer
from console.customers.queries import opened_accounts
from console.customers.rights import Right
from console.hosting.models import DOMAIN_SEARCH, SERVICE_SEARCH, Domain, Service
from console.staff.roles import Permission
from console.tickets.models import TICKET_SEARCH, MessageKind, Ticket, TicketMessage
from console.tickets.service import timeline

NAMES = 50  # services and domains each that words may name, the newest; words that name more name none in particular
AT_ONCE = 500  # tickets that are indexed at once
# After hits in the text: a ticket about such a service, then any other of its owner.
_ABOUT, _OWNER = 0.0, -1.0


def ranked(actor: Actor, query: str, within: Select[int] | None = None) -> CTE | None:
    """Return hits as rows ``id, rank``, the best the highest; ``None`` where the query is empty.

    Args:
        within: the keys that may be hits: what this person may see, what a list is narrowed to.
    """
    hits = TICKET_SEARCH.ranked(db.session(), query, within)
    if hits is None:
        return None
    in_text = select(hits.c.id, hits.c.rank).cte("in_text")
    named = _named(actor, query)
    if named is None:
        return in_text
    # With as many hits in the text as are ranked, the others would not be listed: they are not searched.
    room = select(func.count()).select_from(in_text).scalar_subquery() < LIMIT
    rows = [named_hits.where(room) for named_hits in _of_names(named, within)]
    everything = union_all(select(in_text.c.id, in_text.c.rank), *rows).subquery("everything")
    best = func.max(everything.c.rank).label("rank")
    found = select(everything.c.id, best).group_by(everything.c.id).order_by(best.desc(), everything.c.id.desc())
    return found.limit(LIMIT).cte("found")


def matching(actor: Actor, query: str) -> ColumnElement[bool] | None:
    """Return the condition "this ticket is a hit", every one of them; ``None`` where the query is empty."""
    in_text = TICKET_SEARCH.matches(db.session(), Ticket.id, query, whole=True)
    named = None if in_text is None else _named(actor, query)
    if in_text is None or named is None:
        return in_text
    return or_(in_text, _about(Ticket, named), _owned(Ticket, named))


class _Named:
    """The services that words name, as a part of a statement, and the accounts they may be of."""

    def __init__(self, services: Any, accounts: list[int] | None) -> None:
        self.services = services
        self.accounts = accounts  # None: of all


def _named(actor: Actor, query: str) -> _Named | None:
    """Return what ``query`` names among the services and domains this person may see; ``None``: they see none."""
    of_services: list[int] | None = None
    of_domains: list[int] | None = None
    if not actor.may(Permission.READ_DOCUMENTS):
        opened = opened_accounts(actor)
        of_services = [account for account, rights in opened.items() if Right.PRODUCTS in rights]
        of_domains = [account for account, rights in opened.items() if Right.DOMAINS in rights]
        if not (of_services or of_domains):
            return None
    session = db.session()
    by_label = SERVICE_SEARCH.matches(session, Service.id, query, whole=of_services is not None, most=NAMES)
    by_name = DOMAIN_SEARCH.matches(session, Domain.id, query, whole=of_domains is not None, most=NAMES)
    if by_label is None or by_name is None:
        return None
    columns = (Service.id.label("id"), Service.customer_id.label("customer_id"))
    services = select(*columns).where(by_label, *_among(of_services))
    domains = select(*columns).join(Domain, Domain.service_id == Service.id).where(by_name, *_among(of_domains))
    accounts = None if of_services is None or of_domains is None else sorted({*of_services, *of_domains})
    return _Named(union(services, domains).cte("named"), accounts)


def _among(accounts: list[int] | None) -> list[ColumnElement[bool]]:
    return [] if accounts is None else [Service.customer_id.in_(accounts)]


def _about(ticket: Any, named: _Named) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = ticket.service_id.in_(select(named.services.c.id))
    # With another account it would reveal that the account once had the service.
    return condition if named.accounts is None else and_(condition, ticket.customer_id.in_(named.accounts))


def _owned(ticket: Any, named: _Named) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = ticket.customer_id.in_(select(named.services.c.customer_id))
    return condition


def _of_names(named: _Named, within: Select[int] | None) -> list[Select[Any]]:
    found: list[Select[Any]] = []
    for condition, rank in ((_about, _ABOUT), (_owned, _OWNER)):
        ticket = aliased(Ticket)
        keys: Any = select(ticket.id, literal(rank).label("rank")).where(condition(ticket, named))
        if within is not None:
            keys = keys.where(ticket.id.in_(within))
        found.append(keys)  # not the newest of them: PostgreSQL would read all tickets from the end to find these few
    return found


# --- Writing the index -----------------------------------------------------------------------------------------------


def index_accounts(customers: Iterable[Customer]) -> None:
    """Index the tickets of renamed accounts."""
    session = db.session()
    session.flush()
    ids = sorted({customer.id for customer in customers})
    for start in range(0, len(ids), AT_ONCE):
        batch = ids[start : start + AT_ONCE]
        keys = list(session.scalars(select(Ticket.id).where(Ticket.customer_id.in_(batch)).order_by(Ticket.id)))
        for first in range(0, len(keys), AT_ONCE):
            index_many(keys[first : first + AT_ONCE])


def index_many(keys: Sequence[int]) -> None:
    """Index some tickets."""
    session = db.session()
    joined = _trees(keys)
    bodies: dict[int, list[str]] = {key: [] for key in keys}
    rows: Any = session.execute(
        select(joined.c.root, TicketMessage.body)
        .join(joined, joined.c.id == TicketMessage.ticket_id)
        .where(TicketMessage.kind != MessageKind.EVENT, TicketMessage.taken_back_at.is_(None))
        .order_by(TicketMessage.id.desc())
    )
    for root, body in rows:
        bodies[root].append(body)
    tickets = session.scalars(select(Ticket).where(Ticket.id.in_(keys)).order_by(Ticket.id)).all()
    texts = [(ticket.id, timeline.title(ticket), timeline.text(ticket, bodies[ticket.id])) for ticket in tickets]
    TICKET_SEARCH.put_titled_many(session, texts)


def _trees(keys: Sequence[int]) -> CTE:
    """Select each of ``keys`` as ``root`` with every ticket that was merged into it, at any depth."""
    roots = select(Ticket.id.label("root"), Ticket.id.label("id")).where(Ticket.id.in_(keys))
    whole = roots.cte("trees", recursive=True)
    child = aliased(Ticket)
    return whole.union_all(select(whole.c.root, child.id).where(child.merged_into_id == whole.c.id))


register_renamed("tickets", lambda customer: index_accounts([customer]))
