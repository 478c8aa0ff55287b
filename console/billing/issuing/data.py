"""What a pro-forma that a person makes consists of, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from console.billing.locks import lock_services
from console.billing.periods import Period
from console.billing.service import LineDraft, today
from console.core.db import db
from console.core.errors import Invalid, Text
from console.core.money import BASIS_POINTS, CURRENCIES, share
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.customers.models import Customer
from console.hosting.models import Service, ServiceStatus

MAX_LINES = 1_000
MAX_DESCRIPTION = 300
MAX_NOTE = 2_000
MAX_QUANTITY = 10_000
MAX_PRICE = 10**15 - 1  # thirteen digits before the comma; a thousand such lines still fit into 64 bits
MAX_MONTHS = 120  # that one line pays ahead: a domain is registered for ten years at most
LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class ItemData:
    """One line. Amounts in minor units.

    Args:
        net: of the whole line, whatever its quantity, after the discount: as lines of documents and quotes have it.
        renews: it bills the next ``quantity`` periods of its service.
        discount, discount_bp: what was taken off, and the same as a share where it was agreed as one.
    """

    description: str
    net: int
    tax_bp: int = 2000
    quantity: int = 1
    service_id: int | None = None
    renews: bool = True
    discount: int = 0
    discount_bp: int | None = None


@dataclass(frozen=True)
class ProformaData:
    """A pro-forma as a person makes it."""

    currency: str
    due_on: date
    items: tuple[ItemData, ...]
    note: str = ""

    def content(self) -> dict[str, Any]:
        """Return it for an idempotency key."""
        items = [list(vars(item).values()) for item in self.items]
        return {"currency": self.currency, "due_on": self.due_on.isoformat(), "items": items, "note": self.note}


def discounted(price: int, discount_bp: int) -> tuple[int, int]:
    """Return a line's net and its discount, for a discount that is a share of the price."""
    discount = share(price, discount_bp)
    return price - discount, discount


def check(data: ProformaData) -> ProformaData:
    """Return the data with its texts cleaned.

    Raises:
        Invalid: with a message for every wrong field; a line's are at ``lines``, with its number.
    """
    wrong: dict[str, list[Text]] = {}
    if data.currency not in CURRENCIES:
        wrong["currency"] = [lazy_gettext("Choose a currency.")]
    if not today() <= data.due_on <= today() + LONGEST:
        wrong["due_on"] = [lazy_gettext("Enter a day from today on, within a year.")]
    note = paragraphs(data.note)
    if len(note) > MAX_NOTE:
        wrong["note"] = [lazy_gettext("This is too long.")]
    items = tuple(replace(one, description=mask_pins(one_line(one.description))[0]) for one in data.items)
    problems = _problems(items)
    if problems:
        wrong["lines"] = problems
    if wrong:
        raise Invalid(fields=wrong)
    return replace(data, items=items, note=mask_pins(note)[0])


def _problems(items: Sequence[ItemData]) -> list[Text]:
    if not items:
        return [lazy_gettext("Enter at least one line.")]
    if len(items) > MAX_LINES:
        return [lazy_gettext("At most %(count)s lines.", count=MAX_LINES)]
    return [
        lazy_gettext("Line %(number)s: %(problem)s", number=place, problem=problem)
        for place, item in enumerate(items, start=1)
        if (problem := _problem(item)) is not None
    ]


def _problem(item: ItemData) -> Text | None:
    if not 0 < len(item.description) <= MAX_DESCRIPTION:
        return lazy_gettext("Enter a description of at most %(count)s characters.", count=MAX_DESCRIPTION)
    if not 1 <= item.quantity <= MAX_QUANTITY:
        return lazy_gettext("Enter a quantity from 1 to %(most)s.", most=MAX_QUANTITY)
    if item.discount < 0 or (item.discount_bp is not None and not 0 <= item.discount_bp <= BASIS_POINTS):
        return lazy_gettext("Enter a discount like %(share)s or 500,00.", share="10%")
    if item.net < 0:
        return lazy_gettext("The amount after the discount cannot be negative.")
    if item.net + item.discount > MAX_PRICE:
        return lazy_gettext("This amount is too large.")
    if not 0 <= item.tax_bp <= BASIS_POINTS:
        return lazy_gettext("Enter a PDV rate from 0 to 100.")
    return None


def services_on(items: Sequence[ItemData], *, lock: bool) -> dict[int, Service]:
    """Return the services that the lines name.

    Args:
        lock: hold them still until the transaction ends.

    Raises:
        Invalid: one does not exist.
    """
    ids = {item.service_id for item in items if item.service_id is not None}
    rows = lock_services(ids) if lock else db.session.scalars(select(Service).where(Service.id.in_(ids))) if ids else ()
    found = {service.id: service for service in rows}
    for place, item in enumerate(items, start=1):
        if item.service_id is not None and item.service_id not in found:
            raise _line_problem(place, lazy_gettext("This service does not exist."))
    return found


def check_services(customer: Customer, items: Sequence[ItemData], services: Mapping[int, Service]) -> None:
    """Refuse to renew a service that has ended, or further ahead than is allowed.

    Raises:
        Invalid: at ``lines``. Another account's service is left to the verb that issues.
    """
    months: dict[int, int] = {}
    for place, item in enumerate(items, start=1):
        service = services.get(item.service_id or 0)
        if service is None or service.customer_id != customer.id or not item.renews:
            continue
        if service.status is ServiceStatus.CANCELLED:
            raise _line_problem(place, lazy_gettext("This service was cancelled and cannot be renewed."))
        months[service.id] = months.get(service.id, 0) + item.quantity * service.period_months
        if months[service.id] > MAX_MONTHS:
            raise _line_problem(
                place, lazy_gettext("A service can be renewed for at most %(years)s years at once.", years=10)
            )


def to_draft(item: ItemData, period: Period | None = None) -> LineDraft:
    """Return a line as the document takes it."""
    return LineDraft(
        description=item.description,
        net=item.net,
        tax_bp=item.tax_bp,
        service_id=item.service_id,
        quantity=item.quantity,
        discount=item.discount,
        discount_bp=item.discount_bp,
        period=period,
    )


def _line_problem(place: int, problem: Text) -> Invalid:
    return Invalid(fields={"lines": [lazy_gettext("Line %(number)s: %(problem)s", number=place, problem=problem)]})
