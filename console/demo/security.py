"""Passkeys, a lost phone, an application that was allowed: for the portal's security page and the console's."""

from __future__ import annotations

from datetime import timedelta

import pyotp
from sqlalchemy import select

from console.core import clock, one_time_codes
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.ids import token_digest
from console.core.transaction import transaction
from console.customers.models import Membership, Person
from console.demo.cast import DOMAIN
from console.demo.sign_ins import signed_in
from console.identity.models import Passkey
from console.identity.oidc import applications
from console.identity.oidc.applications import ApplicationData
from console.identity.oidc.models import SsoGrant, SsoSwitch
from console.identity.service import factors, recovery

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
PASSKEYS = (("Windows Hello, kancelarija", 210, 3), ("iPhone", 90, 20))  # name, days since, hours since the last use


def tell_now() -> None:
    """Let them be as of now. In a transaction of its own, at the very end."""
    with transaction():
        _passkeys(_person("firma"))
        _lost_phone(_person("firma.it"))
        _webmail(_person("ana"))


def _person(name: str) -> Person:
    return db.session.scalars(select(Person).where(Person.email == f"{name}@{DOMAIN}").with_for_update()).one()


def _passkeys(person: Person) -> None:
    """Add passkeys that no device has: they are listed, and open nothing."""
    handle = token_digest(person.email)
    for name, days, hours in PASSKEYS:
        identifier = token_digest(f"{person.email} {name}")
        passkey = Passkey(
            person_id=person.id,
            name=name,
            credential_digest=token_digest(identifier),
            credential_id=identifier,
            public_key=identifier,
            user_handle=handle,
            sign_count=0,
            transports=[],
            created_at=clock.now() - timedelta(days=days),
            used_at=clock.now() - timedelta(hours=hours),
        )
        db.session.add(passkey)


def _webmail(person: Person) -> None:
    """Register an application, and let Ana have allowed it a while ago."""
    data = ApplicationData(
        "Webmail",
        ("https://webmail.example.test/oauth/callback",),
        ("https://webmail.example.test/",),
        ("openid", "email", "profile", "offline_access"),
    )
    webmail = applications.register(SYSTEM, data, client_id="webmail").application
    owned = select(Membership).where(Membership.person_id == person.id, Membership.is_owner).order_by(Membership.id)
    membership = db.session.scalars(owned.limit(1)).one()
    since = clock.now() - timedelta(days=40)
    db.session.add(SsoSwitch(customer_id=membership.customer_id, person_id=person.id, switched_on_at=since))
    db.session.add(
        SsoGrant(
            application=webmail,
            membership=membership,
            scopes=["email", "openid", "profile"],
            granted_at=since + timedelta(minutes=2),
            used_at=clock.now() - timedelta(hours=3),
        )
    )
    db.session.flush()


def _lost_phone(person: Person) -> None:
    secret = one_time_codes.new_secret()
    code = pyotp.TOTP(secret).at(int(clock.machine_now().timestamp()))
    with signed_in(person, address="203.0.113.24", browser=BROWSER) as actor:
        factors.switch_on(actor, actor.session_id or 0, secret, code)
    recovery.ask(actor, person)
