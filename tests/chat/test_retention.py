"""What is kept for so long and no longer, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.chat import retention
from console.chat import search as chat_search
from console.chat.models import Chat, ChatBlock, ChatDraft, ChatFile, ChatMessage, MessageKind, StaffPresence
from console.chat.queries import lock_by_key
from console.chat.service import blocking, lifecycle, presence
from console.chat.service.attachments import attach
from console.core.actor import Actor
from console.core.context import files as store
from console.core.db import db
from console.core.transaction import transaction
from console.staff.models import Staff
from console.tickets.models import Ticket, TicketAttachment, TicketMessage
from tests import factories
from tests.chat.past import end, hang, make_past, make_ticketed
from tests.factories.chat import BELGRADE, ask, monday, take
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.both

ActorOf = Callable[[str], Actor]
LATER = datetime(2028, 11, 24, 10, tzinfo=BELGRADE)  # two years and a day


@pytest.fixture(autouse=True)
def _at_once(session: Session, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.set(monday(11))
    monkeypatch.setattr(retention, "UNTOUCHED", 0)


def count(model: Any, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def found(words: str) -> list[int]:
    hits = chat_search.CHAT_SEARCH.matches(db.session(), Chat.id, words)
    assert hits is not None
    return list(db.session.scalars(select(Chat.id).where(hits)))


def test_old_chats_go_with_all_that_is_theirs(
    session: Session, actor: ActorOf, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)  # several rounds
    mira = actor("agent")
    old = take(mira, ask("Stari razgovor o sertifikatu"))
    own, shared = hang(old, "samo-ovde.txt", b"samo ovde"), hang(old, "i-drugde.txt", b"i drugde")
    with transaction():
        lifecycle.save_draft(mira, old.number, MessageKind.NOTE, "započeto")
    end(mira, old)
    keys = [old.id, *(make_past(mira).id for _ in range(3))]
    ticketed = make_ticketed("Koliko košta prenos domena?")
    keys.append(ticketed.id)
    number, digests = ticketed.ticket_id, (own.digest, shared.digest)
    open_still = take(mira, ask("Razgovor koji traje"))
    clock.set(LATER - timedelta(days=30))
    young = take(mira, ask())
    hang(young, "i-drugde.txt", b"i drugde")  # the same bytes
    end(mira, young)
    clock.set(LATER - timedelta(days=1, seconds=-1))
    assert retention.delete_due() == 0  # a second of the two years is left
    clock.set(LATER)
    assert retention.delete_due() == len(keys)
    session.expire_all()
    assert list(session.scalars(select(Chat.id).order_by(Chat.id))) == [open_still.id, young.id]
    for model in (ChatMessage, ChatFile, ChatDraft):
        assert count(model, model.chat_id.in_(keys)) == 0, model
    assert found("sertifikatu") == [] and found("traje") == [open_still.id]
    assert [store().exists(digest) for digest in digests] == [False, True]
    assert session.get(Ticket, number) is not None and count(TicketMessage, TicketMessage.ticket_id == number)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "chat.forgotten")).all()
    assert sum(entry.data["count"] for entry in entries) == len(keys) and len(entries) == 3
    assert retention.delete_due() == 0


def test_the_bytes_a_ticket_needs_stay(session: Session, actor: ActorOf, clock: Any) -> None:
    mira = actor("agent")
    chat = take(mira, ask())
    digest = hang(chat).digest
    with transaction():
        lifecycle.to_ticket(mira, chat.number)
    ask()
    assert count(TicketAttachment, TicketAttachment.digest == digest) == 1
    clock.set(LATER)
    assert retention.delete_due() == 1
    assert store().exists(digest) and count(ChatFile) == 0


def test_a_ticket_s_link_to_what_is_kept_no_longer_says_so(
    session: Session, client: ConsoleClient, staff_of: Callable[[str], Staff], clock: Any
) -> None:
    gone = make_ticketed().number
    ask()
    clock.set(LATER)
    assert retention.delete_due() == 1
    sign_in(client, staff=staff_of("agent"))
    answer = client.get(f"/console/chats/{gone}", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert "This conversation has been deleted: we keep them for 24 months." in answer.text
    assert client.get_json(f"/console/chats/{gone}").json["error"]["code"] == "forgotten"
    assert client.get_json("/console/chats/C-99999").json["error"]["code"] == "not_found"


def test_a_number_is_never_given_again(session: Session, actor: ActorOf, clock: Any) -> None:
    """The newest chat stays, however old: its visitor's token would open the one that came after."""
    make_past(actor("agent"))
    last = make_past(actor("agent")).id
    clock.set(LATER)
    assert retention.delete_due() == 1
    assert list(session.scalars(select(Chat.id))) == [last]
    assert ask().id == last + 1
    assert retention.delete_due() == 1


def test_what_was_never_sent_goes_after_an_hour(session: Session, actor: ActorOf, clock: Any) -> None:
    chat = take(actor("agent"), ask())
    with transaction():
        left = attach(lock_by_key(chat.id), "zaboravljeno.txt", b"zaboravljeno")
        stored = attach(lock_by_key(chat.id), "isto.txt", b"isto")
    hang(chat, "isto.txt", b"isto")
    digests = (left.digest, stored.digest)
    clock.advance(timedelta(minutes=55))
    retention.delete_unsent()
    assert count(ChatFile, ChatFile.seq.is_(None)) == 2
    clock.advance(timedelta(minutes=10))
    retention.delete_unsent()
    assert count(ChatFile) == 1
    assert [store().exists(digest) for digest in digests] == [False, True]


def test_what_somebody_is_about_to_name_stays(
    session: Session, actor: ActorOf, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload whose row is not committed yet may need the bytes that a forgotten row had."""
    monkeypatch.setattr(retention, "UNTOUCHED", 60)
    chat = take(actor("agent"), ask())
    with transaction():
        digest = attach(lock_by_key(chat.id), "isto.txt", b"isto").digest
    store().put(b"isto")
    clock.advance(timedelta(days=3))
    retention.delete_due()
    assert count(ChatFile) == 0 and store().exists(digest)


def test_presence_and_blocks_go_too(session: Session, actor: ActorOf, clock: Any) -> None:
    mira, gone = actor("agent"), factories.make_staff()
    for one in (mira, gone.actor()):
        with transaction():
            presence.set_state(one, "available")
    rude = ask()
    with transaction():
        blocking.block(actor("supervisor"), rude.number, "vređa", 7)
    with transaction() as writing:
        writing.get_one(Staff, gone.id).active = False
    retention.delete_due()
    assert list(session.scalars(select(StaffPresence.staff_id))) == [mira.id]
    assert count(ChatBlock) == 1
    clock.advance(timedelta(days=7) + retention.KEEP_BLOCKS + timedelta(seconds=1))
    retention.delete_due()
    assert count(ChatBlock) == 0


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("now", "months", "since"),
    [
        ("2028-02-29T10:00:00+01:00", 24, "2026-02-28"),
        ("2026-03-31T10:00:00+02:00", 1, "2026-02-28"),
        ("2027-01-15T10:00:00+01:00", 13, "2025-12-15"),
    ],
)
def test_months_are_months(
    session: Session, clock: Any, monkeypatch: pytest.MonkeyPatch, now: str, months: int, since: str
) -> None:
    clock.set(datetime.fromisoformat(now))
    from dataclasses import replace

    from console.core.context import settings

    short = replace(settings(), chat_keep_months=months)
    monkeypatch.setattr(retention, "settings", lambda: short)
    assert retention.retained_since().date().isoformat() == since
