"""A document's PDF goes out with the mail about it, over a real SMTP server: named in the row, read when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing.mails import write_issued
from console.billing.models import Proforma
from console.billing.pdf.files import find_file, key_of, pdf_of
from console.billing.pdf.models import attachment_of
from console.core import clock as core_clock
from console.core.transaction import transaction
from console.mail import attachments
from console.mail.models import Mail, MailState
from console.mail.sending import send_due
from console.mail.service import queue
from tests import factories
from tests.conftest import Clock
from tests.support.smtp import SmtpServer

pytestmark = pytest.mark.only("sqlite")
Fresh = Callable[[Mail], Mail]


def mail_with(*documents: Proforma) -> Mail:
    with transaction():
        return queue(
            "pin_renewed", to_address="knjigovodja@example.test", language="en", customer="Ana", number="K-1",
            at=core_clock.now(), by=None, name="Ana", attachments=[attachment_of(one) for one in documents],
        )  # fmt: skip


def test_it_is_made_when_the_mail_is_sent_in_the_mails_language(
    session: Session, smtp: SmtpServer, fresh: Fresh
) -> None:
    proforma = factories.make_proforma(factories.make_customer())
    mail = mail_with(proforma)
    assert mail.attachments[0]["name"] == f"{proforma.number}.pdf" and "digest" not in mail.attachments[0]
    assert find_file(key_of(proforma, "en")) is None
    send_due()
    (received,) = smtp.received
    (file,) = received.message.iter_attachments()
    assert file.get_filename() == f"{proforma.number}.pdf" and file.get_content_type() == "application/pdf"
    assert file.get_content() == pdf_of(proforma, "en")
    assert fresh(mail).state is MailState.SENT


def test_the_mail_and_what_it_carries_commit_together(session: Session, smtp: SmtpServer) -> None:
    proforma = factories.make_proforma(factories.make_customer())
    with pytest.raises(RuntimeError), transaction():
        write_issued(proforma)
        raise RuntimeError
    assert session.scalars(select(Mail)).all() == []


def test_where_it_cannot_be_made_the_mail_waits(
    session: Session, smtp: SmtpServer, fresh: Fresh, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    proforma = factories.make_proforma(factories.make_customer())
    mail = mail_with(proforma)

    def fail(_key: str, _language: str) -> attachments.StoredFile:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setitem(attachments._MAKERS, "document", fail)
        send_due()
    waiting = fresh(mail)
    assert waiting.state is MailState.QUEUED and "could not be made" in waiting.last_error and not smtp.received
    clock.advance(timedelta(minutes=5))
    send_due()
    assert len(smtp.received) == 1
