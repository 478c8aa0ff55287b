"""A supervisor reviews five tickets by keyboard alone, and the agents answer; each in their own language."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.settings import Settings
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.reviews.models import Review, ReviewReason, ReviewState
from tests import factories
from tests.browser.pages import findings, sideways, sign_in
from tests.support.server import LiveServer
from tests.tickets.reviews.scene import waiting, worked

# What is pressed for each review, and what it comes to with the weights 3, 3, 2, 2, 1.
JUDGED = (("434-2", 86), ("44444", 100), ("00000", 0), ("-----", None), ("33333", 75))


def person(who: str, role: Role) -> Staff:
    return factories.make_staff(role, email=f"{who}@example.test", name=f"{who.title()} Žarković")


@pytest.mark.only("sqlite")
def test_five_by_keyboard_and_the_agents_answer(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
    samples: Callable[[int, int], int],
) -> None:
    agents = [person("agent", Role.AGENT), person("agent2", Role.AGENT)]
    supervisor = person("supervisor", Role.SUPERVISOR)
    for place in range(6):
        ticket = worked(agents[place % 2], "Prvi odgovor", "Drugi odgovor", subject=f"Pitanje {place}")
        waiting(agents[place % 2], ticket, [ReviewReason.SAMPLE, ReviewReason.SLA_TARGET][place % 2])
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)

    page = new_page()
    sign_in(page, server, "supervisor")
    page.goto(f"{server.url}/console/reviews/")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(6)
    press = page.keyboard.press
    press("j")
    press("Enter")
    # One is passed over, with a reason; it leaves the queue.
    page.wait_for_url(re.compile(r"/console/reviews/1$"))
    page.get_by_text("Preskoči", exact=True).first.click()
    page.get_by_label("Razlog preskakanja").fill("Probno pitanje")
    press("Enter")
    for number, (keys, percent) in enumerate(JUDGED, 2):
        page.wait_for_url(re.compile(rf"/console/reviews/{number}$"))
        if number == 3:
            # Half done, then the browser reloads: nothing of it is lost.
            press("4")
            press("4")
            page.reload()
            expect(page.locator("[data-criterion] :checked")).to_have_count(2)
        if number == 2:
            assert findings(page) + sideways(page) == []
            # The second reply is quoted, with a remark; Escape leads back out of it.
            for key in "jjjq":
                press(key)
            page.keyboard.type("Ovo je jasno 1")
            press("Escape")
            page.evaluate("document.activeElement.blur()")
        for key in keys[page.locator("[data-criterion] :checked").count() :]:
            press(key)
        # After the last criterion comes the note: digits are text there.
        page.keyboard.type(f"Beleška {number}")
        expect(page.locator("[data-total]")).to_have_text("bez poena" if percent is None else f"{percent} %")
        press("Control+Enter")
    page.wait_for_url(re.compile(r"/console/reviews/$"))
    expect(page.locator(".alert-success").last).to_contain_text("Nema više kontrola na čekanju.")
    session.rollback()
    skipped, *done = session.scalars(select(Review).order_by(Review.id)).all()
    assert (skipped.state, skipped.skip_reason) == (ReviewState.SKIPPED, "Probno pitanje")
    assert {one.state for one in done} == {ReviewState.DONE}
    totals = [None if one.total is None else round(one.total / 100) for one in done]
    assert totals == [percent for _keys, percent in JUDGED]
    assert [one.note for one in done] == [f"Beleška {number}" for number in range(2, 7)]
    assert [(one.remark, one.message.body) for one in done[0].quotes] == [("Ovo je jasno 1", "Drugi odgovor")]
    assert done[0].reviewer_id == supervisor.id
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('review.')).length") == 0

    for place, (who, language, badge) in enumerate((("agent", "en-GB", "2"), ("agent2", "sr-Latn-RS", "3"))):
        reader = new_page(language=language, width=[1280, 390][place], height=[720, 844][place], dark=bool(place))
        sign_in(reader, server, who)
        reader.goto(f"{server.url}/console/reviews/")
        expect(reader.locator(".side [data-go=r] [data-badge]")).to_have_text(badge)
        expect(reader.locator("[data-rows] tbody tr.is-new")).to_have_count(int(badge))
        for answered in range(samples(int(badge), 1)):
            reader.locator("tr.is-new [data-open]").first.press("Enter")
            reader.wait_for_url(re.compile(r"/console/reviews/\d$"))
            expect(reader.locator("h1")).to_contain_text("Pitanje")
            expect(reader.get_by_text(["Coaching note", "Beleška za agenta"][place], exact=True)).to_be_visible()
            reader.locator("[data-answer]").fill("Hvala, jasno je.")
            reader.keyboard.press("Control+Enter")
            expect(reader.locator("#answers article")).to_contain_text("Hvala, jasno je.")
            reader.wait_for_load_state()
            assert answered or findings(reader) + sideways(reader) == []
            reader.goto(f"{server.url}/console/reviews/")
        expect(reader.locator("[data-rows] tbody tr.is-new")).to_have_count(samples(0, int(badge) - 1))
    page.goto(f"{server.url}/console/reviews/?state=answered")
    expect(page.locator("[data-rows] tbody tr.is-new")).to_have_count(samples(5, 2))
