"""Podešavanja bezbednosti, and the sign-in's second step, by HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.db import db
from console.customers.models import MemberRole, Membership
from console.customers.queries import sessions_of
from console.customers.retention import delete_sessions
from console.identity.queries import authenticator_of, open_recovery, passkeys_of
from console.identity.service.passkeys import relying_party
from console.identity.service.recovery import WAIT
from console.mail import links
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.identity.device import Device
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

NewClient = Callable[[], ConsoleClient]
ENGLISH = {"Accept-Language": "en"}


def mails(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))


def link_in(template: str, pattern: str) -> str:
    mail = mails(template)[-1]
    text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
    found = re.search(pattern, text)
    assert found is not None
    return found[0]


def give_password(client: ConsoleClient, owner: Membership) -> None:
    answer = client.submit("/moj/login", json=True, email=owner.person.email, password=factories.PASSWORD)
    assert answer.json == {"signed_in": False, "needs": "code"}


def test_two_factor_authentication_as_the_faq_has_it(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    assert "/moj/security" in client.get("/moj/").text
    assert "/moj/security/totp" in client.get("/moj/security").text
    assert client.submit("/moj/security/totp").location == "/moj/security/totp/setup"
    page = client.get("/moj/security/totp/setup", headers=ENGLISH).text
    secret = re.sub(r"<[^>]*>|\s", "", re.search(r'class="mono secret">(.*?)</p>', page, re.DOTALL)[1])
    assert "data:image/svg+xml" in page
    wrong = client.submit("/moj/security/totp/setup", headers=ENGLISH, code="000000")
    assert wrong.status_code == 422 and secret[:4] in wrong.text and "This code is wrong" in wrong.text
    done = client.submit("/moj/security/totp/setup", code=factories.code_at(secret, ahead=-1))
    codes = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", done.text)
    assert done.status_code == 200 and len(codes) == 10
    assert client.get("/moj/security/totp").status_code == 302
    facts = client.get_json("/moj/security").json
    assert facts["two_step"] is True and facts["recovery_codes"] == 10 and facts["passkeys"] == []
    fresh = client.submit("/moj/security/codes", json=True, code=factories.code_at(secret)).json["recovery_codes"]
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    assert client.submit("/moj/security/totp/off", json=True, code=codes[0]).status_code == 422
    assert client.submit("/moj/security/totp/off", code=fresh[0]).status_code == 303
    assert authenticator_of(owner.person_id) is None
    assert len(mails("security_notice")) == 3 and not any(secret in mail.text for mail in mails("security_notice"))


def test_the_chosen_account_stays_chosen(client: ConsoleClient, owner: Membership) -> None:
    second = factories.make_member(factories.make_customer(), person=owner.person)
    sign_in_person(client, owner.person.email)
    number = second.customer.number
    chosen = f"?account={number}"
    passkey = factories.make_passkey(owner.person)
    pages = {
        "security": ("security/totp", f"security/passkeys/{passkey.id}/remove"),
        "security/totp": (),
        "sessions": (),
        "password": (),
        "email": ("email",),
    }
    for path, forms in pages.items():
        page = client.get(f"/moj/{path}{chosen}").text
        assert re.search(rf'aria-current="true"[^\n]*\n?[^\n]*{number}', page), path
        for form in forms:
            assert f'"/moj/{form}{chosen}"' in page, form
    moved = [
        client.submit(f"/moj/security/totp{chosen}"),
        client.submit(f"/moj/security/passkeys/{passkey.id}/remove{chosen}"),
        client.submit(f"/moj/sessions/revoke{chosen}"),
        client.submit("/moj/sessions/revoke", account=number),
        client.submit(f"/moj/email{chosen}", email="nova@example.rs"),
    ]
    assert [one.status_code for one in moved] == [303] * 5
    assert [one.location for one in moved] == [
        f"/moj/security/totp/setup{chosen}",
        f"/moj/security{chosen}",
        f"/moj/sessions{chosen}",
        f"/moj/sessions{chosen}",
        f"/moj/email{chosen}",
    ]


def test_what_is_dangerous_asks_for_the_password_again(client: ConsoleClient, owner: Membership, clock: Clock) -> None:
    sign_in_person(client, owner.person.email)
    clock.advance(timedelta(minutes=11))
    for path in ("totp", "passkeys/options", "totp/setup"):
        refused = client.submit(f"/moj/security/{path}", json=True, code="123456")
        assert refused.status_code == 403 and refused.json["error"]["code"] == "reauth"
    assert 'name="own_password"' in client.get("/moj/security/totp").text
    path = f"/moj/security/passkeys/{factories.make_passkey(owner.person).id}/remove"
    wrong = client.submit(path, own_password="ne")
    assert wrong.status_code == 403 and len(passkeys_of(owner.person_id)) == 1
    right = client.submit(path, own_password=factories.PASSWORD)
    assert right.status_code == 303 and not passkeys_of(owner.person_id)
    assert client.submit(path).status_code == 404


def test_the_code_comes_in_a_second_step_or_with_the_password(
    client: ConsoleClient, new_client: NewClient, owner: Membership, clock: Clock
) -> None:
    secret, codes = factories.switch_totp_on(owner.person)
    give_password(client, owner)
    assert client.get_json("/moj/login").json["needs"] == "code"
    assert client.get("/moj/").status_code == 302
    page = client.get("/moj/login?next=/moj/mail").text
    assert 'name="code"' in page and 'name="password"' not in page and "/moj/login/lost" in page
    assert client.submit("/moj/login", code="").status_code == 422
    assert client.submit("/moj/login", json=True, code="000000").json["error"]["code"] == "code"
    assert client.submit("/moj/login", code=factories.code_at(secret), next="/moj/mail").location == "/moj/mail"
    other = new_client()
    three = {"email": owner.person.email, "password": factories.PASSWORD}
    assert other.submit("/moj/login", json=True, **three, code=factories.code_at(secret)).status_code == 422
    assert other.submit("/moj/login", json=True, **three, code=codes[0]).json["signed_in"] is True
    third = new_client()
    assert third.submit("/moj/login", json=True, code="123456").status_code == 401
    give_password(third, owner)
    assert 'name="password"' in third.get("/moj/login?again=1").text
    give_password(third, owner)
    clock.advance(timedelta(minutes=11))
    assert 'name="password"' in third.get("/moj/login").text


def test_wrong_codes_from_fresh_browsers_count_for_the_account(new_client: NewClient, owner: Membership) -> None:
    secret, _codes = factories.switch_totp_on(owner.person)
    for _ in range(10):
        stranger = new_client()
        give_password(stranger, owner)
        assert stranger.submit("/moj/login", code="000000").status_code == 422
    stranger = new_client()
    give_password(stranger, owner)
    limited = stranger.submit("/moj/login", code=factories.code_at(secret))
    assert limited.status_code == 429 and int(limited.headers["Retry-After"]) > 0


def test_a_new_browser_is_reported_and_the_first_and_the_known_ones_are_not(
    client: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    client.submit("/moj/logout")
    sign_in_person(client, owner.person.email)
    assert mails("person_new_sign_in") == []
    sign_in_person(new_client(), owner.person.email)
    (mail,) = mails("person_new_sign_in")
    assert mail.to_address == owner.person.email and "/moj/sessions" in mail.text


def test_a_new_browser_is_reported_to_who_comes_three_times_a_year(
    client: ConsoleClient, new_client: NewClient, owner: Membership, clock: Clock
) -> None:
    sign_in_person(client, owner.person.email)
    clock.advance(timedelta(days=200))
    delete_sessions()
    assert sessions_of(owner.person_id) == []
    sign_in_person(new_client(), owner.person.email)
    assert [mail.to_address for mail in mails("person_new_sign_in")] == [owner.person.email]


def test_a_passkey_is_a_way_in_a_second_step_and_a_confirmation(
    client: ConsoleClient, new_client: NewClient, owner: Membership, clock: Clock
) -> None:
    key = Device(relying_party().origin, relying_party().id)
    sign_in_person(client, owner.person.email)
    options = client.submit("/moj/security/passkeys/options", json=True).json["publicKey"]
    added = client.submit("/moj/security/passkeys", json=True, name="Telefon", credential=key.create(options))
    assert added.status_code == 200 and "Telefon" in client.get("/moj/security").text
    clock.advance(timedelta(minutes=11))
    options = client.submit("/moj/security/confirm/options", json=True).json["publicKey"]
    assert client.submit("/moj/security/confirm", json=True, credential=key.get(options)).json == {"confirmed": True}
    assert client.submit("/moj/security/totp").status_code == 303

    browser, other = new_client(), new_client()
    options = browser.submit("/moj/login/passkey/options", json=True).json["publicKey"]
    answer = key.get(options)
    assert other.submit("/moj/login/passkey", json=True, credential=answer).status_code == 422
    options = browser.submit("/moj/login/passkey/options", json=True).json["publicKey"]
    entered = browser.submit("/moj/login/passkey", json=True, credential=key.get(options), next="/moj/mail")
    assert entered.json["signed_in"] is True and entered.json["next"] == "/moj/mail"
    assert browser.get("/moj/").status_code == 200

    factories.switch_totp_on(owner.person)
    second = new_client()
    assert second.submit("/moj/login/passkey/options", json=True, step="second").status_code == 401
    give_password(second, owner)
    options = second.submit("/moj/login/passkey/options", json=True, step="second").json["publicKey"]
    assert second.submit("/moj/login/passkey", json=True, step="second", credential=key.get(options)).json["signed_in"]


def test_a_lost_device_by_its_pages(
    client: ConsoleClient, new_client: NewClient, owner: Membership, clock: Clock
) -> None:
    factories.switch_totp_on(owner.person)
    assert client.get("/moj/login/lost").status_code == 302
    give_password(client, owner)
    assert client.get("/moj/login/lost").status_code == 200
    assert client.submit("/moj/login/lost").status_code == 200
    link = link_in("device_recovery", r"/moj/recovery/(?!stop)\S+")
    stop = link_in("device_recovery", r"/moj/recovery/stop/\S+")
    guest = new_client()
    early = guest.get(link)
    assert early.status_code == 200 and early.headers["Cache-Control"] == "no-store" and "btn-danger" not in early.text
    assert guest.submit(link, json=True).json["error"]["code"] == "waiting"
    assert guest.get(stop).status_code == 200 and guest.submit(stop).status_code == 200
    for gone in (link, stop):
        assert guest.get(gone).status_code == 404 and guest.submit(gone).status_code == 404
    client.submit("/moj/login/lost")
    link = link_in("device_recovery", r"/moj/recovery/(?!stop)\S+")
    clock.advance(WAIT)
    assert "btn-danger" in guest.get(link).text
    assert guest.submit(link).location == "/moj/login?removed=1"
    sign_in_person(guest, owner.person.email)


def test_a_lost_device_is_shown_to_who_may_stop_it(
    client: ConsoleClient, new_client: NewClient, owner: Membership, clock: Clock
) -> None:
    """To the person in a session that is open, and to the owner of the account; with a button."""
    user = factories.make_member(owner.customer)
    secret, _codes = factories.switch_totp_on(user.person)
    give_password(client, user)
    assert client.submit("/moj/login", json=True, code=factories.code_at(secret)).json["signed_in"]
    colleague = new_client()
    sign_in_person(colleague, factories.make_member(owner.customer).person.email)
    lead = new_client()
    sign_in_person(lead, owner.person.email)
    for browser, words in ((client, "your phone is lost"), (lead, f"({user.person.email}) says")):
        assert "is lost" not in browser.get("/moj/", headers=ENGLISH).text
        thief = new_client()
        give_password(thief, user)
        thief.submit("/moj/login/lost")
        key = open_recovery(user.person_id).id
        for path in ("/moj/", "/moj/security"):
            page = browser.get(path, headers=ENGLISH).text
            assert words in page and f'name="recovery" value="{key}"' in page, path
            assert "is lost" not in colleague.get(path, headers=ENGLISH).text
        assert colleague.submit("/moj/security/recovery/stop", json=True, recovery=key).status_code == 404
        assert browser.submit("/moj/security/recovery/stop", recovery=key).status_code == 303
        assert open_recovery(user.person_id) is None
    give_password(thief, user)
    thief.submit("/moj/login/lost")
    key = open_recovery(user.person_id).id
    clock.advance(timedelta(minutes=11))
    assert f'id="stop-password-{key}"' in lead.get("/moj/").text
    refused = lead.submit("/moj/security/recovery/stop", recovery=key)
    assert refused.status_code == 403 and f'id="stop-password-{key}"' in refused.text


def test_an_agent_sees_it_for_whom_they_verified_and_decides_nothing(
    client: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    user = factories.make_member(owner.customer, rights=[])
    for member in (user, factories.make_member(owner.customer, rights=[])):
        factories.switch_totp_on(member.person)
        guest = new_client()
        give_password(guest, member)
        guest.submit("/moj/login/lost")
    page = f"/console/customers/{owner.customer.number}"
    agent = sign_in(client, Role.AGENT)
    assert "is lost" not in client.get(page, headers=ENGLISH).text
    factories.make_verification(agent, user)
    html = client.get(page, headers=ENGLISH).text
    assert html.count("is lost") == 1 and f"({user.person.email}) says" in html and "/recovery" not in html
    factories.make_verification(agent, owner)
    assert client.get(page, headers=ENGLISH).text.count("is lost") == 2


def test_a_supervisor_sees_it_on_the_customers_page(
    client: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    factories.switch_totp_on(owner.person)
    guest, page = new_client(), f"/console/customers/{owner.customer.number}"
    give_password(guest, owner)
    guest.submit("/moj/login/lost")
    sign_in(client, "agent")
    assert "/recovery" not in client.get(page).text
    lead = new_client()
    sign_in(lead, "supervisor")
    html = lead.get(page).text
    key = re.search(r'name="recovery" value="(\d+)"', html)[1]
    assert owner.person.email not in html
    assert lead.submit(f"{page}/recovery", recovery=key, decision="begin").status_code == 422
    assert lead.submit(f"{page}/recovery", recovery=key, decision="allow").status_code == 303
    assert lead.submit(f"{page}/recovery", recovery=key, decision="refuse").status_code == 303
    assert 'name="recovery"' not in lead.get(page).text


def test_an_invitation_asks_for_the_second_step_too(client: ConsoleClient, owner: Membership, session: Session) -> None:
    person = factories.make_person()
    factories.switch_totp_on(person)
    inviter = client
    sign_in_person(inviter, owner.person.email)
    inviter.submit("/moj/users/invite", email=person.email, permissions=["tickets"])
    token = link_in("invitation", r"/moj/invitation/\S+")
    inviter.submit("/moj/logout")
    refused = client.submit(f"{token}/accept", json=True, own_password=factories.PASSWORD)
    assert refused.status_code == 422 and refused.json["error"]["code"] == "second_step"
    assert client.get("/moj/").status_code == 302


def test_the_page_takes_few_statements(app: Flask, client: ConsoleClient, owner: Membership, clock: Clock) -> None:
    """Where it asks for the password again, too, which it does at each of its forms."""
    secret, _codes = factories.switch_totp_on(owner.person)
    for _ in range(5):
        factories.make_passkey(owner.person)
    give_password(client, owner)
    client.submit("/moj/login", code=factories.code_at(secret))
    clock.advance(timedelta(minutes=11))
    client.get("/moj/security")
    with count_queries(app) as queries:
        assert client.get("/moj/security").status_code == 200
    assert queries.count <= 8


def test_an_owner_learns_nothing_of_the_lost_device_of_a_contact(
    client: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    """A contact is written down without being asked: the address of anyone may be."""
    other = factories.make_member(factories.make_customer())
    factories.switch_totp_on(other.person)
    factories.make_member(owner.customer, MemberRole.CONTACT, person=other.person)
    thief = new_client()
    give_password(thief, other)
    thief.submit("/moj/login/lost")
    key = open_recovery(other.person_id).id
    sign_in_person(client, owner.person.email)
    assert "is lost" not in client.get("/moj/", headers=ENGLISH).text
    for named in (key, "abc"):
        assert client.submit("/moj/security/recovery/stop", json=True, recovery=named).status_code == 404
    assert open_recovery(other.person_id) is not None
    assert owner.person.email not in {mail.to_address for mail in mails("device_recovery_notice")}


def test_who_lost_a_device_is_told_that_an_owner_stopped_it(
    client: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    user = factories.make_member(owner.customer)
    factories.switch_totp_on(user.person)
    thief = new_client()
    give_password(thief, user)
    thief.submit("/moj/login/lost")
    sign_in_person(client, owner.person.email)
    assert client.submit("/moj/security/recovery/stop", recovery=open_recovery(user.person_id).id).status_code == 303
    notice = mails("security_notice")[-1]
    assert notice.to_address == user.person.email
    assert owner.customer.number in notice.text and "vlasnik" in notice.text.lower()
