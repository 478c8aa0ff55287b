"""What the protocol refuses: redirects, codes, PKCE, refresh tokens, what is another's; keys, prompts, discovery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from authlib.oauth2 import OAuth2Error
from sqlalchemy import select

from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Membership
from console.identity.oidc import keys
from console.identity.oidc.applications import Registered
from console.identity.oidc.models import SsoKey
from tests import factories
from tests.conftest import Clock
from tests.portal.sso import OFFLINE, actions, allow, make_application, party_of, path_of, ready, unsigned
from tests.support.client import ConsoleClient
from tests.support.relying_party import REDIRECT, query_of

pytestmark = pytest.mark.only("sqlite")

NewClient = Callable[[], ConsoleClient]


def test_both_ways_to_show_a_secret(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    for method in ("client_secret_basic", "client_secret_post"):
        party = party_of(client, webmail, method)
        assert party.exchange(allow(client, party))["scope"] == "openid email profile"
        party.client.client_secret = "wrong"
        with pytest.raises(OAuth2Error, match="invalid_client"):
            party.exchange(allow(client, party))


def test_a_public_application_has_pkce_alone(client: ConsoleClient, owner: Membership) -> None:
    public = make_application("Telefon", is_public=True)
    assert public.secret is None
    ready(client, owner)
    party = party_of(client, public)
    assert "id_token" in party.exchange(allow(client, party))
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.exchange(allow(client, party), code_verifier="x" * 64)


WRONG_REDIRECTS = (
    "https://webmail.example.test/callback/",
    "https://webmail.example.test/callback?x=1",
    "https://webmail.example.test/Callback",
    "https://webmail.example.test:443/callback",
    "https://webmail.example.test.evil.test/callback",
    "https://webmail.example.test@evil.test/callback",
    "https://webmail.example.test/callback/../callback",
    "https://webmail.example.test/%63allback",
    "http://webmail.example.test/callback",
    "https://evil.test/callback",
    "//webmail.example.test/callback",
    "https://wеbmail.example.test/callback",  # a Cyrillic е
    "",
)


def test_another_redirect_is_sent_nothing(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    for uri in WRONG_REDIRECTS:
        answer = client.get(path_of(party.start(redirect_uri=uri)))
        assert answer.status_code in (400, 422) and answer.location is None, uri
        query = urlsplit(party.start(redirect_uri=uri)).query
        assert client.submit(f"/moj/sso/consent?{query}", decision="allow").location is None, uri
        location = allow(client, party)
        with pytest.raises(OAuth2Error, match=r"invalid_(grant|request)"):
            party.exchange(location, redirect_uri=uri or "https://evil.test/")


def test_a_code_serves_once_and_a_second_time_ends_its_tokens(
    client: ConsoleClient, owner: Membership, webmail: Registered, clock: Clock
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    location = allow(client, party, scope=OFFLINE)
    token = party.exchange(location)
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.exchange(location)
    assert party.userinfo(token["access_token"]).status_code == 401
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.refresh(token["refresh_token"])
    assert actions()[-1] == "sso.reused"
    late = allow(client, party)
    clock.advance(timedelta(seconds=61))
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.exchange(late)


NO_PKCE: tuple[dict[str, str | None], ...] = (
    {"code_verifier": None},
    {"code_verifier": None, "code_challenge": "x" * 43},
    {"code_verifier": None, "code_challenge": "x" * 43, "code_challenge_method": "plain"},
    {"code_verifier": None, "code_challenge_method": "S256"},
    {"code_verifier": None, "code_challenge": "short", "code_challenge_method": "S256"},
    {"code_verifier": None, "code_challenge": "x" * 43, "code_challenge_method": "none"},
)


def test_pkce_by_sha256_is_required(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    for params in NO_PKCE:
        answer = client.get(path_of(party.start(**params)))
        assert query_of(answer.location)["error"] == "invalid_request", params
    location = allow(client, party)
    for wrong in ("", "y" * 64, "short"):
        with pytest.raises(OAuth2Error, match=r"invalid_(request|grant)"):
            party.exchange(location, code_verifier=wrong)


def test_a_refresh_token_serves_once_and_a_second_time_ends_its_family(
    client: ConsoleClient, owner: Membership, webmail: Registered, clock: Clock
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    first = party.exchange(allow(client, party, scope=OFFLINE))
    other_family = party.exchange(allow(client, party, scope=OFFLINE))
    second = party.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.refresh(first["refresh_token"])
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.refresh(second["refresh_token"])
    assert party.userinfo(second["access_token"]).status_code == 401
    assert party.userinfo(other_family["access_token"]).status_code == 200
    assert actions()[-1] == "sso.reused"
    for _ in range(6):  # every 29 days, for half a year and no longer
        clock.advance(timedelta(days=29))
        other_family = party.refresh(other_family["refresh_token"])
    clock.advance(timedelta(days=7))
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.refresh(other_family["refresh_token"])


def test_what_is_anothers_opens_nothing(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    panel = make_application("Panel")
    mine, other = party_of(client, webmail), party_of(client, panel)
    token = mine.exchange(allow(client, mine, scope=OFFLINE))
    location = allow(client, mine)
    other.verifier, other.state = mine.verifier, mine.state
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        other.refresh(token["refresh_token"])
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        other.exchange(location)
    assert mine.exchange(location)["access_token"] and mine.refresh(token["refresh_token"])
    for wrong in (token["id_token"], token["refresh_token"], unsigned(token["id_token"]), "x"):
        assert mine.userinfo(wrong).status_code == 401
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        mine.refresh(token["access_token"])


def test_without_offline_access_there_is_no_refresh_token(client: ConsoleClient, owner: Membership) -> None:
    ready(client, owner)
    party = party_of(client, make_application("Panel", offline=False))
    token = party.exchange(allow(client, party, scope="openid offline_access address"))
    assert "refresh_token" not in token and token["scope"] == "openid"


def test_keys_change_and_what_was_signed_still_verifies(
    client: ConsoleClient, owner: Membership, webmail: Registered, clock: Clock
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    old = party.exchange(allow(client, party))
    before, nonce = party.claims(old), party.nonce
    made = keys.make_key()
    with transaction():
        keys.rotate(SYSTEM, made)
    new = party.exchange(allow(client, party))
    assert party.claims(new)["sub"] == before["sub"] and len(party.load_keys()["keys"]) == 2
    party.nonce, party.jwks = nonce, None
    assert party.claims(old) == before
    assert all("d" not in key and key["alg"] == "RS256" for key in party.load_keys()["keys"])
    row = db.session.scalars(select(SsoKey)).first()
    assert row is not None and '"d"' not in str(row.sealed_key)
    clock.advance(timedelta(days=89, hours=1))
    keys.rotate_due()
    kids = [key["kid"] for key in party.load_keys()["keys"]]
    assert len(kids) == 2 and keys.signing_key().kid == kids[0], "the first is over, the next is public and waits"
    clock.advance(timedelta(days=1))
    assert keys.signing_key().kid == kids[1]


def test_prompts_and_ages(
    client: ConsoleClient, new_client: NewClient, owner: Membership, webmail: Registered, clock: Clock
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    assert query_of(new_client().get(path_of(party.start(prompt="none"))).location)["error"] == "login_required"
    assert query_of(client.get(path_of(party.start(prompt="none"))).location)["error"] == "consent_required"
    first = party.claims(party.exchange(allow(client, party)))
    silent = client.get(path_of(party.start(prompt="none"))).location
    assert party.exchange(silent) and query_of(silent)["state"] == party.state
    assert 'value="allow"' in client.get(path_of(party.start(prompt="consent"))).text
    clock.advance(timedelta(minutes=3))
    assert query_of(client.get(path_of(party.start(prompt="none", max_age="60"))).location)["error"] == "login_required"
    assert client.get(path_of(party.start(max_age="600"))).status_code == 302
    url = path_of(party.start(prompt="login"))
    page = client.get(url)
    assert 'name="own_password"' in page.text
    consent = f"/moj/sso/consent?{urlsplit(url).query}"
    assert client.submit(consent, decision="allow").status_code == 403
    assert client.submit(consent, decision="allow", own_password="wrong").status_code == 403
    done = client.submit(consent, decision="allow", own_password=factories.PASSWORD)
    party.leeway = 600
    again = party.claims(party.exchange(done.location))
    assert again["auth_time"] >= first["auth_time"] + 179
    assert 'name="own_password"' in client.get(url).text, "the same request asks again"
    fresh = new_client()
    response = fresh.get(path_of(party.start(prompt="login")))
    assert response.location.startswith("/moj/login?next=/oauth/authorize?") or "/moj/login" in response.location
    target = query_of(response.location)["next"]
    entered = fresh.submit("/moj/login", email=owner.person.email, password=factories.PASSWORD, next=target)
    assert fresh.get(entered.location).location.startswith(REDIRECT), "one sign-in is enough"


def test_what_discovery_says_we_cannot_do(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    wrong = {
        "response_type": ("token", "unsupported_response_type"),
        "request": ("x", "request_not_supported"),
        "request_uri": ("https://x.test/", "request_uri_not_supported"),
        "response_mode": ("fragment", "invalid_request"),
        "scope": ("email", "invalid_scope"),
        "max_age": ("soon", "invalid_request"),
        "id_token_hint": ("x.y.z", "login_required"),
    }
    for name, (value, error) in wrong.items():
        answer = client.get(path_of(party.start(**{name: value})))
        assert query_of(answer.location)["error"] == error and query_of(answer.location)["state"] == party.state
    for kind in ("code id_token", "id_token", "code token", "none"):
        assert query_of(client.get(path_of(party.start(response_type=kind))).location)["error"]
    ignored = {"display": "popup", "ui_locales": "sr en", "claims_locales": "sr", "acr_values": "1 2", "odd": "1"}
    bare = allow(client, party, **ignored, login_hint=owner.person.email, nonce=None)
    party.nonce = ""
    assert "nonce" not in party.claims(party.exchange(bare))
    url = path_of(party.start())
    assert client.get(f"{url}&state=other").status_code == 400
    posted = client.application.test_client().post("/oauth/authorize", data=query_of(url))
    assert posted.status_code == 303 and posted.location.startswith("/oauth/authorize?")


def test_userinfo_takes_a_token_from_a_form_too(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    token = party.exchange(allow(client, party))["access_token"]
    outside = client.application.test_client()
    assert outside.post("/oauth/userinfo", data={"access_token": token}).json["sub"] == str(owner.person_id)
    assert outside.post("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    both = outside.post("/oauth/userinfo", data={"access_token": token}, headers={"Authorization": f"Bearer {token}"})
    assert both.status_code == 400
    bare = outside.get("/oauth/userinfo")
    assert bare.status_code == 401 and bare.headers["WWW-Authenticate"].lower().startswith("bearer")
