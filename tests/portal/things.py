"""What the pages without a sign-in, and the canned replies, are about: for the matrix of who finds what."""

from __future__ import annotations

from typing import Any

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.verification import cards
from console.staff.models import Staff
from console.tickets import links
from console.tickets.canned import service
from console.tickets.service import requester
from console.tickets.service import verification as ticket_verification
from tests.tickets.canned.support import make_ticket


def access_values(agent: Staff) -> dict[str, Any]:
    """Make a ticket with a file, an open card, a canned reply and a category that holds none."""
    ticket = make_ticket()
    with transaction():
        message = requester.write(SYSTEM, ticket, "Evo", client_id="a" * 20, files=[("a.txt", b"a")])
        _card, card_token = cards.ask(agent.actor(), ticket_verification.channel(ticket))
        used = service.save_category(SYSTEM, None, name_sr="Razno", name_en="Various")
        empty = service.save_category(SYSTEM, None, name_sr="Prazno", name_en="Empty")
        reply = service.add_reply(SYSTEM, service.ReplyData(used.id, "proba", "Proba", "Try", "Dobar dan", "Hello"))
    return {
        "ticket.number": ticket.number,
        "ticket.key": message.attachments[0].id,
        "requester.token": links.requester_token(ticket),
        "requester.attachment_id": message.attachments[0].id,
        "sealed.token": card_token,
        "replies.key": empty.id,
        "replies.edit_view.id": reply.id,
        "replies.delete_view.id": reply.id,
    }
