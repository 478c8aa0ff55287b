"""The report about chats: whose figures one sees, the same numbers on the page, in JSON and in files."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core.texts import in_language
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.views.reports.chats.labels import wait_label
from console.views.shared.export import BOM
from tests import factories
from tests.chat.past import answer, end, make_past
from tests.conftest import Clock
from tests.factories.chat import ask, monday, take
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

PATH = "/console/reports/chats/"
IN_ENGLISH, IN_SERBIAN = {"Accept-Language": "en"}, {"Accept-Language": "sr"}


@pytest.fixture
def scene(session: Session, clock: Clock) -> tuple[Staff, Staff]:
    """Last week one slow chat, this week two fast ones, one nobody answered, one at night."""
    mira, vuk = factories.make_staff(Role.AGENT), factories.make_staff(Role.AGENT)
    clock.set(monday(11) - timedelta(days=7))
    slow = ask()
    clock.advance(timedelta(minutes=5))
    answer(mira.actor(), take(mira.actor(), slow))
    clock.advance(timedelta(minutes=5))
    end(mira.actor(), slow, score=2)
    clock.set(monday(19) - timedelta(days=1))
    ask("Radite li nedeljom?")
    clock.set(monday(11))
    make_past(mira.actor(), score=5)
    quick = ask()
    clock.advance(timedelta(seconds=40))
    answer(vuk.actor(), take(vuk.actor(), quick))
    clock.advance(timedelta(minutes=3))
    end(vuk.actor(), quick)
    end(vuk.actor(), take(vuk.actor(), ask()))
    clock.set(monday(13))
    return mira, vuk


@pytest.mark.both
def test_a_supervisor_sees_all_agents(client: ConsoleClient, scene: tuple[Staff, Staff]) -> None:
    mira, vuk = scene
    sign_in(client, Role.SUPERVISOR)
    payload = client.get_json(PATH).json
    assert (payload["period"]["from"], payload["period"]["until"]) == ("2026-11-23", "2026-11-23")
    figures = payload["figures"]
    assert figures["begun"] == 3 and figures["outside_hours"] == 0
    assert figures["answered"] == {"of": 3, "answered": 2, "percent": 66.67}
    assert figures["unanswered"] == {"became_a_ticket": 0, "ended": 1}
    assert 0 <= figures["first_answer"]["median"] <= 60
    assert figures["satisfaction"] == {"ratings": 1, "average": 5, "content_percent": 100}
    assert 300 <= payload["before"]["figures"]["first_answer"]["median"] < 360  # the clock runs
    assert {one["id"]: one["begun"] for one in payload["by_agent"]} == {mira.id: 1, vuk.id: 2}
    assert payload["by_hour"]["11"] == 3 and sum(payload["by_hour"].values()) == 3
    assert [(one["answered"], one["unanswered"]) for one in payload["flow"]] == [(2, 1)]
    assert client.get_json(f"{PATH}?agent={vuk.id}").json["figures"]["begun"] == 2
    assert client.get_json(f"{PATH}?period=last_week").json["figures"]["outside_hours"] == 1


def test_an_agent_sees_their_own(client: ConsoleClient, scene: tuple[Staff, Staff]) -> None:
    mira, vuk = scene
    sign_in(client, staff=mira)
    payload = client.get_json(PATH).json
    assert payload["agent"] == mira.id and payload["figures"]["begun"] == 1 and payload.get("by_agent") is None
    for path in (PATH, f"{PATH}export/figures/"):
        assert client.get(f"{path}?agent={vuk.id}").status_code == 404
    assert client.get(f"{PATH}export/agents/").status_code == 404
    page = client.get(PATH, headers=IN_SERBIAN).text
    assert vuk.name not in page and "Moja statistika" in page
    assert client.get(f"{PATH}mine?period=last_week").headers["Location"] == f"{PATH}?period=last_week"


@pytest.mark.only("sqlite")
def test_it_explains_itself_in_both_languages(client: ConsoleClient, scene: tuple[Staff, Staff]) -> None:
    sign_in(client, Role.SUPERVISOR)
    english = ["67%", "1 ended unanswered", "1 visitor was not answered in chat", "faster than before (5 min)"]
    serbian = ["67 %", "1 završen bez odgovora", "1 posetilac nije dobio odgovor uživo", "brže nego ranije (5 min)"]
    for headers, texts in ((IN_ENGLISH, english), (IN_SERBIAN, serbian)):
        page = client.get(PATH, headers=headers).text
        assert page.count('<details class="how">') == 6
        for words in texts:
            assert words in page, words
    page = client.get(f"{PATH}?period=last_week", headers=IN_ENGLISH).text
    assert "and 1 question outside of opening hours" in page
    assert 'href="/console/reports/?period=last_week"' in page, "the other report is of the same period"
    assert client.get(f"{PATH}?from=abc").status_code == 422
    page = client.get(f"{PATH}?from=2024-11-01&until=2024-12-31", headers=IN_ENGLISH).text
    assert "Chats are kept for 24 months; older ones are not included." in page and "report-change muted" in page
    assert "Chats are kept for 24" not in client.get(PATH, headers=IN_ENGLISH).text


def test_times_are_not_told_shorter_than_they_were(app: Flask) -> None:
    with app.test_request_context(), in_language("en"):
        written = {seconds: wait_label(seconds) for seconds in (0, 0.2, 59, 60, 119, 599, 600, 601, 5_400, 90_000)}
    assert list(written.values()) == [
        "0 s", "1 s", "59 s", "1 min", "1 min 59 s", "9 min 59 s", "10 min", "11 min", "1 h 30 min", "25 h",
    ]  # fmt: skip
    assert wait_label(None) == "—"


@pytest.mark.only("sqlite")
def test_nothing_yet_and_nothing_lately(client: ConsoleClient, session: Session, clock: Clock) -> None:
    clock.set(monday(11))
    sign_in(client, Role.SUPERVISOR)
    page = client.get(PATH, headers=IN_ENGLISH).text
    assert "No chats yet" in page and "Set up live chat" in page
    make_past(factories.make_staff(Role.AGENT).actor())
    page = client.get(f"{PATH}?period=last_week", headers=IN_ENGLISH).text
    assert "No data for this period" in page and "No chats answered or missed" in page
    assert "Show last month" in page
    page = client.get(f"{PATH}?period=last_month", headers=IN_ENGLISH).text
    assert "No data for this period" in page and "Show last month" not in page
    sign_in(client, Role.AGENT)
    assert "Set up live chat" not in client.get(PATH, headers=IN_ENGLISH).text


@pytest.mark.only("sqlite")
def test_files(client: ConsoleClient, scene: tuple[Staff, Staff]) -> None:
    mira, vuk = scene
    with transaction() as session:
        session.get_one(Staff, vuk.id).name = '=HYPERLINK("http://evil")'
    sign_in(client, Role.SUPERVISOR)

    def read(table: str) -> list[list[str]]:
        answer = client.get(f"{PATH}export/{table}/", headers=IN_ENGLISH)
        assert answer.headers["Content-Disposition"] == (
            f"attachment; filename=chats-{table}-2026-11-23_2026-11-23.csv"
        )
        return list(csv.reader(io.StringIO(answer.text.removeprefix(BOM))))

    titles, now, before = read("figures")
    row = dict(zip(titles, now, strict=True))
    assert (row["Chats"], row["Answered in chat (%)"], row["Ended unanswered"]) == ("3", "66.67", "1")
    assert dict(zip(titles, before, strict=True))["Chats"] == "1"
    assert sorted(line[0] for line in read("agents")[1:]) == sorted(['\'=HYPERLINK("http://evil")', mira.name])
    assert ["11", "3"] in read("hours")[1:] and len(read("hours")) == 25
    assert read("flow")[1:] == [["2026-11-23", "2026-11-23", "2", "1"]]
    assert [line[1] for line in read("ratings")[1:]] == ["0", "0", "0", "0", "1"]
    assert sum(int(line[1]) for line in read("waits")[1:]) == 2
    assert client.get(f"{PATH}export/staff/").status_code == 404


@pytest.mark.both
def test_as_many_statements_with_more(app: Flask, client: ConsoleClient, scene: tuple[Staff, Staff]) -> None:
    mira, _vuk = scene
    sign_in(client, Role.SUPERVISOR)
    client.get(PATH)  # the hours are known from now on
    counts = []
    for _ in range(2):
        with count_queries(app) as sent:
            page = client.get(PATH)  # looks for the latest period with an answered chat
        assert page.status_code == 200 and "graph-bar" in page.text
        counts.append(sent.count)
        for _ in range(5):
            make_past(mira.actor())
    assert counts[0] == counts[1] <= 8, counts
