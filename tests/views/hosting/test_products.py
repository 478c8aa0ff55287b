"""Products: everybody sees them, an administrator adds and changes them; what is sold keeps its price."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.errors import Invalid, NotFound
from console.core.transaction import transaction
from console.hosting.models import Product, ProductKind
from console.hosting.service import ProductData, add_product, change_product
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.only("sqlite")  # nothing here depends on the database
LIST, NEW = "/console/products/", "/console/products/new/"
ENGLISH = {"Accept-Language": "en"}
FIELDS: dict[str, Any] = {
    "code": "vps-9", "name": "VPS <9>", "kind": "vps", "price": "1.234,50", "currency": "RSD", "period_months": "3",
    "tax": "10", "active": "y",
}  # fmt: skip


def test_added_and_changed(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    assert client.submit(NEW, **FIELDS).status_code == 303
    product = session.scalars(select(Product)).one()
    facts = (product.code, product.name, product.kind, product.price, product.period_months, product.tax_bp)
    assert facts == ("vps-9", "VPS <9>", ProductKind.VPS, 123_450, 3, 1000) and product.active
    sold = factories.make_service(factories.make_customer(), product)
    path = f"{LIST}edit/?id={product.id}"
    page = client.get(path).text
    assert 'value="1.234,50"' in page and 'value="10"' in page and 'name="code"' not in page
    fields = FIELDS | {"price": "2000", "tax": "20", "code": "other"}
    del fields["active"]
    assert client.submit(path, **fields, seen=_seen(page)).status_code == 303
    session.expire_all()
    assert (product.code, product.price, product.tax_bp, product.active) == ("vps-9", 200_000, 2000, False)
    assert sold.price == 123_450
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "product.changed")).one()
    assert entry.subject == "vps-9"
    assert entry.data == {
        "before": {"price": 123_450, "tax_bp": 1000, "active": True},
        "after": {"price": 200_000, "tax_bp": 2000, "active": False},
    }


REFUSED = [
    ("code", ""), ("code", "taken"), ("name", " "), ("price", "-1"), ("price", "1.234"), ("price", "much"),
    ("price", ""), ("price", "9999999999"), ("currency", "USD"), ("kind", "x"), ("period_months", "0"),
    ("period_months", "121"), ("tax", "101"), ("tax", "-1"), ("tax", "x"), ("tax", "NaN"), ("tax", "Infinity"),
]  # fmt: skip


def test_what_is_refused(client: ConsoleClient, session: Session) -> None:
    factories.make_product(code="taken")
    sign_in(client, Role.ADMIN)
    for field, typed in REFUSED:
        answer = client.submit(NEW, **FIELDS | {field: typed}, json=True)
        assert answer.status_code == 422 and field in answer.get_json()["error"]["fields"], (field, typed)
    page = client.submit(NEW, **FIELDS | {"price": "much"}, headers=ENGLISH)
    assert page.status_code == 422
    assert all(text in page.text for text in ("VPS &lt;9&gt;", 'value="much"', "Enter an amount like"))
    assert session.scalars(select(Product.code)).all() == ["taken"]


def test_of_two_at_once_the_second_is_told(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    product, other = factories.make_product(), new_client()
    path = f"{LIST}edit/?id={product.id}"
    for one in (client, other):
        sign_in(one, Role.ADMIN)
    first, second = (_seen(one.get(path).text) for one in (client, other))
    assert client.submit(path, **FIELDS | {"name": "Prvi"}, seen=first).status_code == 303
    answer = other.submit(path, **FIELDS | {"name": "Drugi"}, seen=second)
    assert answer.status_code == 409 and "Drugi" in answer.text
    assert other.submit(path, **FIELDS, seen=second, json=True).get_json()["error"]["code"] == "changed_meanwhile"
    session.expire_all()
    assert product.name == "Prvi"
    assert other.submit(path, **FIELDS | {"name": "Drugi"}, seen=_seen(answer.text)).status_code == 303


def test_who_may_only_look(client: ConsoleClient, session: Session) -> None:
    product = factories.make_product(code="stari")
    sign_in(client, Role.BILLING)
    page = client.get(LIST).text
    assert "stari" in page and "/console/products/edit/" not in page and NEW not in page
    billing = factories.actor_of(factories.make_staff(Role.BILLING))
    data = ProductData("x", ProductKind.VPS, 1)
    with pytest.raises(NotFound), transaction():
        change_product(billing, product.id, data)
    admin = factories.actor_of(factories.make_staff(Role.ADMIN))
    with pytest.raises(NotFound), transaction():
        change_product(admin, 99_999, data)
    for code in ("", " ", "x" * 61):
        with pytest.raises(Invalid), transaction():
            add_product(admin, code=code, name="x", kind=ProductKind.VPS, price=1)


def _seen(page: str) -> str:
    return re.search(r'name="seen"[^>]*value="([0-9a-f]+)"', page)[1]
