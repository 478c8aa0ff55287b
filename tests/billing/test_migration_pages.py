"""The pages of a migration's way: for staff, for both customers, and by the link in the new owner's mail."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing import migration as migrate
from console.billing.migration import registry
from console.billing.migration.batches import service as batches
from console.billing.migration.batches import work
from console.billing.migration.models import BatchState, ItemState, MigrationBatchItem, TaskKind
from console.billing.models import MigrationState
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import TaxStatus
from console.hosting.models import Service
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.billing.test_migration_way import link_of, new_owner, sent
from tests.conftest import Clock
from tests.factories.migrations import Move, make_move
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

ENGLISH = {"Accept-Language": "en"}
ENGLISH_JSON = ENGLISH | {"Accept": "application/json"}
MOST = 8
Reader = Callable[..., None]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, migration_acceptance=True)


@pytest.fixture
def move(session: Session) -> Move:
    return make_move()


def billing(client: ConsoleClient, move: Move, session: Session) -> None:
    sign_in(client, staff=session.get_one(Staff, move.billing.id))


def test_by_the_link_what_comes_is_shown_and_accepted(client: ConsoleClient, move: Move) -> None:
    move.request()
    address = f"/moj/transfer/{link_of(sent('migration_offer')[0])}"
    page = client.get(address, headers=ENGLISH)
    assert page.status_code == 200
    assert "11,880.00" in page.text.replace("\xa0", " ") or "11.880,00" in page.text
    assert move.old.name not in page.text and move.old.number not in page.text
    offer = client.get_json(address).get_json()
    assert offer["totals"] == {"RSD": 1_188_000}
    assert client.submit(address, json=True, terms="x").get_json()["error"]["code"] == "stale_plan"
    answer = client.submit(address, json=True, terms=offer["terms"]).get_json()
    assert answer == {"migration": {"ref": move.ref, "state": "accepted"}}
    assert client.get(address).status_code == 404


def test_by_the_link_it_is_declined_with_a_reason(client: ConsoleClient, move: Move) -> None:
    move.request()
    address = f"/moj/transfer/{link_of(sent('migration_offer')[0])}/decline"
    page = client.submit(address, headers=ENGLISH)
    assert page.status_code == 422 and "Enter the reason why you decline." in page.text
    assert client.submit(address, reason="Ne poznajem ga").status_code == 200
    assert move.migration().state is MigrationState.REJECTED


def test_in_the_portal_each_side_reads_its_own(
    app: Flask, client: ConsoleClient, new_client: Callable[[], ConsoleClient], move: Move
) -> None:
    move.request()
    address = f"/moj/migrations/{move.ref}"
    sign_in_person(client, new_owner(move).person.email)
    page = client.get(address, headers=ENGLISH)
    assert "Accept the transfer" in page.text and move.old.name not in page.text and move.old.number not in page.text
    with count_queries(app) as queries:
        client.get(address)
    assert len(queries) <= MOST, queries  # as the page of an outgoing one: a preview is worked out
    old = new_client()
    sign_in_person(old, factories.owner_of(move.old).person.email)
    assert "Accept the transfer" not in old.get(address, headers=ENGLISH).text
    assert old.submit(f"{address}/accept", json=True).status_code == 409
    answer = client.submit(f"{address}/accept", json=True).get_json()
    assert (answer["migration"]["state"], answer["migration"]["waits_for_you"]) == ("accepted", False)
    assert "The new owner has accepted." in old.get(address, headers=ENGLISH).text
    assert (
        client.submit(f"{address}/decline", json=True, reason="Ipak ne").get_json()["migration"]["state"] == "rejected"
    )
    assert "Ipak ne" in old.get(address, headers=ENGLISH).text


def test_the_story_says_what_is_next_and_who_does_it(client: ConsoleClient, move: Move, session: Session) -> None:
    move.request()
    billing(client, move, session)
    address = f"/console/migrations/{move.ref}"
    page = client.get(address, headers=ENGLISH).text
    assert "accepts or declines it" in page and f'action="{address}/approve"' not in page
    assert "waiting for the new owner" in page
    assert client.submit(f"{address}/ask", json=True).status_code == 200
    with transaction():
        migrate.accept_by_link(link_of(sent("migration_offer")[1]), None)
    page = client.get(address, headers=ENGLISH).text
    assert "checks the preview, then approves" in page and f'action="{address}/approve"' in page
    move.approve()
    assert "executes it now or chooses a day" in client.get(address, headers=ENGLISH).text
    day = factories.today() + timedelta(days=5)
    page = client.get(f"{address}?on={day}", headers=ENGLISH).text
    assert f'action="{address}/schedule"' in page and f'name="on" value="{day}"' in page
    preview = client.get_json(f"{address}/preview?on={day}").get_json()
    fields = {"plan": preview["plan"], "on": day.isoformat(), "idempotency_key": uuid4().hex}
    answer = client.submit(f"{address}/schedule", json=True, **fields)
    assert answer.status_code == 200 and answer.get_json()["migration"]["scheduled_for"].startswith(day.isoformat())
    assert "if the preview still holds" in client.get(address, headers=ENGLISH).text
    assert client.submit(f"{address}/schedule", json=True, **fields | {"on": "2020-01-01"}).status_code == 409
    assert client.submit(f"{address}/unschedule", json=True).status_code == 200
    move.execute()
    page = client.get(address, headers=ENGLISH).text
    assert "At the registry (RNIDS)" in page and "Reverse it" in page


class TestStatements:
    """Its page, for each who reads it, in each state: with a service left behind, and PDV that changes."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, migration_four_eyes=True)

    @pytest.fixture
    def move(self, session: Session) -> Move:
        return make_move(new=factories.make_customer(tax_status=TaxStatus.EXEMPT))

    @pytest.fixture
    def read(self, app: Flask, new_client: Callable[[], ConsoleClient], move: Move, session: Session) -> Reader:
        """Return what reads the page as each of them and counts."""
        supervisor = factories.make_staff(Role.SUPERVISOR)
        clients = {staff_id: new_client() for staff_id in (move.agent.id, move.billing.id, supervisor.id)}
        for staff_id, client in clients.items():
            sign_in(client, staff=session.get_one(Staff, staff_id))

        def read(ref: str, says: str, query: str = "") -> None:
            for client in clients.values():
                with count_queries(app) as queries:
                    page = client.get(f"/console/migrations/{ref}{query}", headers=ENGLISH)
                assert len(queries) <= MOST, (says, queries)
            assert says in page.text, "the supervisor's, who sees all of it"

        return read

    @pytest.mark.both
    def test_eight_at_most(self, move: Move, session: Session, read: Reader) -> None:
        stays = factories.make_service(move.old, hosted_with=move.services[0])
        move.request(leave=(stays.id,))
        read(move.ref, "waiting for the new owner")
        with transaction():
            migrate.accept_by_link(link_of(sent("migration_offer")[0]), None)
        read(move.ref, "checks the preview, then approves")
        move.approve()
        read(move.ref, "PDV changes")
        day = factories.today() + timedelta(days=5)
        read(move.ref, "PDV changes", f"?on={day}")
        move.billing = factories.actor_of(factories.make_staff(Role.BILLING))  # four eyes
        with transaction():
            digest = migrate.plan_for(move.migration(), day).digest
            migrate.schedule(move.billing, move.ref, digest, day, uuid4().hex, lose_exemption=True)
        read(move.ref, "if the preview still holds")
        with transaction():
            migrate.unschedule(move.billing, move.ref)
        move.execute()
        read(move.ref, "At the registry (RNIDS)")
        verification = factories.make_verification(session.get_one(Staff, move.agent.id), new_owner(move))
        back = replace(move, old=move.new, new=move.old, verification_id=verification.id)
        back.request(reverses=move.ref, services=(), to_customer="")
        read(move.ref, "Its reversal is under way")
        read(back.ref, "as it was on")


