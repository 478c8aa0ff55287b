"""The settings of the chat desk: rules, announcement, blocks, the line for a site; two at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.chat import queries
from console.chat.models import Assignment, ChatBlock, ChatSettings
from console.chat.service import blocking
from console.chat.service import settings as chat_settings
from console.core.actor import Actor
from console.core.transaction import transaction
from console.staff.roles import Role
from tests.factories.chat import ask, monday
from tests.support.client import ConsoleClient, sign_in

PAGE = "/console/chat-settings/"
ENGLISH = {"Accept-Language": "en"}
RULES = {
    "assignment": "push", "capacity": "3", "wait_minutes": "7", "notice_minutes": "20", "limit_minutes": "0",
    "grace_seconds": "60",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _lead(client: ConsoleClient, clock: Any) -> None:
    clock.set(monday(11))
    sign_in(client, Role.SUPERVISOR)


def row(session: Session) -> ChatSettings:
    session.expire_all()
    return queries.desk_settings()


def test_rules_are_changed_and_told(client: ConsoleClient, session: Session) -> None:
    revision = client.get_json(PAGE).json["revision"]
    saved = client.submit(PAGE, **RULES, revision=str(revision), headers=ENGLISH)
    assert (saved.status_code, saved.location) == (303, PAGE)
    assert "Rules saved." in client.get(PAGE, headers=ENGLISH).text
    now = row(session)
    assert now.assignment is Assignment.PUSH
    assert [getattr(now, name) for name in RULES if name != "assignment"] == [3, 7, 20, 0, 60]
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "chat.rules_changed")).one()
    assert entry.data["before"] == {
        "assignment": "pull", "capacity": "5", "wait_minutes": "5", "notice_minutes": "15", "limit_minutes": "30",
        "grace_seconds": "45",
    }  # fmt: skip
    payload = client.get_json(PAGE).json
    assert payload["assignment"] == "push" and payload["limit_minutes"] == 0 and payload["revision"] == revision + 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("capacity", "0", "Enter a number from 1 to 20."), ("capacity", "viel", "Enter a number from 1 to 20."),
     ("grace_seconds", "", "Enter a number from 15 to 600."),
     ("wait_minutes", "99999999999", "Enter a number from 1 to 60."), ("assignment", "magic", "Not a valid choice.")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_changes(
    client: ConsoleClient, session: Session, field: str, value: str, words: str
) -> None:
    fields = RULES | {field: value, "revision": "1"}
    answer = client.submit(PAGE, **fields, headers=ENGLISH)
    assert answer.status_code == 422 and words in answer.text
    assert 'value="20"' in answer.text  # what was typed stands there still
    assert list(client.submit(PAGE, **fields, json=True).json["error"]["fields"]) == [field]
    assert row(session).capacity == 5 and row(session).revision == 1


@pytest.mark.both
def test_two_at_once(client: ConsoleClient, session: Session, actor: Callable[[Role], Actor]) -> None:
    with transaction():
        chat_settings.announce(actor(Role.SUPERVISOR), "Radovi", "Works", None)
    announcement = {"announcement_sr": "Moje", "announcement_en": "Mine"}
    for path, fields in ((PAGE, RULES), (f"{PAGE}announcement", announcement)):
        answer = client.submit(path, **fields, revision="1", headers=ENGLISH)
        assert answer.status_code == 409
        assert "Someone else has changed these settings" in answer.text
        assert ('value="7"' if path == PAGE else "Moje") in answer.text
        assert 'name="revision" value="2"' in answer.text  # saved again, it is saved
    assert row(session).announcement_sr == "Radovi" and row(session).capacity == 5
    assert client.submit(PAGE, **RULES, revision="2").status_code == 303


def test_an_announcement_comes_and_goes(client: ConsoleClient, session: Session, clock: Any) -> None:
    path = f"{PAGE}announcement"
    words = {"announcement_sr": "Pošta kasni, <b>radimo</b> na tome.", "announcement_en": "Mail is late."}
    assert client.submit(path, **words, announced_until="2026-11-23T11:10", revision="1").status_code == 303
    assert client.get("/chat/state").json["announcement"] == {
        "sr": words["announcement_sr"], "en": words["announcement_en"], "until": "2026-11-23T11:10:00.000+01:00",
    }  # fmt: skip
    payload = client.get_json(PAGE).json["announcement"]
    assert payload["until"] == "2026-11-23T11:10:00+01:00" and payload["shown"]
    page = client.get(PAGE, headers=ENGLISH).text
    assert "shown now" in page and "&lt;b&gt;radimo" in page and 'value="2026-11-23T11:10"' in page
    clock.advance(timedelta(minutes=15))
    assert client.get("/chat/state").json["announcement"] is None
    assert "expired" in client.get(PAGE, headers=ENGLISH).text
    revision = str(row(session).revision)
    for fields, wrong in (
        ({"announcement_sr": "Samo srpski", "announcement_en": ""}, "announcement_en"),
        ({**words, "announcement_en": "x" * 301}, "announcement_en"),
        ({**words, "announced_until": "2026-11-23T11:00"}, "announced_until"),
        ({**words, "announced_until": "sutra"}, "announced_until"),
    ):
        answer = client.submit(path, **fields, revision=revision, json=True)
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [wrong]), fields
        html = client.submit(path, **fields, revision=revision).text
        assert fields["announcement_sr"].replace("<b>", "&lt;b&gt;").replace("</b>", "&lt;/b&gt;") in html
    assert client.submit(path, revision=revision).status_code == 303  # taken away
    assert row(session).announcement_sr == "" and row(session).announced_until is None
    assert "Remove announcement" not in client.get(PAGE, headers=ENGLISH).text


def test_a_block_is_lifted(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session, actor: Callable[[Role], Actor]
) -> None:
    assert "No blocked visitors" in client.get(PAGE, headers=ENGLISH).text
    chat = ask(email="zla@example.test")
    with transaction():
        key = blocking.block(actor(Role.SUPERVISOR), chat.number, "vređa", 7).id
    assert "zla@example.test" in client.get(PAGE).text
    (payload,) = client.get_json(PAGE).json["blocks"]
    assert payload["id"] == key and payload["until"] == "2026-11-30T11:00:00+01:00"
    agent = new_client()
    sign_in(agent, Role.AGENT)
    assert agent.submit(f"{PAGE}blocks/{key}/lift").status_code == 404
    assert client.submit(f"{PAGE}blocks/{key + 1}/lift").status_code == 404
    assert client.submit(f"{PAGE}blocks/{key}/lift").status_code == 303
    session.expire_all()
    assert session.get_one(ChatBlock, key).lifted_at is not None
    assert client.get_json(PAGE).json["blocks"] == []


def test_the_line_for_a_site(client: ConsoleClient) -> None:
    payload = client.get_json(PAGE).json
    assert payload["embed"].endswith('/chat/widget.js" defer></script>') and payload["color"].startswith("#")
    page = client.get(PAGE).text
    assert "/chat/widget.js&#34; defer&gt;&lt;/script&gt;" in page
    assert page.count("CONSOLE_ALLOWED_ORIGINS") == 1


def test_an_administrator_sets_them_too(new_client: Callable[[], ConsoleClient], session: Session) -> None:
    admin = new_client()
    sign_in(admin, Role.ADMIN)
    assert "/console/chat-settings/" in admin.get("/console/settings/").text
    revision = admin.get_json(PAGE).json["revision"]
    assert admin.submit(PAGE, **RULES, revision=str(revision)).status_code == 303
    words = {"announcement_sr": "Radovi", "announcement_en": "Works"}
    assert admin.submit(f"{PAGE}announcement", **words, revision=str(revision + 1)).status_code == 303
    assert row(session).capacity == 3 and row(session).announcement_sr == "Radovi"
