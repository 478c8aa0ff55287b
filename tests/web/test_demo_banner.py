"""The demo's banner: only in the demo, its clock goes forward, nobody is signed out by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from console.app import create_app
from console.core import clock as core_clock
from console.core.settings import Settings
from console.core.transaction import transaction
from console.hours import queries
from console.hours.calendar import Calendar, Interval
from console.hours.holidays import PublicHolidays
from console.staff.models import StaffSession
from console.staff.roles import Role
from console.web.demo_clock import all_stops
from tests import factories
from tests.browser.pages import findings, sideways
from tests.browser.pages import sign_in as enter
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.server import LiveServer

pytestmark = pytest.mark.only("sqlite")
BELGRADE = ZoneInfo("Europe/Belgrade")
SUNDAY_NIGHT = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
NINE_TO_FIVE = tuple(Interval(weekday, 540, 1020) for weekday in range(5))
MOVE = "/demo/clock"


@pytest.fixture
def demo(settings: Settings, make_app: Callable[[Settings], Flask]) -> Flask:
    return make_app(replace(settings, env="demo"))


@pytest.fixture
def visitor(demo: Flask, session: Session) -> ConsoleClient:
    core_clock.start_at(SUNDAY_NIGHT)
    made = demo.test_client()
    assert isinstance(made, ConsoleClient)
    made.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return made


def local() -> str:
    return f"{core_clock.now().astimezone(BELGRADE):%a %d.%m.%Y %H:%M}"


def test_there_is_none_outside_of_the_demo(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    for path in ("/console/", "/login", "/moj/login", "/nowhere"):
        page = client.get(path).text
        assert "data-demo" not in page and "demo.css" not in page
    before = core_clock.now()
    for to in ("monday", "real"):
        assert client.submit(MOVE, to=to).status_code == 404
        assert client.submit(MOVE, json=True, to=to).status_code == 404
    assert abs(core_clock.now() - before) < timedelta(minutes=1)


def test_production_has_none(settings: Settings, make_app: Callable[[Settings], Flask]) -> None:
    safe = replace(
        settings,
        env="production",
        secret_key="s" * 40,
        seal_keys=("c2VhbC1rZXktZm9yLXRlc3RzLTMyLWJ5dGVzLWxvbmc=",),
        base_url="https://console.example.test",
    )
    app = make_app(safe)
    assert not [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("demo_clock")]


def test_it_stands_on_every_page(visitor: ConsoleClient) -> None:
    for path in ("/login", "/moj/login"):
        assert "Sun 22 Nov 22:30" in visitor.get(path).text
    sign_in(visitor, Role.AGENT)
    person = factories.owner_of(factories.make_customer()).person
    sign_in_person(visitor, person.email)
    for path in ("/console/", "/console/hours/", "/moj/", "/nowhere", "/t/nothing", "/demo/mailbox"):
        page = visitor.get(path).text
        assert "Sun 22 Nov 22:30" in page, path
        assert [name in page for name in ('value="monday"', 'value="closing"', 'value="holiday"')] == [True] * 3, path
        assert 'href="/demo/mailbox"' in page


def test_where_mail_leaves_there_is_no_mailbox(
    settings: Settings, make_app: Callable[[Settings], Flask], session: Session
) -> None:
    app = make_app(replace(settings, env="demo", smtp_url="smtp://127.0.0.1:2525"))
    assert "/demo/mailbox" not in app.test_client().get("/login").text


def test_several_processes_are_not_moved(
    settings: Settings, make_app: Callable[[Settings], Flask], session: Session
) -> None:
    client = make_app(replace(settings, env="demo", redis_url="redis://127.0.0.1:1/0")).test_client()
    assert isinstance(client, ConsoleClient)
    page = client.get("/login").text
    assert "data-demo-clock" in page and 'value="monday"' not in page
    assert client.submit(MOVE, to="monday").status_code == 404


def test_each_button_goes_to_the_next_such_moment(visitor: ConsoleClient) -> None:
    sign_in(visitor, Role.AGENT)
    went = []
    for to in ("monday", "closing", "closed", "holiday", "saturday", "monday", "monday", "closed"):
        answer = visitor.submit(MOVE, to=to, next="/console/hours/?x=1")
        assert (answer.status_code, answer.location) == (303, "/console/hours/?x=1")
        went.append(local())
        page = visitor.get("/console/hours/")
        assert page.status_code == 200, "still signed in"
    assert went == [
        "Mon 23.11.2026 11:00",
        "Mon 23.11.2026 16:46",
        "Mon 23.11.2026 17:01",
        "Fri 01.01.2027 11:00",
        "Sat 02.01.2027 11:00",
        "Mon 04.01.2027 11:00",
        "Mon 11.01.2027 11:00",
        "Mon 11.01.2027 17:01",
    ]
    answer = visitor.submit(MOVE, json=True, to="real")
    assert abs(datetime.fromisoformat(answer.json["now"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert visitor.get("/console/").status_code == 200
    assert 'value="real"' not in visitor.get("/console/").text


def test_sign_ins_are_carried_and_last_as_long(visitor: ConsoleClient, session: Session) -> None:
    """Neither far ahead nor back is anybody signed out, nor does a sign-in last any longer."""
    staff = sign_in(visitor, Role.SUPERVISOR)
    person = factories.owner_of(factories.make_customer()).person
    sign_in_person(visitor, person.email)
    ended = factories.make_staff(Role.AGENT)
    other = visitor.application.test_client()
    assert isinstance(other, ConsoleClient)
    sign_in(other, staff=ended)
    with transaction():
        session.query(StaffSession).filter_by(staff_id=ended.id).update({"seen_at": SUNDAY_NIGHT - timedelta(hours=2)})
    visitor.submit(MOVE, to="holiday")
    assert visitor.get("/console/").status_code == visitor.get("/moj/").status_code == 200
    assert other.get("/console/").status_code == 302, "what had ended stays ended"
    row = session.query(StaffSession).filter_by(staff_id=staff.id).one()
    left = row.expires_at - core_clock.now()
    assert timedelta(hours=11, minutes=55) < left <= timedelta(hours=12)
    visitor.submit(MOVE, to="real")
    assert visitor.get("/console/").status_code == visitor.get("/moj/").status_code == 200
    core_clock.start_at(core_clock.now() + timedelta(minutes=61))
    assert visitor.get("/console/").status_code == 302, "an hour without a touch still ends it"


def test_nonsense_and_a_missing_token_move_nothing(visitor: ConsoleClient) -> None:
    before = local()
    for to in ("", "tuesday", "2030-01-01", "holiday "):
        assert visitor.submit(MOVE, to=to).status_code == 422
    assert visitor.post(MOVE, data={"to": "monday"}).status_code == 400
    assert visitor.get(MOVE).status_code == 405
    assert local() == before
    away = visitor.submit(MOVE, to="monday", next="https://evil.example/")
    assert away.location == "/"


def test_a_page_without_a_database_still_has_its_time(
    demo: Flask, visitor: ConsoleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Calendar:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(queries, "cached_calendar", gone)
    page = visitor.get("/nowhere")
    assert page.status_code == 404
    assert "data-demo-clock" in page.text and 'value="monday"' not in page.text


def test_the_moments_follow_the_hours() -> None:
    """Late hours, a lunch break, a closed Monday, no hours at all."""

    def stops(calendar: Calendar, now: datetime) -> dict[str, str]:
        return {one.name: f"{one.at.astimezone(BELGRADE):%a %d.%m. %H:%M}" for one in all_stops(calendar, now)}

    with create_app(Settings(database_url="sqlite://")).test_request_context():
        broken = Calendar(BELGRADE, [Interval(d, *h) for d in range(5) for h in ((480, 720), (780, 1200))])
        assert stops(broken, SUNDAY_NIGHT) == {
            "monday": "Mon 23.11. 11:00",
            "closing": "Mon 23.11. 19:46",
            "closed": "Mon 23.11. 20:01",
            "saturday": "Sat 28.11. 11:00",
        }
        easter = Calendar(BELGRADE, NINE_TO_FIVE, PublicHolidays())
        assert stops(easter, datetime(2026, 4, 9, 20, tzinfo=UTC)) == {
            "monday": "Mon 20.04. 11:00",  # the thirteenth is Easter Monday
            "closing": "Tue 14.04. 16:46",
            "closed": "Tue 14.04. 17:01",
            "holiday": "Fri 10.04. 11:00",
            "saturday": "Sat 11.04. 11:00",
        }
        assert stops(Calendar(BELGRADE), SUNDAY_NIGHT) == {"saturday": "Sat 28.11. 11:00"}
        always = Calendar(BELGRADE, [Interval(day, 0, 1440) for day in range(7)])
        assert "closed" not in stops(always, SUNDAY_NIGHT)


def test_it_folds_and_is_not_in_the_way(own_server: Callable[..., LiveServer], new_page: Callable[..., Page]) -> None:
    live = own_server(demo=True, ENV="demo")
    page = new_page(width=1280, height=720, language="en-GB")
    enter(page, live, "supervisor")
    banner = page.locator("[data-demo]")
    page.goto(live.url + "/console/hours/")
    assert page.evaluate("document.querySelector('.side').getBoundingClientRect().bottom") <= 720 - 30
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    at_the_foot = "Math.abs(document.querySelector('[data-demo]').getBoundingClientRect().bottom - innerHeight) < 1"
    page.wait_for_function(at_the_foot)
    banner.locator("[name=to][value=monday]").press("Enter")
    banner.get_by_role("button", name="Real time").wait_for()
    assert page.url.endswith("/console/hours/")
    assert "11:00" in banner.locator("time").inner_text()
    fold = banner.get_by_role("button", name="Show or hide")
    fold.press("Enter")
    assert fold.get_attribute("aria-expanded") == "false"
    page.reload()
    assert fold.get_attribute("aria-expanded") == "false" and not banner.get_by_role("link").is_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.context.clear_cookies(name="demo")
    page.reload()
    assert fold.get_attribute("aria-expanded") == "false"
    fold.press("Enter")
    banner.get_by_role("link", name="Mailbox").wait_for()
    assert findings(page) == [] and sideways(page) == []
    banner.get_by_role("button", name="Real time").press("Enter")
    page.wait_for_function("!document.querySelector('[data-demo] [value=real]')")
