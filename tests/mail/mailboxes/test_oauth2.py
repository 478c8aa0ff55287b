"""XOAUTH2 against a real Dovecot, with tokens of a server of our own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console.core.context import sealer
from console.mail.mailboxes.access import ImapFailed
from console.mail.mailboxes.models import ImapAccount, ImapState, Mailbox, SignIn
from console.tickets.mail_in.watching import read_once
from tests.conftest import Clock
from tests.mail.mailboxes.conftest import MakeBox
from tests.support.dovecot import Dovecot
from tests.support.oauth2 import CLIENT, SECRET, TokenServer
from tests.tickets.mail_in.scene import make_raw


def make(make_box: MakeBox, tokens: TokenServer, **values: Any) -> Mailbox:
    usual = {
        "sign_in": SignIn.OAUTH2, "token_url": f"{tokens.url}/token", "client_id": CLIENT, "client_secret": SECRET,
        "refresh_token": tokens.refresh,
    }  # fmt: skip
    return make_box(**usual | values)


def test_a_token_is_got_once_and_again_when_it_ends(
    dovecot: Dovecot, make_box: MakeBox, tokens: TokenServer, clock: Clock
) -> None:
    box = make(make_box, tokens)
    dovecot.put(make_raw())
    assert (read_once(box.id), read_once(box.id)) == (1, 0)
    (refresh,) = tokens.requests
    assert (refresh["grant_type"], refresh["client_id"], refresh["client_secret"]) == ("refresh_token", CLIENT, SECRET)
    clock.advance(timedelta(hours=2))
    read_once(box.id)
    assert len(tokens.requests) == 2


def test_a_token_that_was_withdrawn_is_replaced(dovecot: Dovecot, make_box: MakeBox, tokens: TokenServer) -> None:
    box = make(make_box, tokens)
    read_once(box.id)
    tokens.valid.clear()
    dovecot.put(make_raw())
    assert read_once(box.id) == 1


def test_a_new_refresh_token_is_stored(session: Session, make_box: MakeBox, tokens: TokenServer, clock: Clock) -> None:
    tokens.rotates = True
    box = make(make_box, tokens)
    for _ in range(2):
        read_once(box.id)
        clock.advance(timedelta(hours=2))
    session.rollback()
    account = session.get_one(ImapAccount, box.id, populate_existing=True)
    assert sealer().open(account.sealed_refresh_token or "").decode() == tokens.refresh


@pytest.mark.parametrize(("status", "refresh", "problem"), [(200, "wrong", "token"), (503, "", "token_server")])
def test_a_refused_token_is_known_by_its_kind(
    session: Session, make_box: MakeBox, tokens: TokenServer, status: int, refresh: str, problem: str
) -> None:
    tokens.status = status
    box = make(make_box, tokens, refresh_token=refresh or tokens.refresh)
    with pytest.raises(ImapFailed):
        read_once(box.id)
    session.rollback()
    state = session.get_one(ImapState, box.id, populate_existing=True)
    assert state.problem == problem and tokens.refresh not in state.detail