def test_tasks_are_ticked_on_the_page_and_listed_when_late(
    app: Flask, client: ConsoleClient, move: Move, session: Session
) -> None:
    move.request()
    with transaction():
        migrate.accept_by_link(link_of(sent("migration_offer")[0]), None)
    move.approve()
    move.execute()
    first = registry.tasks_of(move.migration())[0]
    sign_in(client, staff=session.get_one(Staff, move.agent.id))
    address = f"/console/migrations/{move.ref}"
    task = client.submit(f"{address}/tasks/{first.id}", json=True, note="Pasoš").get_json()["task"]
    assert (task["kind"], task["note"], task["done_by"]) == ("identify_old", "Pasoš", move.agent.name)
    assert client.submit(f"{address}/tasks/{first.id}", json=True).status_code == 409
    assert client.submit(f"{address}/tasks/99999", json=True).status_code == 404
    assert client.submit(f"{address}/tasks/{first.id}/undo", json=True).get_json()["task"]["done_at"] is None
    with transaction():
        for one in registry.tasks_of(move.migration()):
            one.due_on = factories.today() - timedelta(days=1)
    page = client.get("/console/migrations/", headers=ENGLISH).text
    assert "Overdue at the registry" in page and "Identify the present registrant" in page
    items = client.get_json("/console/migrations/registry").get_json()["items"]
    assert [one["kind"] for one in items] == [kind.value for kind in TaskKind]
    assert {one["domain"] for one in items} == {first.domain.name}, "its account is open for this agent"
    with count_queries(app) as queries:
        client.get("/console/migrations/")
    assert len(queries) <= MOST, queries


