"""Saved views: private ones and shared ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import Actor
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.list_queries import saved_views
from console.tickets.models import SavedView
from console.tickets.service.saved_views import change_view, remove_view, save_view
from tests import factories
from tests.factories.tickets import fill_tickets
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.only("sqlite")
LIST = "/console/tickets/"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def agent(client: ConsoleClient, staff_of: Callable[[Role], Staff]) -> Staff:
    return sign_in(client, staff=staff_of(Role.AGENT))


def test_saved_with_filters_order_and_search(client: ConsoleClient, agent: Staff, session: Session) -> None:
    fill_tickets(3, due_in=timedelta(minutes=5))
    fill_tickets(2, assignee_id=agent.id)
    answer = client.submit(LIST + "views?view=open&assignee=none&sort=-priority&page=3&nothing=1", name="  Ničiji  ")
    view = session.scalars(select(SavedView)).one()
    assert (view.name, view.shared, view.staff_id) == ("Ničiji", False, agent.id)
    assert view.query == {"view": "open", "assignee": "none", "sort": "-priority"}
    assert answer.location.endswith(f"?saved={view.id}")
    items = client.get_json(LIST + f"?saved={view.id}").json["items"]
    assert [item["number"] for item in items] == ["T-20003", "T-20002", "T-20001"]
    page = client.get(LIST + f"?saved={view.id}", headers=ENGLISH).text
    assert "Ničiji" in page and "Keep these filters" not in page
    # Narrowed further it is still that view, only changed; kept, it is that.
    page = client.get(LIST + f"?view=open&assignee=none&sort=-priority&status=open&of={view.id}", headers=ENGLISH).text
    assert "Keep these filters" in page
    client.submit(LIST + f"views/{view.id}?view=open&of={view.id}", replace="1")
    session.expire_all()
    assert view.query == {"view": "open"}
    assert client.get_json(LIST + "counts").json["counts"][str(view.id)] == 5


def test_renamed_and_removed(client: ConsoleClient, agent: Staff, session: Session) -> None:
    key = client.submit(LIST + "views", json=True, name="Prvi").json["view"]["id"]
    assert client.submit(LIST + f"views/{key}", json=True, name="Drugi").json["view"]["name"] == "Drugi"
    for name in ("", "  ", "a" * 61, "\0"):
        assert client.submit(LIST + f"views/{key}", json=True, name=name).status_code == 422
        assert client.submit(LIST + "views", json=True, name=name).status_code == 422
    assert client.submit(LIST + f"views/{key}/remove", json=True).json == {"removed": True}
    assert client.get(LIST + f"?saved={key}").status_code == 404
    assert client.submit(LIST + f"views/{key}/remove", json=True).status_code == 404


def test_anothers_view_is_not_there(client: ConsoleClient, agent: Staff, session: Session) -> None:
    other = factories.make_staff(Role.AGENT)
    with transaction():
        key = save_view(other.actor(), "Tuđi", {"view": "open"}).id
    for path in (f"?saved={key}", "?saved=99999", "?saved=x", "?saved="):
        assert client.get(LIST + path).status_code == 404, path
        assert client.get_json(LIST + path).status_code == 404, path
    assert client.get(LIST + f"?view=open&of={key}").status_code == 200  # only not named
    assert "Tuđi" not in client.get(LIST + f"?view=open&of={key}").text
    for path in (f"views/{key}", f"views/{key}/remove"):
        assert client.submit(LIST + path, json=True, name="Moj").status_code == 404
    assert client.submit(LIST + f"columns?saved={key}", json=True, columns="tags").status_code == 404
    assert str(key) not in client.get_json(LIST + "counts").json["counts"]
    assert session.get_one(SavedView, key).name == "Tuđi"


def test_shared_by_who_manages_the_desk(
    client: ConsoleClient, agent: Staff, actor: Callable[[Role], Actor], session: Session
) -> None:
    fill_tickets(1, due_in=timedelta(minutes=5))
    assert client.submit(LIST + "views", json=True, name="Svima", shared="1").status_code == 404
    with transaction():
        key = save_view(actor(Role.SUPERVISOR), "Za sve", {"view": "risk"}, shared=True).id
    assert "Za sve" in client.get(LIST).text
    assert client.get(LIST + f"?saved={key}").status_code == 200
    for fields in ({"name": "Moj"}, {"shared": "0"}, {"replace": "1"}):
        assert client.submit(LIST + f"views/{key}", json=True, **fields).status_code == 404
    # The columns of a view for everybody are each reader's own matter.
    client.submit(LIST + f"columns?saved={key}", columns="tags")
    assert 'data-cell="tags"' in client.get(LIST + f"?saved={key}").text
    assert 'data-cell="tags"' not in client.get(LIST).text
    session.expire_all()
    assert session.get_one(SavedView, key).columns == []
    own = client.submit(LIST + "views", json=True, name="Moj").json["view"]["id"]
    assert client.submit(LIST + f"views/{own}", json=True, shared="1").status_code == 404
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("ticket_view.")))
    assert list(actions) == ["ticket_view.shared"]


def test_the_verbs_ask_for_the_permission(actor: Callable[[Role], Actor], session: Session) -> None:
    with pytest.raises(NotFound), transaction():
        save_view(actor(Role.ADMIN), "Moj", {})  # reads no tickets
    with transaction():
        view = save_view(actor(Role.SUPERVISOR), "Za sve", {"view": "risk"}, shared=True)
        change_view(actor(Role.SUPERVISOR), view.id, shared=False)
    with pytest.raises(NotFound), transaction():
        remove_view(actor(Role.AGENT), view.id)
    with pytest.raises(Invalid), transaction():
        save_view(actor(Role.AGENT), "\0", {})
    assert list(saved_views(actor(Role.AGENT))) == []


def test_not_without_end(actor: Callable[[Role], Actor], session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tickets.service.saved_views.MOST_VIEWS", 2)
    for _ in range(2):
        with transaction():
            save_view(actor(Role.AGENT), "Moj", {"view": "open", "tag": "a" * 500})
    with pytest.raises(Conflict), transaction():
        save_view(actor(Role.AGENT), "Moj", {})
    assert {len(view.query["tag"]) for view in saved_views(actor(Role.AGENT))} == {200}
