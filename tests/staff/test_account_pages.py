"""One's own account, the admin's pages of staff, and preferences."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock
from console.core.sessions import open_session
from console.core.transaction import transaction
from console.customers.models import PersonSession
from console.staff.models import Staff, StaffSession
from console.staff.queries import live_sessions, recovery_codes_left, staff_by_email
from console.staff.roles import Role
from tests import factories
from tests.staff.support import audit_text, code_at, data_of, open_sessions, switch_totp_on
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

NewClient = Callable[[], ConsoleClient]
PROFILE, STAFF = "/console/profile/", "/console/staff/"
NEW = "konj baterija spajalica"


# --- one's own account -----------------------------------------------------------------------------------------------


def test_changing_the_password(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    staff = sign_in(client)
    elsewhere = new_client()
    sign_in(elsewhere, staff=staff)
    path = PROFILE + "password"
    refused: list[dict[str, Any]] = [
        {"current": "not it at all", "password": NEW, "again": NEW},
        {"current": factories.PASSWORD, "password": "kratka", "again": "kratka"},
        {"current": factories.PASSWORD, "password": NEW, "again": NEW + "x"},
        {"current": "", "password": NEW, "again": NEW},
    ]
    for fields in refused:
        answer = client.submit(path, **fields)
        assert answer.status_code == 422
        assert "invalid-feedback" in answer.text
        assert not any(value and value in answer.text for value in fields.values()), "passwords are never shown again"
    assert elsewhere.get_json(PROFILE).status_code == 200
    assert client.submit(path, current=factories.PASSWORD, password=NEW, again=NEW).status_code == 303
    assert client.get_json(PROFILE).status_code == 200
    assert elsewhere.get_json(PROFILE).status_code == 401
    assert NEW not in audit_text()
    client.submit("/logout")
    assert client.submit("/login", email=staff.email, password=NEW).status_code == 303


@pytest.mark.only("sqlite")
def test_the_present_password_cannot_be_guessed_from_an_open_console(client: ConsoleClient) -> None:
    sign_in(client)
    fields: dict[str, Any] = {"current": "not it at all", "password": NEW, "again": NEW}
    statuses = [client.submit(PROFILE + "password", **fields).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    answer = client.submit(PROFILE + "password", json=True, **fields)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.both
def test_listing_and_ending_sessions(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    staff = sign_in(client)
    others = [new_client() for _ in range(2)]
    for other in others:
        sign_in(other, staff=staff)
    listed = data_of(client.get_json(PROFILE))["sessions"]
    assert len(listed) == 3
    assert [row["here"] for row in listed].count(True) == 1
    target = data_of(others[0].get_json(PROFILE))["sessions"]
    key = next(row["id"] for row in target if row["here"])
    assert client.submit(f"{PROFILE}sessions/{key}/end").status_code == 303
    assert others[0].get_json(PROFILE).status_code == 401
    assert others[1].get_json(PROFILE).status_code == 200
    assert client.submit(f"{PROFILE}sessions/end-others", json=True).status_code == 200
    assert others[1].get_json(PROFILE).status_code == 401
    assert len(live_sessions(staff.id)) == 1


def test_nobody_ends_the_sessions_of_others(client: ConsoleClient, session: Session) -> None:
    stranger = factories.make_staff()
    (row,) = open_sessions(stranger, 1)
    sign_in(client)
    assert client.submit(f"{PROFILE}sessions/{row.id}/end").status_code == 404
    assert client.submit(f"{PROFILE}sessions/999999/end").status_code == 404
    assert len(live_sessions(stranger.id)) == 1
    assert str(row.id) not in [str(one["id"]) for one in data_of(client.get_json(PROFILE))["sessions"]]


def test_setting_the_second_step_up_and_off(client: ConsoleClient, session: Session) -> None:
    staff = sign_in(client)
    page = client.get(PROFILE + "second-step/").text
    secret = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", page))
    assert secret
    assert client.get(PROFILE + "second-step/").text.count(secret[:4]) >= 1, "reloading keeps the secret"
    present = factories.PASSWORD
    assert client.submit(PROFILE + "second-step/", code="000000", current=present).status_code == 422
    assert client.submit(PROFILE + "second-step/", code=code_at(secret)).status_code == 422
    assert client.submit(PROFILE + "second-step/", code=code_at(secret), current="not it at all").status_code == 422
    done = client.submit(PROFILE + "second-step/", code=code_at(secret), current=present)
    codes = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", done.text)
    assert len(codes) == 10
    assert recovery_codes_left(staff.id) == 10
    assert client.get(PROFILE + "second-step/").status_code == 302
    assert client.submit(PROFILE + "recovery-codes", current="not it at all").status_code == 422
    fresh = data_of(client.submit(PROFILE + "recovery-codes", json=True, current=factories.PASSWORD))["recovery_codes"]
    assert not set(fresh) & set(codes)
    assert client.submit(PROFILE + "second-step/off", current="not it at all").status_code == 422
    assert staff.totp_secret is not None
    assert client.submit(PROFILE + "second-step/off", current=factories.PASSWORD).status_code == 303
    assert data_of(client.get_json(PROFILE))["second_step"] is False
    assert secret not in audit_text()


@pytest.mark.only("sqlite")
def test_the_secret_being_set_up_belongs_to_one_account(client: ConsoleClient, session: Session) -> None:
    sign_in(client)
    page = client.get(PROFILE + "second-step/").text
    first = re.findall(r"<span>([A-Z2-7]{4})</span>", page)
    with client.session_transaction() as cookie:
        sealed = cookie["staff_totp"]
        assert "".join(first) not in sealed
    client.submit("/logout")
    sign_in(client)
    with client.session_transaction() as cookie:
        cookie["staff_totp"] = sealed
    assert re.findall(r"<span>([A-Z2-7]{4})</span>", client.get(PROFILE + "second-step/").text) != first


BROWSERS = {
    "(Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36 Edg/130.0": ("Edge on Windows", False),
    "(X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0": ("Firefox on Linux", False),
    "(iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1": ("Safari on iPhone", True),
    "(Linux; Android 15) Chrome/130.0 Mobile Safari/537.36": ("Chrome on Android", True),
}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("user_agent", BROWSERS)
def test_browsers_by_name(client: ConsoleClient, user_agent: str) -> None:
    name, phone = BROWSERS[user_agent]
    staff = factories.make_staff(language="en")
    client.submit("/login", email=staff.email, password=factories.PASSWORD, headers={"User-Agent": user_agent})
    page = client.get(PROFILE, headers={"User-Agent": user_agent}).text
    assert name in page
    assert ("icons.svg#phone" in page) is phone


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("user_agent", ["", "<script>alert(1)</script>" + "x" * 2_000])
def test_strange_browsers(client: ConsoleClient, session: Session, user_agent: str) -> None:
    staff = factories.make_staff()
    client.submit("/login", email=staff.email, password=factories.PASSWORD, headers={"User-Agent": user_agent})
    page = client.get(PROFILE)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert len(session.scalars(select(StaffSession)).one().user_agent or "") <= 400


# --- preferences -----------------------------------------------------------------------------------------------------


def test_what_staff_choose_is_kept_with_them(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    staff = sign_in(client)
    fields: dict[str, Any] = {"language": "en", "theme": "dark", "single_keys": "off", "next": PROFILE}
    assert client.submit("/preferences", **fields).location == PROFILE
    session.expire_all()
    assert (staff.language, staff.theme, staff.single_keys) == ("en", "dark", False)
    other = new_client()
    sign_in(other, staff=staff)
    page = other.get(PROFILE, headers={"Accept-Language": "sr"}).text
    assert '<html lang="en" data-theme="dark"' in page
    client.submit("/preferences", theme="system", single_keys="on")
    session.expire_all()
    assert (staff.language, staff.theme, staff.single_keys) == ("en", None, True)


def test_a_signature_is_saved_and_a_long_one_comes_back(client: ConsoleClient, session: Session) -> None:
    staff = sign_in(client)
    fields = {"signature_sr": "Mila\r\nsistem inženjer", "signature_en": ""}
    assert client.submit(f"{PROFILE}signature", **fields).location == PROFILE
    session.expire_all()
    assert (staff.signature_sr, staff.signature_en) == ("Mila\nsistem inženjer", "")
    refused = client.submit(f"{PROFILE}signature", **(fields | {"signature_en": "x" * 501}))
    assert refused.status_code == 422 and "x" * 501 in refused.text and 'aria-invalid="true"' in refused.text


def test_what_visitors_choose_is_kept_in_their_browser(client: ConsoleClient, new_client: NewClient) -> None:
    assert client.submit("/preferences", language="en", theme="light", next="/login").location == "/login"
    assert '<html lang="en" data-theme="light"' in client.get("/login", headers={"Accept-Language": "sr"}).text
    assert '<html lang="sr-Latn">' in new_client().get("/login", headers={"Accept-Language": "sr"}).text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("fields", [{"language": "de"}, {"theme": "pink"}, {"single_keys": "maybe"}])
def test_other_choices_change_nothing(client: ConsoleClient, session: Session, fields: dict[str, Any]) -> None:
    staff = sign_in(client)
    answer = client.submit("/preferences", json=True, **{"language": "en"} | fields)
    assert answer.status_code == 422
    assert list(data_of(answer)["error"]["fields"]) == list(fields)
    session.expire_all()
    assert (staff.language, staff.theme, staff.single_keys) == (None, None, True)


# --- staff, for admins -----------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("role", ["agent", "billing", "supervisor"])
def test_for_everybody_else_the_pages_are_not_there(client: ConsoleClient, session: Session, role: str) -> None:
    target = factories.make_staff()
    sign_in(client, role)
    for path in (STAFF, STAFF + "new/", f"{STAFF}{target.id}/", STAFF + "export/csv/", f"{STAFF}edit/?id={target.id}"):
        assert client.get(path).status_code == 404
    for deed in ("", "disable", "enable", "password", "second-step-off", "sign-out"):
        answer = client.submit(f"{STAFF}{target.id}/{deed}", name="X", email="x@example.test", role="admin")
        assert answer.status_code == 404
    assert client.submit(STAFF + "new/", name="X", email="x@example.test", role="admin").status_code == 404
    session.expire_all()
    assert (target.active, target.role) == (True, Role.AGENT)
    assert staff_by_email("x@example.test") is None
    assert f'href="{STAFF}"' not in client.get(PROFILE).text


@pytest.mark.only("sqlite")
def test_flask_admins_own_ways_of_writing_are_off(client: ConsoleClient, session: Session) -> None:
    target = factories.make_staff()
    sign_in(client, "admin")
    ways = ("delete/", "edit/", "ajax/update/", "action/", f"edit/?id={target.id}")
    for way in ways:
        answer = client.submit(STAFF + way, id=str(target.id), rowid=str(target.id), action="delete", role="admin")
        assert answer.status_code in (404, 405)
    session.expire_all()
    assert session.get(Staff, target.id) is not None
    assert target.role is Role.AGENT


@pytest.mark.both
def test_the_list(client: ConsoleClient, session: Session) -> None:
    factories.make_staff(Role.BILLING, name="Đorđe Ž.", email="djordje@example.test")
    factories.make_staff(active=False, name="Bivša Koleginica")
    sign_in(client, "admin")
    page = client.get(STAFF)
    assert page.status_code == 200
    assert "Đorđe Ž." in page.text
    assert "argon2" not in page.text
    items = data_of(client.get_json(STAFF + "?disabled=1"))["items"]
    assert [item["name"] for item in items] == ["Bivša Koleginica"]
    assert set(items[0]) == {"id", "name", "email", "role", "active", "second_step"}
    assert [i["email"] for i in data_of(client.get_json(STAFF + "?role=billing"))["items"]] == ["djordje@example.test"]


@pytest.mark.only("sqlite")
def test_the_list_costs_the_same_for_many(app: Flask, client: ConsoleClient, session: Session) -> None:
    sign_in(client, "admin")

    def queries() -> int:
        with count_queries(app) as sent:
            assert client.get(STAFF + "?page_size=50").status_code == 200
        return sent.count

    few = queries()
    for _ in range(30):
        open_sessions(factories.make_staff(), 1)
    assert queries() == few


@pytest.mark.both
def test_opening_an_account_with_a_password_made_for_it(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    sign_in(client, "admin")
    page = client.submit(STAFF + "new/", name="Nova Osoba", email="Nova@example.test", role="supervisor", password="")
    assert page.status_code == 200
    found = re.search(r">([a-z0-9]{5}(?:-[a-z0-9]{5}){3})<", page.text)
    assert found is not None
    password = found.group(1)
    staff = staff_by_email("nova@example.test")
    assert staff is not None
    assert (staff.role, staff.password_temporary) == (Role.SUPERVISOR, True)
    assert password not in client.get(f"{STAFF}{staff.id}/").text, "shown once"
    assert password not in audit_text()
    first = new_client().submit("/login", json=True, email=staff.email, password=password)
    assert first.json == {"signed_in": False, "needs": "new_password"}


def test_a_chosen_password_serves_one_sign_in_too(client: ConsoleClient, session: Session) -> None:
    sign_in(client, "admin")
    fields: dict[str, Any] = {"name": "Nova", "email": "nova@example.test", "role": "agent"}
    assert client.submit(STAFF + "new/", **fields, password="kratka").status_code == 422
    answer = client.submit(STAFF + "new/", json=True, **fields, password=NEW)
    assert answer.status_code == 201
    staff = staff_by_email("nova@example.test")
    assert staff is not None
    assert staff.password_temporary


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "email": "a@example.test", "role": "agent"},
        {"name": "A", "email": "not an address", "role": "agent"},
        {"name": "A", "email": "a@example.test", "role": "owner"},
        {"name": "A", "email": "zauzeta@example.test", "role": "agent"},
        {"name": "A" * 121, "email": "a@example.test", "role": "agent"},
    ],
)
def test_a_wrong_form_keeps_what_was_typed(client: ConsoleClient, session: Session, fields: dict[str, Any]) -> None:
    factories.make_staff(email="zauzeta@example.test")
    sign_in(client, "admin")
    before = len(session.scalars(select(Staff)).all())
    page = client.submit(STAFF + "new/", **fields)
    assert page.status_code == 422
    assert f'value="{fields["email"]}"' in page.text
    assert client.submit(STAFF + "new/", json=True, **fields).status_code == 422
    assert len(session.scalars(select(Staff)).all()) == before


def test_changing_disabling_and_enabling(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    target = factories.make_staff(Role.SUPERVISOR)
    theirs = new_client()
    sign_in(theirs, staff=target)
    sign_in(client, "admin")
    page = f"{STAFF}{target.id}/"
    fields: dict[str, Any] = {"name": "Novo ime", "email": "novo@example.test", "role": "supervisor"}
    assert client.submit(page, **fields).status_code == 303
    assert data_of(theirs.get_json(PROFILE))["name"] == "Novo ime"
    assert client.submit(page, **fields | {"role": "agent"}).status_code == 303
    assert theirs.get_json(PROFILE).status_code == 401, "a new role signs out"
    sign_in(theirs, staff=target)
    assert client.submit(page + "disable").status_code == 303
    assert theirs.get_json(PROFILE).status_code == 401
    assert theirs.submit("/login", email="novo@example.test", password=factories.PASSWORD).status_code == 422
    assert data_of(client.submit(page + "enable", json=True))["staff"]["active"] is True
    assert theirs.submit("/login", email="novo@example.test", password=factories.PASSWORD).status_code == 303
    assert client.submit(page + "sign-out").status_code == 303
    assert theirs.get_json(PROFILE).status_code == 401
    actions = [entry.action for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert actions.count("staff.changed") == 4
    assert "staff.sessions_revoked" in actions


def test_resetting_a_password_and_a_lost_telephone(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    target = factories.make_staff()
    switch_totp_on(target)
    sign_in(client, "admin")
    page = f"{STAFF}{target.id}/"
    password = data_of(client.submit(page + "password", json=True))["password"]
    assert client.submit(page + "second-step-off").status_code == 303
    theirs = new_client()
    answer = theirs.submit("/login", json=True, email=target.email, password=password)
    assert answer.json == {"signed_in": False, "needs": "new_password"}
    assert theirs.submit("/login", email=target.email, password=factories.PASSWORD).status_code == 422
    assert password not in audit_text()


def test_an_admin_keeps_their_own_role(client: ConsoleClient, session: Session) -> None:
    admin = sign_in(client, "admin")
    factories.make_staff(Role.ADMIN)
    page = f"{STAFF}{admin.id}/"
    assert client.submit(page + "disable", json=True).status_code == 409
    refused = client.submit(page, name=admin.name, email=admin.email, role="agent")
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert client.submit(page, name="Drugo ime", email=admin.email, role="admin").status_code == 303
    session.expire_all()
    assert (admin.role, admin.active, admin.name) == (Role.ADMIN, True, "Drugo ime")


@pytest.mark.parametrize("path", ["999999/", "0/", "99999999999999999999/", "-1/", "x/"])
def test_an_account_that_is_not_there(client: ConsoleClient, session: Session, path: str) -> None:
    sign_in(client, "admin")
    assert client.get(STAFF + path).status_code == 404
    for deed in ("disable", "password", "second-step-off", "sign-out"):
        assert client.submit(f"{STAFF}{path}{deed}").status_code == 404


def test_on_the_portals_pages_the_customers_choice_is_meant(client: ConsoleClient, session: Session) -> None:
    staff = sign_in(client)
    person = factories.make_person()
    lasts = timedelta(hours=1)
    with transaction():
        row = PersonSession(person=person)
        token = open_session(session, row, now=clock.now(), lasts=lasts, address=None, user_agent=None)
    with client.session_transaction() as cookie:
        cookie["person"] = token
    theirs = person.language
    other = "en" if theirs != "en" else "sr_Latn"
    assert client.submit("/preferences", language=other, next="/moj/").location == "/moj/"
    session.expire_all()
    assert (person.language, staff.language) == (other, None)


@pytest.mark.only("sqlite")
def test_of_two_who_change_an_account_at_once_the_second_is_told(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    other, staff = new_client(), factories.make_staff(name="Prvo Ime")
    path = f"{STAFF}{staff.id}/"
    for one in (client, other):
        sign_in(one, Role.ADMIN)
    first, second = (_seen(one.get(path).text) for one in (client, other))
    fields = {"name": "Drugo Ime", "email": staff.email, "role": "billing"}
    assert client.submit(path, **fields, seen=first).status_code == 303
    wrong = other.submit(path, **fields | {"name": ""}, seen=second)
    assert wrong.status_code == 422 and _seen(wrong.text) == second  # a mistake is no look at theirs
    answer = other.submit(path, **fields | {"name": "Treće Ime", "role": "agent"}, seen=second)
    assert answer.status_code == 409 and "Treće Ime" in answer.text
    session.expire_all()
    assert (staff.name, staff.role) == ("Drugo Ime", Role.BILLING)
    assert other.submit(path, **fields | {"name": "Treće Ime"}, seen=_seen(answer.text)).status_code == 303


def _seen(page: str) -> str:
    return re.search(r'name="seen"[^>]*value="([0-9a-f]+)"', page)[1]
