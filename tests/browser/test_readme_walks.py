"""The README's two walks, step by step as they are written there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from console.core.settings import DEMO_PASSWORD
from tests.browser.pages import findings, sideways
from tests.browser.walks import Walk, WalkError, steps_of
from tests.support.server import ROOT, LiveServer

README = ROOT / "README.md"
QUESTION = "My site shows error 500 since this morning."
NAMES = {"Esc": "Escape"}  # keys that a browser's driver calls otherwise
REPLY = "Good morning, I am looking at it."


@dataclass
class Place:
    """A server, and a browser for each person who uses it."""

    server: LiveServer
    new_page: Callable[..., Page]
    pages: dict[str, Page] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    pin: str = ""
    send: str = ""
    service: str = ""
    preview: list[str] = field(default_factory=list)

    def page(self, who: str) -> Page:
        if who not in self.pages:
            self.pages[who] = self.new_page(language="en-GB")
        return self.pages[who]

    def sign_in(self, who: str, path: str) -> Page:
        """Open ``path`` as ``who``, who signs in there the first time."""
        page = self.page(who)
        page.goto(self.server.url + path)
        if page.locator("[name=password]").count():
            page.fill("[name=email]", f"{who}@example.test")
            page.fill("[name=password]", DEMO_PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: urlsplit(url).path in ("/moj/", "/console/", "/console/billing/"))
        return page

    def menu(self, page: Page, label: str) -> None:
        """Open what the menu calls ``label``."""
        name = re.compile(rf"^{re.escape(label)}( ?\d+\+?)?$")  # a badge may stand beside it
        page.get_by_role("navigation").get_by_role("link", name=name).click()

    def look(self, page: Page) -> None:
        """Note what is wrong with the page for those who cannot see it, or see it on a small screen."""
        self.problems += findings(page) + sideways(page)


def services(page: Page, heading: str) -> Counter[str]:
    """Return the services that a portal's page shows: name, product, until when it is paid."""
    rows = page.get_by_role("region", name=heading, exact=True).locator("li").all_inner_texts()
    return Counter(" ".join(row.split()) for row in rows)


# --- the main job ----------------------------------------------------------------------------------------------------

MAIN_JOB = Walk()


@MAIN_JOB.step("As **{who}** at `{path}`: read the *{label}*.")
def read_the_pin(place: Place, who: str, path: str, label: str) -> None:
    page = place.sign_in(who, path)
    card = page.get_by_role("region", name=label, exact=True)
    place.pin = re.sub(r"\D", "", card.locator(".pin-code").inner_text())
    assert len(place.pin) == 6


@MAIN_JOB.step(
    "As **{who}** at `{path}`: open *{menu}*, type `{email}` and the PIN, press *{button}*. "
    "Ana's page opens; a badge says until when."
)
def verify(place: Place, who: str, path: str, menu: str, email: str, button: str) -> None:
    page = place.sign_in(who, path)
    place.menu(page, menu)
    page.fill("[name=email]", email)
    page.fill("[name=pin]", place.pin)
    page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
    page.wait_for_url("**/console/customers/K-*")
    expect(page.locator(".badge-ok").first).to_be_visible()
    place.look(page)


@MAIN_JOB.step("Press *{link}*, choose one, type `{email}` as the new owner and give a reason. Press *{button}*.")
def request_the_migration(place: Place, link: str, email: str, button: str) -> None:
    page = place.pages["agent"]
    page.get_by_role("link", name=link, exact=True).first.click()
    page.wait_for_url("**/migrations/new**")
    choice = page.locator("label.choice", has=page.locator("[name=service]:enabled")).first
    choice.locator("[name=service]").check()
    place.service = choice.locator(".meta").inner_text().split(" · ")[1]
    page.fill("[name=to_customer]", email)
    page.fill("[name=reason]", "The site was sold.")
    page.get_by_role("button", name=button, exact=True).click()
    page.wait_for_url("**/migrations/M-*")