def test_a_domain_at_the_registry_is_named_to_who_may_read_it(client: ConsoleClient, move: Move) -> None:
    """As on the migration's own page: not to an agent for whom its account is closed."""
    move.request()
    with transaction():
        migrate.accept_by_link(link_of(sent("migration_offer")[0]), None)
    move.approve()
    move.execute()
    with transaction():
        for one in registry.tasks_of(move.migration()):
            one.due_on = factories.today() - timedelta(days=1)
    domain = registry.tasks_of(move.migration())[0].domain.name
    for role, reads in ((Role.AGENT, False), (Role.BILLING, True)):
        sign_in(client, role)
        for address in ("/console/migrations/", "/console/migrations/registry"):
            assert (domain in client.get(address).text) is reads, (role, address)
        items = client.get_json("/console/migrations/registry").get_json()["items"]
        assert {one["domain"] for one in items} == {domain if reads else None}


EXPIRED = {
    "not_accepted": (
        "The new owner did not accept it in time.",
        "The new owner did not accept the transfer in time",
        "Novi vlasnik nije na vreme prihvatio prenos",
    ),
    "not_approved": (
        "Billing did not approve it in time.",
        "We did not approve the request in time",
        "Nismo na vreme odobrili zahtev",
    ),
    "not_executed": (
        "It was approved but not executed in time.",
        "approved but not carried out in time",
        "Prenos je odobren, ali nije na vreme izvršen",
    ),
    "not_possible": (
        "It could not be executed on the scheduled day. The person who scheduled it may no longer decide",
        "The transfer could not be carried out on the planned day, and the request has expired since.",
        "Prenos nije mogao da se izvrši planiranog dana",
    ),
}


@pytest.mark.parametrize("why", EXPIRED)
def test_an_expired_migration_says_why(
    client: ConsoleClient, move: Move, session: Session, clock: Clock, why: str
) -> None:
    move.request()
    if why != "not_accepted":
        with transaction():
            migrate.accept_by_link(link_of(sent("migration_offer")[0]), None)
    if why in ("not_executed", "not_possible"):
        move.approve()
    if why == "not_possible":
        on = factories.today() + timedelta(days=1)
        digest = migrate.plan_for(move.migration(), on).digest
        with transaction():
            migrate.schedule(move.billing, move.ref, digest, on, uuid4().hex, lose_exemption=True)
            session.get_one(Staff, move.billing.id).active = False
        clock.advance(timedelta(days=1, hours=12))
        assert migrate.execute_due() == 0
    clock.advance(timedelta(days=90))
    with transaction():
        migrate.expire_due()
    staff_says, customer_reads, customer_is_told = EXPIRED[why]
    texts = {mail.customer_id: mail.text for mail in sent("migration_update")}
    assert customer_is_told in texts[move.old.id]
    if why == "not_accepted":
        assert "Niste na vreme prihvatili prenos" in texts[move.new.id]
    else:
        assert customer_is_told in texts[move.new.id]
    sign_in(client, Role.BILLING)
    address = f"/console/migrations/{move.ref}"
    assert staff_says in client.get(address, headers=ENGLISH).text
    assert client.get_json(address).get_json()["migration"]["expiry_reason"] == why
    (row,) = client.get_json("/console/migrations/").get_json()["items"]
    assert row["expiry_reason"] == why
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "migration.expired")).one()
    assert entry.data["why"] == why
    sign_in_person(client, factories.owner_of(move.old).person.email)
    here = f"/moj/migrations/{move.ref}"
    assert customer_reads in client.get(here, headers=ENGLISH).text
    (line,) = client.get_json("/moj/migrations/").get_json()["items"]
    assert line["expiry_reason"] == why


