"""The widget as visitors use it: in hours, out of hours, without a script, without a socket, cut and back again."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Page, WebSocketRoute, expect
from sqlalchemy import create_engine, text

from tests.browser.pages import findings, sideways
from tests.chat.conftest import Desk, desk
from tests.support.server import LiveServer
from tests.support.sockets import SocketClient

__all__ = ["desk"]

LARGEST_DOWNLOAD = 80 * 1024  # bytes


def fill(page: Page, question: str, email: str = "milica@example.test") -> None:
    page.fill("[name=name]", "Milica Ilić")
    page.fill("[name=email]", email)
    page.fill("[name=question]", question)


def test_a_conversation(desk: Callable[..., Desk], new_page: Callable[..., Page]) -> None:
    place = desk()
    agent = place.staff("agent")
    page = new_page(width=390, height=844)
    page.goto(f"{place.url}/chat/frame?lang=sr_Latn")
    expect(page.locator("[data-hours]")).to_have_text("Tu smo do 17:00")
    problems = findings(page) + sideways(page)

    # What is wrong is said beside its field, and nothing typed is lost.
    fill(page, "Ne mogu da uđem u cPanel.", email="milica@")
    page.get_by_role("button", name="Pošaljite pitanje").click()
    expect(page.locator('[data-field="email"] [data-error]')).to_contain_text("Unesite ispravnu e-mail adresu")
    expect(page.locator("[name=question]")).to_have_value("Ne mogu da uđem u cPanel.")
    problems += findings(page)
    page.fill("[name=email]", "milica@example.test")
    page.keyboard.press("Enter")
    expect(page.locator("[data-log] .bubble")).to_have_text(["Ne mogu da uđem u cPanel."])
    expect(page.locator("[data-line]")).to_contain_text("U redu ste")

    chat = next(row["chat"] for row in agent.call("desk:state")["queue"] if row["name"] == "Milica Ilić")
    agent.call("chat:claim", {"chat": chat})
    agent.call("chat:watch", {"chat": chat})
    expect(page.locator("[data-hours]")).to_contain_text("Odgovara Vam")
    agent.call("chat:typing", {"chat": chat})
    expect(page.locator("[data-typing]")).to_be_visible()
    body = "Dobar dan! <b>pogledajte</b> https://example.test/a?b=1."
    agent.call("message:send", {"chat": chat, "client_id": uuid4().hex, "body": body, "kind": "reply"})
    expect(page.locator(".msg-them .bubble")).to_have_text(body)
    expect(page.locator(".msg-them .bubble a")).to_have_attribute("href", "https://example.test/a?b=1")
    expect(page.locator(".msg-them b")).to_have_count(0)
    # What looks like a PIN is asked about before it is sent; the text can be had back, masked, or sent as it is.
    page.locator("[data-text]").fill("Porudžbina 739164")
    page.keyboard.press("Enter")
    expect(page.locator(".pin-question")).to_contain_text("739164")
    problems += findings(page) + sideways(page)
    page.get_by_role("button", name="Izmeni tekst").click()
    expect(page.locator("[data-text]")).to_have_value("Porudžbina 739164")
    expect(page.locator("[data-text]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sakrij i pošalji")).to_be_focused()
    page.get_by_role("button", name="Nije PIN").click()
    expect(page.locator(".msg-us").last).to_contain_text("Porudžbina 739164")
    page.get_by_role("button", name="Sakrij broj").click()
    expect(page.locator(".msg-us .bubble").last).to_have_text("Porudžbina ••••••")
    page.locator("[data-text]").fill("Moj PIN je 482 913")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Nije PIN")).to_have_count(0)
    page.get_by_role("button", name="Sakrij i pošalji").press("Enter")
    expect(page.locator(".msg-us").last).to_contain_text("Moj PIN je ••••••")
    expect(page.locator(".msg-us").last).to_contain_text("sakriven")
    agent.call("chat:read", {"chat": chat, "seq": agent.wait_for("message:new", body="Moj PIN je ••••••")["seq"]})
    expect(page.locator(".msg-us").last).to_contain_text("viđeno")

    # Cut off, one goes on writing; it is sent when the connection is back, once.
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    page.locator("[data-text]").fill("napisano bez veze")
    page.keyboard.press("Enter")
    expect(page.locator(".is-sending")).to_have_count(1)
    page.context.set_offline(False)
    expect(page.locator(".is-sending")).to_have_count(0, timeout=30_000)
    assert agent.wait_for("message:new", wait=30, body="napisano bez veze")

    # The sealed card: the result comes back, what was typed nowhere.
    agent.call("verification:request", {"chat": chat})
    expect(page.locator("form.seal")).to_be_visible()
    problems += findings(page)
    page.fill("form.seal [name=email]", "ana@example.test")
    page.fill("form.seal [name=pin]", "123456")
    page.keyboard.press("Enter")
    expect(page.locator("[data-card-error]")).to_contain_text("Identitet nije potvrđen")
    expect(page.locator("form.seal [name=pin]")).to_have_value("")
    assert "123456" not in page.content()

    # After a reload everything is there again, the draft too.
    page.locator("[data-text]").fill("nedovršeno")
    page.reload()
    expect(page.locator("[data-text]")).to_have_value("nedovršeno")
    expect(page.locator(".bubble")).to_have_count(5)
    agent.call("chat:close", {"chat": chat})
    expect(page.locator("[data-after]")).to_be_visible()
    problems += findings(page) + sideways(page)
    page.locator(".rate label").nth(4).click()
    page.get_by_role("button", name="Pošaljite ocenu").click()
    expect(page.locator("[data-after-notice]")).to_contain_text("Hvala")
    page.get_by_role("button", name="Pošaljite mi prepis mejlom").click()
    expect(page.locator("[data-after-notice]")).to_contain_text("milica@example.test")
    page.get_by_role("button", name="Novi razgovor").click()
    expect(page.locator("[name=name]")).to_have_value("Milica Ilić")
    assert problems == []


LINES: list[tuple[str, list[str]]] = [
    ("{}", []),
    ("{opening: true}", ["connecting"]),
    ("{opening: true, link: 'lost'}", ["reconnecting"]),
    ("{chat: {status: 'queued'}}", ["queued"]),
    ("{chat: {status: 'queued'}, anybody: false}", ["queued", "queued_none"]),
    ("{chat: {status: 'queued', requeued: true}}", ["requeued"]),
    ("{chat: {status: 'queued'}, now: at('16:50')}", ["queued", "closing_soon"]),
    ("{chat: {status: 'active', agent: 'Mila'}}", []),
    ("{chat: {status: 'active'}, link: 'back'}", ["connected"]),
    ("{chat: {status: 'active'}, link: 'lost', problem: 'Ne može.'}", ["reconnecting"]),
    ("{chat: {status: 'active'}, problem: 'Ne može.'}", ["Ne može."]),
    ("{chat: {status: 'active'}, now: at('16:44')}", []),
    ("{chat: {status: 'active'}, now: at('16:45')}", ["closing_soon"]),
    ("{chat: {status: 'active'}, now: at('17:00')}", ["closed_open_chat"]),
    ("{chat: {status: 'closed', ended_by: 'visitor'}}", ["ended_by_visitor"]),
    ("{chat: {status: 'closed', ended_by: 'staff'}, now: at('17:00')}", ["ended_by_staff"]),
    ("{chat: {status: 'closed', ended_by: 'staff'}, unsent: true}", ["ended_keep"]),
    ("{chat: {status: 'ticketed', ticket: 'T-1'}, now: at('17:00')}", ["ticketed"]),
]
PLAIN = """async () => {
  const { banner, headline } = await import('/static/widget/banner.js');
  const at = (time) => Date.parse(`2026-11-23T${time}:00+01:00`);
  const plain = {
    link: 'ok', chat: null, opening: false, problem: '', anybody: true, unsent: false, notice: 15, now: at('11:00'),
    hours: { open: true, closes_at: '2026-11-23T17:00:00+01:00', next_open: null },
  };
  const lines = [%s].map((state) => banner({ ...plain, ...state }).words.map(([key]) => key));
  const heads = [{ status: 'active', agent: 'Mila' }, { status: 'queued', agent: 'Mila' }, null].map(headline);
  return [lines, heads];
}"""


class Connection:
    """The sockets of a page. Once cut, a new one is closed at once until ``is_cut`` is taken back."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self._open: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/socket.io/"), self._route)

    def cut(self) -> None:
        self.is_cut = True
        for socket in self._open:
            socket.close()
        self._open.clear()

    def _route(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close()
        else:
            socket.connect_to_server()
            self._open.append(socket)


def lose(place: Desk, agent: SocketClient) -> None:
    """Let an agent's connection be gone for longer than the grace period."""
    gone = {"id": agent.call("desk:state")["me"]}
    agent.close()
    engine = create_engine(place.server.environment["CONSOLE_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("UPDATE staff_presence SET seen_at = NULL WHERE staff_id = :id"), gone)
    engine.dispose()


def test_the_line_says_the_state_there_is(desk: Callable[..., Desk], new_page: Callable[..., Page]) -> None:
    """Queued, taken, answered, reloaded, cut off, transferred, back in the queue, agent gone, ticketed, ended."""
    place = desk(CHAT_LIMIT_FACTOR="1", CHAT_ADDRESS_LIMIT="1")
    first, second = place.staff("agent"), place.staff("agent2")
    page = new_page(width=390, height=844)
    connection = Connection(page)
    page.goto(f"{place.url}/chat/frame?lang=en")
    lines, heads = page.evaluate(PLAIN % ", ".join(state for state, _ in LINES))
    assert lines == [words for _, words in LINES]
    assert heads == [["taken", {"name": "Mila"}], None, None]

    line, hours, log = page.locator("[data-line]"), page.locator("[data-hours]"), page.locator("[data-log]")
    fill(page, "Where is my invoice?")
    page.locator("[data-submit]").press("Enter")
    expect(line).to_have_text("You are in the queue. An agent will be with you within a few minutes.")
    expect(hours).to_have_text("We are here until 17:00")
    chat = next(row["chat"] for row in first.call("desk:state")["queue"] if row["name"] == "Milica Ilić")

    # Somebody else on the same network may not open another: the question goes out as a ticket.
    other = new_page(language="en-GB")
    other.goto(f"{place.url}/chat/frame?lang=en")
    fill(other, "A colleague's question", email="kolega@example.test")
    other.locator("[data-submit]").press("Enter")
    expect(other.locator("[data-refused]")).to_contain_text("Many people on your network are chatting with us now")
    other.keyboard.press("Enter")
    expect(other.locator(".alert-success")).to_contain_text("Your question is now ticket T-")
    other.context.close()

    first.call("chat:claim", {"chat": chat})
    expect(hours).to_contain_text("is answering you")
    expect(line).to_be_hidden()
    first.call("message:send", {"chat": chat, "client_id": uuid4().hex, "body": "On the portal.", "kind": "reply"})
    expect(log.locator(".msg-them .bubble")).to_have_text("On the portal.")
    expect(line).to_be_hidden()
    page.reload()
    expect(log.locator(".msg-them .bubble")).to_have_text("On the portal.")
    expect(hours).to_contain_text("is answering you")
    expect(line).to_be_hidden()
    taken = hours.text_content()

    connection.cut()
    expect(line).to_have_text("Connection lost. What you write is saved; reconnecting…")
    connection.is_cut = False
    expect(line).to_have_text("Reconnected", timeout=15_000)
    expect(line).to_be_hidden()

    assert first.call("chat:transfer", {"chat": chat, "to": second.call("desk:state")["me"]})["ok"]
    expect(hours).not_to_have_text(taken or "")
    expect(hours).to_contain_text("is answering you")
    expect(line).to_be_hidden()
    department = next(row for row in second.call("desk:state")["mine"] if row["chat"] == chat)["department"]["id"]
    assert second.call("chat:transfer", {"chat": chat, "department": department})["ok"]
    again = "You are back in the queue. The next free agent continues this conversation."
    expect(line).to_have_text(again)
    expect(hours).to_have_text("We are here until 17:00")
    second.call("chat:claim", {"chat": chat})
    expect(line).to_be_hidden()
    lose(place, second)
    expect(line).to_have_text(again, timeout=20_000)
    expect(log.locator(".chat-event").last).to_contain_text("Your agent lost the connection")
    page.reload()
    expect(line).to_have_text(again)
    first.call("chat:claim", {"chat": chat})
    expect(line).to_be_hidden()
    first.call("chat:ticket", {"chat": chat})
    expect(line).to_contain_text("Your question is now ticket T-")
    expect(hours).to_have_text("We are here until 17:00")
    page.reload()
    expect(line).to_contain_text("Your question is now ticket T-")

    page.locator("[data-again]").click()
    fill(page, "Another question")
    page.locator("[data-submit]").press("Enter")
    expect(line).to_contain_text("You are in the queue.")
    chat = next(row["chat"] for row in first.call("desk:state")["queue"] if row["name"] == "Milica Ilić")
    first.call("chat:claim", {"chat": chat})
    expect(line).to_be_hidden()
    page.locator("[data-text]").fill("One more thing")
    first.call("chat:close", {"chat": chat})
    expect(line).to_have_text("The chat ended while you were writing. Start a new one with this text?")
    page.locator("[data-again]").click()
    expect(page.locator("[name=question]")).to_have_value("One more thing")


def test_out_of_hours_on_a_site_and_without_a_script(desk: Callable[..., Desk], new_page: Callable[..., Page]) -> None:
    place = desk(CLOCK="2026-11-23T17:01:00+01:00")
    page = new_page(language="en-GB", dark=True)
    page.goto(f"{place.url}/chat/")
    problems = findings(page) + sideways(page)
    frame = page.frame_locator("iframe")
    expect(frame.locator("[data-closed]")).to_contain_text("We are away right now")
    expect(frame.locator("[data-hours]")).to_have_text("We open tomorrow at 09:00")
    frame.locator("[name=name]").fill("Dragan")
    frame.locator("[name=email]").fill("dragan@example.test")
    frame.locator("[name=question]").fill("Where is my invoice?")
    frame.get_by_role("button", name="Send the question").click()
    expect(frame.locator("[data-line]")).to_contain_text("Your question is now ticket T-")
    frame.locator("[data-text]").fill("It is number 97-123.")
    frame.locator("[data-text]").press("Enter")
    expect(frame.locator(".msg-us").last).to_contain_text("Added to ticket T-")
    frame.get_by_role("button", name="Minimise the chat").click()
    expect(page.locator("iframe")).to_be_hidden()
    assert problems == []

    browser = page.context.browser
    assert browser is not None
    bare = browser.new_context(java_script_enabled=False, locale="sr-Latn-RS")
    plain = bare.new_page()
    plain.goto(f"{place.url}/chat/frame")
    fill(plain, "Bez skripte", email="bez@")
    plain.get_by_role("button", name="Pošaljite pitanje").click()
    expect(plain.locator('[data-field="email"] [data-error]')).to_contain_text("ispravnu e-mail adresu")
    plain.fill("[name=email]", "bez@example.test")
    plain.get_by_role("button", name="Pošaljite pitanje").click()
    expect(plain.locator(".alert-success")).to_contain_text("T-")
    bare.close()


def test_what_a_visitor_downloads(desk: Callable[..., Desk], new_page: Callable[..., Page]) -> None:
    """The script on the site and the frame with all it asks for, as they come over the line."""
    place = desk()
    page = new_page(width=390, height=844)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    names: dict[str, str] = {}
    sizes: dict[str, float] = {}
    line.on(
        "Network.responseReceived",
        lambda sizes_by_name: names.update({sizes_by_name["requestId"]: sizes_by_name["response"]["url"]}),
    )
    line.on(
        "Network.loadingFinished",
        lambda sizes_by_name: sizes.update({sizes_by_name["requestId"]: sizes_by_name["encodedDataLength"]}),
    )
    page.goto(f"{place.url}/chat/widget.js")
    page.goto(f"{place.url}/chat/frame?lang=sr_Latn")
    expect(page.locator("[data-hours]")).to_have_text("Tu smo do 17:00")
    page.wait_for_load_state("networkidle")
    sizes_by_name = sorted((size, names.get(each, "?").removeprefix(place.url)) for each, size in sizes.items())
    # Asked for by a page of its own alone: on a site the script is a script, and the frame a frame.
    sizes_by_name = [(size, name) for size, name in sizes_by_name if "/favicon." not in name]
    assert any("console.css" in name for _, name in sizes_by_name)
    assert any("socket.io" in name for _, name in sizes_by_name)
    assert sum(size for size, _ in sizes_by_name) <= LARGEST_DOWNLOAD, sizes_by_name


def test_what_comes_before_the_connection_is_handled_after_it(live_server: LiveServer, page: Page) -> None:
    """The server joins a room before it says so: an event of that room can be first on the wire."""

    def serve(socket: WebSocketRoute) -> None:
        def answer(frame: str | bytes) -> None:
            if str(frame).startswith("40/visitor"):
                socket.send('42/visitor,["announcement",{"sr":"Pre"}]')
                socket.send('40/visitor,{"sid":"b"}')

        socket.on_message(answer)
        socket.send('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}')

    page.route_web_socket("**/socket.io/**", serve)
    page.goto(f"{live_server.url}/chat/frame?lang=sr_Latn")
    order = page.evaluate(
        """async (script) => {
          const { line } = await import(new URL('../lib/socket.js', new URL(script, location.href)));
          const { socket, hear, arrived } = line('/visitor', { forceNew: true });
          const order = [];
          const heard = new Promise((done) => hear('announcement', (news) => { order.push(news.sr); done(); }));
          arrived(() => order.push('connected'));
          socket.connect();
          await heard;
          socket.close();
          return order;
        }""",
        page.locator("script[type=module]").get_attribute("src"),
    )
    assert order == ["connected", "Pre"]
