"""Settings that an administrator sets on a page: checked, told of, gone back from, and seen by every process."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.models import Proforma
from console.cli.doctor import examine
from console.core import context
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.sending import _sender
from console.settings import live, queries, service
from console.settings.kinds import Amount, Choice, Color, Kind, Number, Words, YesNo
from console.settings.models import SettingsSection
from console.settings.section import Setting
from console.settings.sections import SECTIONS, value_of
from console.settings.serbian import read_account, read_iban, read_mb, read_pib
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.server import LiveServer

NewClient = Callable[[], ConsoleClient]
ActorOf = Callable[[Role], Actor]
only_sqlite = pytest.mark.only("sqlite")
ENGLISH = {"Accept-Language": "en"}
BRAND, ISSUER, BILLING = (f"/console/settings/{key}/" for key in ("brand", "issuer", "billing"))
EVERY = [setting for section in SECTIONS.values() for setting in section.settings]
# Another value of each, as typed here and as the environment has it.
OTHER = {
    "chat_keep_months": ("12", "12"),
    "ticket_keep_months": ("24", "24"),
    "mail_keep_months": ("12", "12"),
    "raw_mail_keep_days": ("30", "30"),
    "session_keep_days": ("30", "30"),
    "verification_keep_months": ("12", "12"),
    "invitation_keep_days": ("30", "30"),
    "statement_keep_months": ("12", "12"),
    "export_keep_days": ("3", "3"),
    "brand": ("Podrška Kod", "Podrška Kod"),
    "portal_brand": ("Moj Kod", "Moj Kod"),
    "mail_from_name": ("Kod", "Kod"),
    "widget_color": ("#112233", "#112233"),
    "issuer.name": ("Kod d.o.o.", "Kod d.o.o."),
    "issuer.brand": ("Kod", "Kod"),
    "issuer.bic": ("komb rs bg", "KOMBRSBG"),
    "issuer.address": ("Nova 2", "Nova 2"),
    "issuer.postcode": ("21000", "21000"),
    "issuer.city": ("Novi Sad", "Novi Sad"),
    "issuer.country": ("ME", "ME"),
    "issuer.pib": ("100000016", "100000016"),
    "issuer.mb": ("12345678", "12345678"),
    "issuer.in_vat_system": ("no", "no"),
    "issuer.accounts.RSD": ("RS35105008123123123173", "RSD:RS35105008123123123173"),
    "issuer.accounts.EUR": ("DE89370400440532013000", "EUR:DE89370400440532013000"),
    "issuer.terms_days": ("15", "15"),
    "renewals": ("yes", "yes"),
    "renewal_days": ("20", "20"),
    "renewals_together": ("no", "no"),
    "reminders_before": ("5, 2", "5,2"),
    "reminders_after": ("4", "4"),
    "suspension_days": ("25", "25"),
    "grace_days": ("9", "9"),
    "duties.enabled": ("no", "no"),
    "duties.receipt_days": ("2", "2"),
    "duties.invoice_days": ("7", "7"),
    "duties.final_receipt_days": ("3", "3"),
    "duties.final_invoice_days": ("9", "9"),
    "duties.delivered": ("start", "start"),
    "duties.same_month": ("no", "no"),
    "duties.untaxed_advance": ("yes", "yes"),
    "duties.credit_advance": ("no", "no"),
    "migration_days": ("10", "10"),
    "migration_acceptance": ("yes", "yes"),
    "migration_reversal_days": ("30", "30"),
    "migration_four_eyes": ("yes", "yes"),
    "migration_four_eyes_above.RSD": ("100.000,50", "10000050"),
    "migration_four_eyes_above.EUR": ("1.000,00", "EUR:100000"),
    "request_departments.order": ("technical", "order:technical"),
    "request_departments.change": ("technical", "change:technical"),
    "request_departments.cancellation": ("accounting", "cancellation:accounting"),
    "request_departments.password": ("sales", "password:sales"),
    "request_departments.quote": ("sales", "quote:sales"),
}


def entries(session: Session) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).where(AuditEntry.action == "settings.changed")))


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (Words(longest=5), "  a \n b\u200b ", "a b"),
        (Words(required=False), " ", ""),
        (Number(1, 30), " 30 ", 30),
        (Amount(), "100.000,50", 10_000_050),
        (YesNo(), "no", False),
        (Choice(lambda: {"a": "A"}), "a", "a"),
        (Color(own="#0a6c61"), "#ABCDEF", "#abcdef"),
        (Color(own="#0a6c61"), "#0A6C61", ""),
        (Words(check=read_pib), "1000 00049", "100000049"),
        (Words(check=read_mb), "20000009", "20000009"),
        (Words(check=read_account), "840 0000000955845 10", "840-955845-10"),
        (Words(check=read_account), "840000000095584510", "840-955845-10"),
        (Words(check=read_account), "rs35 1050 0812 3123 1231 73", "RS35105008123123123173"),
        (Words(check=read_iban), "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
    ],
)
def test_what_is_read(kind: Kind, typed: str, value: Any) -> None:
    assert kind.read(typed) == value
    assert kind.is_valid(value) and kind.read(kind.write(value)) == value
    assert str(kind.say(value, "en")) or value == ""
    assert not kind.is_valid(["x"]) and not kind.is_valid(None)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (Words(longest=5), "abcdef"),
        (Words(), "\u200b \u202e"),  # nothing that can be seen
        (Number(1, 30), "0"), (Number(1, 30), "31"), (Number(1, 30), "1.5"), (Number(1, 30), "²"), (Number(1, 30), ""),
        (Amount(), "1.234"), (Amount(), "-1"), (Amount(most=100), "2"),
        (YesNo(), "maybe"),
        (Choice(lambda: {"a": "A"}), "b"),
        (Color(), "red"), (Color(), "#12345"),
        (Words(check=read_pib), "100000048"), (Words(check=read_pib), "٣٣٣٣٣٣٣٣٣"),
        (Words(check=read_mb), "1234567"),
        (Words(check=read_account), "840-955845-11"), (Words(check=read_account), "840-955854-10"),
        (Words(check=read_account), "84095584510"),  # which digits are whose cannot be told
        (Words(check=read_account), "RS35105008123123123174"),
        (Words(check=read_iban), "840-955845-10"), (Words(check=read_iban), "DE8937040044053201300"),
    ],
)  # fmt: skip
def test_what_is_refused(kind: Kind, typed: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        kind.read(typed)
    assert str(refused.value.args[0]).endswith(".")  # a sentence for whoever typed it


def test_each_is_its_variables_value_until_set(session: Session, actor: ActorOf) -> None:
    """The variable named on the page has the default; set on the page, ``settings()`` has it; put back, it has not."""
    admin = actor(Role.ADMIN)
    for key, section in SECTIONS.items():
        for setting in section.settings:
            _set_and_put_back(admin, key, setting)
    recorded = entries(session)
    assert len(recorded) == 2 * len(EVERY) == 2 * len(OTHER)
    for setting, first, second in zip(EVERY, recorded[::2], recorded[1::2], strict=True):
        default, expected = value_of(context.environment(), setting.name), setting.kind.read(OTHER[setting.name][0])
        assert (first.data["before"], first.data["after"]) == ({setting.name: default}, {setting.name: expected})
        assert (second.data["before"], second.data["after"]) == ({setting.name: expected}, {setting.name: default})
        assert first.actor_name == admin.name


def _set_and_put_back(admin: Actor, key: str, setting: Setting) -> None:
    typed, there = OTHER[setting.name]
    expected = setting.kind.read(typed)
    assert value_of(Settings.from_environ({setting.environment_name: there}), setting.name) == expected, setting.name
    default = value_of(context.settings(), setting.name)
    assert default != expected and setting.kind.is_valid(default), setting.name
    with transaction():
        assert service.change(admin, key, {setting.name: typed})
        assert value_of(context.settings(), setting.name) == default  # it may yet roll back
    now = context.settings()
    assert value_of(now, setting.name) == expected
    different = [one.name for one in EVERY if value_of(now, one.name) != value_of(context.environment(), one.name)]
    assert different == [setting.name]
    with transaction():
        assert service.reset(admin, key, setting.field)
    assert context.settings() == context.environment()


def test_a_secret_cannot_become_one() -> None:
    for name in ("secret_key", "seal_keys", "database_url", "smtp_url", "redis_url", "metrics_token"):
        with pytest.raises(TypeError, match="secret"):
            Setting(name, "x", Words(), "X")


@only_sqlite
def test_on_the_page(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    page = client.get(BRAND, headers=ENGLISH).text
    assert "CONSOLE_BRAND" in page and 'value="Mint podrška"' in page and "Reset to default" not in page
    typed = {"brand": "Kod <podrška>", "portal_brand": "Moj Mint", "widget_color": "#112233", "revision": "0"}
    assert client.submit(BRAND, **typed).status_code == 303
    page = client.get(BRAND, headers=ENGLISH).text
    assert (
        "Set here. Default: Mint podrška" in page and page.count("Reset to default") == 2
    )  # what is the default is not
    assert "Kod &lt;podrška&gt;" in page and "Kod <podrška>" not in page
    assert "Kod &lt;podrška&gt;" in client.get("/chat/").text
    assert "#112233" in client.get("/chat/theme.css").text
    assert _sender().name == "Kod <podrška>"
    payload = client.get_json(BRAND).get_json()
    assert payload["revision"] == 1 and payload["settings"][0] == {
        "name": "brand", "value": "Kod <podrška>", "default": "Mint podrška", "set": True,
        "environment": "CONSOLE_BRAND",
    }  # fmt: skip
    assert client.submit(BRAND, **typed | {"revision": "1"}).status_code == 303  # nothing different
    assert client.submit(BRAND, brand="Mint podrška", json=True).get_json()["settings"][0]["set"] is False
    assert client.submit(f"{BRAND}reset", name="widget_color", revision="2").status_code == 303
    assert context.settings() == context.environment()
    assert len(entries(session)) == 3
    assert client.submit(f"{BRAND}reset", name="secret_key").status_code == 404
    assert "Last changed by" in client.get("/console/settings/", headers=ENGLISH).text


@only_sqlite
def test_wrong_values_change_nothing_and_stay_typed(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    typed = {"issuer_city": "Novi Sad", "issuer_pib": "100000048", "issuer_accounts_rsd": "840-955845-11"}
    answer = client.submit(ISSUER, **typed, revision="0", headers=ENGLISH)
    assert answer.status_code == 422
    for text in ("Enter a valid PIB", "check digits of this account", 'value="100000048"', 'value="Novi Sad"'):
        assert text in answer.text, text
    fields = client.submit(ISSUER, **typed, json=True).get_json()["error"]["fields"]
    assert set(fields) == {"issuer_pib", "issuer_accounts_rsd"}
    assert context.settings() == context.environment() and entries(session) == []


@pytest.mark.both
def test_of_two_at_once_the_second_is_told(client: ConsoleClient, new_client: NewClient, session: Session) -> None:
    first, second = client, new_client()
    name = sign_in(first, Role.ADMIN).name
    sign_in(second, Role.ADMIN)
    assert 'name="revision" value="0"' in second.get(BILLING).text
    assert first.submit(BILLING, issuer_terms_days="10", migration_days="30", revision="0").status_code == 303
    mine = {"issuer_terms_days": "20", "migration_days": "30"}
    wrong = second.submit(BILLING, **mine | {"migration_days": "x"}, revision="0")
    assert wrong.status_code == 422 and 'name="revision" value="0"' in wrong.text  # a mistake is no look at theirs
    assert second.submit(BILLING, **mine, revision="0", json=True).get_json()["error"]["code"] == "settings_changed"
    answer = second.submit(BILLING, **mine, revision="0", headers=ENGLISH)
    assert answer.status_code == 409 and "Another administrator has changed" in answer.text
    assert 'value="20"' in answer.text and answer.text.count("Saved now: ") == 1 and "Saved now: 10 days" in answer.text
    assert name in answer.text and 'name="revision" value="1"' in answer.text
    assert second.submit(f"{BILLING}reset", name="issuer_terms_days", revision="0").status_code == 409
    for unreadable in ("zzz", "-1"):
        assert second.submit(BILLING, **mine, revision=unreadable).status_code == 422
    assert context.settings().issuer.terms_days == 10
    assert second.submit(BILLING, **mine, revision="1").status_code == 303
    assert context.settings().issuer.terms_days == 20


@pytest.mark.both
def test_two_that_never_saw_each_other_both_count(
    app: Flask, session: Session, actor: ActorOf, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    """The first change of a section makes its row: two at once make one."""
    admin, names = actor(Role.ADMIN), ["issuer.city", "issuer.address", "issuer.name", "issuer.postcode"]
    session.rollback()

    def set_one() -> None:
        with app.app_context(), transaction():
            service.change(admin, "issuer", {names.pop(): "21000"})

    in_threads(set_one, 4)
    context.look_again()
    issuer = context.settings().issuer
    assert (issuer.city, issuer.address, issuer.name, issuer.postcode) == ("21000",) * 4
    assert queries.state(SECTIONS["issuer"]).revision == 4


@only_sqlite
def test_only_administrators_change(session: Session, actor: ActorOf) -> None:
    for role in (Role.AGENT, Role.BILLING, Role.SUPERVISOR):
        with pytest.raises(NotFound), transaction():
            service.change(actor(role), "brand", {"brand": "x"})
        with pytest.raises(NotFound), transaction():
            service.reset(actor(role), "brand", "brand")
    for key, typed in (("nothing", {}), ("brand", {"issuer.city": "x"}), ("brand", {"secret_key": "x"})):
        with pytest.raises(NotFound), transaction():
            service.change(actor(Role.ADMIN), key, typed)
    with pytest.raises(Invalid) as refused, transaction():
        service.change(actor(Role.ADMIN), "brand", {"brand": " "})
    assert set(refused.value.fields) == {"brand"}
    with pytest.raises(Conflict), transaction():
        service.change(actor(Role.ADMIN), "brand", {"brand": "x"}, seen=7)


@only_sqlite
def test_what_is_rolled_back_is_never_seen(session: Session, actor: ActorOf) -> None:
    with pytest.raises(RuntimeError, match="no"), transaction():
        service.change(actor(Role.ADMIN), "brand", {"brand": "Nije"})
        raise RuntimeError("no")
    assert context.settings().brand == "Mint podrška"


def test_what_this_release_does_not_know_is_left_out() -> None:
    values = {"brand": "Kod", "portal_brand": 7, "widget_color": "red", "of_later": "x"}
    assert live.overlay(Settings(), [("brand", 1, values), ("later", 1, {"x": 1})]) == replace(Settings(), brand="Kod")


@only_sqlite
def test_without_a_database_they_stay_as_they_were(session: Session, actor: ActorOf) -> None:
    with transaction():
        service.change(actor(Role.ADMIN), "brand", {"brand": "Kod"})
    assert context.settings().brand == "Kod"

    def refuse(*_args: object) -> None:
        raise OperationalError("SELECT", {}, Exception("server closed the connection unexpectedly"))

    event.listen(db.engine, "before_cursor_execute", refuse)
    context.look_again()
    assert context.settings().brand == "Kod"
    event.remove(db.engine, "before_cursor_execute", refuse)


def test_documents_keep_the_issuer_they_were_issued_with(
    client: ConsoleClient, session: Session, actor: ActorOf
) -> None:
    customer = factories.make_customer()
    old = factories.make_proforma(customer)
    before, path = dict(old.issuer), f"/console/proformas/{old.number}"
    sign_in(client, Role.BILLING)
    page = client.get(path).text
    typed = {name: typed for name, (typed, _there) in OTHER.items() if name.startswith("issuer.")}
    days = typed.pop("issuer.terms_days")
    with transaction():
        service.change(actor(Role.ADMIN), "issuer", typed)
        service.change(actor(Role.ADMIN), "billing", {"issuer.terms_days": days})
    session.expire_all()
    assert session.get_one(Proforma, old.id).issuer == before
    tokens = re.compile(r'(nonce|value|content)="[^"]*"')
    assert tokens.sub("", client.get(path).text) == tokens.sub("", page)
    new = factories.make_proforma(customer)
    assert new.issuer == context.settings().issuer.snapshot("RSD")
    assert (new.issuer["city"], new.issuer["account"]) == ("Novi Sad", "RS35105008123123123173")
    assert (new.tax, new.tax_note) == (0, "outside") and old.tax > 0


@pytest.mark.both
def test_another_process_sees_it_within_seconds(
    database: str, client: ConsoleClient, own_server: Callable[..., LiveServer], actor: ActorOf
) -> None:
    other = own_server(DATABASE_URL=database)
    assert "Mint podrška" in _login_of(other)
    sign_in(client, Role.ADMIN)
    assert client.submit(BRAND, brand="Kod odavde").status_code == 303
    begun = time.monotonic()
    while "Kod odavde" not in _login_of(other):
        assert time.monotonic() - begun < 30, "the other process never sees it"
        time.sleep(0.2)
    assert live.MAX_AGE < 5  # how long it took is not asserted: the machine may be busy; how long it may look away is


def _login_of(server: LiveServer) -> str:
    with urllib.request.urlopen(f"{server.url}/login", timeout=30) as answer:
        page: str = answer.read().decode()
    return page


@only_sqlite
def test_one_entry_in_the_menu_for_administrators(client: ConsoleClient, new_client: NewClient) -> None:
    sign_in(client, Role.ADMIN)
    page = client.get("/console/hours/", headers=ENGLISH).text
    side, _head, rest = page.partition('<header class="topbar">')
    assert 'href="/console/settings/" aria-current="true"' in side
    within = ("hours/", "chat-settings/", "departments/", "sla/", "staff/", "products/", "settings/brand/")
    index = client.get("/console/settings/", headers=ENGLISH).text
    for path in within:
        assert f'href="/console/{path}"' not in side, path
        assert f'href="/console/{path}"' in index.partition('<header class="topbar">')[2], path
        assert client.get(f"/console/{path}").status_code == 200, path
    assert '<a href="/console/settings/"' in rest  # the way back stands above the page
    found = client.get_json("/console/palette/?q=radno").get_json()
    assert "/console/hours/" in str(found)
    supervisor = new_client()
    sign_in(supervisor, Role.SUPERVISOR)
    side = supervisor.get("/console/hours/", headers=ENGLISH).text.partition('<header class="topbar">')[0]
    assert "/console/settings/" not in side
    assert 'href="/console/hours/" aria-current="page"' in side and 'href="/console/chat-settings/"' in side


@only_sqlite
def test_nothing_is_left_of_a_section_put_back(session: Session, actor: ActorOf) -> None:
    with transaction():
        service.change(actor(Role.ADMIN), "brand", {"brand": "Kod"})
    with transaction():
        service.change(actor(Role.ADMIN), "brand", {"brand": "Mint podrška"})
    assert session.scalars(select(SettingsSection.values)).all() == [{}]


@only_sqlite
def test_the_doctor_says_which_variables_count_no_more(session: Session, actor: ActorOf) -> None:
    assert not any("Set in the console" in finding.words for finding in examine())
    with transaction():
        service.change(actor(Role.ADMIN), "issuer", {"issuer.city": "Niš", "issuer.accounts.EUR": ""})
    (found,) = (finding.words for finding in examine() if "Set in the console" in finding.words)
    assert found.endswith("CONSOLE_ISSUER_CITY, CONSOLE_ISSUER_ACCOUNTS.")