def test_a_reversal_is_asked_for_on_its_page(client: ConsoleClient, move: Move, session: Session) -> None:
    move.request()
    with transaction():
        migrate.accept_by_link(link_of(sent("migration_offer")[0]), None)
    move.approve()
    move.execute()
    agent = session.get_one(Staff, move.agent.id)
    sign_in(client, staff=agent)
    address = f"/console/migrations/new?customer={move.new.number}&reverses={move.ref}"
    assert "No one from this account is verified" in client.get(address, headers=ENGLISH).text
    verification = factories.make_verification(agent, new_owner(move))
    page = client.get(address, headers=ENGLISH).text
    assert f"Reverse migration {move.ref}" in page and f'name="reverses" value="{move.ref}"' in page
    fields = {"verification": verification.id, "reason": "Greška", "idempotency_key": uuid4().hex, "reverses": move.ref}
    answer = client.submit("/console/migrations/new", json=True, **fields).get_json()
    ref = answer["migration"]["ref"]
    assert ref in client.get(f"/console/migrations/{move.ref}", headers=ENGLISH).text
    assert client.get_json(f"/console/migrations/{ref}").get_json()["migration"]["reverses"] == move.ref


def test_a_file_is_uploaded_checked_started_and_its_results_read(
    app: Flask, client: ConsoleClient, move: Move, session: Session
) -> None:
    billing(client, move, session)
    content = f"service,new_owner\n{move.services[0].number},{move.new.number}\nU-99999,=cmd()\n".encode()
    address = "/console/migrations/many"
    upload = {"file": (io.BytesIO(content), "prodaja.csv")}
    page = client.submit(address, headers=ENGLISH, **upload)
    assert page.status_code == 422 and "Enter the authority for this" in page.text
    upload = {"file": (io.BytesIO(content), "prodaja.csv")}
    batch = client.submit(address, json=True, authority="Nalog 12/2026", **upload).get_json()["batch"]
    assert (batch["state"], batch["rows"]) == ("checking", 2)
    here = f"{address}/{batch['id']}"
    assert 'hx-trigger="every 2s"' in client.get(here).text
    assert client.submit(f"{here}/start", json=True).status_code == 409
    work.work_due()
    answer = client.get_json(here).get_json()
    assert [item["state"] for item in answer["items"]] == ["ready", "refused"]
    assert answer["items"][0]["effect"]["issue"] == 2
    with count_queries(app) as queries:
        page = client.get(here, headers=ENGLISH)
    assert "will move" in page.text and len(queries) <= MOST, queries
    assert client.submit(f"{here}/start", json=True).get_json()["batch"]["state"] == "running"
    work.work_due()
    assert client.get_json(f"{here}/progress").get_json()["batch"]["counts"]["done"] == 1
    result = client.get(f"{here}/result.csv", headers=ENGLISH).text.splitlines()
    assert result[1].split(",")[3] == "done" and "M-0001" in result[1]
    assert "'=cmd()" in result[2], "no spreadsheet runs it"
    assert session.get_one(Service, move.service_ids[0]).customer_id == move.new.id


def test_the_page_says_that_who_started_a_batch_may_no_longer(
    client: ConsoleClient, move: Move, session: Session
) -> None:
    billing(client, move, session)
    starter = factories.make_staff(Role.BILLING)
    content = f"service,new_owner\n{move.services[0].number},{move.new.number}\n".encode()
    with transaction():
        batch = batches.create_from_file(starter.actor(), "prodaja.csv", content, "Nalog 4")
    work.work_due()
    with transaction():
        batches.start(starter.actor(), batch.id)
        starter.active = False
    work.work_due()
    here = f"/console/migrations/many/{batch.id}/progress"
    page = client.get(here, headers=ENGLISH).text
    gone = "The person who started this may no longer move services."
    assert gone in page and "Continue" in page
    stopped = client.get(here, headers=ENGLISH_JSON).get_json()["batch"]["stopped"]
    assert (stopped["code"], stopped["reason"]) == ("starter_gone", gone)


