"""The chat desk by keyboard, with the visitor at a real widget: taken, answered, verified, passed on, ended."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sideways, sign_in
from tests.chat.conftest import Desk, desk
from tests.support.server import LiveServer

__all__ = ["desk"]

SENT, SEEN, FAILED = re.compile("poslato"), re.compile("viđeno"), re.compile("Nije poslato")


def ask(page: Page, url: str, name: str, question: str) -> None:
    """Ask as a visitor, at the widget."""
    page.goto(f"{url}/chat/frame?lang=sr_Latn")
    page.fill("[name=name]", name)
    page.fill("[name=email]", "ana@example.test")
    page.fill("[name=question]", question)
    page.locator("[data-submit]").press("Enter")
    if "PIN" in question:  # asked first; the way on that is meant has the focus
        expect(page.get_by_role("button", name="Sakrij i pošalji")).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.locator("[data-log] .bubble")).to_have_count(1)


def pin_of_ana(page: Page, server: LiveServer) -> str:
    sign_in(page, server, "ana", portal=True)
    answer = page.request.get(f"{server.url}/moj/pin", headers={"Accept": "application/json"})
    return str(answer.json()["pin"])


def clear(place: Desk) -> None:
    """Let a supervisor have the demo's chats, so that nobody else has one."""
    busy = place.staff("supervisor", state="busy")
    for row in busy.call("desk:state")["all"]:
        assert busy.call("chat:step_in", {"chat": row["chat"]})["ok"]


