"""Rating on the requester's page: by its form alone, once, and whatever stands in the way is said in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets import links
from console.tickets.models import Ticket, TicketStatus
from console.tickets.reviews.models import Review, TicketRating
from console.tickets.service import merging, properties
from tests.support.client import ConsoleClient
from tests.tickets.canned.support import make_ticket
from tests.tickets.reviews.scene import worked

StaffOf = Callable[[Role | str], Staff]
pytestmark = pytest.mark.only("sqlite")  # the verb behind it runs on both in tests/tickets
EVIL = '<img src=x onerror=alert(1)>=HYPERLINK("http://zlo.test")'


def path(ticket: Ticket, rest: str = "") -> str:
    return f"/t/{links.requester_token(ticket)}{rest}"


def ratings(session: Session) -> list[tuple[int, str]]:
    session.rollback()
    return [(one.score, one.comment) for one in session.scalars(select(TicketRating))]


def test_the_mail_leads_to_the_form_and_the_form_is_sent_once(
    client: ConsoleClient, session: Session, staff_of: StaffOf
) -> None:
    ticket = worked(staff_of("agent"), language="en")
    mail = session.scalars(select(Mail).where(Mail.template == "ticket_solved")).one()
    received = whole(mail)
    assert all(f"{path(ticket)}?score={score}#rate" in received.html for score in range(1, 6))
    assert path(ticket) in received.text
    # Whoever opens the link, a scanner of mail too, has rated nothing.
    for query in ("", "?score=5", "?score=5&comment=x", "?score=9", "?score=%00"):
        page = client.get(path(ticket, query))
        assert page.status_code == 200 and 'id="rate"' in page.text
        checked = 'value="5" checked' in page.text
        assert checked == query.startswith("?score=5")
    assert client.head(path(ticket, "?score=5")).status_code == 200
    assert ratings(session) == []
    done = client.submit(path(ticket, "/rate"), score="2", comment=EVIL)
    assert done.status_code == 303 and done.headers["Location"].endswith("#messages")
    html = client.get(path(ticket)).text
    assert "Thank you" in html and "2 out of 5" in html and 'name="score"' not in html
    assert "<img src=x" not in html and "&lt;img src=x" in html
    again = client.submit(path(ticket, "/rate"), score="5")
    assert again.status_code == 409 and "already rated" in again.text
    assert client.submit(path(ticket, "/rate"), json=True, score="5").json["error"]["code"] == "rated"
    assert ratings(session) == [(2, EVIL)]
    assert client.get_json(path(ticket)).json["rating"]["score"] == 2
    assert len(session.scalars(select(Review)).all()) == 1


def test_what_is_wrong_is_said_and_the_text_kept(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    ticket = worked(staff_of("agent"), language="en")
    for fields in ({}, {"score": "6"}, {"score": "x"}, {"score": "-1"}):
        answer = client.submit(path(ticket, "/rate"), comment="Zapamti me", **fields)
        assert answer.status_code == 422
        assert "Choose a rating from 1 to 5" in answer.text and "Zapamti me" in answer.text
    long = client.submit(path(ticket, "/rate"), score="4", comment="x" * 2_001)
    assert long.status_code == 422 and "too long" in long.text and 'value="4" checked' in long.text
    assert client.post(path(ticket, "/rate"), data={"score": "5"}).status_code == 400  # without the token
    assert client.get(path(ticket, "/rate")).status_code == 405
    assert client.submit("/t/nothing/rate", score="5").status_code == 404
    assert ratings(session) == []


def test_open_reopened_and_merged(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    opened = make_ticket(language="en")
    assert 'id="rate"' not in client.get(path(opened)).text
    answer = client.submit(path(opened, "/rate"), score="5")
    assert answer.status_code == 409 and "once the question is solved" in answer.text
    again = worked(agent, language="en")
    with transaction():
        properties.set_status(SYSTEM, [again.id], TicketStatus.OPEN)
    assert 'name="score"' not in client.get(path(again)).text
    assert client.submit(path(again, "/rate"), score="5").status_code == 409
    # Merged into one of their own: what is rated is that. Into somebody else's: nothing is.
    mine, into = worked(agent, language="en"), worked(agent, language="en")
    other = worked(agent, requester_email="druga@example.test", language="en")
    apart = worked(agent, language="en")
    with transaction():
        merging.merge(agent.actor(), [mine.id], into.id)
        merging.merge(agent.actor(), [apart.id], other.id, different_requesters=True)
    assert 'name="score"' in client.get(path(mine)).text
    assert client.submit(path(mine, "/rate"), score="4").status_code == 303
    assert session.scalars(select(TicketRating.ticket_id)).all() == [into.id]
    assert 'name="score"' not in client.get(path(apart)).text
    refused = client.submit(path(apart, "/rate"), score="1")
    assert refused.status_code == 409 and "merged with another" in refused.text
    assert len(ratings(session)) == 1


def test_in_the_language_of_the_mail(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    ticket = worked(staff_of("agent"), language="sr_Latn")
    assert "Kakav je bio naš odgovor?" in client.get(path(ticket)).text
    assert "How was our answer?" in client.get(path(ticket, "?lang=en")).text


def test_who_tries_too_often_waits(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    ticket = worked(staff_of("agent"))
    answers = [client.submit(path(ticket, "/rate"), score="9", comment="Zapamti me") for _ in range(21)]
    assert [one.status_code for one in answers][-1] == 429
    assert "Zapamti me" in answers[-1].text and answers[-1].headers["Retry-After"]
