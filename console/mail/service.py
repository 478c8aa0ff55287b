"""Queueing mail in the transaction that causes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.utils import make_msgid
from typing import Any

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.mail.models import Mail, MailState
from console.mail.templates import render


def queue(
    template: str,
    /,
    *,
    to_address: str,
    to_name: str = "",
    language: str | None = None,
    customer_id: int | None = None,
    about: str | None = None,
    send_after: datetime | None = None,
    in_reply_to: str | None = None,
    references: str | None = None,
    attachments: Sequence[dict[str, Any]] = (),
    private: bool = False,
    **values: Any,
) -> Mail:
    """Write one mail to be sent after the commit.

    Args:
        template: a name under ``templates/mail``.
        language: ``sr_Latn`` or ``en``; the installation's own when unknown.
        customer_id: the account it is about.
        about: the thing it is about, as ``ticket:418``.
        send_after: not to leave before; at once when not given.
        in_reply_to, references: Message-IDs of the thread (RFC 5322, 3.6.4).
        attachments: files of the store: ``name``, ``type``, ``size``, ``digest``.
        private: a link in it opens something to whoever holds it.
        values: what the template shows. Never a PIN, password or code.
    """
    language = language or settings().locale
    now = clock.now()
    rendered = render(template, language, brand=settings().brand, base_url=settings().base_url, **values)
    domain = Address(addr_spec=settings().mail_from).domain
    mail = Mail(
        message_id=make_msgid(domain=domain),
        template=template,
        language=language,
        to_address=to_address,
        to_name=to_name,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        customer_id=customer_id,
        created_at=now,
        send_after=send_after or now,
        subject_ref=about,
        in_reply_to=in_reply_to,
        references=references,
        attachments=list(attachments),
        private=private,
    )
    db.session.add(mail)
    db.session.flush()
    return mail


def cancel(mail_id: int) -> bool:
    """Keep a queued mail from being sent; tell whether it was in time."""
    mail = db.session.get(Mail, mail_id, with_for_update=True, populate_existing=True)
    if mail is None or mail.state is not MailState.QUEUED:
        return False
    mail.state = MailState.CANCELLED
    db.session.flush()
    return True