def test_a_conversation_by_keyboard(desk: Callable[..., Desk], new_page: Callable[..., Page]) -> None:
    place = desk()
    clear(place)
    colleague = place.staff("agent2")
    page, visitor, portal = new_page(), new_page(width=390, height=844), new_page()
    sign_in(page, place.server, "agent")
    page.goto(f"{place.url}/console/profile/")
    press, text, log = page.keyboard.press, page.locator("[data-text]"), page.locator("[data-scroll]")
    press("g")
    press("l")
    page.wait_for_url("**/console/desk/")
    expect(page.locator("[data-line-words]")).to_have_text("Veza je u redu")

    # Away since another day, one is asked; A answers, and nobody is asked twice.
    verify_button = page.locator("[data-ask]")
    expect(verify_button).to_contain_text("Na pauzi ste.")
    press("a")
    expect(page.locator("[data-my-state]")).to_have_text("Dostupno")
    expect(verify_button).to_be_hidden()
    page.reload()
    expect(page.locator("[data-my-state]")).to_have_text("Dostupno")
    expect(verify_button).to_be_hidden()

    # A new chat is shown and counted, and takes the focus from nobody.
    page.locator("[data-availability] summary").focus()
    ask(visitor, place.url, "Marko Marković", "Prebacujem hosting. PIN je 482 913.")
    expect(page.locator('[data-count="queue"]')).to_have_text("1")
    expect(page.locator("[data-availability] summary")).to_be_focused()
    press("Escape")

    # C takes it; one writes at once.
    press("c")
    expect(page.locator("[data-name]")).to_have_text("Marko Marković")
    expect(text).to_be_focused()
    expect(log.locator(".digits")).to_have_text("••••••")
    page.keyboard.type("Porudžbina 739164 stoji.")
    press("Enter")
    expect(page.locator(".pin-question")).to_contain_text("739164")
    problems = findings(page)
    expect(page.get_by_role("button", name="Sakrij i pošalji")).to_be_focused()
    press("Tab")
    press("Enter")  # it is none
    expect(log.locator(".msg-us .bubble").last).to_have_text("Porudžbina 739164 stoji.")
    expect(visitor.locator(".msg-them .bubble")).to_have_text(["Porudžbina 739164 stoji."])
    log.get_by_role("button", name="Sakrij broj").click()
    expect(log.locator(".msg-us .bubble").last).to_have_text("Porudžbina •••••• stoji.")
    expect(visitor.locator(".msg-them .bubble")).to_have_text(["Porudžbina •••••• stoji."])
    text.focus()
    page.keyboard.type("Dobar dan, Ana.")
    press("Enter")
    expect(log.locator(".msg-us").last).to_have_text(re.compile("Dobar dan, Ana."))
    expect(visitor.locator(".msg-them .bubble").last).to_have_text("Dobar dan, Ana.")
    expect(log.locator(".msg-us .msg-meta").last).to_have_text(SEEN)
    visitor.locator("[data-text]").fill("Tu sam.")
    expect(page.locator(".desk-typing")).to_be_visible()
    visitor.keyboard.press("Enter")
    expect(log.locator(".msg-them .bubble").last).to_have_text("Tu sam.")
    expect(visitor.locator(".msg-us .msg-meta").last).to_have_text(SEEN)

    # What is typed fast is what is put in: the shortcut's reply, and after other words without a second greeting.
    text.fill("Dobar dan, Ana, ")
    page.keyboard.type("/poz")
    press("Enter")
    expect(text).to_have_value(re.compile("^Dobar dan, Ana, hvala Vam na poruci"))
    text.fill("")

    # Esc leads out of the box to the conversation, and draws no frame around it; coming back by Tab does.
    press("Escape")
    expect(page.locator("[data-scroll]")).to_be_focused()
    expect(page.locator("[data-scroll]")).to_have_css("outline-style", "none")
    press("Tab")
    press("Shift+Tab")
    expect(page.locator("[data-scroll]")).to_be_focused()
    expect(page.locator("[data-scroll]")).to_have_css("outline-style", "solid")
    press("r")
    press("Escape")

    # A note is on another ground, and the visitor never sees it.
    press("n")
    expect(page.locator("[data-composer]")).to_have_class(re.compile("composer-note"))
    page.keyboard.type("Ima pravo prenosa.")
    press("Enter")
    expect(log.locator(".msg-note .bubble")).to_have_text("Ima pravo prenosa.")
    problems += findings(page, "[data-composer]") + findings(page, ".msg-note")

    # The card: asked by V; only the result comes back; then the account is open.
    press("Escape")
    press("v")
    expect(log.locator(".seal").last).to_contain_text("Čeka se potvrda identiteta")
    expect(page.locator(".vcard-pending")).to_be_visible()
    problems += findings(page, ".vcard-pending")
    pin = pin_of_ana(portal, place.server)
    visitor.fill("form.seal [name=email]", "ana@example.test")
    for tried in ("000000", pin):
        visitor.fill("form.seal [name=pin]", tried)
        visitor.keyboard.press("Enter")
        if tried != pin:
            expect(visitor.locator("form.seal [data-card-error]")).to_be_visible()  # it may be tried again
        expect(log.locator(".seal-failed" if tried != pin else ".seal-live")).to_be_visible()
    expect(page.locator(".vcard-live")).to_contain_text("vlasnik naloga")
    expect(page.locator("[data-head] .badge")).to_have_text("potvrđeno")
    # Who wrote one name and is verified by another is shown under both, the badge with the verified one.
    for place_shown in (page.locator("[data-head] .desk-who"), page.locator(".queue-row[aria-current]")):
        expect(place_shown).to_have_text(re.compile(r"Ana \S+(, )?potvrđeno.*piše kao Marko Marković"))
    expect(page.locator(".vcard-live")).to_contain_text("Ime navedeno u razgovoru: Marko Marković.")
    move = page.locator(".vcard-live a", has_text="Prenesi uslugu")
    expect(move).to_have_attribute("href", re.compile(r"/console/migrations/new\?customer=K-\d+&verification=\d+"))
    assert pin not in page.content() + visitor.content()
    problems += findings(page) + sideways(page)

    # Cut off, one goes on writing; it goes out once when the connection is back.
    expect(text).to_be_visible()
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    press("r")
    page.keyboard.type("Napisano bez veze.")
    press("Enter")
    expect(log.locator(".is-sending")).to_have_count(1)
    expect(page.locator("[data-trouble]")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-lists][data-old]")).to_be_visible()
    problems += findings(page)
    page.keyboard.type("nedovršen odgovor")
    page.context.set_offline(False)
    expect(page.locator("[data-trouble]")).to_be_hidden(timeout=30_000)
    expect(log.locator(".is-sending")).to_have_count(0)
    expect(visitor.locator(".msg-them .bubble", has_text="Napisano bez veze.")).to_have_count(1)

    # The draft survives a reload; a colleague's note meanwhile is told.
    expect(page.locator("[data-draft-state]")).to_have_text("Nacrt je sačuvan")
    page.reload()
    expect(text).to_have_value("nedovršen odgovor")
    chat = page.url.rpartition("/")[2]
    colleague.call("message:send", {"chat": chat, "client_id": "k1", "body": "Zovi me pre toga", "kind": "note"})
    expect(page.locator("[data-meanwhile]")).to_contain_text("Dok ste pisali")

    # Passed on with a note by keyboard: the colleague has it, what was verified has ended.
    page.locator("body").press("Escape")
    press("t")
    expect(page.locator("#d-transfer [name=to]").first).to_be_focused()
    problems += findings(page, "#d-transfer")
    press("Space")
    page.locator("#d-transfer [name=note]").focus()
    page.keyboard.type("Čeka se saglasnost")
    press("Tab")
    press("Enter")
    expect(page.locator("#d-transfer")).to_be_hidden()
    expect(page.locator("[data-state-words]")).to_contain_text("Vi posmatrate")
    expect(page.locator(".vcard-live")).to_have_count(0)
    expect(text).to_have_value("nedovršen odgovor")
    assert colleague.call("desk:state")["mine"][0]["chat"] == chat
    assert colleague.wait_for("queue:changed")

    # And back, to be ended by E, Enter.
    mine = int(page.locator("body").get_attribute("data-staff") or 0)
    assert colleague.call("chat:transfer", {"chat": chat, "to": mine})["ok"]
    expect(page.locator("[data-state-words]")).to_contain_text("vodite Vi")
    page.locator('[data-head] [data-do="ticket"]').press("Enter")
    expect(page.locator("#d-ticket")).to_contain_text("Odgovor stiže na ana@example.test")
    expect(page.locator("#d-ticket [data-first]")).to_be_focused()
    problems += findings(page, "#d-ticket")
    press("Escape")
    expect(page.locator("#d-ticket")).to_be_hidden()
    expect(page.locator("[data-state-words]")).to_contain_text("vodite Vi")
    press("e")
    expect(page.locator("#d-end [data-first]")).to_be_focused()
    problems += findings(page, "#d-end")
    press("Enter")
    expect(page.locator("[data-state-words]")).to_contain_text("Završen")
    expect(page.locator("[data-scroll]")).to_have_css("outline-style", "none")
    expect(visitor.locator("[data-after]")).to_be_visible()
    press("?")
    expect(page.locator("#keys")).to_contain_text("Prosledi razgovor")
    assert problems == []


