"""One-time codes of an authenticator (RFC 6238) and recovery codes: the arithmetic that staff and customers share.

Whose secret it is, which step was used last and which codes are left is in the rows of either.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

import pyotp

from console.core import clock
from console.core.context import sealer
from console.core.errors import Invalid
from console.core.ids import same_token
from console.core.seal import InvalidToken
from console.core.texts import lazy_gettext

log = logging.getLogger(__name__)

STEP_SECONDS = 30
DRIFT = 1  # steps a clock may be off, RFC 6238 section 5.2
DIGITS = 6
RECOVERY_CODES = 10
# Without what is easily misread: 0 and o, 1, i and l. 10 characters are 49 bits.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_HALF = 5


def new_secret() -> str:
    """Return a fresh secret in base 32, 160 bits."""
    secret: str = pyotp.random_base32()
    return secret


def provisioning_uri(secret: str, email: str, issuer: str) -> str:
    """Return what the QR code says to an authenticator."""
    uri: str = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=issuer)
    return uri


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step ``code`` belongs to, ``None`` if it is none of the present ones."""
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    here = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(here - DRIFT, here + DRIFT + 1):
        if same_token(totp.generate_otp(step), code):
            found = step
    return found


def unused_step(sealed_secret: str, last_step: int | None, code: str, **whose: int) -> int | None:
    """Return the time step that a code uses up now; ``None``: it is wrong, or it or a later one was used.

    Args:
        last_step: the step used last, if there was one.
        whose: whose secret it is, for the log where it cannot be opened.
    """
    try:
        secret = sealer().open(sealed_secret).decode()
    except InvalidToken:
        log.exception("a TOTP secret cannot be opened with any of CONSOLE_SEAL_KEYS", extra=whose)
        return None
    step = matching_step(secret, code, clock.machine_now())
    return None if step is None or (last_step is not None and step <= last_step) else step


def clean_code(code: str) -> str:
    """Drop what people put between digits and letters."""
    return "".join(char for char in code.lower() if char.isascii() and char.isalnum())


def is_one_time(cleaned: str) -> bool:
    """Return whether a cleaned code looks like an authenticator's; else it can only be a recovery code."""
    return cleaned.isdigit() and len(cleaned) == DIGITS


def new_recovery_codes() -> list[str]:
    """Return fresh recovery codes as they are cleaned; :func:`in_halves` writes them for people."""
    return ["".join(secrets.choice(_ALPHABET) for _ in range(2 * _HALF)) for _ in range(RECOVERY_CODES)]


def in_halves(code: str) -> str:
    """Return a recovery code as people read it."""
    return f"{code[:_HALF]}-{code[_HALF:]}"


def wrong_code() -> Invalid:
    """Return the refusal of a code, whatever was wrong with it."""
    text = lazy_gettext("This code is wrong, expired or already used. Enter the next one.")
    return Invalid(text, fields={"code": [text]}, code="code")
