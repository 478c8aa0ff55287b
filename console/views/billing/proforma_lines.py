"""The lines of a pro-forma as its form and as a program has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.billing.issuing.data import MAX_LINES, MAX_PRICE, ItemData, discounted
from console.billing.models import Proforma, ProformaLine
from console.billing.periods import next_period
from console.billing.renewals.generating import describe
from console.core import money
from console.core.db import db
from console.core.errors import Invalid, Text
from console.core.ids import read_count, read_key
from console.core.money import BASIS_POINTS
from console.core.text import clean_tree
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.hosting.models import Service, ServiceStatus, service_key

ROWS = 3  # that a new form begins with
OFFERED = 200  # services that each line offers
MOST_CHOICES = 4_000  # that a form draws line by line; with more of them a script fills a line in as it is used
MOST_ROWS = MAX_LINES + 1  # that are read: one more than a document has, so that too many are refused and not cut
COLUMNS = ("service", "description", "quantity", "price", "discount", "tax")
RENEW = "renew"
CHARGE = "charge"


@dataclass(frozen=True)
class Row:
    """One line as it was typed. A service fills in what is left empty beside it.

    Args:
        service: ``renew:12`` for its next period, ``charge:12`` for something else about it.
        price: of one, before the discount; ``discount``: ``10%`` or an amount of the whole line.
    """

    service: str = ""
    description: str = ""
    quantity: str = ""
    price: str = ""
    discount: str = ""
    tax: str = ""

    @property
    def is_empty(self) -> bool:
        texts = (self.service, self.description, self.quantity, self.price, self.discount)
        return not any(text.strip() for text in texts)


def typed_rows() -> list[Row]:
    """Return the rows as this request has them."""
    columns = [request.form.getlist(name)[:MOST_ROWS] for name in COLUMNS]
    longest = max(map(len, columns), default=0)
    cells = [[column[place] if place < len(column) else "" for column in columns] for place in range(longest)]
    return [Row(*one) for one in cells]


def services_for(customer: Customer, rows: Sequence[Row] = ()) -> list[Service]:
    """Return the services that a line can be for: those in use, what ends first before the rest.

    Args:
        rows: what they are for is among them, however many services the account has.
    """
    query = (
        select(Service)
        .options(joinedload(Service.product, innerjoin=True))
        .where(Service.customer_id == customer.id, Service.status != ServiceStatus.CANCELLED)
        .order_by(Service.paid_until, Service.id)
    )
    found = list(db.session.scalars(query.limit(OFFERED)))
    more = {key for row in rows if (key := _named_service(row))} - {service.id for service in found}
    return found + list(db.session.scalars(query.where(Service.id.in_(more)))) if more else found


@dataclass(frozen=True)
class Choices:
    """The services that each line of a form offers, and which lines have them all in the page.

    Lines times services can be a million options. Then the last lines alone have them, from which a script fills in
    every other as it is used; without one, those lines keep the service that they are for.
    """

    services: Sequence[Service]
    known: Mapping[int, Service]
    whole_from: int  # the first line, counted from 1, that has them all

    def of(self, row: Row) -> Service | None:
        """Return the service that a line is for."""
        return self.known.get(_named_service(row))


def choices_for(rows: Sequence[Row], services: Sequence[Service]) -> Choices:
    """Return what the lines of a form offer."""
    many = 2 * len(rows) * len(services) > MOST_CHOICES
    offered = services[:OFFERED] if many else services
    return Choices(offered, {service.id: service for service in services}, len(rows) - ROWS + 1 if many else 1)


def _named_service(row: Row) -> int:
    return read_key(row.service.partition(":")[2]) or 0


def read_rows(rows: Sequence[Row], customer: Customer, services: Sequence[Service]) -> tuple[ItemData, ...]:
    """Return the lines of the rows that have something.

    Raises:
        Invalid: at ``lines``: what is wrong with which line, all of them.
    """
    known = {service.id: service for service in services}
    items: list[ItemData] = []
    problems: list[Text] = []
    for row in rows:
        if row.is_empty:
            continue
        try:
            items.append(_read_row(row, customer, known))
        except ValueError as error:
            place = len(items) + len(problems) + 1
            problems.append(lazy_gettext("Line %(number)s: %(problem)s", number=place, problem=error.args[0]))
    if problems:
        raise Invalid(fields={"lines": problems})
    return tuple(items)


def _read_row(row: Row, customer: Customer, services: Mapping[int, Service]) -> ItemData:
    kind, service = row.service.partition(":")[0], services.get(_named_service(row))
    if row.service and service is None:
        raise ValueError(lazy_gettext("Choose a service of this account."))
    quantity = read_count(row.quantity.strip() or "1")
    if not quantity:
        raise ValueError(lazy_gettext("Enter a whole number as the quantity."))
    renews = service is not None and kind == RENEW
    price = _price(row, service if renews else None) * quantity
    net, discount, discount_bp = _discounted(price, row.discount.strip())
    return ItemData(
        description=row.description.strip() or _described(service, quantity, customer, renews=renews),
        net=net,
        tax_bp=_tax(row.tax.strip() or (f"{service.product.tax_bp / 100:g}" if service else "20")),
        quantity=quantity,
        service_id=service.id if service else None,
        renews=renews,
        discount=discount,
        discount_bp=discount_bp,
    )


def _price(row: Row, service: Service | None) -> int:
    if not row.price.strip() and service is not None:
        return service.price
    try:
        price = money.read(row.price)
    except ValueError:
        raise ValueError(lazy_gettext("Enter a price like 1.234,50.")) from None
    if not 0 <= price <= MAX_PRICE:
        raise ValueError(lazy_gettext("A price cannot be negative or have more than 13 digits before the comma."))
    return price


def _discounted(price: int, text: str) -> tuple[int, int, int | None]:
    """Return the net, the discount, and the share that it is where it was typed as one."""
    if not text:
        return price, 0, None
    wrong = ValueError(lazy_gettext("Enter a discount like %(share)s or 500,00.", share="10%"))
    if text.endswith("%"):
        share = _basis_points(text[:-1])
        if share is None:
            raise wrong
        net, discount = discounted(price, share)
        return net, discount, share
    try:
        discount = money.read(text)
    except ValueError:
        raise wrong from None
    if discount < 0:
        raise wrong
    if discount > price:
        raise ValueError(lazy_gettext("The discount is larger than the price."))
    return price - discount, discount, None


def _tax(text: str) -> int:
    rate = _basis_points(text.removesuffix("%"))
    if rate is None:
        raise ValueError(lazy_gettext("Enter a PDV rate from 0 to 100."))
    return rate


def _basis_points(text: str) -> int | None:
    try:
        share = Decimal(text.strip().replace(",", ".")) * 100
    except InvalidOperation:
        return None
    exact = share.is_finite() and 0 <= share <= BASIS_POINTS and share == int(share)
    return int(share) if exact else None


def _described(service: Service | None, quantity: int, customer: Customer, *, renews: bool) -> str:
    if service is None:
        return ""
    if not renews:
        return f"{service.product.name}, {service.label}"
    return describe(service.product.name, service.label, next_period(service, quantity), customer.language)


def rows_of(proforma: Proforma) -> list[Row]:
    """Return the rows that a document was made from, for a corrected copy."""
    return [_row_of(line) for line in proforma.lines]


def _row_of(line: ProformaLine) -> Row:
    """Return a line as it is typed, to the para what it was: a form has the price of one."""
    quantity, spare, share = line.quantity, -line.price % line.quantity, line.discount_bp
    if spare and not line.period_from:
        quantity, spare = 1, 0
    elif spare:  # its quantity is how many periods it bills, so that stays: the price is rounded up, and given back
        share = None
    return Row(
        service=f"{RENEW if line.period_from else CHARGE}:{line.service_id}" if line.service_id else "",
        description=line.description,
        quantity=str(quantity),
        price=money.write((line.price + spare) // quantity),
        discount=_written_discount(line.discount + spare, share),
        tax=f"{line.tax_bp / 100:g}",
    )


def _written_discount(discount: int, discount_bp: int | None) -> str:
    if discount_bp:
        return f"{discount_bp / 100:g}%"
    return money.write(discount) if discount else ""


def read_json(text: str) -> tuple[ItemData, ...]:
    """Return the lines that a program sent.

    Raises:
        Invalid: at ``lines``: it is no JSON, or what is wrong with which line.
    """
    try:
        found = clean_tree(json.loads(text))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid(fields={"lines": [lazy_gettext("Send the lines as a JSON list of objects.")]})
    items: list[ItemData] = []
    problems: list[Text] = []
    for place, one in enumerate(found, start=1):
        try:
            items.append(_read_object(one))
        except ValueError as error:
            problems.append(lazy_gettext("Line %(number)s: %(problem)s", number=place, problem=error.args[0]))
    if problems:
        raise Invalid(fields={"lines": problems[:20]})
    return tuple(items)


def _read_object(one: dict[str, Any]) -> ItemData:
    description = one.get("description", "")
    if not isinstance(description, str):
        raise ValueError(lazy_gettext("Enter a description."))  # noqa: TRY004  (read as what is wrong with the line)
    service_id = _service(one.get("service"))
    discount_bp = one.get("discount_bp")
    return ItemData(
        description=description,
        net=_whole(one, "net"),
        tax_bp=_whole(one, "tax_bp", 2000),
        quantity=_whole(one, "quantity", 1),
        service_id=service_id,
        renews=service_id is not None and one.get("renews", True) is not False,
        discount=_whole(one, "discount", 0),
        discount_bp=None if discount_bp is None else _whole(one, "discount_bp"),
    )


def _service(value: Any) -> int | None:
    if value is None or value == "":
        return None
    key = service_key(value) if isinstance(value, str) and not value.isdigit() else read_key(value)
    if key is None or isinstance(value, bool):
        raise ValueError(lazy_gettext("This service does not exist."))
    return key


def _whole(one: dict[str, Any], name: str, default: int | None = None) -> int:
    value = one.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 10**18:
        raise ValueError(lazy_gettext("%(name)s must be a whole number.", name=name))
    return value
