"""The key that mail is signed with (DKIM): read and tried when the console starts, not when the first mail leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

LEAST_BITS = 1024  # RFC 8301, 3.2: shorter ones are refused by receivers; 2048 is what it recommends
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")


@dataclass(frozen=True)
class DkimKey:
    """A key with what tells receivers where its public half is: ``<selector>._domainkey.<domain>``."""

    selector: str
    domain: str
    pem: bytes = field(repr=False)  # PKCS#1


def read_dkim_key(path: str, selector: str, domain: str) -> DkimKey:
    """Read a key.

    Args:
        path: of a PEM file with an RSA key, PKCS#1 or PKCS#8, without a password.

    Raises:
        ValueError: saying what is wrong, and with which of the three.
    """
    if not _NAME.fullmatch(selector):
        raise ValueError(f"SELECTOR: {selector!r} is no selector, as in mail2026")
    if "." not in domain or not _NAME.fullmatch(domain):
        raise ValueError(f"DOMAIN: {domain!r} is no domain, as in example.com")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"KEY_FILE: {path} cannot be read: {error.strerror}") from error
    return DkimKey(selector, domain, _pkcs1(content, path))


def _pkcs1(content: bytes, path: str) -> bytes:
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:  # how the library says that it needs a password
        raise ValueError(f"KEY_FILE: the key in {path} has a password; mail needs one without") from error
    except Exception as error:
        raise ValueError(f"KEY_FILE: {path} is no private key in PEM form (openssl genrsa 2048)") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(  # noqa: TRY004  of the file, not of an argument
            f"KEY_FILE: the key in {path} is no RSA key (openssl genrsa 2048)"
        )
    if key.key_size < LEAST_BITS:
        raise ValueError(f"KEY_FILE: the key in {path} has {key.key_size} bits; {LEAST_BITS} are the least, 2048 good")
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
