"""What a stranger can make us send: three mails an hour to one address, and none of their words to one not proven."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat.models import Chat, ChatStatus
from console.chat.service import lifecycle
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import TooMany
from console.core.transaction import transaction
from console.mail import limits
from console.mail.examples import examples
from console.mail.limits import CAUSES, REPEATS, Cause
from console.mail.links import put_in
from console.mail.models import Mail
from console.mail.service import queue
from console.mail.templates import names
from tests.factories.chat import ask, monday, visitor
from tests.factories.chat import visitor as stranger
from tests.support.client import ConsoleClient

VICTIM, WORDS = "zrtva@example.test", "Kupite jeftine satove"
ROOT = Path(__file__).resolve().parents[2]
STRANGERS = sorted(kind for kind, cause in CAUSES.items() if cause is Cause.ANONYMOUS)


def mails(session: Session) -> list[Mail]:
    session.rollback()
    return list(session.scalars(select(Mail).order_by(Mail.id)))


def test_no_kind_of_mail_passes_beside_the_count(sqlite_app: Flask, session: Session) -> None:
    assert set(CAUSES) == set(names())
    values = {one.template: one.values for one in examples("https://console.example.test")}
    for kind in STRANGERS:
        address = f"{kind}@example.test"
        with transaction():
            limits.prove(address)
            for number in range(limits.MOST):
                queue(kind, to_address=address.replace("@", f"+{number}@") if kind not in REPEATS else address,
                      caused_by=stranger(), **values[kind])  # fmt: skip
            for by in (None, stranger(), Actor(kind="system", id=None, name="")):
                with pytest.raises(TooMany):
                    queue(kind, to_address=address, caused_by=by, **values[kind])
    assert set(STRANGERS) >= REPEATS
    for kind in sorted(REPEATS):
        with transaction(), pytest.raises(RuntimeError, match="not proven"):
            queue(kind, to_address="neko@example.test", caused_by=stranger(), **values[kind])
    # A row of the outbox is made by that verb, and by hand from one that it made.
    made = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "console").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Mail"
    }
    assert made == {"console/mail/service.py"}


def test_what_lets_people_in_is_not_used_up_by_what_strangers_send(sqlite_app: Flask, session: Session) -> None:
    values = {one.template: one.values for one in examples("https://console.example.test")}
    with transaction():
        for _ in range(limits.MOST):
            queue("ticket_opened", to_address=VICTIM, **values["ticket_opened"])
        for kind in ("staff_password_reset", "pin_locked"):
            assert queue(kind, to_address=VICTIM, **values[kind]).id


def test_chats_bomb_no_mailbox(client: ConsoleClient, session: Session, clock: Any) -> None:
    clock.set(monday(11))
    for number in range(8):
        chat = ask(f"{WORDS} {number}", email=VICTIM, name=WORDS, client_id=uuid4().hex)
        with transaction():
            if number % 2:
                session.get_one(Chat, chat.id).status = ChatStatus.ACTIVE
            lifecycle.end_by_visitor(visitor(), chat.id)
            session.flush()
        with suppress(TooMany), transaction():
            lifecycle.mail_transcript(visitor(), chat.id)
    with transaction(), pytest.raises(TooMany) as refused:
        lifecycle.mail_transcript(visitor(), chat.id)
    assert refused.value.code == "mails" and 0 < refused.value.retry_after <= 3600
    sent = mails(session)
    assert len(sent) == limits.MOST
    assert not any(WORDS in one.subject + one.text + one.html + one.to_name for one in sent)

    # Who opens the link has the mail: from then on the transcript itself is mailed there, within the same limit.
    texts = [put_in(one.text, one.html, one.sealed_links)[0] for one in sent]
    link = next(found[0] for text in texts if (found := re.search(r"/chat/transcript/\S+", text)))
    page = client.get(link)
    assert page.status_code == 200 and WORDS in page.text
    assert page.headers["Cache-Control"] == "no-store" and "noindex" in page.headers["X-Robots-Tag"]
    assert client.get(f"{link[:-2]}AA").status_code == 404
    clock.advance(timedelta(minutes=61))
    chat = ask(WORDS, email=VICTIM, client_id=uuid4().hex)
    with transaction():
        lifecycle.end_by_visitor(visitor(), chat.id)
        lifecycle.mail_transcript(visitor(), chat.id)
    confirmed, whole = mails(session)[-2:]
    assert WORDS not in confirmed.text and WORDS in whole.text


@pytest.mark.only("postgresql")
def test_two_at_once_are_counted_one_after_the_other(
    app: Flask, session: Session, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    values = {one.template: one.values for one in examples("https://console.example.test")}["ticket_opened"]

    def send() -> None:
        with app.app_context():
            with suppress(TooMany), transaction():
                queue("ticket_opened", to_address=VICTIM, **values)
            db.session.remove()

    in_threads(send, 8)
    assert len(mails(session)) == limits.MOST
