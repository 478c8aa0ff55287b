"""Ctrl-K: finds a customer, a ticket, a domain, a document or a command.

An agent finds customers by number and name only; domains and documents are
found where a live verification opens them. Billing and supervisors find all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, load_only

from console.billing import search as billing
from console.billing.models import PROFORMA_SEARCH, Proforma, Storno
from console.billing.payments.models import Payment
from console.core import money
from console.core.actor import Actor
from console.core.db import db
from console.core.search import asks_nothing
from console.core.stemming import begins_or_inflects
from console.core.text import words
from console.core.texts import gettext, lazy_gettext
from console.customers.models import CUSTOMER_SEARCH, Customer
from console.customers.queries import live_verifications
from console.customers.rights import Right
from console.hosting.models import DOMAIN_SEARCH, Domain, Service
from console.staff.roles import Permission
from console.tickets import search
from console.tickets.models import Ticket
from console.tickets.queries import visible
from console.views.shared import menu
from console.views.shared.base import Page
from console.views.shared.labels.states import CUSTOMER_KIND, expires, proforma_amount_text, proforma_label
from console.views.shared.labels.tickets import status_label, ticket_url
from console.views.shared.paging import MAX_SEARCH
from console.web.filters import day, language
from console.web.identity import current_actor

EACH = 5  # of a kind


@dataclass(frozen=True)
class Hit:
    """One line of the palette."""

    name: str
    url: str
    icon: str
    note: str = ""
    key: str = ""


def views() -> list[Page]:
    """Return the palette's address."""
    return [PaletteView(name=lazy_gettext("Search or run a command"), endpoint="palette", url="palette")]


class PaletteView(Page):
    """Answers what was typed into the palette."""

    @expose("/")
    def find(self) -> ResponseReturnValue:
        """Return the hits, grouped."""
        text = request.args.get("q", "")[:MAX_SEARCH]
        if asks_nothing(text):
            return jsonify(groups=[], message=gettext("Enter a word, a name or a number to search for."))
        groups = [
            {"name": name, "items": [asdict(hit) for hit in hits]}
            for name, hits in _groups(current_actor(), text)
            if hits
        ]
        return jsonify(groups=groups)


def _groups(actor: Actor, text: str) -> Iterator[tuple[str, list[Hit]]]:
    if words(text):
        reads_all = actor.may(Permission.READ_DOCUMENTS)
        opened = {} if reads_all else {live.customer_id: live.opened_rights() for live in live_verifications(actor)}
        if actor.may(Permission.FIND_CUSTOMERS):
            yield gettext("Customers"), customers(text)
        if actor.may(Permission.READ_TICKETS):
            yield gettext("Tickets"), tickets(actor, text)
        if not billing.is_figures(text):  # what ends in a figure is no domain
            yield gettext("Domains"), domains(text, None if reads_all else _with(opened, Right.DOMAINS))
        yield gettext("Documents"), documents(text, None if reads_all else _with(opened, Right.INVOICES))
        if reads_all:
            yield gettext("Payments"), payments(text)
    yield gettext("Commands"), commands(text)


def _with(opened: dict[int, frozenset[Right]], right: Right) -> list[int]:
    return [customer for customer, rights in opened.items() if right in rights]


def customers(text: str) -> list[Hit]:
    """Find accounts by number and name: nothing more may be found of one that is not verified."""
    found = CUSTOMER_SEARCH.matches(db.session(), Customer.id, text)
    if found is None:
        return []
    columns = load_only(Customer.id, Customer.name, Customer.kind)
    query = select(Customer).options(columns).where(found).order_by(Customer.id.desc()).limit(EACH)
    return [
        Hit(
            name=row.name,
            note=row.number,
            url=menu.customer_url(row.number),
            icon=CUSTOMER_KIND[row.kind].icon,
        )
        for row in db.session.scalars(query)
    ]


