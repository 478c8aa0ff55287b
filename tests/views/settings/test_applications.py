"""The page of applications: registered, changed, the secret shown once, the keys."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.db import db
from console.core.ids import token_digest
from console.identity.oidc.models import SsoApplication
from console.staff.roles import Role
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
PATH = "/console/applications"
FIELDS = {
    "name": "Webmail",
    "redirect_uris": "https://webmail.example.test/callback\r\n\r\nhttps://webmail.example.test/other",
    "post_logout_uris": "https://webmail.example.test/",
    "scopes": ["email", "profile"],
    "active": "y",
}


def row() -> SsoApplication:
    db.session.expire_all()
    return db.session.scalars(select(SsoApplication)).one()


def test_an_application_is_registered_and_its_secret_shown_once(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    assert "No applications yet" in client.get(f"{PATH}/", headers=ENGLISH).text
    wrong = client.submit(f"{PATH}/new", headers=ENGLISH, **FIELDS | {"redirect_uris": "http://a.test/", "name": ""})
    assert wrong.status_code == 422 and "http://a.test/ cannot be used" in wrong.text and "at most 80" in wrong.text
    made = client.submit(f"{PATH}/new", headers=ENGLISH, **FIELDS)
    secret = re.search(r'aria-labelledby="h-secret">([^<]+)<', made.text)
    assert secret is not None and row().secret_digest == token_digest(secret[1])
    assert made.headers["Cache-Control"] == "no-store"
    assert row().redirect_uris == ["https://webmail.example.test/callback", "https://webmail.example.test/other"]
    for path in (f"{PATH}/", f"{PATH}/{row().id}"):
        page = client.get(path, headers=ENGLISH).text
        assert "Webmail" in page and secret[1] not in page
    renewed = client.submit(f"{PATH}/{row().id}/renew", json=True).json
    assert renewed is not None and row().secret_digest == token_digest(renewed["client_secret"])
    assert client.submit(f"{PATH}/{row().id}", **FIELDS | {"active": ""}).status_code == 303
    (one,) = client.get_json(f"{PATH}/").json["items"]
    assert one["active"] is False and one["public"] is False and "secret" not in str(one)
    assert client.get(f"{PATH}/99").status_code == 404


def test_a_public_one_has_no_secret_and_keys_are_replaced(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    made = client.submit(f"{PATH}/new", json=True, **FIELDS, is_public="y").json
    assert made is not None and made["client_secret"] is None and made["application"]["public"]
    assert client.submit(f"{PATH}/{row().id}/renew", json=True).status_code == 409
    first = client.submit(f"{PATH}/keys", json=True).json["key"]
    second = client.submit(f"{PATH}/keys", json=True).json["key"]
    with count_queries(client.application) as statements:
        page = client.get(f"{PATH}/", headers=ENGLISH).text
    assert statements.count <= 8 and first[:16] in page and second[:16] in page
    assert {one["kid"] for one in client.get_json("/oauth/jwks").json["keys"]} == {first, second}


@pytest.mark.parametrize("role", [Role.AGENT, Role.BILLING, Role.SUPERVISOR])
def test_it_is_the_administrators_alone(client: ConsoleClient, session: Session, role: Role) -> None:
    sign_in(client, role)
    assert client.get(f"{PATH}/").status_code == 404
    assert client.submit(f"{PATH}/new", **FIELDS).status_code == 404
