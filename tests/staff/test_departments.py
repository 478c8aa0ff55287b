"""Departments: opened and changed by who manages the desk; one always stays in use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console.core.actor import Actor
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.staff.departments import DepartmentData, add_department, change_department, members_of
from console.staff.models import Department
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in

DATA = DepartmentData(name_sr="Probni sto", name_en="Trial desk")
PATH = "/console/departments/"


@pytest.mark.both
def test_opened_and_changed(actor: Callable[[Role], Actor], session: Session) -> None:
    one, two = factories.make_staff(Role.AGENT), factories.make_staff(Role.AGENT)
    with transaction():
        department = add_department(actor(Role.SUPERVISOR), replace(DATA, members=(one.id,)))
    assert department.key == "trial-desk"
    with transaction():
        changed = replace(DATA, name_en="Help", private=True, members=(two.id,), position=99_999)
        change_department(actor(Role.SUPERVISOR), department.id, changed)
    assert (department.key, department.name_en, department.private) == ("trial-desk", "Help", True)
    assert department.position == 9_999
    assert members_of(department.id) == [two.id]


@pytest.mark.only("sqlite")
def test_refused(actor: Callable[[Role], Actor], session: Session) -> None:
    with transaction():
        department = add_department(actor(Role.SUPERVISOR), DATA)
    for wrong in (
        DATA,  # the key is taken
        replace(DATA, name_sr=" "),
        replace(DATA, name_en="a" * 81),
        replace(DATA, key="Čudan ključ"),
        replace(DATA, name_en="---"),
        replace(DATA, key="ok", members=(99_999,)),
    ):
        with pytest.raises(Invalid), transaction():
            add_department(actor(Role.SUPERVISOR), wrong)
    for role in (Role.AGENT, Role.BILLING):
        with pytest.raises(NotFound), transaction():
            add_department(actor(role), replace(DATA, key="drugo"))
        with pytest.raises(NotFound), transaction():
            change_department(actor(role), department.id, DATA)
    with transaction():
        session.execute(update(Department).where(Department.id != department.id).values(active=False))
    with pytest.raises(Conflict), transaction():
        change_department(actor(Role.SUPERVISOR), department.id, replace(DATA, active=False))
    with pytest.raises(NotFound), transaction():
        change_department(actor(Role.SUPERVISOR), 99_999, DATA)
    assert session.scalars(select(Department.name_sr).where(Department.active.is_(True))).all() == ["Probni sto"]


@pytest.mark.only("sqlite")
def test_by_its_form(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.SUPERVISOR)
    member = factories.make_staff(Role.AGENT, name="Član <b>")
    fields = {"name_sr": "Proba", "name_en": "Trial", "active": "y", "position": "2", "members": [str(member.id)]}
    assert client.submit(PATH + "new/", **fields).status_code == 303
    department = session.scalars(select(Department).where(Department.key == "trial")).one()
    assert (department.active, members_of(department.id)) == (True, [member.id])
    page = client.get(PATH + f"edit/?id={department.id}").text
    assert "Član &lt;b&gt;" in page and "Član <b>" not in page
    payload = client.get_json(PATH + f"edit/?id={department.id}").json["department"]
    assert payload["members"] == [member.id]
    answer = client.submit(PATH + f"edit/?id={department.id}", **fields | {"name_en": ""})
    assert answer.status_code == 422 and "Proba" in answer.text
    for wrong in ({"members": ["x"]}, {"members": ["99999"]}, {"position": "x"}, {"position": "-1"}):
        assert client.submit(PATH + f"edit/?id={department.id}", json=True, **fields | wrong).status_code == 422, wrong
    assert client.submit(PATH + f"edit/?id={department.id}", **fields | {"members": []}).status_code == 303
    assert members_of(department.id) == []
    assert "Proba" in client.get(PATH).text


@pytest.mark.only("sqlite")
def test_of_two_who_change_one_at_once_the_second_is_told(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    sign_in(client, Role.SUPERVISOR)
    other = new_client()
    sign_in(other, Role.ADMIN)
    with transaction():
        department = add_department(factories.actor_of(factories.make_staff(Role.ADMIN)), DATA)
    path = PATH + f"edit/?id={department.id}"
    first, second = (
        re.search(r'name="seen"[^>]*value="([0-9a-f]+)"', one.get(path).text)[1] for one in (client, other)
    )
    fields = {"name_sr": "Prvo", "name_en": "First", "active": "y"}
    assert client.submit(path, **fields, seen=first).status_code == 303
    answer = other.submit(path, **fields | {"name_sr": "Drugo"}, seen=second, headers={"Accept-Language": "en"})
    assert answer.status_code == 409 and "A colleague has changed this" in answer.text and "Drugo" in answer.text
    session.expire_all()
    assert department.name_sr == "Prvo"
    again = re.search(r'name="seen"[^>]*value="([0-9a-f]+)"', answer.text)[1]
    assert other.submit(path, **fields | {"name_sr": "Drugo"}, seen=again).status_code == 303
    session.expire_all()
    assert department.name_sr == "Drugo"
