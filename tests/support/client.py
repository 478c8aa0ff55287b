"""Flask's test client, each request in a context of its own, with forms that carry their token."""

from __future__ import annotations

import secrets
from contextvars import Context
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from console.core.db import db
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories


class ConsoleClient(FlaskClient):
    """A browser without JavaScript.

    A test that holds an application context would share its session and its
    ``g`` with the request, which no server does. So each request starts from
    an empty context, and afterwards the test's own session reads anew.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs["buffered"] = True
        if has_app_context():
            db.session.rollback()
        return Context().run(super().open, *args, **kwargs)

    def csrf_token(self) -> str:
        """Return a token good for this client's session."""
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", secrets.token_hex(20))
        signer = URLSafeTimedSerializer(self.application.secret_key or "", salt="wtf-csrf-token")
        return str(signer.dumps(raw))

    def submit(self, path: str, /, *, json: Any = False, headers: Any = None, **fields: Any) -> TestResponse:
        """Post a form with its token.

        Args:
            json: ask for a JSON answer.
            fields: the form; a list repeats its field.
        """
        headers = dict(headers or {}) | ({"Accept": "application/json"} if json else {})
        return self.post(path, data={"csrf_token": self.csrf_token(), **fields}, headers=headers)

    def get_json(self, path: str, **kwargs: Any) -> TestResponse:
        """Ask ``path`` for JSON."""
        return self.get(path, headers={"Accept": "application/json"}, **kwargs)


def sign_in(client: ConsoleClient, role: Role | str = Role.AGENT, staff: Staff | None = None) -> Staff:
    """Sign ``client`` in through the real form, as ``staff`` or as a new account of ``role``."""
    member = staff or factories.make_staff(Role(role))
    answer = client.submit("/login", email=member.email, password=factories.PASSWORD)
    assert answer.status_code in (302, 303), f"sign-in answered {answer.status_code}: {answer.text[:500]}"
    return member


def sign_in_person(client: ConsoleClient, email: str, password: str = factories.PASSWORD) -> None:
    """Sign ``client`` in to the portal through the real form."""
    answer = client.submit("/moj/login", email=email, password=password)
    assert answer.status_code in (302, 303), f"sign-in answered {answer.status_code}: {answer.text[:500]}"
