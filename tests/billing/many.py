"""Many services with one open document each, written as an import writes them."""

from __future__ import annotations

from datetime import timedelta

from console.billing.service import today
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Product, service_number
from console.imports.bulk import NewLine, NewProforma, NewService, chunks, insert_proformas, insert_services

PRICE = 790_000


def make_many(owner: Customer, product: Product, count: int, prefix: str = "B") -> list[str]:
    """Give an account services, each with one open pro-forma; return their numbers."""
    numbers: list[str] = []
    owner_id, buyer, product_id = owner.id, owner.buyer(), product.id
    for places in chunks(range(count)):
        with transaction() as session:
            keys = insert_services(
                session,
                [
                    NewService(
                        customer_id=owner_id,
                        product_id=product_id,
                        label=f"{prefix.lower()}-{place}.example.com",
                        started_on=today(),
                        paid_until=today() + timedelta(days=365),
                        price=PRICE,
                        currency="RSD",
                        period_months=12,
                    )
                    for place in places
                ],
                cause="import",
            )
            insert_proformas(
                session,
                [
                    NewProforma(
                        number=f"{prefix}-{key}",
                        customer_id=owner_id,
                        buyer=buyer,
                        issued_on=today(),
                        due_on=today() + timedelta(days=8),
                        currency="RSD",
                        language="sr_Latn",
                        reference=f"{prefix}{key}",
                        lines=(NewLine("Hosting", PRICE, 2000, PRICE // 5, service_id=key),),
                    )
                    for key in keys
                ],
            )
            numbers += [service_number(key) for key in keys]
    return numbers


def csv_of(numbers: list[str], target: str) -> bytes:
    """Return the file that gives all of them to one account."""
    return "\n".join(["service,new_owner", *(f"{number},{target}" for number in numbers)]).encode()
