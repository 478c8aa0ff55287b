"""Signing in and out through the pages, as a browser and as a script do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from limits.errors import StorageError
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.ids import token_digest
from console.core.settings import Settings
from console.core.transaction import transaction
from console.extensions import limiter
from console.staff.models import StaffSession
from console.staff.queries import live_sessions
from console.staff.roles import Role
from console.staff.service import change_staff, set_password
from console.web import limits, password_tries
from console.web import staff_signin as pages
from console.web.navigation import local_path
from tests import factories
from tests.conftest import Clock
from tests.staff.support import audit_text, code_at, data_of, obligatory, switch_totp_on
from tests.support.client import ConsoleClient, sign_in

NewClient = Callable[[], ConsoleClient]
HOME = "/console/"


def token_of(client: ConsoleClient) -> str | None:
    with client.session_transaction() as cookie:
        token: str | None = cookie.get("staff")
        return token


def is_in(client: ConsoleClient) -> bool:
    return client.get_json("/console/profile/").status_code == 200


def sign_in_together(browsers: Sequence[ConsoleClient], forms: Sequence[dict[str, str]]) -> list[int]:
    """Send each browser's form at the same moment; return the answers' statuses."""
    statuses: list[int] = []
    together = threading.Barrier(len(browsers))

    def attempt(browser: ConsoleClient, form: dict[str, str]) -> None:
        together.wait()
        statuses.append(browser.post("/login", data=form).status_code)

    threads = [threading.Thread(target=attempt, args=pair) for pair in zip(browsers, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@pytest.mark.both
def test_a_right_password_opens_one_session(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    answer = client.submit("/login", email=f" {staff.email.upper()} ", password=factories.PASSWORD)
    assert (answer.status_code, answer.location) == (303, HOME)
    token = token_of(client)
    assert token
    row = session.scalars(select(StaffSession)).one()
    assert row.staff_id == staff.id
    assert row.token_digest == token_digest(token)
    assert token not in row.token_digest
    assert is_in(client)
    assert "staff.signed_in" in audit_text()


@pytest.mark.parametrize("how", ["wrong", "unknown", "disabled"])
def test_what_is_refused_looks_the_same(client: ConsoleClient, session: Session, how: str) -> None:
    staff = factories.make_staff(email="neko@example.test", active=how != "disabled")
    email = "nekoo@example.test" if how == "unknown" else staff.email
    password = factories.PASSWORD if how != "wrong" else "not-this-password"
    page = client.submit("/login", email=email, password=password)
    assert page.status_code == 422
    html = re.sub(r'(value|content)="[^"]*"', "", page.text)
    assert str(password_tries.WRONG) in page.text
    assert password not in page.text
    json = client.submit("/login", json=True, email=email, password=password)
    assert (json.status_code, data_of(json)["error"]["code"]) == (422, "sign_in")
    assert token_of(client) is None
    assert not is_in(client)
    reference = client.submit("/login", email="somebody.else@example.test", password="whatever it is")
    assert re.sub(r'(value|content)="[^"]*"', "", reference.text) == html.replace(email, "somebody.else@example.test")


def test_every_refusal_is_on_the_record_without_what_was_typed(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    client.submit("/login", email=staff.email, password="My-secret-typo-1")
    client.submit("/login", email="My-secret-typo-2", password="x")
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.subject) for entry in entries] == [
        ("staff.sign_in_failed", staff.email),
        ("staff.sign_in_failed", "unknown"),
    ]
    assert "My-secret-typo" not in audit_text()


def test_a_form_without_its_token_is_refused(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    form = {"email": staff.email, "password": factories.PASSWORD}
    for path in ("/login", "/login/password", "/login/setup", "/logout", "/preferences"):
        assert client.post(path, data=form).status_code == 400
        assert client.post(path, data=form | {"csrf_token": "made-up"}).status_code == 400
    assert session.scalars(select(StaffSession)).all() == []


def test_the_token_of_another_browser_does_not_serve(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    staff = factories.make_staff()
    stolen = new_client().csrf_token()
    client.get("/login")
    answer = client.post("/login", data={"email": staff.email, "password": factories.PASSWORD, "csrf_token": stolen})
    assert answer.status_code == 400


def test_a_cookie_planted_before_is_worthless_after(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    """Session fixation: the attacker keeps a copy of the cookie the victim signs in with."""
    staff = factories.make_staff()
    client.get("/login")
    planted = client.get_cookie("console")
    assert planted is not None
    with client.session_transaction() as cookie:
        before = dict(cookie)
    sign_in(client, staff=staff)
    with client.session_transaction() as cookie:
        after = dict(cookie)
    assert before["csrf_token"] not in after.values()
    assert "staff" not in before
    attacker = new_client()
    attacker.set_cookie("console", planted.value)
    assert not is_in(attacker)
    assert is_in(client)


def test_signing_in_again_ends_the_session_before(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    staff = factories.make_staff()
    sign_in(client, staff=staff)
    old = client.get_cookie("console")
    assert old is not None
    sign_in(client, staff=staff)
    thief = new_client()
    thief.set_cookie("console", old.value)
    assert not is_in(thief)
    assert is_in(client)
    assert len(live_sessions(staff.id)) == 1


def test_the_portals_sign_in_of_the_same_browser_goes_on(client: ConsoleClient, session: Session) -> None:
    with client.session_transaction() as cookie:
        cookie["person"] = "the-portal's-token"
        cookie["language"] = "en"
        cookie["anything"] = "else"
    sign_in(client)
    with client.session_transaction() as cookie:
        assert (cookie["person"], cookie["language"]) == ("the-portal's-token", "en")
        assert "anything" not in cookie
    client.submit("/logout")
    with client.session_transaction() as cookie:
        assert cookie["person"] == "the-portal's-token"
        assert "staff" not in cookie


@pytest.mark.both
def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    sign_in(client)
    copied = client.get_cookie("console")
    assert copied is not None
    copy = new_client()
    copy.set_cookie("console", copied.value)
    page = client.get("/logout")
    assert page.status_code == 200
    assert is_in(client), "opening the page must not sign out"
    answer = client.submit("/logout")
    assert answer.status_code == 303
    assert not is_in(client)
    assert not is_in(copy)
    assert client.submit("/logout", json=True).json == {"signed_out": True}
    assert "staff.signed_out" in audit_text()


# --- where to afterwards -------------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "http:evil.example",
    "evil.example",
    "///evil.example",
    "/" + "a" * 2_000,
    "",
    "/\u2028/evil.example",
]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_elsewhere(client: ConsoleClient, target: str) -> None:
    staff = factories.make_staff()
    answer = client.submit("/login", email=staff.email, password=factories.PASSWORD, next=target)
    assert answer.location == HOME
    assert client.submit("/preferences", theme="dark", next=target).location == "/"
    assert local_path(target, "default") == "default"


@pytest.mark.parametrize("target", ["/console/customers/?search=%C4%8D&page=2", "/console/", "/moj/", "/a?b=//c"])
def test_a_page_of_ours_is_kept(target: str) -> None:
    assert local_path(target, "default") == target


@pytest.mark.only("sqlite")
def test_the_page_one_came_from_is_found_again(client: ConsoleClient) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    response = client.get("/console/profile/?a=b")
    assert response.status_code == 302
    page = client.get(response.location)
    assert 'name="next" value="/console/profile/?a=b"' in page.text
    step = client.submit("/login", email=staff.email, password=factories.PASSWORD, next="/console/profile/?a=b")
    assert step.location == "/login?next=/console/profile/?a%3Db"
    last = client.submit("/login", code=code_at(secret), next="/console/profile/?a=b")
    assert last.location == "/console/profile/?a=b"


# --- the second step -----------------------------------------------------------------------------------------------


def test_between_password_and_code_nobody_is_in(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    answer = client.submit("/login", json=True, email=staff.email, password=factories.PASSWORD)
    assert answer.json == {"signed_in": False, "needs": "code"}
    assert token_of(client) is None
    assert session.scalars(select(StaffSession)).all() == []
    assert not is_in(client)
    assert 'name="code"' in client.get("/login").text
    wrong = client.submit("/login", code="000000")
    assert wrong.status_code == 422
    assert not is_in(client)
    right = client.submit("/login", json=True, code=code_at(secret))
    assert data_of(right)["signed_in"] is True
    assert is_in(client)
    assert code_at(secret) not in audit_text()
    assert {"staff.code_refused", "staff.signed_in"} <= set(re.findall(r"staff\.\w+", audit_text()))


def test_all_three_fields_at_once(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    fields: dict[str, Any] = {"email": staff.email, "password": factories.PASSWORD, "code": code_at(secret)}
    assert client.submit("/login", **fields).location == HOME
    assert is_in(client)


def test_a_code_alone_opens_nothing(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    answer = client.submit("/login", json=True, code=code_at(secret))
    assert answer.status_code in (401, 422)
    assert client.submit("/login", code=code_at(secret)).status_code == 422
    assert not is_in(client)


def test_a_used_code_does_not_serve_on_another_browser(
    client: ConsoleClient, new_client: NewClient, session: Session
) -> None:
    staff = factories.make_staff()
    secret, codes = switch_totp_on(staff)
    other = new_client()
    for code in (code_at(secret), codes[0]):
        for browser in (client, other):
            browser.submit("/login", email=staff.email, password=factories.PASSWORD)
        assert client.submit("/login", code=code).status_code == 303
        assert other.submit("/login", code=code).status_code == 422
        assert not is_in(other)
        client.submit("/logout")


@pytest.mark.both
def test_two_browsers_with_one_code_at_the_same_moment(app: Flask, new_client: NewClient, session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    code = code_at(secret)
    browsers = [new_client() for _ in range(4)]
    for browser in browsers:
        browser.submit("/login", email=staff.email, password=factories.PASSWORD)
    forms = [{"code": code, "csrf_token": browser.csrf_token()} for browser in browsers]
    session.rollback()
    statuses = sign_in_together(browsers, forms)
    assert sorted(statuses) == [303, 422, 422, 422]
    assert len(live_sessions(staff.id)) == 1


def test_the_pending_step_lapses(client: ConsoleClient, session: Session, clock: Clock) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    client.submit("/login", email=staff.email, password=factories.PASSWORD)
    clock.advance(timedelta(minutes=5))
    answer = client.submit("/login", code=code_at(secret))
    assert answer.status_code == 422
    assert 'name="password"' in answer.text
    assert not is_in(client)


@pytest.mark.both
def test_codes_cannot_be_guessed_without_end(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    client.submit("/login", email=staff.email, password=factories.PASSWORD)
    statuses = [client.submit("/login", code=f"{n:06d}").status_code for n in range(pages.CODES.amount + 2)]
    assert statuses == [422] * pages.CODES.amount + [429, 429]
    assert client.submit("/login", code=code_at(secret)).status_code == 429
    assert not is_in(client)


# --- what a first sign-in asks for -----------------------------------------------------------------------------------


def test_a_temporary_password_must_be_replaced_first(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff(password_temporary=True)
    answer = client.submit("/login", json=True, email=staff.email, password=factories.PASSWORD)
    assert answer.json == {"signed_in": False, "needs": "new_password"}
    assert not is_in(client)
    assert client.submit("/login/setup", code="123456").status_code == 422, "not its turn"
    client.submit("/login", email=staff.email, password=factories.PASSWORD)
    for password, again in (("kratka", "kratka"), ("konj baterija most", "drugo")):
        assert client.submit("/login/password", password=password, again=again).status_code == 422
    new = "konj baterija spajalica"
    assert client.submit("/login/password", password=new, again=new).location == HOME
    assert is_in(client)
    client.submit("/logout")
    assert client.submit("/login", email=staff.email, password=factories.PASSWORD).status_code == 422
    assert client.submit("/login", email=staff.email, password=new).status_code == 303


class TestObligatory:
    """The second step demanded of a role."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, totp_roles=("supervisor",))

    def test_one_is_led_to_set_it_up_and_can_do_nothing_before(self, client: ConsoleClient, session: Session) -> None:
        staff = factories.make_staff(Role.SUPERVISOR)
        answer = client.submit("/login", email=staff.email, password=factories.PASSWORD)
        assert answer.location == "/login"
        page = client.get("/login").text
        assert "data:image/svg+xml" in page
        secret = "".join(re.findall(r"<span>([A-Z2-7]{4})</span>", page))
        assert len(secret) == 32
        for path in ("/console/", "/console/profile/", "/console/profile/second-step/"):
            assert client.get(path).status_code == 302
        assert session.scalars(select(StaffSession)).all() == []
        assert client.submit("/login/setup", code="000000").status_code == 422
        done = client.submit("/login/setup", code=code_at(secret))
        assert done.status_code == 200
        codes = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", done.text)
        assert len(codes) == 10
        assert is_in(client)
        assert not any(code in client.get("/console/profile/").text for code in codes), "shown once"
        with client.session_transaction() as cookie:
            assert secret not in str(dict(cookie))
        client.submit("/logout")
        client.submit("/login", email=staff.email, password=factories.PASSWORD)
        assert client.submit("/login", code=codes[0]).location == HOME

    def test_other_roles_are_not_asked(self, client: ConsoleClient, session: Session) -> None:
        sign_in(client, Role.AGENT)
        assert is_in(client)

    def test_it_cannot_be_switched_off(self, client: ConsoleClient, session: Session) -> None:
        staff = factories.make_staff(Role.SUPERVISOR)
        secret, _codes = switch_totp_on(staff)
        client.submit("/login", email=staff.email, password=factories.PASSWORD, code=code_at(secret))
        assert client.submit("/console/profile/second-step/off", current=factories.PASSWORD).status_code == 409
        assert staff.totp_secret is not None

    def test_a_session_from_before_the_rule_does_not_count(
        self, app: Flask, client: ConsoleClient, session: Session
    ) -> None:
        obligatory(app)
        sign_in(client, Role.SUPERVISOR)
        assert is_in(client)
        obligatory(app, "supervisor")
        assert not is_in(client)


