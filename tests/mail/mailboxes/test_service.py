"""Mailboxes added, changed and deleted, by whom, and what their forms may hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.cli.sealing import unopened
from console.core.actor import SYSTEM, Actor
from console.core.context import sealer
from console.core.errors import Conflict, Invalid, NotFound
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.mailboxes import service, state
from console.mail.mailboxes.access import ImapFailed
from console.mail.mailboxes.models import ImapAccount, ImapState, ImapTls, Mailbox, SignIn
from console.mail.mailboxes.service import MailboxData
from console.mail.receiving import incoming
from console.staff.roles import Role

pytestmark = pytest.mark.usefixtures("session")

DATA: dict[str, Any] = {
    "name": "Podrška", "address": "Podrska@Example.test", "host": "imap.example.test", "user": "podrska",
    "password": "tajna čšž",
}  # fmt: skip
OAUTH2: dict[str, Any] = {
    "sign_in": SignIn.OAUTH2, "password": "", "token_url": "https://login.example.test/token", "client_id": "konzola",
    "refresh_token": "r-1",
}  # fmt: skip


def add(**values: Any) -> Mailbox:
    with transaction():
        return service.add_mailbox(SYSTEM, MailboxData(**DATA | values))


def test_only_administrators(actor: Callable[[Role | str], Actor]) -> None:
    key = add().id
    for role in (Role.AGENT, Role.BILLING, Role.SUPERVISOR):
        who = actor(role)
        for verb in (
            lambda: service.add_mailbox(who, MailboxData(**DATA)),  # noqa: B023
            lambda: service.change_mailbox(who, key, MailboxData(**DATA)),  # noqa: B023
            lambda: service.switch_mailbox(who, key, active=False),  # noqa: B023
            lambda: service.delete_mailbox(who, key),  # noqa: B023
            lambda: service.retry_message(who, 1),  # noqa: B023
            lambda: service.dismiss_message(who, 1),  # noqa: B023
        ):
            with pytest.raises(NotFound), transaction():
                verb()


def test_secrets_are_sealed_and_in_no_log(session: Session) -> None:
    key = add().id
    with transaction():
        service.change_mailbox(SYSTEM, key, MailboxData(**DATA | {"password": "druga", "folder": "Kupci"}))
    session.rollback()
    account = session.get_one(ImapAccount, key)
    assert account.sealed_password and "druga" not in account.sealed_password
    assert sealer().open(account.sealed_password) == b"druga"
    entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == "Podrška").order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == ["mailbox.added", "mailbox.changed"]
    assert entries[1].data["fields"] == ["folder", "password"]
    assert not any(secret in str(entry.data) for entry in entries for secret in ("druga", "tajna"))
    assert list(unopened()) == []


def test_what_changed_meanwhile_is_not_overwritten() -> None:
    box = add()
    seen = service.mark(box)
    with transaction():
        service.change_mailbox(SYSTEM, box.id, MailboxData(**DATA | {"name": "Pomoć"}), seen=seen)
    with pytest.raises(Conflict), transaction():
        service.change_mailbox(SYSTEM, box.id, MailboxData(**DATA), seen=seen)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"address": "podrska"}, "address"),
        ({"host": "imap example"}, "host"),
        ({"port": 0}, "port"),
        ({"tls": ImapTls.NONE}, "tls"),
        ({"password": ""}, "password"),
        ({"user": "a\nb LOGOUT"}, "user"),
        ({**OAUTH2, "token_url": "http://login.example.test/token"}, "token_url"),
        ({**OAUTH2, "client_id": ""}, "client_id"),
        ({**OAUTH2, "refresh_token": ""}, "refresh_token"),
    ],
)
def test_what_a_form_may_hold(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        add(**values)
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize(
    ("before", "values"),
    [
        ({}, {"password": "", "host": "imap.zli.test"}),
        (OAUTH2, {**OAUTH2, "refresh_token": "", "token_url": "https://login.zli.test/token"}),
        (OAUTH2, {**OAUTH2, "refresh_token": "", "host": "imap.zli.test"}),
        (
            {**OAUTH2, "client_secret": "tajna"},
            {**OAUTH2, "refresh_token": "r-2", "token_url": "https://login.zli.test/token"},
        ),
    ],
)
def test_a_secret_goes_to_no_other_server_unless_it_is_typed_again(
    before: dict[str, Any], values: dict[str, Any]
) -> None:
    key = add(**before).id
    with pytest.raises(Invalid), transaction():
        service.change_mailbox(SYSTEM, key, MailboxData(**DATA | values))


def test_one_folder_has_one_mailbox() -> None:
    add()
    with pytest.raises(Invalid):
        add(name="Druga")
    add(name="Treća", folder="Kupci")
    with pytest.raises(Invalid):
        add(name="Četvrta", folder="inbox")  # the same in any case


class TestOfTheSettings:
    """One folder has one mailbox, also where ``CONSOLE_IMAP_URL`` names it."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, imap_url="imaps://podrska:x@IMAP.example.test/inbox")

    def test_its_folder_is_refused_by_name(self) -> None:
        with pytest.raises(Invalid) as refusal:
            add()
        assert "CONSOLE_IMAP_URL" in str(refusal.value.fields["folder"][0])
        key = add(folder="Kupci").id
        with pytest.raises(Invalid), transaction():
            service.change_mailbox(SYSTEM, key, MailboxData(**DATA))

    def test_set_later_it_is_not_read_beside_the_page(self, session: Session) -> None:
        with transaction():
            key = incoming.default_mailbox().id
        assert state.find_access(key).user == "podrska"
        box = add(folder="Kupci")
        with transaction():
            session.get_one(ImapAccount, box.id).folder = "INBOX"
        with pytest.raises(ImapFailed) as failure:
            state.find_access(key)
        assert failure.value.problem == "taken" and failure.value.misconfigured


def test_the_other_way_to_sign_in_leaves_no_secret_behind(session: Session) -> None:
    key = add().id
    with transaction():
        service.change_mailbox(SYSTEM, key, MailboxData(**DATA | OAUTH2))
    session.rollback()
    account = session.get_one(ImapAccount, key, populate_existing=True)
    assert account.sealed_password is None and account.sealed_refresh_token is not None


def test_a_deleted_one_leaves_its_name_alone(session: Session) -> None:
    key = add().id
    with transaction():
        service.delete_mailbox(SYSTEM, key)
    session.rollback()
    box = session.get_one(Mailbox, key, populate_existing=True)
    assert (box.name, box.active) == ("Podrška", False) and box.deleted_at is not None
    for table in (ImapAccount, ImapState):
        assert session.scalar(select(func.count()).select_from(table)) == 0
    with pytest.raises(NotFound), transaction():
        service.switch_mailbox(SYSTEM, key, active=True)
    add()  # its folder is free again
