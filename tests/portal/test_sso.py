"""Single sign-on by HTTP: the switch, the consent, who may use it, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote, urlencode, urlsplit

import pytest
from authlib.oauth2 import OAuth2Error
from sqlalchemy import select

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers import holds
from console.customers.models import MemberRole, Membership, Person
from console.customers.people.members import change_user, remove_member
from console.customers.rights import Right
from console.identity.oidc.applications import Registered
from console.identity.oidc.models import SsoGrant, SsoSwitch, SsoToken
from console.mail.models import Mail
from tests import factories
from tests.conftest import Clock
from tests.portal.sso import OFFLINE, actions, allow, party_of, path_of, ready, turn, unsigned
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.queries import count_queries
from tests.support.relying_party import AFTER, REDIRECT, query_of

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
NewClient = Callable[[], ConsoleClient]


def test_a_person_signs_in_to_an_application(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    location = allow(client, party, scope="openid email profile offline_access")
    assert location.startswith(f"{REDIRECT}?") and query_of(location)["iss"] == party.metadata["issuer"]
    token = party.exchange(location)
    assert token["token_type"] == "Bearer" and token["expires_in"] == 600
    claims = party.claims(token)
    assert claims["sub"] == str(owner.person_id) and claims["aud"] == webmail.application.client_id
    assert claims["exp"] - claims["iat"] == 600 and claims["auth_time"] <= claims["iat"]
    payload = party.userinfo(token["access_token"]).json()
    assert payload["email"] == owner.person.email and payload["email_verified"] is True
    assert payload["account"] == owner.customer.number and payload["name"] == owner.person.name
    fresh = party.refresh(token["refresh_token"])
    assert party.userinfo(fresh["access_token"]).status_code == 200
    stored = " ".join(str(vars(one)) for one in db.session.scalars(select(SsoToken)))
    assert not any(secret in stored for secret in (token["access_token"], token["refresh_token"]))
    assert actions() == ["sso.switched_on", "sso.granted"]
    assert allow(client, party).startswith(REDIRECT), "what was allowed is remembered"
    assert actions() == ["sso.switched_on", "sso.granted"]


def test_off_ends_everything_at_once(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    token = party.exchange(allow(client, party, scope=OFFLINE))
    unused = allow(client, party)
    turn(client, "off")
    assert party.userinfo(token["access_token"]).status_code == 401
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.refresh(token["refresh_token"])
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        party.exchange(unused)
    page = client.get(path_of(party.start()), headers=ENGLISH)
    assert page.status_code == 403 and "Single Sign-On is off" in page.text and "error=access_denied" in page.text
    silent = client.get(path_of(party.start(prompt="none")))
    assert query_of(silent.location)["error"] == "access_denied"
    late = client.submit(f"/moj/sso/consent?{urlsplit(party.start()).query}", decision="allow")
    assert late.status_code == 403 and late.location is None
    seen = select(AuditEntry.customer_id).where(AuditEntry.action == "sso.refused")
    assert set(db.session.scalars(seen)) == {owner.customer_id}, "the owner's account shows it"
    assert actions() == [
        "sso.switched_on",
        "sso.granted",
        "sso.switched_off",
        "sso.revoked",
        "sso.refused",
        "sso.refused",
    ]
    turn(client)
    assert party.userinfo(token["access_token"]).status_code == 401, "on again is not as before"
    assert 'value="allow"' in client.get(path_of(party.start())).text, "nor is what was allowed"


def test_the_pages_take_few_statements(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    allow(client, party)
    for path in ("/moj/security", path_of(party.start(prompt="consent")), "/.well-known/openid-configuration"):
        with count_queries(client.application) as statements:
            assert client.get(path).status_code == 200
        assert statements.count <= 8, (path, list(statements))


def test_the_person_may_say_no(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    url = path_of(party.start())
    page = client.get(url, headers=ENGLISH)
    assert "form-action 'self' https://webmail.example.test;" in page.headers["Content-Security-Policy"]
    assert "Webmail will learn" in page.text and "your e-mail address" in page.text
    denied = client.submit(f"/moj/sso/consent?{urlsplit(url).query}", decision="deny")
    assert query_of(denied.location)["error"] == "access_denied"
    assert actions()[-1] == "sso.refused" and db.session.scalars(select(SsoGrant)).all() == []


def test_who_may_use_it_and_who_has_the_switch(
    client: ConsoleClient, new_client: NewClient, owner: Membership, webmail: Registered
) -> None:
    user = factories.make_member(owner.customer, role=MemberRole.USER, rights={Right.PRODUCT_SSO})
    without = factories.make_member(owner.customer, role=MemberRole.USER, rights=set(Right) - {Right.PRODUCT_SSO})
    ready(client, owner)
    theirs, party = new_client(), party_of(client, webmail)
    sign_in_person(theirs, user.person.email)
    assert theirs.submit("/moj/security/sso", json=True, on="off").status_code == 404
    token = party.exchange(allow(theirs, party))
    (seen,) = client.get_json("/moj/security").json["single_sign_on"]["grants"]
    assert seen["person"] == user.person.name and seen["application"] == "Webmail"
    shut = new_client()
    sign_in_person(shut, without.person.email)
    assert shut.get_json("/moj/security").json["single_sign_on"] is None
    assert shut.get(path_of(party.start())).status_code == 403
    mailed = db.session.scalars(select(Mail.to_address).where(Mail.template == "security_notice")).all()
    assert sorted(mailed) == sorted([owner.person.email, owner.person.email, user.person.email])
    with transaction():
        change_user(factories.signed_in_actor(owner.person), user.id, [Right.PRODUCTS])
    assert party.userinfo(token["access_token"]).status_code == 401
    with transaction():
        change_user(factories.signed_in_actor(owner.person), user.id, [Right.PRODUCT_SSO])
    assert party.userinfo(token["access_token"]).status_code == 401
    token = party.exchange(allow(theirs, party))
    with transaction():
        remove_member(factories.person_actor(owner.person), user.id)
    assert party.userinfo(token["access_token"]).status_code == 401


def test_a_grant_is_revoked(
    client: ConsoleClient, new_client: NewClient, owner: Membership, webmail: Registered
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    token = party.exchange(allow(client, party))
    page = client.get("/moj/security", headers=ENGLISH).text
    assert "Applications with access" in page and "Webmail" in page and 'aria-checked="true"' in page
    (one,) = client.get_json("/moj/security").json["single_sign_on"]["grants"]
    stranger = new_client()
    sign_in_person(stranger, factories.owner_of(factories.make_customer()).person.email)
    assert stranger.submit(f"/moj/security/sso/{one['id']}/revoke", json=True).status_code == 404
    assert client.submit(f"/moj/security/sso/{one['id']}/revoke").status_code == 303
    assert party.userinfo(token["access_token"]).status_code == 401
    assert client.submit(f"/moj/security/sso/{one['id']}/revoke", json=True).status_code == 404


def test_what_is_dangerous_asks_for_the_password_again(
    client: ConsoleClient, owner: Membership, webmail: Registered, clock: Clock
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    clock.advance(timedelta(minutes=11))
    assert client.submit("/moj/security/sso", json=True, on="off").json["error"]["code"] == "reauth"
    url = path_of(party.start())
    assert 'name="own_password"' in client.get(url).text
    consent = f"/moj/sso/consent?{urlsplit(url).query}"
    assert client.submit(consent, decision="allow").status_code == 403
    assert client.submit(consent, decision="allow", own_password=factories.PASSWORD).status_code == 302
    clock.advance(timedelta(minutes=11))
    (one,) = client.get_json("/moj/security").json["single_sign_on"]["grants"]
    refused = client.submit(f"/moj/security/sso/{one['id']}/revoke")
    assert refused.status_code == 403 and 'name="own_password"' in refused.text
    assert client.submit("/moj/security/sso", on="off", own_password=factories.PASSWORD).status_code == 303
    assert db.session.get(SsoSwitch, owner.customer_id) is None


def test_a_hold_ends_grants_and_keeps_the_switch_from_being_turned_on(
    client: ConsoleClient, owner: Membership, webmail: Registered
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    token = party.exchange(allow(client, party))
    with transaction():
        holds.begin(SYSTEM, db.session.get_one(Person, owner.person_id), "password_reset")
    assert party.userinfo(token["access_token"]).status_code == 401
    turn(client, "off")
    assert client.submit("/moj/security/sso", json=True, on="on").json["error"]["code"] == "held"


def test_one_of_several_accounts_is_chosen(client: ConsoleClient, owner: Membership, webmail: Registered) -> None:
    second = factories.make_customer()
    other = factories.owner_of(second)
    with transaction():
        db.session.get_one(Membership, other.id).person_id = owner.person_id
    sign_in_person(client, owner.person.email)
    for number in (owner.customer.number, second.number):
        assert client.submit("/moj/security/sso", json=True, on="on", account=number).status_code == 200
    party = party_of(client, webmail)
    url = path_of(party.start())
    page = client.get(url).text
    assert owner.customer.number in page and second.number in page
    consent = f"/moj/sso/consent?{urlsplit(url).query}"
    assert client.submit(consent, decision="allow").status_code == 422
    assert client.submit(consent, decision="allow", account="K-1").status_code == 422
    done = client.submit(consent, decision="allow", account=second.number)
    token = party.exchange(done.location)
    assert party.userinfo(token["access_token"]).json()["account"] == second.number
    assert 'type="radio"' in client.get(path_of(party.start())).text
    assert client.get(path_of(party.start(prompt="none"))).location.startswith(f"{REDIRECT}?code=")


def test_the_session_ends_from_the_application(
    client: ConsoleClient, new_client: NewClient, owner: Membership, webmail: Registered
) -> None:
    ready(client, owner)
    party = party_of(client, webmail)
    token = party.exchange(allow(client, party))
    hint = {"id_token_hint": token["id_token"], "state": "s"}
    for wrong in (
        {"id_token_hint": unsigned(token["id_token"])},
        {"id_token_hint": "x"},
        hint | {"client_id": "other"},
    ):
        assert client.get(f"/oauth/end-session?{urlencode(wrong)}").status_code == 400
    response = client.get("/oauth/end-session", headers=ENGLISH)
    assert response.status_code == 200 and "Sign out?" in response.text
    assert client.get("/moj/").status_code == 200
    elsewhere = f"/oauth/end-session?{urlencode(hint | {'post_logout_redirect_uri': 'https://evil.test/'})}"
    stranger = new_client()
    sign_in_person(stranger, factories.owner_of(factories.make_customer()).person.email)
    assert "evil.test" not in str(stranger.get(elsewhere).location)
    assert stranger.get("/moj/").status_code == 200, "another's ID token ends nothing without being asked"
    assert stranger.submit("/moj/sso/end").status_code == 303 and stranger.get("/moj/").status_code == 302
    ended = client.get(f"/oauth/end-session?{urlencode(hint | {'post_logout_redirect_uri': AFTER})}")
    assert ended.location == f"{AFTER}?state=s"
    assert client.get("/moj/").status_code == 302
    assert party.userinfo(token["access_token"]).status_code == 401
    posted = client.application.test_client().post("/oauth/end-session", data=hint)
    assert posted.location == f"/oauth/end-session?id_token_hint={quote(token['id_token'])}&state=s"


def test_the_sign_in_page_lets_its_form_through_to_a_registered_address_alone(
    client: ConsoleClient, webmail: Registered
) -> None:
    party = party_of(client, webmail)
    response = client.get(path_of(party.start()))
    assert "https://webmail.example.test;" in client.get(response.location).headers["Content-Security-Policy"]
    wrong = quote(path_of(party.start(redirect_uri="https://evil.test/callback")))
    assert "evil.test" not in client.get(f"/moj/login?next={wrong}").headers["Content-Security-Policy"]