# --- how long ------------------------------------------------------------------------------------------------------


def test_a_session_ends_without_use(client: ConsoleClient, session: Session, clock: Clock) -> None:
    sign_in(client)
    for _ in range(3):  # used now and then, it goes on
        clock.advance(timedelta(minutes=59))
        assert is_in(client)
    clock.advance(timedelta(minutes=60))
    assert not is_in(client)


def test_a_session_ends_after_its_hours_however_busy(client: ConsoleClient, session: Session, clock: Clock) -> None:
    sign_in(client)
    for _ in range(23):
        clock.advance(timedelta(minutes=30))
        assert is_in(client)
    clock.advance(timedelta(minutes=30))
    assert not is_in(client)


@pytest.mark.parametrize("change", ["disable", "demote", "password"])
def test_the_next_click_after_the_change_is_refused(client: ConsoleClient, session: Session, change: str) -> None:
    admin = factories.make_staff(Role.ADMIN)
    staff = sign_in(client, Role.SUPERVISOR)
    assert is_in(client)
    with transaction():
        if change == "password":
            set_password(admin.actor(), staff.id, factories.password_hash(), temporary=True)
        else:
            kind: dict[str, Any] = {"active": False} if change == "disable" else {"role": Role.AGENT}
            change_staff(admin.actor(), staff.id, **kind)
    assert client.get("/console/profile/").status_code == 302
    assert client.get_json("/console/profile/").status_code == 401


