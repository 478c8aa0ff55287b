"""The page of mailboxes: its form, the test button against a real server, states in words, the one of the settings."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.cli import doctor
from console.core import clock as core_clock
from console.core.actor import SYSTEM
from console.core.settings import Settings, SettingsError
from console.core.transaction import transaction
from console.mail.mailboxes import service
from console.mail.mailboxes.access import ImapFailed
from console.mail.mailboxes.models import ImapState, Mailbox, UnreadMessage
from console.tickets.mail_in.watching import read_due, read_once
from tests.conftest import Clock
from tests.factories.tickets import make_department
from tests.mail.mailboxes.conftest import MakeBox
from tests.support.client import ConsoleClient, sign_in
from tests.support.dovecot import HOST, PASSWORD, USER, Dovecot
from tests.tickets.mail_in.scene import OURS, make_raw

URL = "/console/mail/mailboxes"


def form(dovecot: Dovecot, **values: Any) -> dict[str, Any]:
    usual = {
        "name": "Podrška", "address": OURS, "host": HOST, "port": dovecot.imaps, "tls": "tls", "user": USER,
        "folder": "INBOX", "sign_in": "password", "password": PASSWORD, "active": "y",
    }  # fmt: skip
    return usual | values


@pytest.fixture
def admin(client: ConsoleClient, session: Session) -> ConsoleClient:
    make_department(key="podrska")
    sign_in(client, "admin")
    return client


def test_added_tested_and_read(session: Session, admin: ConsoleClient, dovecot: Dovecot) -> None:
    assert "No mailboxes yet" in admin.get(f"{URL}/", headers=ENGLISH).text
    dovecot.put(make_raw(subject="Prvo"))
    tested = admin.submit(f"{URL}/test", headers=ENGLISH, **form(dovecot)).text
    assert "It works" in tested and "1 message" in tested and PASSWORD not in tested
    assert admin.submit(f"{URL}/new", **form(dovecot)).status_code == 303
    key = session.scalars(select(Mailbox.id).where(Mailbox.name == "Podrška")).one()
    read_once(key)
    page = admin.get(f"{URL}/", headers=ENGLISH).text
    assert "working" in page and OURS in page

    html = admin.get(f"{URL}/{key}", headers=ENGLISH).text
    assert HOST in html and PASSWORD not in html
    without_password = form(dovecot, password="", name="Pomoć")
    assert "It works" in admin.submit(f"{URL}/{key}/test", headers=ENGLISH, **without_password).text
    assert admin.submit(f"{URL}/{key}", **without_password).status_code == 303
    assert admin.submit(f"{URL}/{key}/delete").status_code == 303
    assert "No mailboxes yet" in admin.get(f"{URL}/", headers=ENGLISH).text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"password": "pogrešna"}, "refuses the user name or the password"),
        ({"host": "127.0.0.1"}, "certificate is not trusted"),
        ({"folder": "Nema"}, "folder does not exist"),
        ({"password": "", "name": ""}, "Fill in these fields first"),
    ],
)
def test_the_test_says_what_is_wrong(
    admin: ConsoleClient, dovecot: Dovecot, values: dict[str, Any], words: str
) -> None:
    answer = admin.submit(f"{URL}/test", headers=ENGLISH, **form(dovecot, **values))
    assert answer.status_code == 200 and words in answer.text.replace("’", "'").replace("'", "’")


def test_a_wrong_form_comes_back_with_what_was_typed_but_no_secret(admin: ConsoleClient, dovecot: Dovecot) -> None:
    answer = admin.submit(f"{URL}/new", headers=ENGLISH, **form(dovecot, address="podrska"))
    assert answer.status_code == 422
    assert "Enter a valid e-mail address." in answer.text and 'value="Podrška"' in answer.text
    assert PASSWORD not in answer.text


def test_what_is_wrong_is_said_with_its_time(
    session: Session, admin: ConsoleClient, make_box: MakeBox, clock: Clock
) -> None:
    broken = make_box(password="pogrešna")
    with pytest.raises(ImapFailed):
        read_once(broken.id)
    page = admin.get(f"{URL}/", headers=ENGLISH).text
    assert "not working" in page and "refuses the user name or the password" in page and "Next try" in page
    assert "[AUTHENTICATIONFAILED]" in page and "b&#39;[" not in page

    assert any("Podrška has not been read since" in result.words for result in doctor._mailboxes())

    with transaction():
        state = session.get_one(ImapState, broken.id, populate_existing=True)
        state.problem, state.checked_at = "", core_clock.now()
        session.add(UnreadMessage(
            mailbox_id=broken.id, uid_validity=1, uid=0, size=3_000_000, problem="refused", attempts=6,
            found_at=core_clock.now(),
        ))  # fmt: skip
    clock.advance(timedelta(minutes=20))
    page = admin.get(f"{URL}/", headers=ENGLISH).text
    assert "not being read" in page and "console worker" in page
    assert "could not be fetched" in page and "UID 0" in page
    unread = session.scalars(select(UnreadMessage.id)).one()
    assert admin.submit(f"{URL}/unread/{unread}/retry").status_code == 303
    assert admin.submit(f"{URL}/unread/{unread}/dismiss").status_code == 303
    assert admin.submit(f"{URL}/{broken.id}/switch", active="0").status_code == 303
    assert "off" in admin.get(f"{URL}/", headers=ENGLISH).text


class TestOfTheSettings:
    """The mailbox of ``CONSOLE_IMAP_URL``."""

    @pytest.fixture
    def settings(self, settings: Settings, dovecot: Dovecot) -> Settings:
        return replace(settings, imap_url=dovecot.url())

    def test_it_is_read_and_shown_and_not_changed_there(
        self, session: Session, admin: ConsoleClient, dovecot: Dovecot
    ) -> None:
        read_due()
        key = _wait_for(session)
        page = admin.get(f"{URL}/", headers=ENGLISH).text
        assert "CONSOLE_IMAP_URL" in page and PASSWORD not in page
        assert admin.get(f"{URL}/{key}").status_code == 404
        assert admin.submit(f"{URL}/{key}", **form(dovecot)).status_code == 404
        assert admin.submit(f"{URL}/{key}/delete").status_code == 404
        with transaction():
            service.switch_mailbox(SYSTEM, key, active=False)


def _wait_for(session: Session) -> int:
    for _ in range(400):
        session.rollback()
        state = session.scalar(select(ImapState).where(ImapState.checked_at.is_not(None)))
        if state is not None:
            return state.mailbox_id
        time.sleep(0.05)
    raise AssertionError("it was not read")


@pytest.mark.parametrize(
    "url",
    ["imap://a:b@mail.example.test/", "imaps://mail.example.test/", "pop3://a:b@x.test/", "imaps://a:b@x.test/?ca=x"],
)
def test_an_address_that_cannot_be_read_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ({"CONSOLE_IMAP_URL": url})
    assert "CONSOLE_IMAP_URL" in str(error.value) and "a:b" not in str(error.value)


ENGLISH = {"Accept-Language": "en"}
