"""Chats that are over, to test with, made by the real verbs."""

from __future__ import annotations

from itertools import count
from typing import Any

from console.chat import tokens, writer
from console.chat.mails import link_token
from console.chat.models import Chat, ChatFile, MessageKind
from console.chat.queries import lock_by_key
from console.chat.service import conversion, lifecycle
from console.chat.service.attachments import attach, file_link
from console.chat.service.blocking import block
from console.chat.service.messages import from_staff, from_visitor
from console.chat.service.verification import channel
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.transaction import transaction
from console.customers.masking import MASKED
from console.customers.models import Membership
from console.customers.verification.service import verify
from console.staff.models import Staff
from tests import factories
from tests.factories.chat import ask, make_session, monday, take, visitor

_ids = count(1)


def answer(agent: Actor, chat: Chat, text: str = "Proveravam.", kind: MessageKind = MessageKind.REPLY) -> None:
    """Let an agent write in a chat of theirs."""
    stored = from_staff(agent, make_session(agent.id), chat.id, kind, text, f"past-{next(_ids)}", None, MASKED)
    (outcome,) = writer.store_messages([stored])
    assert isinstance(outcome, writer.Stored), outcome


def write(chat: Chat, text: str, files: list[int] | None = None) -> None:
    """Let the visitor write."""
    (outcome,) = writer.store_messages([from_visitor(chat.id, chat.name, text, f"past-{next(_ids)}", files, MASKED)])
    assert isinstance(outcome, writer.Stored), outcome


def hang(chat: Chat, name: str = "slika.txt", content: bytes = b"sadrzaj") -> ChatFile:
    """Let the visitor upload a file and send it."""
    with transaction():
        file = attach(lock_by_key(chat.id), name, content)
    write(chat, "U prilogu.", [file.id])
    return file


def make_past(
    agent: Actor, question: str = "Ne stižu mi poruke.", reply: str = "Proveravam.", score: int = 0, **fields: Any
) -> Chat:
    """Ask, answer, end, rate."""
    chat = take(agent, ask(question, **fields))
    answer(agent, chat, reply)
    end(agent, chat, score=score)
    return chat


def end(agent: Actor, chat: Chat, *, score: int = 0, comment: str = "") -> None:
    """End a chat, and let it be rated."""
    with transaction():
        lifecycle.close(agent, chat.number)
    if score:
        with transaction():
            lifecycle.rate(visitor(), chat.id, score, comment)


def chat_values(agent: Staff, supervisor: Staff) -> dict[str, Any]:
    """Return what stands in the addresses of chats: one that has ended, with a file, and a block."""
    with clock.standing_at(monday(11)):
        chat = take(agent.actor(), ask())
        file = hang(chat)
        end(agent.actor(), chat)
        with transaction():
            blocked = block(supervisor.actor(), chat.number, "vređa", 7).id
        token = tokens.chat_token(ask())
        mine, proof = file_link(hang(ask())).split("/")  # of one that goes on: its visitor has it
    return {
        "chats.number": chat.number,
        "desk.number": chat.number,
        "desk.key": file.id,
        "chat_settings.key": blocked,
        "chat.key": int(mine),
        "chat.proof": proof,
        "chat.token": token,
        "transcript.token": link_token(chat),
    }


def make_ticketed(question: str = "Koliko košta paket?", why: str = "unclaimed", **fields: Any) -> Chat:
    """Ask, and let nobody come."""
    chat = ask(question, **fields)
    with transaction():
        conversion.make_ticket(SYSTEM, lock_by_key(chat.id), why)
    return chat


def verify_in(agent: Actor, chat: Chat, member: Membership) -> None:
    """Let a person say their PIN in a chat of ``agent``."""
    with transaction():
        made = verify(agent, email=member.person.email, pin=factories.pin_of(member), channel=channel(chat))
    assert made is not None
    db.session.refresh(chat)