@MAIN_JOB.step(
    "As **{who}** at `{path}`: open *{menu}* and the newest of them. Before and after are side by side. Tick the box "
    "and press *{approve}*; tick it again and press *{execute}*."
)
def approve_and_execute(place: Place, who: str, path: str, menu: str, approve: str, execute: str) -> None:
    page = place.sign_in(who, path)
    place.menu(page, menu)
    page.locator("[data-rows] tbody [data-open]").first.click()
    page.wait_for_url("**/migrations/M-*")
    assert page.url == place.pages["agent"].url
    totals = page.locator(".doc-issue .doc-total .num")
    preview = totals.all_inner_texts()
    assert len(preview) == 2
    for button in (approve, execute):
        page.locator(".execute [type=checkbox]").check()
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("button", name=button, exact=True)).to_have_count(0)
    assert totals.all_inner_texts() == preview
    place.look(page)


@MAIN_JOB.step(
    "As **{old}** at `{path}`: under *{heading}* it is gone. "
    "As **{new}** at `{path_2}`: under *{heading_2}* it is there."
)
def look_whose_it_is(place: Place, old: str, path: str, heading: str, new: str, path_2: str, heading_2: str) -> None:
    before = place.pages[old]
    had = services(before, heading)
    place.sign_in(old, path)
    has = services(before, heading)
    moved = had - has
    assert has and any(name.startswith(place.service) for name in moved)
    taker = place.sign_in(new, path_2)
    assert services(taker, heading_2) == moved


@MAIN_JOB.step("As **{who}** at `{path}`: open *{menu}*. It says who did what.")
def read_the_trail(place: Place, who: str, path: str, menu: str) -> None:
    page = place.sign_in(who, path)
    place.menu(page, menu)
    number = place.pages["agent"].url.rpartition("/")[2]
    rows = page.locator("[data-rows] tbody tr", has_text=number)
    # Newest first: executed and approved by billing, asked for by the agent.
    expect(rows.nth(0)).to_contain_text("Snežana Đukić")
    expect(rows.last).to_contain_text("Jovana Živković")


# --- a chat ----------------------------------------------------------------------------------------------------------

A_CHAT = Walk()


def widget(place: Place) -> FrameLocator:
    return place.page("a visitor").frame_locator("iframe")


def press(page: Page, key: str) -> None:
    """Press a key, by the name it has on a keyboard."""
    page.keyboard.press(NAMES.get(key, key))


def ask(place: Place, path: str, question: str) -> None:
    """Ask as a visitor, at the widget of the page at ``path``."""
    page = place.page("a visitor")
    page.goto(place.server.url + path)
    frame = widget(place)
    frame.locator("[name=name]").fill("Marta Woods")
    frame.locator("[name=email]").fill("marta.woods@mail.example.com")
    frame.locator("[name=question]").fill(question)
    frame.get_by_role("button", name=place.send, exact=True).click()


def move_the_clock(page: Page, label: str) -> None:
    """Press a button of the banner, whose name begins with ``label``."""
    banner = page.get_by_role("complementary", name="Demo")
    if not banner.get_by_role("button", name=label).first.is_visible():
        banner.locator("[data-demo-fold]").click()
    banner.get_by_role("button", name=re.compile(f"^{re.escape(label)}")).click()
    page.wait_for_load_state()


@A_CHAT.step("Press *{label}* in the banner at the foot of the page: in working hours chats are answered.")
def go_to_monday(place: Place, label: str) -> None:
    page = place.page("agent")
    page.goto(f"{place.server.url}/login")
    move_the_clock(page, label)
    expect(page.locator("[data-demo-clock]")).to_contain_text("11:00")


@A_CHAT.step(
    "As a visitor at `{path}`, a page with the widget: write your name, your e-mail address and a question, and press "
    "*{button}*."
)
def ask_a_question(place: Place, path: str, button: str) -> None:
    place.send = button
    ask(place, path, QUESTION)
    expect(widget(place).locator("[data-log] .bubble")).to_have_text([QUESTION])


@A_CHAT.step(
    "As **{who}** at `{path}`: open *{menu}*, and your question in the *{tab}*. `{take}` takes it, and the cursor is "
    "in the reply: write one, `{send}` sends it. The visitor has it at once."
)
def take_and_answer(place: Place, who: str, path: str, menu: str, tab: str, take: str, send: str) -> None:
    page = place.sign_in(who, path)
    place.menu(page, menu)
    page.get_by_role("tab", name=tab).click()
    page.locator("[data-lists] [data-chat]", has_text="Marta Woods").click()
    expect(page.locator("[data-name]")).to_have_text("Marta Woods")
    press(page, take)
    expect(page.locator("[data-text]")).to_be_focused()
    page.keyboard.type(REPLY)
    press(page, send)
    expect(widget(place).locator(".msg-them .bubble")).to_have_text([REPLY])
    place.look(page)


