"""The page of opening hours: who edits, what is kept when it is refused, what is shown before it is saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Page
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.hours import queries
from console.hours.calendar import Interval, SpecialKind
from console.hours.models import HoursSpecial
from console.hours.service import SpecialData, add_special, set_week
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Priority
from console.views.hours.forms import read_clock
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")  # the verbs run on both in tests/hours
PAGE = "/console/hours/"
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # a Monday, noon in Belgrade
WEEK = [(day, "09:00", "17:00") for day in range(5)]


@pytest.fixture(autouse=True)
def _monday() -> None:
    core_clock.start_at(NOON)


@pytest.fixture
def boss(client: ConsoleClient) -> ConsoleClient:
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    sign_in(client, Role.SUPERVISOR)
    return client


def form(rows: list[tuple[Any, str, str]], **more: Any) -> dict[str, Any]:
    """Return what the page sends for these rows."""
    return {
        "weekday": [str(row[0]) for row in rows],
        "opens": [row[1] for row in rows],
        "closes": [row[2] for row in rows],
        "revision": str(queries.revision()),
        **more,
    }


def stored(session: Session) -> list[Interval]:
    session.rollback()
    return [row.interval() for row in queries.week()]


def outlook(text: str) -> str:
    """Return the calendar of the next weeks as it stands in a page."""
    return re.sub(r"\s+", " ", text.partition('class="hours-grid"')[2].partition("</section>")[0])


# --- reading


def test_everybody_reads_and_the_desk_does_not_edit(client: ConsoleClient, session: Session) -> None:
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    sign_in(client, Role.AGENT)
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Until 17:00, 5 h left." in page.text and "Open, 5 h left" in page.text
    assert 'name="opens"' not in page.text and 'id="special"' not in page.text
    assert client.submit(PAGE, **form([])).status_code == 404
    assert client.submit(PAGE + "specials", day="2026-12-24", reason="x").status_code == 404
    assert len(stored(session)) == 5
    assert client.get_json(PAGE).json["open"] is True


SIGNS = [
    (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), "Opens 09:00.", "Closed until 09:00"),
    (datetime(2026, 11, 23, 15, 59, 30, tzinfo=UTC), "Until 17:00, 1 min left.", "Open, 1 min left"),
    (datetime(2026, 11, 23, 16, 0, tzinfo=UTC), "Opens Tue 09:00.", "Closed until Tue 09:00"),
    (
        datetime(2026, 11, 28, 11, 0, tzinfo=UTC),
        "Closed on this day of the week. Opens Mon 09:00.",
        "Closed until Mon 09:00",
    ),
    (datetime(2027, 1, 7, 9, 0, tzinfo=UTC), "Orthodox Christmas Day. Opens Fri 09:00.", "Closed until Fri 09:00"),
    (datetime(2027, 4, 30, 9, 0, tzinfo=UTC), "Good Friday. Opens Wed 09:00.", "Closed until Wed 09:00"),
]


def test_open_or_closed_and_why(boss: ConsoleClient) -> None:
    for at, sentence, sign in SIGNS:
        core_clock.start_at(at)
        sign_in(boss, Role.SUPERVISOR)
        text = boss.get(PAGE).text
        assert sentence in text, sign
        assert f">{sign}<" in text, sign


def test_a_closure_says_its_reason_and_two_languages_their_names(client: ConsoleClient, session: Session) -> None:
    with transaction():
        add_special(SYSTEM, SpecialData(date(2026, 11, 23), SpecialKind.CLOSED, "Selidba <kancelarije>"))
        add_special(SYSTEM, SpecialData(date(2026, 12, 5), SpecialKind.OPEN, "Sajam", 600, 840))
    core_clock.start_at(datetime(2026, 12, 1, 11, tzinfo=UTC))
    sign_in(client, Role.ADMIN)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "sr"
    text = client.get(PAGE).text
    assert "Nova godina" in text and "New Year" not in text
    assert "Selidba &lt;kancelarije&gt;" in text and "Sajam" in text  # past and to come
    assert "10–14" in outlook(text)
    core_clock.start_at(datetime(2026, 11, 23, 11, 30, tzinfo=UTC))
    sign_in(client, Role.ADMIN)
    assert "Selidba &lt;kancelarije&gt;. Otvara se uto 09:00." in client.get(PAGE).text


def test_what_programs_are_answered(boss: ConsoleClient) -> None:
    answer = boss.get_json(PAGE).json
    assert answer["open"] and answer["until"] == "2026-11-23T17:00:00+01:00"
    assert answer["zone"] == "Europe/Belgrade" and answer["uncovered_year"] is None
    assert answer["week"] == [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(5)]
    assert len(answer["days"]) == 42 and answer["days"][0]["day"] == "2026-11-23"
    assert {"day": "2027-01-07", "name": "Orthodox Christmas Day"} in answer["holidays"]
    new_year = next(one for one in answer["days"] if one["day"] == "2027-01-01")
    assert new_year["hours"] == [] and new_year["holiday"] == "New Year's Day"
    core_clock.start_at(datetime(2026, 11, 28, 11, tzinfo=UTC))
    sign_in(boss, Role.SUPERVISOR)
    answer = boss.get_json(PAGE).json
    assert (answer["open"], answer["until"], answer["why"]) == (False, None, "day_off")
    assert answer["next_open"] == "2026-11-30T09:00:00+01:00"


def test_clock_changes_and_the_year_without_a_list(boss: ConsoleClient) -> None:
    core_clock.start_at(datetime(2026, 3, 10, 11, tzinfo=UTC))
    sign_in(boss, Role.SUPERVISOR)
    assert "clocks go forward 1 h" in outlook(boss.get(PAGE).text)
    core_clock.start_at(datetime(2026, 10, 10, 11, tzinfo=UTC))
    sign_in(boss, Role.SUPERVISOR)
    text = boss.get(PAGE).text
    assert "clocks go back 1 h" in outlook(text) and "no list of public holidays" not in text
    core_clock.start_at(datetime(2100, 6, 1, 11, tzinfo=UTC))
    sign_in(boss, Role.SUPERVISOR)
    assert "There is no list of public holidays for 2101 yet." in boss.get(PAGE).text
    assert boss.get_json(PAGE).json["uncovered_year"] == 2101
    sign_in(boss, Role.AGENT)
    assert "There is no list" not in boss.get(PAGE).text  # nothing an agent can do about


def test_other_pages_can_draw_it(own_app: Flask, client: ConsoleClient) -> None:
    """What the dashboard draws the hours and the warning with."""

    @own_app.get("/as-the-dashboard-does")
    def draw() -> str:
        return render_template_string(
            "{% import 'admin/shared/hours.html' as hours with context %}"
            "{{ hours.hours_now() }}{{ hours.hours_missing() }}"
        )

    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    sign_in(client, Role.SUPERVISOR)
    assert "Until 17:00" in client.get("/as-the-dashboard-does").text
    core_clock.start_at(datetime(2100, 6, 1, 11, tzinfo=UTC))
    sign_in(client, Role.SUPERVISOR)
    assert "2101" in client.get("/as-the-dashboard-does").text


# --- the week


def test_the_preview_is_what_saving_makes(boss: ConsoleClient, session: Session) -> None:
    rows = [(0, "9", "12:30"), (0, "13.15", "1700"), (2, "00:00", "24:00"), (5, "10:00", "00:00"), (6, "", "")]
    preview = boss.submit(PAGE, do="preview", **form(rows))
    assert preview.status_code == 200
    assert len(stored(session)) == 5, "a preview saves nothing"
    assert "saved: 09–17" in preview.text and "34 days differ" in preview.text
    days = boss.submit(PAGE, json=True, do="preview", **form(rows)).json
    assert days["valid"] and sum(day["differs"] for day in days["days"]) == 34
    assert boss.submit(PAGE, do="save", **form(rows)).status_code == 303
    assert stored(session) == [
        Interval(0, 540, 750),
        Interval(0, 795, 1020),
        Interval(2, 0, 1440),
        Interval(5, 600, 1440),
    ]
    without_marks = re.compile(r'<span class="hours-note is-before">.*?</span></span>| is-changed|is-changed ?')
    saved = boss.get(PAGE).text
    preview_shown = without_marks.sub("", outlook(preview.text))
    assert re.sub(r'\s|class="[^"]*"', "", preview_shown) == re.sub(r'\s|class="[^"]*"', "", outlook(saved))
    assert boss.get_json(PAGE).json["days"] == [day | {"differs": False} for day in days["days"]]


def test_the_small_buttons_work_without_a_script(boss: ConsoleClient, session: Session) -> None:
    def rows_after(do: str, rows: list[tuple[Any, str, str]]) -> list[tuple[str, str, str]]:
        text = boss.submit(PAGE, do=do, **form(rows)).text
        text = re.sub(r"<template>.*?</template>", "", text, flags=re.DOTALL)  # a row for the script to copy
        weekdays = re.findall(r'name="weekday" value="(\d)"', text)
        opens = re.findall(r'name="opens"[^>]*? value="([^"]*)"', text)
        closes = re.findall(r'name="closes"[^>]*? value="([^"]*)"', text)
        return list(zip(weekdays, opens, closes, strict=True))

    assert rows_after("add-5", WEEK)[-1] == ("5", "", "")
    assert rows_after("remove-1", WEEK) == [(str(d), a, b) for d, a, b in WEEK if d != 1]
    copied = rows_after("copy", [(0, "08:00", "12:00"), (0, "13:00", "x"), (5, "10:00", "14:00"), (3, "1", "2")])
    assert copied == [
        *[(str(day), *times) for day in range(5) for times in (("08:00", "12:00"), ("13:00", "x"))],
        ("5", "10:00", "14:00"),
    ]
    for nonsense in ("add-9", "remove-77", "remove-x", "add--1", "zzz", ""):
        assert rows_after(nonsense, WEEK) == [(str(d), a, b) for d, a, b in WEEK]
    assert len(stored(session)) == 5


WRONG: list[tuple[list[tuple[Any, str, str]], set[str], str]] = [
    ([(0, "25:00", "26:00")], {"opens-0", "closes-0"}, "Enter a time like 09:00"),
    ([(0, "devet", "17:00")], {"opens-0"}, "Enter a time like 09:00"),
    ([(0, "٩", "17:00")], {"opens-0"}, "Enter a time like 09:00"),
    ([(0, "09:60", "17:00")], {"opens-0"}, "Enter a time like 09:00"),
    ([(0, "-1", "<b>17</b>")], {"opens-0", "closes-0"}, "Enter a time like 09:00"),
    ([(0, "09:00", "")], {"closes-0"}, "Enter both times"),
    ([(0, "17:00", "09:00")], {"closes-0"}, "Closing time must be after"),
    ([(0, "09:00", "09:00")], {"closes-0"}, "Closing time must be after"),
    ([(0, "", ""), (0, "09:00", "12:00"), (0, "nine", "1"), (0, "11:00", "13:00")], {"opens-2", "opens-3"}, "overlap"),
    ([(7, "09:00", "12:00")], {"weekday"}, "Choose a day of the week"),
    ([("x", "09:00", "12:00")], {"weekday"}, "Choose a day of the week"),
    ([(n % 7, "09:00", "09:01") for n in range(1000)], {"week"}, "Enter at most six"),
    ([(1, f"{n:02}:00", f"{n:02}:30") for n in range(7)], {"week"}, "Enter at most six"),
]


def test_what_was_typed_stays_when_it_is_refused(boss: ConsoleClient, session: Session) -> None:
    for rows, fields, text in WRONG:
        answer = boss.submit(PAGE, do="save", **form(rows))
        assert answer.status_code == 422, rows
        assert text in answer.text, rows
        assert "<b>17" not in answer.text
        weekly = [row for row in rows[:42] if row[0] in range(7)]
        assert answer.text.count('name="opens"') == len(weekly) + 7, rows  # a blank one a day, for the script
        for place, row in enumerate(rows[:42]):
            if {f"opens-{place}", f"closes-{place}"} & fields and row in weekly:
                assert f'id="row-{place}-error"' in answer.text and 'aria-invalid="true"' in answer.text, rows
        errors = boss.submit(PAGE, json=True, **form(rows))
        assert errors.status_code == 422
        assert fields <= set(errors.json["error"]["fields"]), rows
    assert len(stored(session)) == 5


def test_a_form_that_is_none(boss: ConsoleClient, session: Session) -> None:
    for broken in (
        {"weekday": "0", "opens": "09:00"},  # no closing
        {"weekday": "0", "opens": ["09:00", "10:00"], "closes": "11:00"},
    ):
        answer = boss.submit(PAGE, json=True, revision=str(queries.revision()), **broken)
        assert answer.status_code == 422
    for revision in ("", "one", "-1", "1e3", "9" * 30):
        answer = boss.submit(PAGE, json=True, **form(WEEK) | {"revision": revision})
        assert answer.status_code == 422 and "revision" in answer.json["error"]["fields"]
        assert boss.submit(PAGE, **form(WEEK) | {"revision": revision}).status_code == 422
    assert len(stored(session)) == 5


def test_somebody_was_faster(boss: ConsoleClient, session: Session) -> None:
    mine = form([(4, "08:08", "09:09")])
    with transaction():
        set_week(SYSTEM, [Interval(1, 600, 660)])
    session.rollback()
    answer = boss.submit(PAGE, do="save", **mine)
    assert answer.status_code == 409
    assert "Someone else has changed the hours" in answer.text
    assert 'value="08:08"' in answer.text and "+ Tue 10:00–11:00" in answer.text
    assert stored(session) == [Interval(1, 600, 660)]
    assert boss.submit(PAGE, json=True, **mine).json["error"]["code"] == "hours_changed"
    again = re.search(r'name="revision" value="(\d+)"', answer.text)
    assert again is not None
    assert boss.submit(PAGE, **mine | {"revision": again[1]}).status_code == 303
    assert stored(session) == [Interval(4, 488, 549)]


def test_saving_says_what_becomes_of_sla_targets(boss: ConsoleClient, session: Session) -> None:
    assert "No open SLA targets" in boss.get(PAGE).text
    ticket = make_ticket(SYSTEM, priority=Priority.NORMAL)  # the first answer is due four hours later, at four
    assert datetime(2026, 11, 23, 15, tzinfo=UTC) <= ticket.due_at < datetime(2026, 11, 23, 15, 5, tzinfo=UTC)
    text = boss.get(PAGE).text
    count = re.search(r"recalculated after a change: (\d+)", text)
    assert count is not None and int(count[1]) >= 2
    boss.submit(PAGE, **form(WEEK))
    assert "Nothing to save." in boss.get(PAGE).text
    boss.submit(PAGE, **form(WEEK[:4]))
    assert f"Saved. {count[1]} open SLA targets will be recalculated within a minute." in boss.get(PAGE).text
    closure = {"kind": "closed", "day": "2026-11-23", "begins": "15", "ends": "17", "reason": "Popis"}
    boss.submit(PAGE + "specials", **closure)
    assert "Added. 1 SLA target was due in that time" in boss.get(PAGE).text


# --- single days


def test_a_day_is_added_and_removed(boss: ConsoleClient, session: Session) -> None:
    fields = {"kind": "closed", "day": "2026-12-24", "begins": "", "ends": "", "reason": "Kolektivni <odmor>"}
    preview = boss.submit(PAGE, do="preview", **form(WEEK), **fields)
    assert "Kolektivni &lt;odmor&gt;" in outlook(preview.text) and "1 day differs" in preview.text
    assert boss.submit(PAGE + "specials", **fields).status_code == 303
    page = boss.get(PAGE).text
    assert "Kolektivni &lt;odmor&gt;" in outlook(page) and "data-confirm" in page
    row = session.scalars(select(HoursSpecial)).one()
    assert (row.day, row.opens, row.closes) == (date(2026, 12, 24), None, None)
    key = row.id
    made = boss.submit(
        PAGE + "specials", json=True, kind="open", day="2026-12-26", begins="10", ends="14:30", reason="Sajam"
    )
    assert made.status_code == 201
    assert {"begins": "10:00", "ends": "14:30", "kind": "open"}.items() <= made.json.items()
    assert boss.submit(f"{PAGE}specials/{key}/remove").status_code == 303
    assert boss.submit(f"{PAGE}specials/{key}/remove").status_code == 404
    assert boss.submit(f"{PAGE}specials/{made.json['id']}/remove", json=True).status_code == 204
    assert session.scalar(select(func.count()).select_from(HoursSpecial)) == 0
    changes = boss.get(PAGE).text
    assert "24 Dec, Kolektivni &lt;odmor&gt;" in changes and "26 Dec, 10:00–14:30, Sajam" in changes


WRONG_DAY: list[tuple[dict[str, str], str]] = [
    ({"day": "2026-11-22"}, "day"),
    ({"day": "24.12.2026"}, "day"),
    ({"day": ""}, "day"),
    ({"day": "9999-12-31"}, "day"),
    ({"kind": "maybe"}, "kind"),
    ({"kind": "open"}, "begins"),
    ({"begins": "25:00", "ends": "26"}, "begins"),
    ({"begins": "15:00"}, "ends"),
    ({"begins": "15:00", "ends": "14:00"}, "ends"),
    ({"reason": "   "}, "reason"),
    ({"reason": "x" * 201}, "reason"),
]


def test_a_day_that_is_refused_keeps_what_was_typed(boss: ConsoleClient, session: Session) -> None:
    common = {"kind": "closed", "day": "2026-12-24", "begins": "", "ends": "", "reason": 'Popis "zaliha"'}
    for changes, field in WRONG_DAY:
        answer = boss.submit(PAGE + "specials", **common | changes)
        assert answer.status_code == 422, changes
        assert f'id="{field}-error"' in answer.text, changes
        if "reason" not in changes:
            assert "Popis &#34;zaliha&#34;" in answer.text
        errors = boss.submit(PAGE + "specials", json=True, **common | changes)
        assert errors.status_code == 422 and field in errors.json["error"]["fields"], changes
    assert session.scalar(select(func.count()).select_from(HoursSpecial)) == 0


# --- what it costs


def test_few_queries_and_none_for_the_sign(app: Flask, client: ConsoleClient, session: Session) -> None:
    with transaction():
        for number in range(30):
            day = date(2026, 12, 1) + number * timedelta(days=1)
            add_special(SYSTEM, SpecialData(day, SpecialKind.CLOSED, "Popis", 600, 660))
    sign_in(client, Role.ADMIN)
    client.get(PAGE)
    with count_queries(app) as sent:
        assert client.get(PAGE).status_code == 200
    assert sent.count <= 6, sent
    with count_queries(app) as sent:
        assert 'class="hours-sign"' in client.get("/console/products/").text
    assert not [one for one in sent if "hours_" in one]


def test_times_as_people_write_them() -> None:
    written = {"9": 540, "09:00": 540, " 9.30 ": 570, "0930": 570, "930": 570, "24": 1440, "24:00": 1440, "": None}
    assert {text: read_clock(text) for text in written} == written


def test_midnight_is_an_end_and_a_beginning() -> None:
    assert (read_clock("00:00"), read_clock("0", end=True)) == (0, 1440)
    for wrong in ("24:01", "25", "9:5", "9:60", "-9", "९", "9 30 5", "nine", "09:00:00", "1e2"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            read_clock(wrong)


def test_typing_is_seen_at_once(
    new_page: Callable[..., Page], served: str, enter: Callable[..., Staff], axe: Callable[[Page], list[str]]
) -> None:
    page = new_page(language="en-GB")
    enter(page, "supervisor", "/console/hours/")
    outlook_of = page.locator("[data-outlook]")
    saturday = page.get_by_role("group", name="Saturday")
    saturday.get_by_role("button", name="Add hours").press("Enter")
    opens = saturday.get_by_label("Saturday, opens")
    opens.wait_for()
    assert page.evaluate("document.activeElement.name") == "opens"
    page.keyboard.type("10:00")
    page.keyboard.press("Tab")
    page.keyboard.type("14:00")
    outlook_of.get_by_text("days differ from what is saved").wait_for()
    outlook_of.get_by_text("10–14").first.wait_for()
    page.keyboard.press("Enter")  # looks, and does not save
    page.get_by_role("button", name="Copy Monday").press("Enter")
    assert opens.input_value() == "10:00"
    monday = page.get_by_role("group", name="Monday")
    monday.get_by_role("button", name="Remove").press("Enter")
    monday.get_by_text("closed").wait_for()
    assert axe(page) == []
    page.get_by_role("button", name="Save hours").press("Enter")
    page.get_by_text("Saved.").wait_for()
    page.reload()
    assert page.get_by_role("group", name="Saturday").get_by_label("Saturday, closes").input_value() == "14:00"
    soon = datetime.now(UTC).date() + timedelta(days=2)
    page.get_by_label("Day", exact=True).fill(soon.isoformat())
    page.get_by_label("Reason").fill("Selidba")
    outlook_of.get_by_text("Selidba").wait_for()
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    page.get_by_role("button", name="Remove:").last.press("Enter")
    page.locator("#confirm [data-yes]").press("Enter")
    page.get_by_text("Removed. The regular hours apply again.").wait_for()
    assert page.locator(".hours-sign").inner_text()
