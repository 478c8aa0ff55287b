"""A trusted mail server for what comes in, a real SMTP server for what goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from console.core.actor import Actor
from console.core.settings import Settings
from console.staff.roles import Role
from tests.factories.tickets import make_department
from tests.mail.conftest import _new_process, smtp, smtp_server  # noqa: F401
from tests.support.smtp import SmtpServer
from tests.tickets.mail_in.scene import OURS, SERVER

ActorOf = Callable[[Role | str], Actor]


@pytest.fixture
def settings(settings: Settings, smtp: SmtpServer) -> Settings:  # noqa: F811
    return replace(settings, mail_authserv_id=SERVER, mail_from=OURS, smtp_url=smtp.url(timeout=2))


@pytest.fixture(autouse=True)
def _department(session: Session) -> None:
    make_department(key="prodaja")


@pytest.fixture
def agent(actor: ActorOf) -> Actor:
    return actor("agent")