# Holds back what asks for one chat, so that its row in the list comes first.
LATE_CHAT = """{ const { send } = WebSocket.prototype; WebSocket.prototype.send = function (data) {
  if (String(data).includes('chat:watch')) setTimeout(() => send.call(this, data), 800); else send.call(this, data);
}; }"""


def test_an_own_chat_takes_a_reply_where_the_list_came_first(
    desk: Callable[..., Desk], new_page: Callable[..., Page]
) -> None:
    place = desk()
    clear(place)
    page = new_page()
    chat = place.ask()[1]["chat"]["id"]
    assert place.staff().call("chat:claim", {"chat": chat})["ok"]
    page.add_init_script(LATE_CHAT)
    sign_in(page, place.server, "agent")
    page.goto(f"{place.url}/console/desk/{chat}")
    expect(page.locator("[data-scroll] .bubble")).to_have_count(1)
    expect(page.locator('[data-mode-to="reply"]')).to_be_enabled()
    expect(page.locator('[data-mode-to="reply"]')).to_have_attribute("aria-selected", "true")


def test_several_chats_and_a_supervisor(desk: Callable[..., Desk], new_page: Callable[..., Page]) -> None:
    """Two chats at once, each with its draft; what is new is told by title and notification; a leader steps in."""
    place = desk()
    clear(place)
    page, lead, first, second = new_page(language="en-GB", dark=True), new_page(), new_page(), new_page()
    page.context.grant_permissions(["notifications"])
    page.add_init_script(
        "window.told = []; window.Notification = class extends EventTarget { static permission = 'granted';"
        " constructor(title, more) { super(); window.told.push([title, more.body]); } close() {} }"
    )
    sign_in(page, place.server, "agent")
    page.goto(f"{place.url}/console/desk/")
    page.locator("[data-availability] summary").click()
    page.locator("[data-notify]").check()
    page.locator("[data-availability] [data-state=available]").click()
    expect(page.locator("[data-my-state]")).to_have_text("Available")
    press, text = page.keyboard.press, page.locator("[data-text]")

    for visitor, name in ((first, "Milica"), (second, "Dragan")):
        ask(visitor, place.url, name, "Pitanje")
        expect(page.locator('[data-count="queue"]')).to_have_text("1")
        press("c")
        expect(page.locator("[data-name]")).to_have_text(name)
        page.keyboard.type(f"za {name}")
        press("Escape")
    notified = "[...window.told].map(([title]) => title)"
    assert page.evaluate(notified) == ["Milica is waiting in the queue", "Dragan is waiting in the queue"]
    expect(page.locator("[data-load]")).to_have_text("2 of 5 chats")

    # Milica writes while Dragan's chat is in front.
    first.locator("[data-text]").fill("Da li ste tu?")
    first.keyboard.press("Enter")
    row = page.locator(".queue-row", has_text="Milica")
    expect(row.locator(".unread")).to_contain_text("1")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator("[data-name]")).to_have_text("Dragan")
    assert page.evaluate("window.told.at(-1)") == ["Milica", "Da li ste tu?"]
    expect(text).to_have_value("za Dragan")
    row.press("Enter")
    expect(text).to_be_focused()
    expect(text).to_have_value("za Milica")
    expect(page.locator(".fresh")).to_have_count(1)
    expect(page).to_have_title(re.compile("^Live chat"))
    press("Control+Enter")  # sent, and on to the one who waits
    expect(page.locator("[data-name]")).to_have_text("Dragan")
    expect(first.locator(".msg-them .bubble")).to_have_text(["za Milica"])

    # A supervisor watches and takes over; the agent keeps the text and is told.
    sign_in(lead, place.server, "supervisor")
    lead.goto(page.url)
    expect(lead.locator("[data-state-words]")).to_contain_text("Vi posmatrate")
    expect(lead.locator("#mode-reply")).to_be_disabled()
    problems = findings(lead) + findings(page)
    lead.get_by_role("button", name="Preuzmi", exact=True).click()
    expect(lead.locator("[data-state-words]")).to_contain_text("vodite Vi")
    expect(page.locator("[data-state-words]")).to_contain_text("you are watching")
    expect(page.locator("[data-composer]")).to_have_class(re.compile("composer-note"))
    expect(text).to_have_value("za Dragan")
    lead.locator('[data-head] [data-do="block"]').click()
    lead.fill("#d-block [name=reason]", "vređa")
    problems += findings(lead, "#d-block")
    lead.locator("#d-block .btn-danger-solid").click()
    expect(lead.locator(".chat-event").last).to_contain_text("blokiran")
    expect(second.locator("[data-after]")).to_be_visible()
    assert problems == []
