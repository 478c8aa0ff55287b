"""Migrations over HTTP: the main job from request to execution, and every way around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.models import Migration, Proforma
from console.core.transaction import transaction
from console.customers.models import Customer, MemberRole, TaxStatus, VerificationKind
from console.customers.rights import Right
from console.hosting.models import Service
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.factories import LineSpec
from tests.factories.migrations import Move, make_move
from tests.support.client import ConsoleClient, sign_in

NewClient = Callable[[], ConsoleClient]


def signed_in(client: ConsoleClient, staff_id: int, session: Session) -> ConsoleClient:
    sign_in(client, staff=session.get_one(Staff, staff_id))
    return client


@pytest.fixture
def move(session: Session) -> Move:
    return make_move()


@pytest.fixture
def agent(client: ConsoleClient, move: Move, session: Session) -> ConsoleClient:
    return signed_in(client, move.agent.id or 0, session)


@pytest.fixture
def billing(new_client: NewClient, move: Move, session: Session) -> ConsoleClient:
    return signed_in(new_client(), move.billing.id or 0, session)


def request_fields(move: Move, **changes: Any) -> dict[str, Any]:
    return {
        "service": list(move.service_ids),
        "to_customer": move.target,
        "verification": move.verification_id,
        "reason": "Prodaja sajta",
        "idempotency_key": uuid4().hex,
    } | changes


def migrations(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count(Migration.id))) or 0


@pytest.mark.both
def test_the_main_job_by_script(agent: ConsoleClient, billing: ConsoleClient, move: Move, session: Session) -> None:
    answer = agent.submit("/console/migrations/new", json=True, **request_fields(move))
    assert answer.status_code == 201
    ref = answer.get_json()["migration"]["ref"]

    preview = billing.get_json(f"/console/migrations/{ref}/preview").get_json()
    assert [row["number"] for row in preview["cancel"]]
    assert {row["customer"] for row in preview["issue"]} == {move.old.number, move.new.number}

    fields = {"plan": preview["plan"], "idempotency_key": "a"}
    approved = billing.submit(f"/console/migrations/{ref}/approve", json=True, **fields).get_json()
    assert approved["migration"] == {"ref": ref, "state": "approved"}
    executed = billing.submit(f"/console/migrations/{ref}/execute", json=True, **fields)
    assert executed.status_code == 200
    done = executed.get_json()
    assert [row["number"] for row in done["cancelled"]] == [row["number"] for row in preview["cancel"]]
    assert [(row["customer"], row["total"], row["due_on"]) for row in done["issued"]] == [
        (row["customer"], row["total"], row["due_on"]) for row in preview["issue"]
    ]
    assert session.get_one(Service, move.service_ids[0]).customer_id == move.new.id

    again = billing.submit(f"/console/migrations/{ref}/execute", json=True, **fields)
    assert again.get_json() == done
    other_body = billing.submit(f"/console/migrations/{ref}/execute", json=True, **fields | {"plan": "f" * 64})
    assert (other_body.status_code, other_body.get_json()["error"]["code"]) == (409, "conflict")
    other_key = billing.submit(f"/console/migrations/{ref}/execute", json=True, **fields | {"idempotency_key": "b"})
    assert (other_key.status_code, other_key.get_json()["error"]["code"]) == (409, "wrong_state")


@pytest.mark.both
def test_the_main_job_by_pages(agent: ConsoleClient, billing: ConsoleClient, move: Move, session: Session) -> None:
    service = session.get_one(Service, move.service_ids[0])
    page = agent.get(f"/console/migrations/new?customer={move.old.number}&service={service.id}")
    assert service.label in page.text
    answer = agent.submit("/console/migrations/new", **request_fields(move))
    assert answer.status_code == 303
    story = answer.headers["Location"]
    (source,) = session.scalars(select(Proforma).where(Proforma.customer_id == move.old.id))
    assert source.number not in agent.get(story).text, "documents are billing's"
    page = billing.get(story)
    assert source.number in page.text
    move.ref = story.rsplit("/", 1)[1]
    fields = {"plan": move.digest(), "idempotency_key": "k"}
    assert billing.submit(f"{story}/approve", **fields).status_code == 303
    assert billing.submit(f"{story}/execute", **fields).status_code == 303
    page = billing.get(story)
    for number in session.scalars(select(Proforma.number).where(Proforma.migration_id.is_not(None))):
        assert number in page.text


def test_without_a_verification_no_address_starts_one(new_client: NewClient, move: Move, session: Session) -> None:
    stranger = new_client()
    sign_in(stranger, Role.AGENT)
    page = stranger.get(f"/console/migrations/new?customer={move.old.number}")
    assert page.status_code == 200
    for value in (move.old.name, session.get_one(Service, move.service_ids[0]).label):
        assert value not in page.text
    for verification in (move.verification_id, 0, -1, 2**31 - 1, 2**40, "x", ""):
        for json in (True, False):
            answer = stranger.submit(
                "/console/migrations/new", json=json, **request_fields(move, verification=verification)
            )
            assert answer.status_code == 422
            assert "stack" not in answer.text.lower() or "Traceback" not in answer.text
    assert migrations(session) == 0


@pytest.mark.parametrize("who", ["no right", "override"])
def test_a_verification_that_gives_nothing_away_starts_none(
    new_client: NewClient, move: Move, session: Session, who: str
) -> None:
    role = Role.SUPERVISOR if who == "override" else Role.AGENT
    staff = factories.make_staff(role)
    if who == "override":
        member, kind = factories.owner_of(move.old), VerificationKind.OVERRIDE
    else:
        rights = [right for right in Right if right is not Right.TRANSFER]
        member, kind = factories.make_member(move.old, MemberRole.USER, rights=rights), VerificationKind.PIN
    verification = factories.make_verification(staff, member, kind=kind)
    key = verification.id
    client = new_client()
    sign_in(client, staff=staff)
    page = client.get(f"/console/migrations/new?customer={move.old.number}")
    assert 'name="to_customer"' not in page.text
    answer = client.submit("/console/migrations/new", json=True, **request_fields(move, verification=key))
    assert answer.status_code == 422
    assert answer.get_json()["error"]["code"] == ("unverified" if who == "override" else "no_right")
    assert migrations(session) == 0


def test_what_was_typed_is_kept(agent: ConsoleClient, move: Move) -> None:
    answer = agent.submit(
        "/console/migrations/new", **request_fields(move, to_customer="K-424242", reason="Poklon <b>sestri</b>")
    )
    assert answer.status_code == 422
    assert 'value="K-424242"' in answer.text
    assert "Poklon &lt;b&gt;sestri&lt;/b&gt;" in answer.text
    assert f'value="{move.service_ids[0]}" checked' in answer.text


def test_a_stale_preview_is_answered_409_with_a_fresh_one(billing: ConsoleClient, move: Move, session: Session) -> None:
    move.to_approved()
    digest = move.digest()
    with transaction():
        session.get_one(Customer, move.new.id).city = "Niš"
    fields = {"plan": digest, "idempotency_key": "k"}
    answer = billing.submit(f"/console/migrations/{move.ref}/execute", **fields)
    assert answer.status_code == 409
    assert digest not in answer.text
    assert move.digest() in answer.text
    script = billing.submit(f"/console/migrations/{move.ref}/execute", json=True, **fields)
    assert (script.status_code, script.get_json()["error"]["code"]) == (409, "stale_plan")


@pytest.mark.parametrize("action", ["approve", "execute", "reject"])
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
def test_nobody_but_billing_decides(new_client: NewClient, move: Move, role: Role, action: str) -> None:
    move.request()
    client = new_client()
    sign_in(client, role)
    fields = {"plan": move.digest(), "idempotency_key": "k", "reason": "Ne"}
    assert client.submit(f"/console/migrations/{move.ref}/{action}", **fields).status_code == 404


def test_without_a_token_nothing_happens(billing: ConsoleClient, move: Move, session: Session) -> None:
    move.to_approved()
    fields = {"plan": move.digest(), "idempotency_key": "k"}
    answer = billing.post(f"/console/migrations/{move.ref}/execute", data=fields)
    assert answer.status_code == 400
    session.rollback()
    assert move.migration().state.value == "approved"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"plan": ""},
        {"plan": "x", "idempotency_key": "k"},
        {"plan": "0" * 64},
        {"plan": "0" * 64, "idempotency_key": "k" * 500},
        {"plan": "0" * 64, "idempotency_key": "a\0b"},
    ],
)
def test_bad_input_is_refused_in_words(billing: ConsoleClient, move: Move, fields: dict[str, str]) -> None:
    move.to_approved()
    answer = billing.submit(f"/console/migrations/{move.ref}/execute", json=True, **fields)
    assert answer.status_code in (409, 422)
    assert answer.get_json()["error"]["message"]


@pytest.mark.parametrize("change", [{"service": ["x"]}, {"service": []}, {"service": [2**40]}, {"reason": " "},
                                    {"to_customer": "a" * 5000}, {"to_customer": "\0"}, {"reason": "\0"}])  # fmt: skip
def test_a_bad_request_is_refused_in_words(agent: ConsoleClient, move: Move, session: Session, change: Any) -> None:
    for json in (True, False):
        answer = agent.submit("/console/migrations/new", json=json, **request_fields(move, **change))
        assert answer.status_code == 422, answer.text[:300]
    assert migrations(session) == 0


def test_an_agent_may_withdraw_their_own(agent: ConsoleClient, move: Move, session: Session) -> None:
    move.request()
    assert agent.submit(f"/console/migrations/{move.ref}/withdraw", reason="").status_code == 422
    assert agent.submit(f"/console/migrations/{move.ref}/withdraw", reason="Odustao").status_code == 303
    session.rollback()
    assert move.migration().state.value == "withdrawn"


def test_a_preview_of_what_is_over_is_a_conflict(billing: ConsoleClient, move: Move) -> None:
    move.to_approved().execute()
    assert billing.get_json(f"/console/migrations/{move.ref}/preview").status_code == 409


def test_an_unknown_reference_is_404(billing: ConsoleClient, app: Flask) -> None:
    for ref in ("M-9999", "x", "M-99999999999"):
        assert billing.get(f"/console/migrations/{ref}").status_code == 404
        assert billing.get_json(f"/console/migrations/{ref}/preview").status_code == 404


@pytest.mark.only("sqlite")
def test_a_lost_exemption_is_told_and_confirmed(new_client: NewClient, session: Session) -> None:
    old = factories.make_customer(tax_status=TaxStatus.EXEMPT)
    services = [factories.make_service(old), factories.make_service(old)]
    document = factories.make_proforma(old, [LineSpec(service, 990_000) for service in services])
    move = make_move(old, services=services[:1])
    move.request()
    billing = signed_in(new_client(), move.billing.id or 0, session)
    address = f"/console/migrations/{move.ref}"
    preview = billing.get_json(f"{address}/preview").get_json()
    assert preview["loses_exemption"]
    (change,) = preview["tax_changes"]
    assert (change["document"], change["tax"]) == (document.number, {"before": 0, "after": 198_000})
    assert change["tax_status"] == {"before": "exempt", "after": "domestic"}
    assert [issue["total"] for issue in preview["issue"]] == [1_188_000, 990_000]

    page = billing.get(address, headers={"Accept-Language": "sr"}).text
    for text in ('name="lose_exemption"', "oslobođeni kupac → <b>domaći kupac</b>", "11.880,00"):
        assert text in page, text
    fields = {"plan": preview["plan"], "idempotency_key": "k"}
    answer = billing.submit(f"{address}/approve", json=True, **fields)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "exemption_lost")
    assert billing.submit(f"{address}/approve", **fields).status_code == 422
    assert billing.submit(f"{address}/approve", json=True, **fields, lose_exemption="y").status_code == 200
    assert billing.submit(f"{address}/execute", json=True, **fields).status_code == 422
    assert billing.submit(f"{address}/execute", json=True, **fields, lose_exemption="y").status_code == 200


@pytest.mark.only("sqlite")
def test_what_comes_along_or_stays_is_told(new_client: NewClient, session: Session) -> None:
    old = factories.make_customer()
    host = factories.make_service(old)
    domain, certificate = (factories.make_service(old, hosted_with=host) for _ in range(2))
    move = make_move(old, services=[host])
    agent = signed_in(new_client(), move.agent.id or 0, session)
    page = agent.get(f"/console/migrations/new?customer={old.number}&service={host.id}").text
    assert f'name="leave" value="{domain.id}"' in page
    answer = agent.submit(
        "/console/migrations/new", json=True, **request_fields(move, leave=[certificate.id])
    ).get_json()
    payload = answer["migration"]
    assert (payload["services"], payload["along"], payload["left_behind"]) == (
        [host.number, domain.number], [domain.number], [certificate.number],
    )  # fmt: skip
    story = agent.get(f"/console/migrations/{payload['ref']}", headers={"Accept-Language": "sr"}).text
    assert "prelazi zajedno" in story
    assert "veza se uklanja pri izvršenju" in story
    billing = signed_in(new_client(), move.billing.id or 0, session)
    preview = billing.get_json(f"/console/migrations/{payload['ref']}/preview").get_json()
    assert [row["along"] for row in preview["services"]] == [False, True]
    assert preview["cuts"] == [{"hosted": certificate.number, "host": host.number, "stays": certificate.number}]
    refused = agent.submit(
        "/console/migrations/new", **request_fields(move, to_customer="K-424242", leave=[certificate.id])
    )
    assert f'value="{certificate.id}" checked' in refused.text, "what was ticked is kept"


def test_why_is_read_by_role_or_while_the_account_is_open(
    agent: ConsoleClient, billing: ConsoleClient, new_client: NewClient, move: Move, session: Session
) -> None:
    """In the page, as JSON and in the lists; a colleague, and the agent afterwards, read none of it."""
    why, end = "Razvod braka, hitno", "Ugovor nije potpisan"
    made = agent.submit("/console/migrations/new", json=True, **request_fields(move, reason=why))
    ref = made.get_json()["migration"]["ref"]
    colleague = new_client()
    sign_in(colleague, Role.AGENT)
    supervisor = new_client()
    sign_in(supervisor, Role.SUPERVISOR)
    assert billing.submit(f"/console/migrations/{ref}/reject", reason=end).status_code == 303

    def read(client: ConsoleClient) -> set[str]:
        story, others = f"/console/migrations/{ref}", ("/console/migrations/", f"/console/palette/?search={ref}")
        found = [answer.text for path in (story, *others) for answer in (client.get(path), client.get_json(path))]
        payload = client.get_json(story).get_json()["migration"]
        assert {text for text in (payload["reason"], payload["end_reason"]) if text} == {
            text for text in (why, end) if text in found[0]
        }
        return {text for text in (why, end) if any(text in one for one in found)}

    assert read(agent) == read(billing) == read(supervisor) == {why, end}
    assert read(colleague) == set()
    assert agent.submit(f"/console/verify/{move.verification_id}/end").status_code in (200, 303)
    assert read(agent) == set()
    trail = " ".join(str(entry.data) for entry in session.scalars(select(AuditEntry)))
    assert why not in trail and end not in trail
