"""A forgotten password: one answer for everybody, a link that serves once, nobody kept out by another's asking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.errors import NotFound
from console.core.passwords import hash_password, password_matches
from console.core.transaction import transaction
from console.mail.models import Mail
from console.mail.reading import whole, without_links
from console.staff import password_reset
from console.staff.models import Staff
from console.staff.roles import Role
from console.staff.service import change_staff, set_password
from console.tokens import service as tokens
from console.tokens.models import OneTimeToken
from console.web import password_reset as pages
from console.worker import clear_old_rows
from tests import factories
from tests.conftest import Clock
from tests.staff.support import code_at, password_proof, switch_totp_on
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

NewClient = Callable[[], ConsoleClient]
InThreads = Callable[[Callable[[], None], int], None]
NEW = "sasvim nova recenica za ulaz"
ASK = "/login/forgotten"
only_sqlite = pytest.mark.only("sqlite")


def links(session: Session) -> list[str]:
    """Return the paths of the links that were mailed, in order."""
    mails = session.scalars(select(Mail).where(Mail.template == "staff_password_reset").order_by(Mail.id))
    return [re.search(r"(/reset/\S+)", whole(mail).text)[1] for mail in mails]


def requested_link(client: ConsoleClient, session: Session, staff: Staff) -> str:
    """Ask for a link and return it."""
    assert client.submit(ASK, email=staff.email).status_code == 200
    return links(session)[-1]


def choose(client: ConsoleClient, link: str, password: str = NEW) -> int:
    return client.submit(link, password=password, again=password).status_code


def signs_in(client: ConsoleClient, staff: Staff, password: str) -> bool:
    return client.submit("/login", json=True, email=staff.email, password=password).status_code == 200


@pytest.mark.both
def test_a_link_sets_a_new_password_once(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    staff = factories.make_staff()
    elsewhere = new_client()
    sign_in(elsewhere, staff=staff)
    assert "/login/forgotten" in client.get("/login").text
    link = requested_link(client, session, staff)
    for _look in range(2):  # a mail scanner looks first
        page = client.get(link)
        assert page.status_code == 200 and staff.email in page.text
        assert page.headers["Referrer-Policy"] == "strict-origin" and "noindex" in page.headers["X-Robots-Tag"]
    assert choose(client, link, "kratko") == 422
    assert client.submit(link, password=NEW, again=NEW + "x").status_code == 422
    answer = client.submit(link, password=NEW, again=NEW)
    assert answer.status_code == 303
    assert "has been changed" in client.get(answer.location, headers={"Accept-Language": "en"}).text
    assert client.get_json("/console/profile/").status_code == 401  # nobody is signed in by a link
    assert elsewhere.get_json("/console/profile/").status_code == 401  # every session has ended
    assert client.get(link).status_code == 404 and choose(client, link) == 404
    assert not signs_in(new_client(), staff, factories.PASSWORD)
    assert signs_in(new_client(), staff, NEW)
    notice = session.scalars(select(Mail).where(Mail.template == "staff_password_changed")).one()
    assert notice.to_address == staff.email and ASK in notice.text
    recorded = [(entry.action, entry.subject) for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert [one for one in recorded if "password" in one[0] or "reset" in one[0]] == [
        ("staff.reset_asked", staff.email),
        ("staff.password_reset", staff.email),
        ("staff.password_set", staff.email),
    ]


@only_sqlite
def test_the_token_is_kept_as_a_digest_and_staff_never_read_it(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    token = requested_link(client, session, staff).removeprefix("/reset/")
    row = session.scalars(select(OneTimeToken)).one()
    assert token not in {str(getattr(row, column.key)) for column in OneTimeToken.__table__.columns}
    mail = session.scalars(select(Mail)).one()
    assert mail.private
    readable = without_links(mail)
    assert token in whole(mail).text and token not in readable.text + readable.html + mail.text + mail.html
    for entry in session.scalars(select(AuditEntry)):
        assert token not in str(entry.data)


def test_everybody_gets_the_same_answer_for_the_same_work(app: Flask, client: ConsoleClient, session: Session) -> None:
    known, off = factories.make_staff(), factories.make_staff(active=False)
    full = factories.make_staff()
    for _time in range(password_reset.MOST_LINKS):
        requested_link(client, session, full)
    count = len(links(session))
    seen: dict[str, tuple[str, list[str]]] = {}
    client.submit(ASK, email="prvi@example.test")  # what is read once a process is read
    for name, email in (("known", known.email), ("off", off.email), ("full", full.email), ("none", "n@example.test")):
        with count_queries(app) as queries:
            page = client.submit(ASK, email=email)
        assert page.status_code == 200
        html = re.sub(r'(value|content|nonce)="[^"]*"', "", page.text).replace(email, "E")
        seen[name] = (html, [re.sub(r"\s+", " ", one) for one in queries])
    assert all(one == seen["none"] for one in seen.values())
    assert len(links(session)) == count + 1  # to the one who can use it
    assert client.submit(ASK, email="x@example.test", json=True).get_json() == {"sent": True}
    assert client.submit(ASK, email="nije adresa").status_code == 422


@only_sqlite
def test_who_asks_in_anothers_name_keeps_nobody_out(
    client: ConsoleClient, new_client: NewClient, session: Session, clock: Clock
) -> None:
    staff = factories.make_staff()
    for _time in range(20):
        client.submit(ASK, email=staff.email)
        clock.advance(timedelta(minutes=1))
    sent = links(session)
    assert len(sent) == password_reset.MOST_LINKS  # no flood of mails
    assert new_client().submit(ASK, email=staff.email).status_code == 200
    assert signs_in(new_client(), staff, factories.PASSWORD)  # the old password goes on until a link is used
    assert choose(new_client(), sent[0]) == 303  # any of them serves
    assert [client.get(link).status_code for link in sent] == [404] * len(sent)  # and the others are void then
    assert requested_link(client, session, staff) not in sent


@only_sqlite
def test_a_network_is_slowed_down(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    staff = factories.make_staff()
    for number in range(pages.BY_NETWORK.amount):
        assert client.submit(ASK, email=f"n{number}@example.test").status_code == 200
    refused = client.submit(ASK, email=staff.email)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    elsewhere = new_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "198.51.100.9"
    assert requested_link(elsewhere, session, staff)


@only_sqlite
@pytest.mark.parametrize("what", ["expired", "disabled", "password", "e-mail", "made up", "other purpose"])
def test_a_link_that_serves_no_more(client: ConsoleClient, session: Session, clock: Clock, what: str) -> None:
    staff, admin = factories.make_staff(), factories.actor_of(factories.make_staff(Role.ADMIN))
    link = requested_link(client, session, staff)
    with transaction():
        if what == "disabled":
            change_staff(admin, staff.id, active=False)
        elif what == "password":
            set_password(admin, staff.id, hash_password("x"), temporary=True)
        elif what == "e-mail":
            change_staff(admin, staff.id, email="nova.adresa@example.test")
        elif what == "other purpose":
            link = "/reset/" + tokens.issue("person.password", f"staff:{staff.id}", password_reset.LASTS)
    if what == "expired":
        clock.advance(password_reset.LASTS)
    elif what == "made up":
        link += "x"
    before = session.get_one(Staff, staff.id).password_hash
    page = client.get(link, headers={"Accept-Language": "en"})
    assert page.status_code == 404 and "no longer works" in page.text
    assert choose(client, link) == 404
    assert client.get_json(link).get_json()["error"]["code"] == "link_gone"
    session.expire_all()
    assert session.get_one(Staff, staff.id).password_hash == before


@only_sqlite
def test_the_second_step_is_still_asked_for(client: ConsoleClient, session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    assert choose(client, requested_link(client, session, staff)) == 303
    answer = client.submit("/login", json=True, email=staff.email, password=NEW)
    assert answer.get_json() == {"signed_in": False, "needs": "code"}
    assert client.submit("/login", json=True, code=code_at(secret)).get_json()["signed_in"]


@pytest.mark.both
def test_of_two_at_once_one_link_serves_one(
    app: Flask, session: Session, client: ConsoleClient, in_threads: InThreads
) -> None:
    staff = factories.make_staff()
    token = requested_link(client, session, staff).removeprefix("/reset/")
    key, done = staff.id, list[str]()
    session.rollback()

    def use() -> None:
        with app.app_context():
            hashed = hash_password(f"{NEW} {len(done)}")
            try:
                with transaction():
                    password_reset.reset(token, hashed, None)
            except NotFound:
                return
            done.append(hashed)

    in_threads(use, 4)
    session.expire_all()
    assert [session.get_one(Staff, key).password_hash] == done
    assert session.scalar(select(func.count()).where(Mail.template == "staff_password_changed")) == 1


@only_sqlite
def test_expired_tokens_are_deleted_in_time(client: ConsoleClient, session: Session, clock: Clock) -> None:
    requested_link(client, session, factories.make_staff())
    clear_old_rows()
    assert session.scalar(select(func.count()).select_from(OneTimeToken)) == 1
    clock.advance(timedelta(days=8))
    clear_old_rows()
    assert session.scalar(select(func.count()).select_from(OneTimeToken)) == 0


@only_sqlite
def test_a_password_set_by_its_owner_is_told_and_one_given_is_not(session: Session) -> None:
    staff = factories.make_staff()
    with transaction():
        set_password(factories.actor_of(factories.make_staff(Role.ADMIN)), staff.id, hash_password("a"), temporary=True)
    assert session.scalars(select(Mail)).all() == []
    with transaction():
        set_password(staff.actor(), staff.id, hash_password(NEW), proof=password_proof(staff))
    assert [mail.template for mail in session.scalars(select(Mail))] == ["staff_password_changed"]
    assert password_matches(session.get_one(Staff, staff.id).password_hash, NEW)
