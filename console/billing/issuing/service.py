"""Making a pro-forma by hand: worked out for a preview, then issued and mailed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from console.billing import mails
from console.billing.issuing.data import ItemData, ProformaData, check, check_services, services_on, to_draft
from console.billing.locks import lock_customers
from console.billing.models import Proforma
from console.billing.payments.service import use_credit
from console.billing.payments.service.paying import pay
from console.billing.periods import Period, next_period, period_from
from console.billing.service import LineDraft, draft_document, issue_proforma
from console.core.actor import Actor
from console.core.errors import Conflict
from console.core.idempotency import once
from console.core.texts import lazy_gettext
from console.customers.models import Customer, CustomerStatus
from console.hosting.models import Service
from console.staff.roles import Permission

DAY = timedelta(days=1)


def make_proforma(
    actor: Actor, customer: Customer, data: ProformaData, key: str, *, mail: bool = True
) -> dict[str, Any]:
    """Issue a pro-forma that a person made, and mail it.

    Args:
        key: the caller's idempotency key.
        mail: write to the people of the account who get mail about invoices.

    Returns:
        ``number``, ``reference``, ``total``, ``owed`` and ``currency``.

    Raises:
        NotFound: the role issues no documents.
        Invalid: with a message for every wrong field; a line's are at ``lines``.
        Conflict: ``closed``: the account is; or a line's service belongs to another customer.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    content = data.content() | {"customer": customer.id, "mail": mail}

    def work() -> dict[str, Any]:
        document = issue(actor, customer, data)
        settle(actor, document)
        if mail:
            mails.write_issued(document)
        return to_answer(document)

    return once(f"proforma.make:{actor.id}", key, content, work)


def issue(
    actor: Actor,
    customer: Customer,
    data: ProformaData,
    *,
    source: Proforma | None = None,
    periods: Mapping[int, Sequence[Period]] | None = None,
) -> Proforma:
    """Issue what a person made, checked.

    Args:
        source: the document that it replaces.
        periods: those that the lines of a service bill, by its key, where they are not simply the next ones.
    """
    lock_customers([customer.id])  # before services, documents and numbers: their credit may be used
    require_open(customer)
    data = check(data)
    drafts = to_drafts(customer, data.items, periods or {})
    return issue_proforma(
        actor,
        customer,
        drafts,
        currency=data.currency,
        due_on=data.due_on,
        note=data.note,
        source_id=None if source is None else source.id,
    )


def settle(actor: Actor, document: Proforma, *, credit: int = 0) -> None:
    """Pay what can be paid at once: a document of nothing; any other from its account's credit, where that is wanted.

    Args:
        credit: so much of it in any case, as what was paid on the document that this replaces. The account is locked.
    """
    if document.total == 0:
        pay([(document, 0)])
        return
    if credit:
        use_credit(actor, document, min(credit, document.owed))
    if document.customer.credit_first:
        use_credit(actor, document)


def preview(
    customer: Customer, data: ProformaData, *, periods: Mapping[int, Sequence[Period]] | None = None
) -> Proforma:
    """Return the document as it would be issued now, without a number. It is in no session.

    Raises:
        Invalid, Conflict: as when it is issued.
    """
    require_open(customer)
    data = check(data)
    drafts = to_drafts(customer, data.items, periods or {}, lock=False)
    return draft_document(customer, drafts, currency=data.currency, due_on=data.due_on, note=data.note)


def require_open(customer: Customer) -> None:
    """Raise :class:`Conflict` where the account is closed."""
    if customer.status is CustomerStatus.CLOSED:
        raise Conflict(lazy_gettext("The account is closed."), code="closed")


def to_answer(document: Proforma) -> dict[str, Any]:
    """Return what programs get of a document that was made."""
    names = ("number", "reference", "total", "owed", "currency")
    return {name: getattr(document, name) for name in names}


def to_drafts(
    customer: Customer,
    items: Sequence[ItemData],
    replaced: Mapping[int, Sequence[Period]] = MappingProxyType({}),
    *,
    lock: bool = True,
) -> list[LineDraft]:
    """Return the lines as the document takes them, each with the days of its service that it bills."""
    services = services_on(items, lock=lock)
    check_services(customer, items, services)
    last: dict[int, Period] = {}
    drafts = []
    for item in items:
        service = services.get(item.service_id or 0)
        period = None
        if service is not None and item.renews and service.customer_id == customer.id:
            period = last[service.id] = _period(
                service, item.quantity, last.get(service.id), replaced.get(service.id, ())
            )
        drafts.append(to_draft(item, period))
    return drafts


def _period(service: Service, count: int, last: Period | None, replaced: Sequence[Period]) -> Period:
    """Return the days of ``count`` periods: after the line before, or where the document that is replaced began."""
    if last is not None:
        return period_from(service, last.ends_on + DAY, count)
    if replaced:
        return period_from(service, replaced[0].starts_on, count)
    return next_period(service, count)
