"""The requester's page and the sealed card in a real browser: by keyboard, in both languages, on a phone."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.customers.verification import cards
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets import links
from console.tickets.models import TicketStatus
from console.tickets.service import messages as ticket_messages
from console.tickets.service import verification as ticket_verification
from console.tickets.service.messages import TAKE_BACK, Writing
from tests import factories
from tests.browser.pages import sideways
from tests.conftest import Clock
from tests.tickets.canned.support import make_ticket
from tests.views.conftest import axe, new_page, served  # noqa: F401  (fixtures)

EVIL = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"


def test_reading_answering_and_verifying(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    axe: Callable[[Page], list[str]],  # noqa: F811
    session: Session,
    staff_of: Callable[[Role | str], Staff],
    clock: Clock,
) -> None:
    owner = factories.owner_of(factories.make_customer())
    pin = factories.pin_of(owner)
    agent = staff_of("agent").actor()
    ticket = make_ticket(subject=f"Sajt {EVIL}", body=EVIL, language="sr_Latn")
    # Written a moment ago: the server's own clock holds a reply back, however fast this test is.
    with factories.at(clock.now() - 2 * TAKE_BACK), transaction():
        ticket_messages.reply(
            agent, ticket.id, Writing(f"Evo {EVIL}", "c" * 20, anyway=True, then=TicketStatus.WAITING)
        )
        _card, card = cards.ask(agent, ticket_verification.channel(ticket))
    address = f"{served}/t/{links.requester_token(ticket)}"
    session.rollback()

    page = new_page()
    page.goto(address)
    assert axe(page) == [] and sideways(page) == []
    page.focus("[name=body]")
    page.keyboard.type("Radi, hvala. PIN: 482 913")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Send comes after the files
    page.locator(".pin-question").wait_for()
    assert axe(page) == [] and sideways(page) == []
    page.keyboard.press("Enter")  # the focus is on "Mask it and send"
    page.locator(".narrow-messages .alert-success").wait_for()
    assert page.locator(".post").count() == 3
    assert "482" not in page.inner_text("main") and "••••••" in page.inner_text("main")
    assert page.locator(".post-note").count() == 1
    assert axe(page) == []
    page.click("button[form=solved]")
    page.locator(".narrow-state.is-ok").wait_for()
    assert page.title() != "ran"

    phone = new_page(width=390, height=844, language="en-GB", dark=True)
    phone.goto(f"{address}?lang=en")
    assert phone.locator("html").get_attribute("lang") == "en"
    assert axe(phone) == [] and sideways(phone) == []
    phone.goto(f"{served}/v/{card}?lang=en")
    assert axe(phone) == [] and sideways(phone) == []
    phone.fill("[name=email]", owner.person.email)
    phone.fill("[name=pin]", f"{(int(pin) + 1) % 1_000_000:06d}")
    phone.keyboard.press("Enter")
    phone.locator(".alert-danger").wait_for()
    assert phone.input_value("[name=pin]") == "" and phone.input_value("[name=email]") == owner.person.email
    assert axe(phone) == []
    phone.fill("[name=pin]", f"{pin[:3]} {pin[3:]}")
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Thank you").wait_for()
    assert axe(phone) == []