# --- how often -----------------------------------------------------------------------------------------------------


def fewer(monkeypatch: pytest.MonkeyPatch, name: str) -> int:
    """Lower a limit, because each try costs an Argon2; return it."""
    amount = 4
    monkeypatch.setattr(pages, name, replace(getattr(pages, name), amount=amount))
    return amount


@pytest.mark.only("sqlite")
def test_guessing_a_password_is_slowed_and_told_politely(client: ConsoleClient) -> None:
    staff = factories.make_staff()
    many = pages.BY_ACCOUNT.amount
    for _ in range(many):
        assert client.submit("/login", email=staff.email, password="wrong-password").status_code == 422
    page = client.submit("/login", email=staff.email, password=factories.PASSWORD)
    assert page.status_code == 429
    assert 1 <= int(page.headers["Retry-After"]) <= pages.BY_ACCOUNT.seconds
    assert staff.email in page.text, "what was typed is kept"
    assert 'name="password"' in page.text
    json = client.submit("/login", json=True, email=staff.email, password=factories.PASSWORD)
    assert (json.status_code, data_of(json)["error"]["code"]) == (429, "rate")
    assert data_of(json)["error"]["retry_after"] == int(json.headers["Retry-After"])
    assert not is_in(client)
    other = factories.make_staff()
    assert client.submit("/login", email=other.email, password=factories.PASSWORD).status_code == 303


