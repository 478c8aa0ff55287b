"""Addresses: one check, one spelling."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from console.core.context import settings
from console.core.emails import NoAddress, OwnAddress, is_ours, normal_email, read_email

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture(autouse=True)
def _in_app(sqlite_app: Flask) -> Iterator[None]:
    """The addresses that are ours are a setting."""
    with sqlite_app.app_context():
        yield


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (" Ana@Example.TEST ", "ana@example.test"),
        ("ana\u200b@example.test\u00ad", "ana@example.test"),
        ("ana@пошта.срб", "ana@xn--80a1acn3a.xn--90a3ac"),
        ("ana@XN--80A1ACN3A.XN--90A3AC", "ana@xn--80a1acn3a.xn--90a3ac"),
        ("ana+racuni@posta.rs", "ana+racuni@posta.rs"),
        ("ana@s\u030curke.rs", "ana@xn--urke-f6a.rs"),
    ],
    ids=ascii,
)
def test_one_spelling(typed: str, expected: str) -> None:
    assert read_email(typed) == normal_email(typed) == expected
    assert read_email(expected) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "", "\u200b", "ana", "@posta.rs", "ana@", "ana@posta", "a b@posta.rs", "ana@posta.rs, b@posta.rs",
        "петар@пошта.срб", "žika@posta.rs", "ana@pos\u202eta..rs", '"ana marija"@posta.rs', "ana@[127.0.0.1]",
        "ana@localhost", "a" * 65 + "@posta.rs", "a@" + "b" * 250 + ".rs", "=?utf-8?q?a?=@posta.rs",
        "Ana <ana@posta.rs>", "a\0na@posta.rs", "ana\ud83d@posta.rs", "ana@posta.rs\nbcc:b@posta.rs",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_no_mail_can_be_sent_to(typed: str) -> None:
    with pytest.raises(NoAddress):
        read_email(typed)


def test_our_own_address_is_no_customers() -> None:
    local, _at, domain = settings().mail_from.partition("@")
    for ours in (settings().mail_from, settings().mail_from.upper(), f"{local}+T-20418@{domain}"):
        assert is_ours(ours)
        with pytest.raises(OwnAddress):
            read_email(ours)
    assert read_email(f"x{local}@{domain}")
