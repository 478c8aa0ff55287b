"""A file that is missing or damaged is said to be so, wherever it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console.chat.service import attachments as chat_files
from console.core.context import files
from console.core.transaction import transaction
from console.staff.roles import Role
from console.tickets import links
from console.tickets.service import messages as ticket_messages
from console.tickets.service.attachments import attach
from console.tickets.service.messages import TAKE_BACK, Writing
from tests.factories import chat as chats
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in


@pytest.mark.only("sqlite")
def test_a_missing_or_damaged_file_is_404_in_words_wherever_it_is_served(
    client: ConsoleClient, session: Session, clock: Any
) -> None:
    clock.set(chats.MONDAY)
    agent = sign_in(client, Role.AGENT).actor()
    ticket, chat = make_ticket(agent), chats.take(agent, chats.ask())
    with transaction():
        mine = attach(agent, ticket, "zapis.txt", b"zapis")
        theirs = chat_files.attach(chat, "slika.txt", b"slika", staff_id=agent.id)
        ticket_messages.reply(agent, ticket.id, Writing("Evo", client_id="c", anyway=True, attachments=(mine.id,)))
    clock.advance(TAKE_BACK)
    served = {
        f"/console/tickets/{ticket.number}/files/{mine.id}": mine.digest,
        f"/t/{links.requester_token(ticket)}/files/{mine.id}": mine.digest,
        f"/console/desk/{chat.number}/files/{theirs.id}": theirs.digest,
        f"/chat/files/{chat_files.file_link(theirs)}": theirs.digest,
    }
    spoil: tuple[Callable[[str], Any], ...] = (
        lambda digest: files().path(digest).write_bytes(b"nesto drugo"),
        lambda digest: files().path(digest).unlink(missing_ok=True),
    )
    for address in served:
        assert client.get(address).status_code == 200, address
    for how in spoil:
        for address, digest in served.items():
            how(digest)
            answer = client.get(address, headers={"Accept-Language": "en"})
            assert answer.status_code == 404, address
            assert "This file is no longer on our server, or it is damaged." in answer.text, address
