"""Making the search indexes again, where the rules by which they are written have changed.

``console init-db`` does it where needed, ``console reindex`` on demand. Rows are locked a batch at a time, so that what
is changed meanwhile is not put back; a search finds the old words until the new ones are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import select

from console.billing.models import PROFORMA_SEARCH, Proforma
from console.chat import search as chat_search
from console.chat.models import Chat
from console.core.db import Base, db
from console.core.search import SearchIndex, keep_rules, rules_now, rules_of
from console.core.transaction import transaction
from console.customers.models import CUSTOMER_SEARCH, Customer
from console.help.models import HelpArticle
from console.help.service import index as index_articles
from console.hosting.models import DOMAIN_SEARCH, SERVICE_SEARCH, Domain, Service
from console.tickets import search as tickets
from console.tickets.canned.models import CannedReply
from console.tickets.canned.service import index as index_reply
from console.tickets.models import Ticket

BATCH = 500
Write = Callable[[Sequence[Any]], None]


def _customers(rows: Sequence[Customer]) -> None:
    CUSTOMER_SEARCH.put_many(db.session(), [(row.id, row.searchable()) for row in rows])


def _services(rows: Sequence[Service]) -> None:
    SERVICE_SEARCH.put_many(db.session(), [(row.id, row.searchable()) for row in rows])


def _domains(rows: Sequence[Domain]) -> None:
    DOMAIN_SEARCH.put_many(db.session(), [(row.id, row.searchable()) for row in rows])


def _proformas(rows: Sequence[Proforma]) -> None:
    PROFORMA_SEARCH.put_many(db.session(), [(row.id, row.searchable()) for row in rows])


def _tickets(rows: Sequence[Ticket]) -> None:
    tickets.index_many([row.id for row in rows])


def _replies(rows: Sequence[CannedReply]) -> None:
    for row in rows:
        index_reply(row)


def _chats(rows: Sequence[Chat]) -> None:
    for row in rows:
        chat_search.index(row)


def _articles(rows: Sequence[HelpArticle]) -> None:
    index_articles(rows)


# A search index added here is made again with the others; a test compares this list with the tables there are.
INDEXES: dict[str, tuple[type[Base], Write]] = {
    "search_customers": (Customer, _customers),
    "search_services": (Service, _services),
    "search_domains": (Domain, _domains),
    "search_proformas": (Proforma, _proformas),
    "search_tickets": (Ticket, _tickets),
    "search_replies": (CannedReply, _replies),
    "search_chats": (Chat, _chats),
    "search_help": (HelpArticle, _articles),
}


def is_outdated() -> bool:
    """Return whether the indexes were written by other rules than the present ones."""
    return rules_of(db.session()) != rules_now()


def reindex() -> Iterator[tuple[str, int]]:
    """Make every index again, a batch a transaction; yield each table's name with the rows of a batch.

    Broken off, it begins again the next time: only at the end it is noted that the rules are the present ones.
    """
    for name, (model, write) in INDEXES.items():
        for count in _batches(model, write):
            yield name, count
        _tidy(SearchIndex(name))
    with transaction() as session:
        keep_rules(session)


def _tidy(index: SearchIndex) -> None:
    begin = more = True
    while more:
        with transaction() as session:
            more = index.tidy(session, begin=begin)
        begin = False


def _batches(model: Any, write: Write) -> Iterator[int]:
    last = 0
    while True:
        query = select(model).where(model.id > last).order_by(model.id).limit(BATCH).with_for_update(of=model)
        with transaction() as session:
            rows: list[Any] = list(session.scalars(query))
            if rows:
                write(rows)
                last = rows[-1].id
        db.session.expunge_all()
        if rows:
            yield len(rows)
        if len(rows) < BATCH:
            return