@A_CHAT.step(
    "`{leave}` leaves the reply, so that letters are shortcuts again: `{verify}` asks the visitor to verify. A form "
    "opens in the visitor's window; only its result comes back."
)
def ask_who_it_is(place: Place, leave: str, verify: str) -> None:
    page = place.pages["agent"]
    press(page, leave)
    press(page, verify)
    card = widget(place).locator("form.seal")
    card.locator("[name=email]").fill("marta.woods@mail.example.com")
    card.locator("[name=pin]").fill("123456")
    card.locator("[name=pin]").press("Enter")
    expect(page.locator("[data-scroll] .seal-failed")).to_be_visible()
    assert "123456" not in page.content()


@A_CHAT.step("`{reply}` is for the next reply. `{leave}` and `{end}` end the chat, once you confirm with *{button}*.")
def end_the_chat(place: Place, reply: str, leave: str, end: str, button: str) -> None:
    page = place.pages["agent"]
    press(page, reply)
    page.keyboard.type("Solved, have a good day.")
    page.keyboard.press("Enter")
    expect(widget(place).locator(".msg-them .bubble").last).to_have_text("Solved, have a good day.")
    press(page, leave)
    press(page, end)
    page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()
    expect(widget(place).locator("[data-after]")).to_be_visible()


@A_CHAT.step(
    "Press *{label}* in the banner and ask again at `{path}`: the question becomes a ticket, and the *{mailbox}* in "
    "the banner has the confirmation."
)
def ask_when_it_is_closed(place: Place, label: str, path: str, mailbox: str) -> None:
    page = place.page("a latecomer")
    place.pages["a visitor"] = page
    page.goto(place.server.url + path)
    move_the_clock(page, label)
    ask(place, path, "Can I change the name of my account?")
    expect(widget(place).get_by_role("main")).to_contain_text(re.compile(r"T-\d+"))
    page.goto(place.server.url + path)
    page.get_by_role("complementary", name="Demo").get_by_role("link", name=mailbox, exact=True).click()
    expect(page.get_by_role("region", name="Messages")).to_contain_text("marta.woods@mail.example.com")


# --- both ------------------------------------------------------------------------------------------------------------


def test_both_walks_go_as_they_are_written(
    own_server: Callable[..., LiveServer], new_page: Callable[..., Page]
) -> None:
    place = Place(own_server(demo=True), new_page)
    MAIN_JOB.go(place, steps_of(README, "The main job"))
    A_CHAT.go(place, steps_of(README, "A chat"))
    assert place.problems == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("press *Send*", "touch *Send*"), "does not know the README's step: As \\*\\*ana\\*\\*: touch"),
        (("2. Go.\n", ""), "no longer has: .'Go.'"),
        (("2. Go.", "3. Go."), "not numbered from 1"),
        (("2. Go.\n", "2. Go.\n3. Go.\n"), "one twice"),
        (("### A walk", "### Another"), "no section"),
    ],
)
def test_neither_can_drift(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = "# It\n\n### A walk\n\nSo:\n\n1. As **ana**: press *Send*,\n   then `C`.\n2. Go.\n\n## More\n\n1. Else.\n"
    gone: list[tuple[tuple[str, str], ...]] = []
    walk = Walk()
    walk.step("As **{who}**: press *{button}*, then `{key}`.")(
        lambda _place, **taken: gone.append(tuple(taken.items()))
    )
    walk.step("Go.")(lambda _place: gone.append(()))
    readme = tmp_path / "README.md"
    readme.write_text(text)
    walk.go(None, steps_of(readme, "A walk"))
    assert gone == [(("who", "ana"), ("button", "Send"), ("key", "C")), ()]
    readme.write_text(text.replace(*change))
    with pytest.raises(WalkError, match=message):
        walk.go(None, steps_of(readme, "A walk"))
