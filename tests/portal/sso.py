"""What the tests of single sign-on share: an application, and a person who lets it in."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

from sqlalchemy import select

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Membership
from console.identity.oidc import applications
from console.identity.oidc.applications import ApplicationData, Registered
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.relying_party import AFTER, REDIRECT, Answer, RelyingParty

OFFLINE = "openid email profile offline_access"


def make_application(name: str = "Webmail", *, is_public: bool = False, offline: bool = True) -> Registered:
    scopes = ("openid", "email", "profile", *(("offline_access",) if offline else ()))
    data = ApplicationData(name, (REDIRECT,), (AFTER,), scopes, is_public)
    with transaction():
        made = applications.register(SYSTEM, data)
    db.session.refresh(made.application)
    return made


def party_of(client: ConsoleClient, made: Registered, method: str | None = None) -> RelyingParty:
    """Return an application whose requests come from elsewhere, without the person's cookies."""
    outside = client.application.test_client()

    def fetch(verb: str, url: str, headers: dict[str, str], body: str) -> Answer:
        path = url.removeprefix("http://127.0.0.1:8000")
        found = outside.open(path, method=verb, headers=headers, data=body)
        return Answer(found.status_code, found.headers, found.text)

    return RelyingParty(fetch, "", made.application.client_id, made.secret, method=method)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def turn(client: ConsoleClient, on: str = "on") -> None:
    answer = client.submit("/moj/security/sso", json=True, on=on)
    assert answer.status_code == 200, answer.text


def allow(client: ConsoleClient, party: RelyingParty, **params: str | None) -> str:
    """Ask as the application does, allow it, and return where the person is sent."""
    url = path_of(party.start(**params))
    page = client.get(url)
    if page.status_code == 302:
        return page.location
    assert page.status_code == 200, page.text
    answer = client.submit(f"/moj/sso/consent?{urlsplit(url).query}", decision="allow")
    assert answer.status_code == 302, answer.text
    return answer.location


def ready(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    turn(client)


def actions() -> list[str]:
    query = select(AuditEntry.action).where(AuditEntry.action.startswith("sso.")).order_by(AuditEntry.id)
    return [one for one in db.session.scalars(query) if one != "sso.key_added"]


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."
