"""Creating, changing, removing, bulk actions: only through verbs, only with a token."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.transaction import transaction
from console.hosting.models import Product
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.views.support import add_shelf

pytestmark = pytest.mark.only("sqlite")  # nothing here depends on the database


@pytest.fixture
def shelf(own_app: Flask, client: ConsoleClient, session: Session) -> int:
    """A product on the tests' list, and someone signed in who may change it."""
    add_shelf(own_app)
    with transaction():
        product = factories.make_product(name="one", price=100)
    key = product.id
    sign_in(client, Role.ADMIN)
    return key


def _product(session: Session, key: int) -> Product | None:
    session.expire_all()
    return session.get(Product, key)


@pytest.mark.parametrize("token", [None, "", "nonsense"])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("new/", {"name": "two", "price": "5"}),
        ("edit/?id={key}", {"name": "two", "price": "5"}),
        ("delete/", {"id": "{key}"}),
        ("action/", {"action": "retire", "rowid": "{key}"}),
    ],
)
def test_without_a_token_nothing_is_done(
    client: ConsoleClient, session: Session, shelf: int, path: str, fields: dict[str, str], token: str | None
) -> None:
    data = {name: value.format(key=shelf) for name, value in fields.items()}
    if token is not None:
        data["csrf_token"] = token
    entries = session.scalar(select(func.count(AuditEntry.id)))
    answer = client.post(f"/console/shelf/{path.format(key=shelf)}", data=data)
    assert answer.status_code == 400
    product = _product(session, shelf)
    assert product is not None
    assert (product.name, product.price, product.active) == ("one", 100, True)
    assert session.scalar(select(func.count(Product.id))) == 1
    assert session.scalar(select(func.count(AuditEntry.id))) == entries


def test_the_header_serves_as_token(client: ConsoleClient, session: Session, shelf: int) -> None:
    headers = {"X-CSRFToken": client.csrf_token()}
    answer = client.post("/console/shelf/delete/", data={"id": str(shelf)}, headers=headers)
    assert answer.status_code == 303
    assert _product(session, shelf) is None


def test_create(client: ConsoleClient, session: Session, shelf: int) -> None:
    assert client.submit("/console/shelf/new/", name="two", price="250").status_code == 303
    assert session.scalar(select(Product.price).where(Product.name == "two")) == 250
    assert session.scalar(select(func.count()).where(AuditEntry.action == "test.made")) == 1


def test_a_wrong_form_keeps_what_was_typed(client: ConsoleClient, session: Session, shelf: int) -> None:
    answer = client.submit("/console/shelf/new/", name="kept", price="-4")
    assert answer.status_code == 422
    assert 'value="kept"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert session.scalar(select(func.count(Product.id))) == 1
    errors = client.submit("/console/shelf/new/", json=True, name="kept", price="-4")
    assert errors.status_code == 422
    assert list(errors.json["error"]["fields"]) == ["price"]


def test_a_refusal_is_shown_beside_its_field(client: ConsoleClient, session: Session, shelf: int) -> None:
    answer = client.submit(f"/console/shelf/edit/?id={shelf}", name="taken", price="7")
    assert answer.status_code == 409  # the verb's own: a conflict
    assert "taken already" in answer.text
    product = _product(session, shelf)
    assert product is not None
    assert (product.name, product.price) == ("one", 100)
    assert client.submit(f"/console/shelf/edit/?id={shelf}", json=True, name="taken", price="7").status_code == 409


def test_change(client: ConsoleClient, session: Session, shelf: int) -> None:
    assert client.submit(f"/console/shelf/edit/?id={shelf}", name="new", price="7").status_code == 303
    product = _product(session, shelf)
    assert product is not None
    assert (product.name, product.price) == ("new", 7)


def test_bulk_action_is_one_transaction(client: ConsoleClient, session: Session, shelf: int) -> None:
    with transaction():
        other = factories.make_product(name="other").id
    answer = client.submit("/console/shelf/action/", action="retire", rowid=[str(shelf), str(other), "x", "0"])
    assert answer.status_code == 303
    session.expire_all()
    assert session.scalar(select(func.count(Product.id)).where(Product.active.is_(False))) == 2


@pytest.mark.parametrize("name", ["delete", "nothing", "", "__init__"])
def test_unknown_bulk_actions_are_not_there(client: ConsoleClient, session: Session, shelf: int, name: str) -> None:
    assert client.submit("/console/shelf/action/", action=name, rowid=str(shelf)).status_code == 404
    assert _product(session, shelf) is not None


def test_bulk_action_without_rows_says_so(client: ConsoleClient, shelf: int) -> None:
    answer = client.submit("/console/shelf/action/", action="retire")
    assert answer.status_code == 303
    page = client.get(answer.location, headers={"Accept-Language": "en"}).text
    assert "Select at least one row first." in page


@pytest.mark.parametrize("target", ["https://evil.example/x", "//evil.example", "javascript:alert(1)"])
def test_the_way_back_stays_here(client: ConsoleClient, shelf: int, target: str) -> None:
    answer = client.submit("/console/shelf/delete/", id=str(shelf), url=target)
    assert answer.status_code == 303
    assert "evil" not in answer.location
    assert "javascript" not in answer.location


def test_methods_that_change_are_posts(client: ConsoleClient, session: Session, shelf: int) -> None:
    for path in (f"delete/?id={shelf}", f"action/?action=retire&rowid={shelf}"):
        assert client.get(f"/console/shelf/{path}").status_code == 405
    assert _product(session, shelf) is not None