@pytest.mark.only("sqlite")
def test_an_unknown_email_is_slowed_alike(client: ConsoleClient) -> None:
    many = pages.BY_ACCOUNT.amount
    tries = [client.submit("/login", email="niko@example.test", password="x") for _ in range(many + 1)]
    assert [answer.status_code for answer in tries] == [422] * many + [429]


@pytest.mark.only("sqlite")
def test_one_address_cannot_try_many_accounts(client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    many = fewer(monkeypatch, "BY_ADDRESS")
    tries = [client.submit("/login", email=f"niko{n}@example.test", password="x") for n in range(many + 1)]
    assert [answer.status_code for answer in tries] == [422] * many + [429]


@pytest.mark.only("sqlite")
def test_one_account_is_not_guessed_from_many_addresses(client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    many = fewer(monkeypatch, "EVERYWHERE")
    staff = factories.make_staff()
    statuses = [
        client.post(
            "/login",
            data={"email": staff.email, "password": "x", "csrf_token": client.csrf_token()},
            environ_base={"REMOTE_ADDR": f"192.0.2.{n}"},
        ).status_code
        for n in range(many + 1)
    ]
    assert statuses == [422] * many + [429]


@pytest.mark.only("sqlite")
def test_a_known_browser_is_never_locked_out_by_others(
    client: ConsoleClient, new_client: NewClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From everywhere, from the same office, with the right password and wrong codes: its owner still comes in."""
    many = {name: fewer(monkeypatch, name) for name in ("BY_ADDRESS", "BY_ACCOUNT", "EVERYWHERE", "CODES")}
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    form = {"email": staff.email, "password": factories.PASSWORD}
    assert client.submit("/login", **form, code=code_at(secret)).status_code == 303
    client.submit("/logout")
    stranger = new_client()
    for number in range(3 * many["EVERYWHERE"]):
        stranger.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}" if number % 2 else "127.0.0.1"
        stranger.submit("/login", email=staff.email, password="x")
    assert stranger.submit("/login", **form).status_code == 429
    for _ in range(many["CODES"]):
        limits.count(pages.CODES, str(staff.id))
    answer = client.submit("/login", **form, code=code_at(secret, ahead=1))
    assert answer.status_code == 303 and is_in(client)

    # The cookie is of this account alone, cannot be made, and what is tried with it is counted too.
    client.submit("/logout")
    other = factories.make_staff()
    for number in range(many["EVERYWHERE"] + 1):
        stranger.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
        stranger.submit("/login", email=other.email, password="x")
    assert client.submit("/login", email=other.email, password=factories.PASSWORD).status_code == 429
    stranger.set_cookie("console_device", "forged")
    assert stranger.submit("/login", **form).status_code == 429
    tries = [client.submit("/login", email=staff.email, password="x").status_code for _ in range(11)]
    assert tries == [422] * pages.BY_DEVICE.amount + [429]


@pytest.mark.only("sqlite")
def test_successes_are_not_counted(client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    many = min(fewer(monkeypatch, name) for name in ("BY_ADDRESS", "BY_ACCOUNT", "EVERYWHERE"))
    staff = factories.make_staff()
    for _ in range(many + 2):
        sign_in(client, staff=staff)


@pytest.mark.only("sqlite")
def test_many_tries_at_once_do_not_slip_through(app: Flask, new_client: NewClient) -> None:
    staff = factories.make_staff()
    browsers = [new_client() for _ in range(pages.BY_ACCOUNT.amount * 2)]
    forms = [
        {"email": staff.email, "password": "wrong-password", "csrf_token": browser.csrf_token()} for browser in browsers
    ]
    statuses = sign_in_together(browsers, forms)
    assert statuses.count(422) == pages.BY_ACCOUNT.amount
    assert statuses.count(429) == pages.BY_ACCOUNT.amount


@pytest.mark.only("sqlite")
def test_a_broken_limiter_neither_locks_out_nor_lets_guess(
    own_app: Flask, client: ConsoleClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    staff = factories.make_staff()

    def broken(*_args: object, **_kwargs: object) -> int:
        raise StorageError(ConnectionError("refused"))

    for name in ("incr", "get", "get_expiry"):
        monkeypatch.setattr(limiter.storage, name, broken)
    sign_in(client, staff=staff)
    client.submit("/logout")
    many = pages.BY_ACCOUNT.amount
    tries = [client.submit("/login", email=staff.email, password="wrong-password") for _ in range(many + 1)]
    assert [answer.status_code for answer in tries] == [422] * many + [429]
    assert "storage does not answer" in caplog.text


class TestRedisDown:
    """A limiter storage that refuses connections."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, redis_url="redis://127.0.0.1:1/0")

    @pytest.mark.only("sqlite")
    def test_signing_in_works(self, client: ConsoleClient) -> None:
        sign_in(client)
        assert is_in(client)


# --- small things --------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_the_page_for_programs(client: ConsoleClient) -> None:
    payload = data_of(client.get_json("/login"))
    assert payload["needs"] == "password"
    staff = factories.make_staff()
    answer = client.post(
        "/login",
        data={"email": staff.email, "password": factories.PASSWORD},
        headers={"X-CSRFToken": payload["csrf_token"], "Accept": "application/json"},
    )
    assert data_of(answer)["signed_in"] is True
    again = client.post(
        "/preferences",
        data={"theme": "dark"},
        headers={"X-CSRFToken": data_of(answer)["csrf_token"], "Accept": "application/json"},
    )
    assert again.json == {"theme": "dark"}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "fields", [{}, {"email": "a@example.test"}, {"password": "x"}, {"email": " ", "password": " "}]
)
def test_an_empty_form_says_what_is_missing(client: ConsoleClient, fields: dict[str, Any]) -> None:
    answer = client.submit("/login", **fields)
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text


@pytest.mark.only("sqlite")
def test_who_is_in_is_not_asked_again(client: ConsoleClient) -> None:
    sign_in(client)
    assert client.get("/login?next=/console/profile/").location == "/console/profile/"
