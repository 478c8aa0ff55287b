"""What the tests of an account's data share."""

from __future__ import annotations

import re

from sqlalchemy import select

from console.audit.models import AuditEntry
from console.core.actor import Actor
from console.core.db import db
from console.customers.models import Membership
from console.mail import links
from console.mail.models import Mail
from tests import factories


def actor_of(member: Membership) -> Actor:
    return factories.signed_in_actor(member.person)


def mails(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))


def token_in(mail: Mail, path: str) -> str:
    """Return the token that a mail's link has after ``path``."""
    text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
    found = re.search(re.escape(path) + r"(\S+)", text)
    assert found is not None, text
    return found[1]


def audited(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))
