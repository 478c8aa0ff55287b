"""A real Dovecot, one for the run, its mailbox empty; and a mailbox that is read there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.mailboxes import service
from console.mail.mailboxes.models import Mailbox
from console.mail.mailboxes.service import MailboxData
from console.tickets.mail_in import watching
from tests.conftest import missing
from tests.factories.tickets import make_department
from tests.support import dovecot as dovecot_server
from tests.support.dovecot import HOST, PASSWORD, USER, Dovecot
from tests.support.oauth2 import TokenServer
from tests.support.oauth2 import running as running_tokens
from tests.tickets.mail_in.scene import OURS, SERVER

MakeBox = Callable[..., Mailbox]


@pytest.fixture(scope="session")
def token_server() -> Iterator[TokenServer]:
    """A server that gives access tokens, and tells Dovecot whose they are."""
    with running_tokens() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot_process(token_server: TokenServer) -> Iterator[Dovecot]:
    """One Dovecot for the run."""
    try:
        with dovecot_server.running(oauth2=f"{token_server.url}/introspect") as server:
            yield server
    except dovecot_server.NoDovecot as none:
        missing(str(none))


@pytest.fixture
def dovecot(dovecot_process: Dovecot) -> Dovecot:
    """The IMAP server, without any mail."""
    dovecot_process.empty()
    return dovecot_process


@pytest.fixture
def tokens(token_server: TokenServer) -> TokenServer:
    """The server of access tokens, as a good one."""
    token_server.reset()
    return token_server


@pytest.fixture
def settings(settings: Settings, dovecot: Dovecot) -> Settings:
    return replace(settings, mail_authserv_id=SERVER, mail_from=OURS, imap_ca=str(dovecot.ca_file))


@pytest.fixture(autouse=True)
def _readers() -> Iterator[None]:
    """End what reads mailboxes in this process."""
    watching.resume()
    yield
    watching.finish(10)


@pytest.fixture
def make_box(session: Session, dovecot: Dovecot) -> MakeBox:
    """Add a mailbox that is read on the real server."""
    make_department(key="mejl")

    def make(**values: Any) -> Mailbox:
        with transaction():
            return service.add_mailbox(SYSTEM, box_data(dovecot, **values))

    return make


def box_data(server: Dovecot, **values: Any) -> MailboxData:
    """Return a mailbox as its form has it."""
    usual: dict[str, Any] = {
        "name": "Podrška", "address": OURS, "host": HOST, "port": server.imaps, "user": USER, "password": PASSWORD,
        "leave_older": False,
    }  # fmt: skip
    return MailboxData(**usual | values)
