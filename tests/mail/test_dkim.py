"""Mail is signed where a key is set, so that a receiver verifies it; a broken key refuses the start."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from console.core.settings import Settings, SettingsError
from console.mail.models import Mail
from console.mail.sending import send_due
from tests.support.smtp import SmtpServer

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
NAME = "m2026._domainkey.example.test."


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "dkim.pem"
    file.write_bytes(PEM)
    return replace(settings, dkim_key_file=str(file), dkim_selector="m2026", mail_from="podrska@example.test")


def published(name: bytes, timeout: float = 5) -> bytes | None:
    """Answer as the name server of the domain would."""
    if name.decode() != NAME:
        return None
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return ("v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])).encode()


def test_what_arrives_is_signed_whole(make_mail: Callable[..., Mail], smtp: SmtpServer) -> None:
    make_mail(
        subject_ref="ticket:1", in_reply_to="<a@gost.test>", references="<a@gost.test>", cc=["treci@tri.test"],
        to_name="Ana Đorđević", leaves="membership:1:invoice",
    )  # fmt: skip
    send_due()
    (received,) = smtp.received
    assert dkim.verify(received.content, dnsfunc=published)
    header = re.sub(r"\s", "", str(received.message["DKIM-Signature"]))
    assert "c=relaxed/relaxed" in header and "d=example.test" in header and "s=m2026" in header
    signed = set(header.partition(";h=")[2].partition(";")[0].split(":"))
    assert {
        "from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "list-unsubscribe",
        "list-unsubscribe-post",
    } <= signed  # fmt: skip
    relayed = received.content.replace(b"Subject: ", b"Subject:   ", 1)
    assert dkim.verify(relayed, dnsfunc=published), "a relay may space it anew"
    for forged in (b"From: x@evil.test\r\n", b"Reply-To: x@evil.test\r\n", b"List-Unsubscribe: <http://evil.test>\r\n"):
        assert not dkim.verify(received.content.replace(b"Message-ID", forged + b"Message-ID", 1), dnsfunc=published)


@pytest.mark.parametrize(
    ("content", "selector", "domain", "named"),
    [
        (b"no key", "m2026", "", "KEY_FILE: .* is no private key"),
        (None, "m2026", "", "KEY_FILE: .* cannot be read"),
        (LOCKED, "m2026", "", "has a password"),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "m2026", "", "no RSA key",
        ),
        (PEM, "", "", "DKIM_SELECTOR go together"),
        (PEM, "a b", "", "SELECTOR: 'a b'"),
        (PEM, "m2026", "localhost", "DOMAIN: 'localhost'"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_sign_refuses_the_start(
    tmp_path: Path, content: bytes | None, selector: str, domain: str, named: str
) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    values = {"CONSOLE_DKIM_KEY_FILE": str(file), "CONSOLE_DKIM_SELECTOR": selector, "CONSOLE_DKIM_DOMAIN": domain}
    with pytest.raises(SettingsError, match=named):
        Settings.from_environ(values)
