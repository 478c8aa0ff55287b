"""The lines of a quote as its form has them: rows of plain fields, in which a product fills in what is left empty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from flask import request

from console.billing.quotes.service import MAX_LINES, QuoteLineData
from console.core import money
from console.core.ids import read_count, read_key
from console.hosting.models import Product
from console.hosting.queries import products_on_sale

ROWS = 6  # of the form; further lines go on another quote
COLUMNS = ("product", "description", "quantity", "net", "tax")


@dataclass(frozen=True)
class Row:
    """One line as it was typed. A product fills in what is left empty beside it."""

    product: str = ""
    description: str = ""
    quantity: str = ""
    net: str = ""
    tax: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.product or self.description.strip() or self.net.strip() or self.quantity.strip())


def typed_rows() -> list[Row]:
    """Return the rows as this request has them."""
    columns = [request.form.getlist(name)[: MAX_LINES + 1] for name in COLUMNS]  # too many are refused, not cut
    longest = max(map(len, columns), default=0)
    cells = [[column[place] if place < len(column) else "" for column in columns] for place in range(longest)]
    return [Row(*one) for one in cells]


def read_lines(rows: list[Row]) -> tuple[QuoteLineData, ...]:
    """Return the lines of the rows that have something, what a product says in place of what was left empty.

    Raises:
        ValueError: a row is no line.
    """
    products = {str(product.id): product for product in products_on_sale()}
    return tuple(_line(_with_product(row, products.get(row.product))) for row in rows if not row.is_empty)


def _with_product(row: Row, product: Product | None) -> Row:
    quantity = read_count(row.quantity.strip() or "1") or 0
    if product is None:
        return row
    return replace(
        row,
        description=row.description.strip() or product.name,
        net=row.net.strip() or money.write(product.price * quantity),
        tax=row.tax.strip() or f"{product.tax_bp / 100:g}",
    )


def _line(row: Row) -> QuoteLineData:
    """Read a row.

    Raises:
        ValueError: it is no line.
    """
    try:
        tax = Decimal(row.tax.strip().replace(",", ".") or "20")
    except InvalidOperation as error:
        raise ValueError(row.tax) from error
    if not (tax.is_finite() and 0 <= tax <= 100):
        raise ValueError(row.tax)
    return QuoteLineData(
        description=row.description,
        net=money.read(row.net),
        quantity=read_count(row.quantity.strip() or "1") or 0,
        tax_bp=round(tax * 100),
        product_id=read_key(row.product),
    )
