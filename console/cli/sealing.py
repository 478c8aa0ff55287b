"""Every sealed secret there is: sealing them again, and proving that all open."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from console.audit.models import PersonKey
from console.billing.pay_links.models import PayLink
from console.core.context import sealer
from console.core.db import Base, db
from console.core.seal import InvalidToken
from console.core.transaction import transaction
from console.customers.models import Membership
from console.identity.models import Authenticator
from console.identity.oidc.models import SsoKey
from console.mail.mailboxes.models import ImapAccount
from console.mail.models import Mail
from console.mail.receiving.models import IncomingMail
from console.staff.models import Staff

# A column added here is rotated by `console reseal` and tried by `console doctor`.
SEALED: tuple[tuple[type[Base], InstrumentedAttribute[int], InstrumentedAttribute[str | None]], ...] = (
    (Staff, Staff.id, Staff.totp_secret),
    (Membership, Membership.id, Membership.pin_secret),
    (Authenticator, Authenticator.person_id, Authenticator.sealed_secret),
    (Mail, Mail.id, Mail.sealed_links),
    (PayLink, PayLink.id, PayLink.sealed_token),
    (IncomingMail, IncomingMail.id, IncomingMail.sealed_key),
    (ImapAccount, ImapAccount.mailbox_id, ImapAccount.sealed_password),
    (ImapAccount, ImapAccount.mailbox_id, ImapAccount.sealed_client_secret),
    (ImapAccount, ImapAccount.mailbox_id, ImapAccount.sealed_refresh_token),
    (PersonKey, PersonKey.person_id, PersonKey.sealed_key),
    (SsoKey, SsoKey.id, SsoKey.sealed_key),
)
BATCH = 500


def reseal() -> int:
    """Seal every secret with the newest key, a batch a transaction; return how many.

    Raises:
        InvalidToken: one was sealed with a key that is not listed. What was done before stays done.
    """
    count = 0
    for model, key, column in SEALED:
        last = 0
        while True:
            query = select(model).where(key > last, column.is_not(None)).order_by(key).limit(BATCH).with_for_update()
            with transaction() as session:
                rows = list(session.scalars(query))
                for row in rows:
                    setattr(row, column.key, sealer().reseal(getattr(row, column.key)))
                if rows:
                    last = getattr(rows[-1], key.key)
            count += len(rows)
            db.session.expunge_all()
            if len(rows) < BATCH:
                break
    return count


def unopened() -> Iterator[str]:
    """Yield the place of every sealed secret that no listed key opens: ``staff 3``."""
    for model, key, column in SEALED:
        for identifier, sealed in db.session.execute(select(key, column).where(column.is_not(None))).yield_per(BATCH):
            try:
                sealer().open(sealed or "")
            except InvalidToken:
                yield f"{model.__tablename__} {identifier}"
