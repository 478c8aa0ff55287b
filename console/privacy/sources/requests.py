"""Quotes, and what was asked for about services."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import or_, select, update

from console.billing.quotes import service as quotes
from console.billing.quotes.models import Quote, QuoteLine, QuoteState
from console.core.actor import SYSTEM
from console.core.db import db
from console.customers.models import Customer, Membership, Person
from console.privacy.parts import ANONYMOUS, Erased, Part, Source, all_rows, dump
from console.tickets.service_requests import decisions
from console.tickets.service_requests.models import RequestState, ServiceRequest

_STAFF = ("sent_by_id", "ended_by_id", "answered_by_id", "requested_by_id")


def _of_person(person: Person) -> Iterator[Part]:
    """Yield what they asked for and answered, on the accounts of others too."""
    mine = [row.id for row in _memberships(person)]
    yield Part("requests", _requests(all_rows(select(ServiceRequest).where(ServiceRequest.requested_by_id.in_(mine)))))
    yield Part("quotes", _quotes(all_rows(select(Quote).where(Quote.answered_by_id.in_(mine)))))


def _of_account(customer: Customer) -> Iterator[Part]:
    folder = f"accounts/{customer.number}"
    yield Part(
        f"{folder}/requests",
        _requests(all_rows(select(ServiceRequest).where(ServiceRequest.customer_id == customer.id))),
    )
    yield Part(f"{folder}/quotes", _quotes(all_rows(select(Quote).where(Quote.customer_id == customer.id))))


def _requests(rows: list[ServiceRequest]) -> list[dict[str, object]]:
    return [dump(row, *_STAFF) | {"ticket": row.ticket.number, "account": row.customer.number} for row in rows]


def _quotes(rows: list[Quote]) -> list[dict[str, object]]:
    return [
        dump(row, *_STAFF)
        | {"number": row.number, "account": row.customer.number, "lines": [dump(line) for line in row.lines]}
        for row in rows
    ]


def _memberships(person: Person) -> list[Membership]:
    return all_rows(select(Membership).where(Membership.person_id == person.id))


def _erase(person: Person) -> Erased:
    """End what is open and empty the words; what was offered for how much, and how it ended, stays."""
    memberships = _memberships(person)
    mine, owned = [row.id for row in memberships], [row.customer_id for row in memberships if row.is_owner]
    return Erased({"requests": _erase_requests(mine, owned), "quotes": _erase_quotes(mine, owned)})


def _erase_requests(mine: list[int], owned: list[int]) -> int:
    theirs = or_(ServiceRequest.customer_id.in_(owned), ServiceRequest.requested_by_id.in_(mine))
    rows = all_rows(select(ServiceRequest).where(theirs))
    for row in rows:
        if row.state is RequestState.OPEN:
            decisions.end_for_erasure(SYSTEM, row)
        row.data, row.answer = {}, ""
    db.session.flush()
    return len(rows)


def _erase_quotes(mine: list[int], owned: list[int]) -> int:
    rows = all_rows(select(Quote).where(Quote.customer_id.in_(owned)))
    for row in rows:
        if row.state in (QuoteState.DRAFT, QuoteState.SENT):
            quotes.end_for_erasure(SYSTEM, row)
        row.note = row.answer = ""
    db.session.flush()
    lines = update(QuoteLine).where(QuoteLine.quote_id.in_([row.id for row in rows]))
    db.session.execute(lines.values(description=ANONYMOUS))
    # On the accounts of others, what was offered is not the person's; what they said to it is.
    db.session.execute(update(Quote).where(Quote.answered_by_id.in_(mine)).values(answer=""))
    db.session.expire_all()
    return len(rows)


SOURCE = Source("requests", _of_person, _of_account, _erase)