def tickets(actor: Actor, text: str) -> list[Hit]:
    """Find tickets this person may see by number, words, requester, customer or domain; the best first."""
    best = search.ranked(actor, text, select(Ticket.id).where(visible(actor)))
    if best is None:
        return []
    columns = load_only(Ticket.id, Ticket.subject, Ticket.status, Ticket.requester_name, Ticket.merged_into_id)
    query = (
        select(Ticket)
        .join(best, best.c.id == Ticket.id)
        .options(columns)
        .order_by(best.c.rank.desc(), Ticket.id.desc())
        .limit(EACH)
    )
    return [
        Hit(
            row.subject,
            ticket_url(row.number),
            "ticket",
            f"{row.number} · {status_label(row).text} · {row.requester_name}",
        )
        for row in db.session.scalars(query)
    ]


def _only(query: Select[Any], owner: Any, accounts: list[int] | None) -> Select[Any]:
    return query if accounts is None else query.where(owner.in_(accounts))


def domains(text: str, accounts: list[int] | None) -> list[Hit]:
    """Find domains, of these accounts only unless ``None``."""
    found = DOMAIN_SEARCH.matches(db.session(), Domain.id, text, whole=accounts is not None)
    if found is None or accounts == []:
        return []
    query = (
        select(Domain)
        .join(Domain.service)
        .options(contains_eager(Domain.service).joinedload(Service.customer))
        .where(found)
        .order_by(Domain.id.desc())
        .limit(EACH)
    )
    rows = db.session.scalars(_only(query, Service.customer_id, accounts))
    return [
        Hit(row.name, menu.customer_url(row.service.customer.number), "globe", expires(row.expires_on)) for row in rows
    ]


def documents(text: str, accounts: list[int] | None) -> list[Hit]:
    """Find pro-formas by number, reference, amount or buyer, and stornos by number or amount.

    Args:
        accounts: of these only, unless ``None``.
    """
    found = PROFORMA_SEARCH.matches(db.session(), Proforma.id, text, whole=accounts is not None)
    if accounts == []:
        return []
    rows: dict[int, Proforma] = {}
    for condition in (billing.proforma_condition(text), found):
        if condition is not None and len(rows) < EACH:
            query = select(Proforma).where(condition).order_by(Proforma.id.desc()).limit(EACH - len(rows))
            rows |= {row.id: row for row in db.session.scalars(_only(query, Proforma.customer_id, accounts))}
    if found is None and not rows:
        return []
    stornos = select(Storno).where(billing.storno_condition(text)).order_by(Storno.id.desc()).limit(EACH)
    found_stornos = db.session.scalars(_only(stornos, Storno.customer_id, accounts))
    return [_proforma(row) for row in rows.values()] + [_storno(row) for row in found_stornos]


def payments(text: str) -> list[Hit]:
    """Find payments by the reference they came with, or by number."""
    condition = billing.payment_condition(text)
    if condition is None:
        return []
    query = select(Payment).where(condition).order_by(Payment.id.desc()).limit(EACH)
    return [_payment(row) for row in db.session.scalars(query)]


def _proforma(row: Proforma) -> Hit:
    note = f"{proforma_amount_text(row)} · {proforma_label(row).text}"
    return Hit(row.number, menu.document_url(row), "file", note)


def _storno(row: Storno) -> Hit:
    return Hit(row.number, menu.document_url(row), "file-x", money.write(row.total, row.currency, language()))


def _payment(row: Payment) -> Hit:
    note = f"{money.write(row.amount, row.currency, language())} · {day(row.paid_on)}"
    return Hit(f"{row.number} · {row.reference}", f"{menu.link('payments')}{row.id}", "coins", note)


def commands(text: str) -> list[Hit]:
    """Find what this person may open or begin, by words of its name in any of our languages, in any form."""
    typed = words(text)
    return [
        Hit(item.name, item.url, item.icon, key=f"G {item.letter.upper()}" if item.letter else "")
        for item in (command.item for command in menu.commands() if any(_says(typed, name) for name in command.words))
    ]


def _says(typed: list[str], name: frozenset[str]) -> bool:
    return all(any(begins_or_inflects(part, word) for word in name) for part in typed)
