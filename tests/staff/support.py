"""What the tests of staff share."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from console.audit.models import AuditEntry
from console.core import clock, context, one_time_codes
from console.core.context import settings
from console.core.db import db
from console.core.sessions import open_session
from console.core.transaction import transaction
from console.settings.live import LiveSettings
from console.staff import totp
from console.staff.models import Staff, StaffSession
from console.staff.reauthentication import PasswordProof
from tests import factories


def open_sessions(staff: Staff, count: int) -> list[StaffSession]:
    """Sign ``staff`` in ``count`` times, past the form."""
    rows = [StaffSession(staff=staff) for _ in range(count)]
    with transaction() as session:
        for row in rows:
            lasts = timedelta(hours=settings().session_hours)
            open_session(session, row, now=clock.now(), lasts=lasts, address="192.0.2.7", user_agent="Test")
    return rows


def obligatory(app: Flask, *roles: str) -> None:
    """Let the second step be obligatory for ``roles``, and for no other."""
    environment = replace(context.environment(), totp_roles=roles)
    context.attach(app.extensions, environment, LiveSettings(environment))


def code_at(secret: str, *, ahead: int = 0) -> str:
    """Return the authenticator's code, ``ahead`` steps from now."""
    return pyotp.TOTP(secret).at(int(clock.machine_now().timestamp()), counter_offset=ahead)


def password_proof(staff: Staff) -> PasswordProof:
    """Show the present password of ``staff``, whatever it is."""
    return PasswordProof(staff.id, staff.password_hash)


def switch_totp_on(staff: Staff) -> tuple[str, list[str]]:
    """Give ``staff`` the second step; return its secret and the recovery codes.

    The code that confirms it belongs to the step before this one, so that this one's still serves.
    """
    secret = one_time_codes.new_secret()
    with transaction() as session:
        codes = totp.confirm_totp(
            factories.actor_of(staff), staff.id, secret, code_at(secret, ahead=-1), proof=password_proof(staff)
        )
        session.flush()
    return secret, codes


def data_of(answer: TestResponse) -> Any:
    """Return the JSON of an answer."""
    return answer.get_json()


def audit_text() -> str:
    """Return everything the audit log says, to look for what it must not."""
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return "\n".join(f"{entry.action} {entry.subject} {entry.actor_name} {entry.data}" for entry in entries)
