"""List pages: constant queries, no failure from any address, one scope for every reading."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from console.billing.models import Proforma
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Product
from console.staff.roles import Permission, Role
from console.views.shared.base import BaseModelView
from console.views.shared.paging import COUNT_LIMIT, page_links
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.views.support import LISTS, add_shelf, fill

MOST_QUERIES = 6
PATHS = [f"/console/{name}/" for name in LISTS]


def _enter(client: ConsoleClient, name: str) -> None:
    sign_in(client, LISTS[name])


@pytest.mark.both
@pytest.mark.parametrize("name", LISTS)
def test_queries_do_not_grow_with_rows(app: Flask, client: ConsoleClient, name: str) -> None:
    fill(10)
    _enter(client, name)
    counts = []
    for more in (0, 20):
        fill(more)
        client.get(f"/console/{name}/")  # notes that the session is in use
        counts.append(_fewest(app, lambda: client.get(f"/console/{name}/")))
    assert counts[0] == counts[1] <= MOST_QUERIES


def _fewest(app: Flask, ask: Callable[[], TestResponse]) -> int:
    """Return how many statements a page takes: now and then one looks whether settings were changed, on top."""
    counts = []
    for _ in range(2):
        with count_queries(app) as seen:
            assert ask().status_code == 200
        counts.append(seen.count)
    return min(counts)


@pytest.mark.parametrize("name", LISTS)
def test_json_queries_do_not_grow_with_rows(app: Flask, client: ConsoleClient, name: str) -> None:
    fill(5)
    _enter(client, name)
    counts = []
    for more in (0, 10):
        fill(more)
        counts.append(_fewest(app, lambda: client.get_json(f"/console/{name}/")))
    assert counts[0] == counts[1] <= MOST_QUERIES


NUMBERS = ["0", "-1", "1", "2", "99999999999999999999", "1e9", "٣", "1.5", "", "x", "0x10", "1,2", " 1"]
TEXTS = ["\0", "'", '"', "%", "_", "\\", "a" * 5000, "č", "Ђ", "=1+1", "<script>", "../..", "null", "[]", "\ud7ff"]
KEYS = [
    "page", "page_size", "sort", "desc", "search", "cursor", "next", "id", "status", "kind", "currency", "customer",
    "due_from", "due_until", "overdue", "expires_from", "paid_until", "action", "actor", "subject", "state", "from",
    "view", "saved", "of", "assignee", "department", "priority", "source", "tag", "requester", "created_from",
    "updated_until", "unread", "mentioned", "flt0_0", "flt1_status_equals", "number", "issued_from", "role", "active",
]  # fmt: skip
ADDRESSES = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.one_of(st.sampled_from(NUMBERS + TEXTS), st.text(st.characters(codec="utf-8"), max_size=30)),
    ),
    max_size=6,
)


@pytest.fixture
def readers(app: Flask, session: Session) -> dict[str, ConsoleClient]:
    """Somebody of each role, signed in, and something to read."""
    fill(3)
    clients: dict[str, ConsoleClient] = {}
    for role in {*LISTS.values()}:
        client = app.test_client()
        assert isinstance(client, ConsoleClient)
        sign_in(client, role)
        clients[role] = client
    return clients


@pytest.mark.both
@given(query=ADDRESSES, name=st.sampled_from(sorted(LISTS)), as_json=st.booleans())
@example(query=[("saved", "0")], name="tickets", as_json=False)
@example(query=[("page", "99999999999999999999"), ("page_size", "0")], name="proformas", as_json=False)
@example(query=[("status", "nothing"), ("currency", "\0")], name="proformas", as_json=False)
@example(query=[("search", "\0" * 3)], name="customers", as_json=False)
@example(query=[("customer", "99999999999999999999")], name="services", as_json=True)
@example(query=[("due_from", "0000-00-00"), ("due_until", "9999-12-31")], name="proformas", as_json=False)
@example(query=[("cursor", "bnVsbA")], name="audit", as_json=True)
@example(query=[("cursor", "W10"), ("sort", "due_on")], name="proformas", as_json=True)
def test_no_address_breaks_a_list(
    readers: dict[str, ConsoleClient], query: list[tuple[str, str]], name: str, as_json: bool
) -> None:
    address = f"/console/{name}/?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in query)
    answer = readers[LISTS[name]].get(address, headers={"Accept": "application/json"} if as_json else {})
    gone = name == "tickets" and any(key == "saved" for key, _value in query)  # a saved view that is not there
    allowed = {200, *([422] if as_json else []), *([404] if gone else [])}
    assert answer.status_code in allowed, (address, answer.status_code)


@pytest.mark.both
def test_no_address_breaks_a_page(readers: dict[str, ConsoleClient]) -> None:
    for key in ["1,2", "0", "-1", "99999999999999999999", "x", "", "\0", "1 OR 1=1"]:
        address = f"/console/audit/details/?id={quote(key, safe='')}"
        assert readers["supervisor"].get(address).status_code == 404, address
    for number in ["x", "%00", "PR-0000-1", "a" * 3000, "..%2f..", "PR/1"]:
        for kind in ("proformas", "stornos"):
            assert readers["billing"].get(f"/console/{kind}/{number}").status_code == 404, number


@pytest.mark.only("sqlite")
def test_bad_filter_is_left_out_and_named(client: ConsoleClient) -> None:
    fill(2)
    sign_in(client, Role.BILLING)
    page = client.get("/console/proformas/?status=nothing&currency=RSD", headers={"Accept-Language": "en"})
    assert "The filter “State” was ignored" in page.text
    answer = client.get_json("/console/proformas/?status=nothing&currency=EUR").json
    assert len(answer["ignored"]) == 1
    assert answer["items"] == []  # the filter that could be read still counts


@pytest.mark.both
def test_filters(client: ConsoleClient, session: Session) -> None:
    customer = factories.make_customer()
    late = factories.make_proforma(customer, issued_days_ago=30)
    fresh = factories.make_proforma(customer)
    paid = factories.make_proforma(customer, issued_days_ago=30, paid=-1)
    other = factories.make_proforma(factories.make_customer())
    sign_in(client, Role.BILLING)

    def found(query: str) -> set[str]:
        return {item["number"] for item in client.get_json(f"/console/proformas/?{query}").json["items"]}

    numbers = {one: one.number for one in (late, fresh, paid, other)}
    assert found("overdue=1") == {numbers[late]}
    assert found("status=paid") == {numbers[paid]}
    assert found(f"customer={customer.number}") == {numbers[late], numbers[fresh], numbers[paid]}
    assert found(f"due_from={fresh.due_on.isoformat()}") == {numbers[fresh], numbers[other]}
    assert found(f"due_until={late.due_on.isoformat()}") == {numbers[late], numbers[paid]}
    assert found(f"search={late.number}") == {numbers[late]}


@pytest.mark.both
@pytest.mark.parametrize("typed", ["djordje", "ĐORĐE", "ђорђе", "Đor zik", "zikic", "Dorde", "Đorđa Žikića"])
def test_search_folds(client: ConsoleClient, typed: str) -> None:
    factories.make_customer(name="Đorđe Žikić")
    factories.make_customer(name="Neko Drugi")
    sign_in(client)
    items = client.get_json(f"/console/customers/?search={quote(typed)}").json["items"]
    assert [item["name"] for item in items] == ["Đorđe Žikić"]


@pytest.mark.only("sqlite")
def test_signs_alone_are_nothing_to_search_for(client: ConsoleClient) -> None:
    factories.make_customer(name="Đorđe Žikić")
    sign_in(client)
    for typed in ("***", "\"'", "😀"):
        assert client.get_json("/console/customers/", query_string={"search": typed}).json["items"] == []
        page = client.get("/console/customers/", query_string={"search": typed}, headers={"Accept-Language": "en"}).text
        assert "Nothing to search for" in page


@pytest.mark.only("sqlite")
def test_a_list_without_a_search_ignores_one(client: ConsoleClient) -> None:
    sign_in(client, "billing")
    page = client.get("/console/migrations/?search=zzz", headers={"Accept-Language": "en"}).text
    assert "<b>zzz</b>" not in page  # no chip


@pytest.mark.only("sqlite")
def test_search_box_keeps_what_was_typed(client: ConsoleClient) -> None:
    sign_in(client)
    page = client.get("/console/customers/?search=%22><b>nema")
    assert 'value="&#34;&gt;&lt;b&gt;nema"' in page.text
    assert "<b>nema</b>" not in page.text


@pytest.mark.both
@pytest.mark.parametrize("sort", ["-id", "id", "due_on", "-due_on"])
def test_cursor_walks_every_row_once(client: ConsoleClient, session: Session, sort: str) -> None:
    customer = factories.make_customer()
    for days in (1, 1, 1, 5, 5, 9, 2):
        factories.make_proforma(customer, due_in_days=days)
    sign_in(client, Role.BILLING)
    cursor, walked = "", []
    for _ in range(20):
        answer = client.get_json(f"/console/proformas/?page_size=2&sort={sort}&cursor={cursor}").json
        walked += [item["number"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    column = Proforma.due_on if "due" in sort else Proforma.id
    order = [column.desc(), Proforma.id.desc()] if sort.startswith("-") else [column, Proforma.id]
    assert walked == list(session.scalars(select(Proforma.number).order_by(*order)))


@pytest.mark.both
@pytest.mark.parametrize("sort", ["name", "-name"])
def test_names_are_in_serbian_order(client: ConsoleClient, session: Session, database: str, sort: str) -> None:
    names = ["Ana", "Cvetko", "Čedomir", "Ћирило", "Ćosić", "Dušan", "Džemal", "Ђура", "Zoran", "Živko"]
    for name in (*names[5:], *names[:5], "Zoran"):
        factories.make_customer(name=name)
    sign_in(client)
    cursor, walked = "", []
    while cursor is not None:
        answer = client.get_json(f"/console/customers/?page_size=2&sort={sort}&cursor={cursor}").json
        walked += [item["name"] for item in answer["items"]]
        cursor = answer["next"]
    in_order = [*names[:9], "Zoran", names[9]]
    assert walked == (in_order if sort == "name" else in_order[::-1])
    assert client.get("/console/customers/?sort=name").text.index("Čedomir") > 0
    # And by its index: at a hundred thousand accounts the rest is not looked at.
    query = select(Customer.id).order_by(Customer.name_key, Customer.id).limit(20)
    if not database.startswith("sqlite"):
        session.execute(text("SET enable_seqscan = off"))
    explain = "EXPLAIN QUERY PLAN " if database.startswith("sqlite") else "EXPLAIN "
    plan = str(session.execute(text(explain + str(query.compile(compile_kwargs={"literal_binds": True})))).all())
    if not database.startswith("sqlite"):
        session.execute(text("RESET enable_seqscan"))
    assert "ix_customers_name_key_id" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.both
def test_cursor_of_another_order_is_refused(client: ConsoleClient) -> None:
    fill(3)
    sign_in(client, Role.BILLING)
    cursor = client.get_json("/console/proformas/?page_size=1").json["next"]
    assert client.get_json(f"/console/proformas/?page_size=1&sort=due_on&cursor={cursor}").status_code == 422


@pytest.mark.only("sqlite")
def test_pages_reach_every_row(client: ConsoleClient) -> None:
    fill(45)
    sign_in(client)
    seen: list[str] = []
    for page in (1, 2, 3):
        seen += re.findall(r"data-open>(K-\d+)<", client.get(f"/console/customers/?page={page}").text)
    assert len(seen) == len(set(seen)) == 45
    beyond = client.get("/console/customers/?page=4000").text
    assert 'aria-current="page"' in beyond
    assert re.findall(r"data-open>(K-\d+)<", beyond) == seen[40:]  # the last page there is


@pytest.mark.only("sqlite")
def test_count_is_bounded(client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(25)
    sign_in(client)
    monkeypatch.setattr("console.views.shared.base.BaseModelView.count_limit", 20)
    page = client.get("/console/customers/", headers={"Accept-Language": "en"}).text
    assert "1–20 of more than 20" in html.unescape(page)
    assert COUNT_LIMIT == 10_000


@pytest.mark.parametrize(
    ("pages", "page", "expected"),
    [
        (1, 1, [1]),
        (3, 2, [1, 2, 3]),
        (9, 1, [1, 2, None, 9]),
        (9, 5, [1, None, 4, 5, 6, None, 9]),
        (9, 4, [1, 2, 3, 4, 5, None, 9]),
        (500, 500, [1, None, 499, 500]),
    ],
)
def test_pager(pages: int, page: int, expected: list[int | None]) -> None:
    assert page_links(pages, page) == expected


@pytest.mark.both
def test_scope_holds_for_every_reading(own_app: Flask, client: ConsoleClient, session: Session) -> None:
    add_shelf(own_app)
    with transaction():
        seen = factories.make_product(name="seen")
        hidden = factories.make_product(name="hidden")
    sign_in(client, Role.ADMIN)
    hidden_id, seen_id, code = hidden.id, seen.id, hidden.code
    assert code not in client.get("/console/shelf/").text
    assert [item["name"] for item in client.get_json("/console/shelf/").json["items"]] == ["seen"]
    assert client.get(f"/console/shelf/details/?id={seen_id}").status_code == 200
    assert client.get(f"/console/shelf/details/?id={hidden_id}").status_code == 404
    assert client.get(f"/console/shelf/edit/?id={hidden_id}").status_code == 404
    assert code not in client.get("/console/shelf/export/csv/").text
    assert client.submit(f"/console/shelf/edit/?id={hidden_id}", name="mine", price="5").status_code == 404
    assert client.submit("/console/shelf/delete/", id=str(hidden_id)).status_code == 404
    client.submit("/console/shelf/action/", action="retire", rowid=[str(hidden_id), str(seen_id)])
    session.expire_all()
    assert session.get_one(Product, hidden_id).active is True
    assert session.get_one(Product, hidden_id).name == "hidden"
    assert session.get_one(Product, seen_id).active is False


def test_flask_admins_own_queries_are_scoped(own_app: Flask, session: Session) -> None:
    add_shelf(own_app)
    with transaction():
        factories.make_product(name="seen")
        factories.make_product(name="hidden")
    view = next(view for view in own_app.extensions["admin"][0]._views if view.endpoint == "shelf")
    assert [row.name for row in view.get_query()] == ["seen"]
    assert view.get_count_query().scalar() == 1


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("name", LISTS)
def test_what_is_off_has_no_address(app: Flask, name: str) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    for path in ("ajax/lookup/", "ajax/update/", "delete/"):
        assert f"/console/{name}/{path}" not in rules
    if name not in ("proformas", "suspensions"):  # with bulk actions
        assert f"/console/{name}/action/" not in rules
    if name not in ("staff", "departments", "products", "tickets", "migrations", "proformas"):  # their own
        assert f"/console/{name}/new/" not in rules
    if name not in ("staff", "departments", "products"):
        assert f"/console/{name}/edit/" not in rules


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"column_list": ("code",), "can_export": True},
        {"column_list": ("code",), "can_view_details": True},
        {"column_list": ("code",), "can_create": True},
        {"column_list": ("code",), "column_filters": ("code",)},
        {"column_list": ("code",), "column_searchable_list": ("code",)},
        {"column_list": ("code",), "column_editable_list": ("code",)},
        {"column_list": ("code",), "permissions": {"no_such_method": Permission.SEE_PRODUCTS}},
    ],
)
def test_a_view_that_guesses_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        type("Guess", (BaseModelView,), attributes)


@pytest.mark.only("sqlite")
class TestWhoSeesWhat:
    """Lists of documents and services are by role; what one may not see is not there."""

    @pytest.mark.parametrize("name", ["services", "domains", "proformas", "stornos"])
    @pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
    def test_not_for_everyone(self, client: ConsoleClient, name: str, role: Role) -> None:
        fill(1)
        sign_in(client, role)
        assert client.get(f"/console/{name}/").status_code == 404
        assert client.get_json(f"/console/{name}/").status_code == 404
        assert client.get(f"/console/{name}/export/csv/").status_code == 404
        assert f'href="/console/{name}/"' not in client.get("/console/").text

    @pytest.mark.parametrize("name", LISTS)
    def test_nobody_signed_in(self, client: ConsoleClient, name: str) -> None:
        answer = client.get(f"/console/{name}/")
        assert answer.status_code == 302
        assert answer.location.startswith("/login?next=/console/")
        assert client.get_json(f"/console/{name}/").status_code == 401

    def test_nothing_personal_in_the_list(self, client: ConsoleClient, session: Session) -> None:
        person = factories.make_person(email="tajna@example.test", name="Tajna Osoba")
        factories.make_customer(name="Nalog", owner=person, phone="+381601234567", address="Skrivena 5")
        sign_in(client)
        page = client.get("/console/customers/").text + client.get_json("/console/customers/").text
        assert "Nalog" in page
        for secret in ("tajna@", "Tajna Osoba", "601234567", "Skrivena"):
            assert secret not in page
            assert client.get_json(f"/console/customers/?search={quote(secret)}").json["items"] == []
