"""Queueing mail in the transaction that causes it."""

from __future__ import annotations

from email.headerregistry import Address
from email.utils import make_msgid
from typing import Any

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.mail.models import Mail
from console.mail.templates import render


def queue(
    template: str,
    /,
    *,
    to_address: str,
    to_name: str = "",
    language: str | None = None,
    customer_id: int | None = None,
    **values: Any,
) -> Mail:
    """Write one mail to be sent after the commit.

    Args:
        template: a name under ``templates/mail``.
        language: ``sr_Latn`` or ``en``; the installation's own when unknown.
        customer_id: the account it is about.
        values: what the template shows. Never a PIN, password or code.
    """
    language = language or settings().locale
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
        created_at=clock.now(),
    )
    db.session.add(mail)
    return mail
