"""Settings: read once, complaints that name the setting, production refuses what only suits a demo."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from console.core.settings import DEMO_SEAL_KEY, DEMO_SECRET_KEY, Settings, SettingsError

OWN_KEY = "b3duLXNlYWwta2V5LW9mLWFuLWluc3RhbGxhdGlvbiE="  # the same in every worker: test names carry it

GOOD = {
    "CONSOLE_ENV": "production",
    "CONSOLE_SECRET_KEY": "x" * 40,
    "CONSOLE_SEAL_KEYS": OWN_KEY,
    "CONSOLE_BASE_URL": "https://console.example.test",
}


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
    ],
)
def test_production_refuses(name: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError, match=f"CONSOLE_{named}"):
        Settings.from_environ(GOOD | {f"CONSOLE_{name}": value})


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
    shown = repr(Settings.from_environ(GOOD | {"CONSOLE_DATABASE_URL": "postgresql://u:Tajna@h/d"}))
    for secret in (GOOD["CONSOLE_SECRET_KEY"], GOOD["CONSOLE_SEAL_KEYS"], "Tajna"):
        assert secret not in shown
