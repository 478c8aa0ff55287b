"""Settings: read once, complaints that name the setting, production refuses what only suits a demo."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from console.core.settings import DEMO_SEAL_KEY, DEMO_SECRET_KEY, Settings, SettingsError
from console.core.smtp_url import SmtpServer, Tls

OWN_KEY = "b3duLXNlYWwta2V5LW9mLWFuLWluc3RhbGxhdGlvbiE="  # the same in every worker: test names carry it

GOOD = {
    "CONSOLE_ENV": "production",
    "CONSOLE_SECRET_KEY": "x" * 40,
    "CONSOLE_SEAL_KEYS": OWN_KEY,
    "CONSOLE_BASE_URL": "https://console.example.test",
}


def test_a_pool_may_have_no_overflow() -> None:
    assert Settings.from_environ({"CONSOLE_DATABASE_POOL": "4", "CONSOLE_DATABASE_OVERFLOW": "0"}).connections == 4


def test_good_production_settings_pass() -> None:
    settings = Settings.from_environ(GOOD)
    assert settings.production
    assert settings.https


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("SECRET_KEY", DEMO_SECRET_KEY, "SECRET_KEY"),
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("SECRET_KEY", "x" * 31, "SECRET_KEY"),
        ("SEAL_KEYS", DEMO_SEAL_KEY, "SEAL_KEYS"),
        ("SEAL_KEYS", f"{OWN_KEY},{DEMO_SEAL_KEY}", "SEAL_KEYS"),
        ("SEAL_KEYS", "", "SEAL_KEYS"),
        ("CLOCK", "2026-11-23T16:59:50+01:00", "CLOCK"),
        ("BASE_URL", "http://console.example.test", "BASE_URL"),
        ("BASE_URL", "http://127.0.0.1.example.test", "BASE_URL"),
        ("BASE_URL", "console.example.test", "BASE_URL"),
        ("BASE_URL", "ftp://127.0.0.1", "BASE_URL"),
    ],
)
def test_production_refuses(name: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError, match=f"CONSOLE_{named}"):
        Settings.from_environ(GOOD | {f"CONSOLE_{name}": value})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000"])
def test_production_may_be_tried_on_the_machine_itself(url: str) -> None:
    assert Settings.from_environ(GOOD | {"CONSOLE_BASE_URL": url}).base_url == url


@pytest.mark.parametrize("env", ["demo", "development"])
def test_elsewhere_the_demo_keys_and_the_clock_will_do(env: str) -> None:
    settings = Settings.from_environ({"CONSOLE_ENV": env, "CONSOLE_CLOCK": "2026-11-23T16:59:50+01:00"})
    assert settings.secret_key == DEMO_SECRET_KEY
    assert settings.clock is not None
    assert settings.clock.utcoffset() == timedelta(hours=1)
    assert settings.clock == datetime.fromisoformat("2026-11-23T15:59:50+00:00")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV", "prod"),
        ("CLOCK", "yesterday"),
        ("CLOCK", "2026-11-23T16:59:50"),
        ("TIMEZONE", "Europe/Nowhere"),
        ("LOCALE", "de"),
        ("PIN_MINUTES", "0"),
        ("PIN_MINUTES", "-5"),
        ("PIN_MINUTES", "many"),
        ("PROCESSES", "0"),
        ("DATABASE_POOL", "0"),
        ("DATABASE_OVERFLOW", "-1"),
        ("MIGRATION_FOUR_EYES", "perhaps"),
        ("MIGRATION_FOUR_EYES_ABOVE", "RSD:much"),
        ("MIGRATION_FOUR_EYES_ABOVE", "RSD:1,RSD:2"),
        ("MIGRATION_FOUR_EYES_ABOVE", "USD:100"),
        ("REQUEST_DEPARTMENTS", "flowers:sales"),
        ("REQUEST_DEPARTMENTS", "order"),
        ("MAIL_FROM", "Mint <podrska@example.test>"),
        ("MAIL_FROM", "podrška@example.test"),
        ("SMTP_URL", "mail.example.test:25"),
        ("SMTP_URL", "http://mail.example.test"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.test:99999"),
        ("SMTP_URL", "smtp://name@mail.example.test"),
        ("SMTP_URL", "smtp://name:pass/word@mail.example.test"),
        ("SMTP_URL", "smtp://name:%0d%0a@mail.example.test"),
        ("SMTP_URL", "smtp://mail.example.test/inbox"),
        ("SMTP_URL", "smtp://mail.example.test?timeout=0"),
        ("SMTP_URL", "smtp://mail.example.test?ssl=yes"),
        ("SMTP_URL", "smtps://mail.example.test?starttls=yes"),
        ("SMTP_URL", "smtps://mail.example.test?ca=/nowhere/ca.pem"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"CONSOLE_{name}"):
        Settings.from_environ({f"CONSOLE_{name}": value})


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_postgresql_means_psycopg(url: str) -> None:
    assert Settings.from_environ({"CONSOLE_DATABASE_URL": url}).database_url == "postgresql+psycopg://u:p@h/d"


def test_lists_are_split_and_trimmed() -> None:
    settings = Settings.from_environ({"CONSOLE_ALLOWED_ORIGINS": " https://a.test , https://b.test,"})
    assert settings.allowed_origins == ("https://a.test", "https://b.test")


def test_settings_never_print_their_secrets() -> None:
    """A traceback or a log line with the settings in it must not give the keys away."""
    printed = repr(Settings.from_environ(GOOD | {"CONSOLE_DATABASE_URL": "postgresql://u:Tajna@h/d"}))
    for secret in (GOOD["CONSOLE_SECRET_KEY"], GOOD["CONSOLE_SEAL_KEYS"], "Tajna"):
        assert secret not in printed


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", SmtpServer("localhost", 25, Tls.NONE)),
        (
            "smtp+starttls://a%40b.test:p%2F%3A%40@mail.example.test",
            SmtpServer("mail.example.test", 587, Tls.STARTTLS, "a@b.test", "p/:@"),
        ),
        ("smtp://[::1]:2525?starttls=required", SmtpServer("::1", 2525, Tls.STARTTLS)),
        ("smtps://mail.example.test?timeout=5", SmtpServer("mail.example.test", 465, Tls.WHOLE, timeout=5)),
    ],
)
def test_mail_servers(url: str, server: SmtpServer) -> None:
    read = Settings.from_environ({"CONSOLE_SMTP_URL": url})
    assert read.smtp == server
    assert not server.password or server.password not in repr(read) + repr(read.smtp)


def test_production_sends_no_password_in_the_clear() -> None:
    url = "smtp://name:tajna-lozinka@mail.example.test"
    assert Settings.from_environ({"CONSOLE_SMTP_URL": url}).smtp is not None
    with pytest.raises(SettingsError, match="CONSOLE_SMTP_URL") as refused:
        Settings.from_environ(GOOD | {"CONSOLE_SMTP_URL": url})
    assert "tajna" not in str(refused.value)


def test_four_eyes_by_currency() -> None:
    assert not Settings.from_environ({}).migration_four_eyes
    assert Settings.from_environ({}).migration_acceptance
    assert not Settings.from_environ({"CONSOLE_ENV": "demo"}).migration_acceptance
    on = {"CONSOLE_MIGRATION_FOUR_EYES": "yes", "CONSOLE_MIGRATION_FOUR_EYES_ABOVE": "10000000, EUR:100000"}
    settings = Settings.from_environ(on)
    assert settings.migration_four_eyes
    assert settings.migration_four_eyes_above == {"RSD": 10_000_000, "EUR": 100_000}
