"""A real SMTP server for the tests of mail, and mail to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from console.core import clock
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail import sending
from console.mail.models import Mail
from console.mail.service import queue
from tests.support.smtp import SmtpServer, running

_numbers = count(1)


@pytest.fixture(scope="session")
def smtp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """A real SMTP server, one for the run."""
    with running(tmp_path_factory.mktemp("smtp")) as server:
        yield server


@pytest.fixture
def smtp(smtp_server: SmtpServer) -> SmtpServer:
    """The SMTP server, well-behaved and empty."""
    smtp_server.reset()
    return smtp_server


@pytest.fixture
def settings(settings: Settings, smtp: SmtpServer) -> Settings:
    return replace(settings, smtp_url=smtp.url(timeout=2), brand="Mint podrška")


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    """Begin as a process does that has not sent yet."""
    sending._process = sending._Process()
    yield
    sending._process = sending._Process()


@pytest.fixture
def make_mail(session: Session) -> Callable[..., Mail]:
    """Queue a mail to an address of its own: ``make_mail(to_address=…, subject=…)``."""

    def make(template: str = "pin_renewed", **values: Any) -> Mail:
        fields: dict[str, Any] = {
            "to_address": f"osoba{next(_numbers)}@example.test",
            "customer": "Ana Đorđević",
            "number": "K-1",
            "at": clock.now(),
            "by": None,
            "name": "Ana",
        }
        columns = {key: values.pop(key) for key in list(values) if key in Mail.__table__.c and key not in _QUEUED}
        with transaction():
            mail = queue(template, **(fields | values))
            for key, value in columns.items():
                setattr(mail, key, value)
        return mail

    return make


_QUEUED = (
    "to_address", "to_name", "language", "customer_id", "send_after", "in_reply_to", "references", "attachments",
    "cc", "shown_to", "from_address", "leaves",
)  # fmt: skip


@pytest.fixture
def fresh(session: Session) -> Callable[[Mail], Mail]:
    """Read a mail anew."""

    def read(mail: Mail) -> Mail:
        db.session.rollback()
        identity = inspect(mail).identity
        assert identity is not None
        return db.session.get_one(Mail, identity[0], populate_existing=True)

    return read
