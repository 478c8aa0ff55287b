"""What is written to people about their own sign-in. No choice of mail categories keeps it from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.customers.models import Customer, MemberRole, Membership, Person
from console.identity.models import DeviceRecovery
from console.mail.links import SecretLink
from console.mail.service import queue, write_to
from console.staff.models import Staff


def notify(
    person: Person,
    what: str,
    *,
    name_of: str = "",
    until: datetime | None = None,
    application: str = "",
    account: str = "",
) -> None:
    """Write to a person that their sign-in was changed.

    Args:
        what: ``totp_on``, ``totp_off``, ``codes_renewed``, ``code_used``, ``passkey_added``, ``passkey_removed``,
            ``recovery_cancelled``, ``recovery_stopped_by_owner``, ``recovery_refused``, ``recovery_done``, ``sso_on``,
            ``sso_off`` or ``sso_granted``.
        name_of: the passkey's name.
        until: until when nothing can be given away.
        application: the name of what was let in.
        account: the number of the account that it is about.
    """
    write_to(
        person,
        None,
        "security_notice",
        what=what,
        application=application,
        account=account,
        passkey=name_of,
        at=clock.now(),
        until=until,
        portal=settings().portal_brand,
    )


def notify_new_sign_in(person: Person, device: str, address: str | None) -> None:
    """Write to a person that they were signed in on a browser that was not seen before."""
    write_to(
        person,
        None,
        "person_new_sign_in",
        device=device,
        address=address or "",
        at=clock.now(),
        portal=settings().portal_brand,
    )


def write_recovery(recovery: DeviceRecovery, link: SecretLink, cancel: SecretLink) -> None:
    """Write to the person themselves that their second factors will be removed: with the link that does it."""
    write_to(
        recovery.person,
        None,
        "device_recovery",
        link=link,
        cancel=cancel,
        ready=recovery.ready_at,
        until=recovery.expires_at,
        portal=settings().portal_brand,
    )


def write_recovery_notice(recovery: DeviceRecovery, account: Customer, cancel: SecretLink) -> None:
    """Write to the owner of an account that one of its people lost their device: with the link that stops it."""
    if account.owner is None:
        return
    write_to(
        account.owner,
        account,
        "device_recovery_notice",
        about=f"customer:{account.number}",
        whom=recovery.person.name,
        email=recovery.person.email,
        customer=account.name,
        number=account.number,
        cancel=cancel,
        ready=recovery.ready_at,
        portal=settings().portal_brand,
    )


def notify_supervisor_of_recovery(supervisor: Staff, recovery: DeviceRecovery) -> None:
    """Write to a supervisor that a lost device waits: who it is about is on the page behind the link."""
    queue(
        "device_recovery_review",
        to_address=supervisor.email,
        to_name=supervisor.name,
        language=supervisor.language,
        about=f"recovery:{recovery.id}",
        name=supervisor.name,
        ready=recovery.ready_at,
        url=f"{settings().base_url}/console/recoveries/",
    )


def accounts_of_others(person: Person) -> list[Customer]:
    """Return the accounts that a person uses without owning them: of a contact's sign-in their owners learn nothing."""
    query = (
        select(Customer)
        .join(Membership, Membership.customer_id == Customer.id)
        .where(Membership.person_id == person.id, Membership.removed_at.is_(None), Membership.role == MemberRole.USER)
        .options(joinedload(Customer.owner))
        .order_by(Customer.id)
    )
    return list(db.session.scalars(query))