def test_a_batch_says_that_a_person_stopped_it(client: ConsoleClient, move: Move, session: Session) -> None:
    """Also where the one who started it has left since: that is not why it stopped."""
    billing(client, move, session)
    starter = factories.make_staff(Role.BILLING)
    content = f"service,new_owner\n{move.services[0].number},{move.new.number}\n".encode()
    with transaction():
        batch = batches.create_from_file(starter.actor(), "prodaja.csv", content, "Nalog 5")
    work.work_due()
    here = f"/console/migrations/many/{batch.id}"
    assert client.get_json(here).get_json()["batch"]["stopped"] is None
    with transaction():
        batches.start(starter.actor(), batch.id)
    client.submit(f"{here}/stop", json=True)
    with transaction():
        starter.active = False
    name = session.get_one(Staff, move.billing.id).name
    assert f"Stopped by {name}." in client.get(here, headers=ENGLISH).text
    stopped = client.get(here, headers=ENGLISH_JSON).get_json()["batch"]["stopped"]
    assert (stopped["code"], stopped["by"]) == ("by_person", name)
    assert stopped["reason"] == f"Stopped by {name}."


def test_the_list_of_batches_takes_as_many_statements_however_many_have_stopped(
    app: Flask, client: ConsoleClient, session: Session
) -> None:
    staff = sign_in(client, Role.BILLING)
    here, customer = "/console/migrations/many", factories.make_customer()

    def stop_another(number: int) -> None:
        service = factories.make_service(customer)
        content = f"service,new_owner\n{service.number},{factories.make_customer().number}\n".encode()
        with transaction():
            batch = batches.create_from_file(staff.actor(), f"{number}.csv", content, "Nalog 6")
            batch.state = BatchState.CHECKED
        for verb in (batches.start, batches.stop, batches.start, batches.stop):
            with transaction():
                verb(staff.actor(), batch.id)

    def read() -> tuple[int, list[dict[str, Any]]]:
        with count_queries(app) as seen:
            items = client.get_json(here).get_json()["items"]
        return seen.count, items

    stop_another(0)
    read()  # what a first answer alone looks up
    once, _items = read()
    for number in range(1, 10):
        stop_another(number)
    many, items = read()
    assert [item["name"] for item in items] == [f"{number}.csv" for number in range(9, -1, -1)]
    assert {(item["stopped"]["by"], item["counts"]["new"]) for item in items} == {(staff.name, 1)}
    assert many == once


@pytest.mark.parametrize("code", ["fault", "conflict"])
def test_a_row_that_failed_says_so(client: ConsoleClient, move: Move, session: Session, code: str) -> None:
    """Also one that was refused for what is no rule of migrations."""
    billing(client, move, session)
    content = f"service,new_owner\n{move.services[0].number},{move.new.number}\n".encode()
    with transaction():
        batch = batches.create_from_file(move.billing, "prodaja.csv", content, "Nalog 6")
        session.execute(update(MigrationBatchItem).values(state=ItemState.REFUSED, code=code))
    here = f"/console/migrations/many/{batch.id}"
    (row,) = client.get(here, headers=ENGLISH_JSON).get_json()["items"]
    assert "Unexpected error" in row["reason"]
    assert "Unexpected error" in client.get(f"{here}/result.csv", headers=ENGLISH).text


def test_services_chosen_on_the_accounts_page(client: ConsoleClient, move: Move, session: Session) -> None:
    billing(client, move, session)
    staff = session.get_one(Staff, move.billing.id)
    here = f"/console/migrations/many/chosen?customer={move.old.number}&service={move.services[0].id}"
    assert "No one from this account is verified" in client.get(here, headers=ENGLISH).text
    factories.make_verification(staff, factories.owner_of(move.old))
    assert move.services[0].number in client.get(here, headers=ENGLISH).text
    page = client.get(f"/console/customers/{move.old.number}", headers=ENGLISH).text
    assert 'formaction="/console/migrations/many/chosen"' in page
    fields = {"customer": move.old.number, "service": move.services[0].id, "authority": "Nalog 3"}
    wrong = client.submit("/console/migrations/many/chosen", json=True, **fields | {"to_customer": ""})
    assert wrong.status_code == 422
    answer = client.submit("/console/migrations/many/chosen", json=True, **fields | {"to_customer": move.new.number})
    assert answer.status_code == 201, answer.text


def test_only_billing_moves_many(client: ConsoleClient, move: Move) -> None:
    sign_in(client, Role.SUPERVISOR)
    assert client.get("/console/migrations/many").status_code == 404
    assert "Bulk migrations" not in client.get("/console/migrations/", headers=ENGLISH).text
