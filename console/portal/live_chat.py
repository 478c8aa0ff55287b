"""Live chat inside the portal: the widget as a page, and the person's past chats."""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from console.chat import mails as chat_mails
from console.chat.models import Chat
from console.chat.queries import find_past_chat, past_chats
from console.core import clock
from console.core.ids import read_key
from console.hours.queries import current_calendar
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.web.answers import local_time, wants_json
from console.web.frames import framing
from console.web.identity import current_person

PAGE_SIZE = 10


@portal.get("/chat")
@signed_in
def chat() -> ResponseReturnValue:
    """Show the chat, whether someone answers now, and what was said before."""
    before = read_key(request.args.get("before") or request.args.get("next"))
    found = past_chats(current_person().id, before=before, limit=PAGE_SIZE + 1)
    chats, older = found[:PAGE_SIZE], found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_payload(one) for one in chats], next=None if older is None else str(older))
    accounts = own_accounts()
    calendar, _revision = current_calendar()
    now = clock.now()
    is_open = calendar.is_open(now)
    page = render_template(
        "portal/chat.html",
        accounts=accounts,
        mine=chosen(accounts) if accounts else None,
        is_open=is_open,
        closes_at=calendar.closes_at(now),
        next_open=None if is_open else calendar.next_open(now),
        chats=chats,
        older=older,
        before=before,
    )
    return framing(page)


@portal.get("/chat/<chat_number>")
@signed_in
def past_chat(chat_number: str) -> ResponseReturnValue:
    """Show the transcript of one of the person's chats."""
    found = find_past_chat(current_person().id, chat_number)
    lines = chat_mails.lines(found)
    if wants_json():
        said = [
            {"from": "us" if one["ours"] else "you", "body": one["body"], "at": local_time(one["at"])} for one in lines
        ]
        return jsonify(chat=_payload(found) | {"messages": said})
    accounts = own_accounts()
    return render_template(
        "portal/past_chat.html",
        accounts=accounts,
        mine=chosen(accounts) if accounts else None,
        chat=found,
        lines=lines,
    )


def _payload(found: Chat) -> dict[str, Any]:
    return {
        "number": found.number,
        "at": local_time(found.created_at),
        "ended_at": local_time(found.ended_at) if found.ended_at is not None else None,
        "ticket": None if found.ticket is None else found.ticket.number,
    }
