"""Reading a mailbox of a real server: each message once and in order, whatever happens to server and worker."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.mail.mailboxes.models import ImapState, Mailbox
from console.mail.receiving.models import IncomingMail
from console.tickets.mail_in.watching import read_once
from console.tickets.models import Ticket
from tests.mail.mailboxes.conftest import MakeBox
from tests.support.dovecot import Dovecot
from tests.tickets.mail_in.scene import make_raw, proven


def state_of(box: Mailbox, session: Session) -> ImapState:
    session.rollback()
    return session.get_one(ImapState, box.id, populate_existing=True)


def subjects(session: Session) -> list[str]:
    """Return what came in, in the order of its tickets."""
    session.rollback()
    return list(session.scalars(select(Ticket.subject).order_by(Ticket.id)))


@pytest.mark.both
def test_each_message_is_a_ticket_once(session: Session, dovecot: Dovecot, make_box: MakeBox) -> None:
    box = make_box()
    dovecot.put(*(make_raw(subject=f"Pitanje {number}", auth=proven()) for number in range(45)))
    assert read_once(box.id) == 45
    assert subjects(session) == [f"Pitanje {number}" for number in range(45)]
    dovecot.put(make_raw(subject="Pitanje 45", auth=proven()))
    assert (read_once(box.id), read_once(box.id)) == (1, 0)
    state = state_of(box, session)
    assert (state.last_uid, state.waiting, state.problem, state.lease) == (46, 0, "", None)
    assert session.scalar(select(func.count(IncomingMail.id)).where(IncomingMail.via == "imap")) == 46
