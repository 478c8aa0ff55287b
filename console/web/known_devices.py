"""Browsers in which an account was signed in to before: a signed cookie that lasts, bound to those accounts.

Guessing at an account from many addresses uses up what may be tried there. Its owner, in a browser that is
known, is counted apart from them. The cookie opens nothing: password and code are asked for all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from flask import Response, after_this_request, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from console.core.addresses import source
from console.core.context import sealer, settings
from console.web import cookies, limits
from console.web.limits import Limit

MAX_AGE = 365 * 24 * 3600
MOST = 8  # accounts of one browser; the oldest goes
_SALT = "known-device"
Try = tuple[Limit, tuple[str, ...]]


@dataclass(frozen=True)
class TryLimits:
    """How many wrong passwords there may be.

    Attributes:
        by_device: from a browser that the account was signed in to before. It counts by itself alone, so that others
            cannot use up what the account's owner may try there.
        by_address: from an address, which may be a whole office.
        by_account: at one account from one address: someone who guesses.
        everywhere: at one account from all addresses: many who do.
    """

    by_device: Limit
    by_address: Limit
    by_account: Limit
    everywhere: Limit


def device_of(account: str) -> str | None:
    """Return the id of this browser where ``account`` was signed in to in it before, else nothing.

    Args:
        account: its kind and its e-mail, as ``staff:mila@example.test``.
    """
    device, accounts = _read()
    return device if device and _mark(account) in accounts else None


def count_try(account: str, email: str, most: TryLimits) -> list[Try]:
    """Count a try of a password, before it is compared; a known browser's by itself alone.

    Returns:
        What :func:`forgive` takes back where the password was right: only failures add up.

    Raises:
        TooMany: with the seconds to wait.
    """
    address, device = source(request.remote_addr), device_of(account)
    tries: list[Try] = [(most.by_device, (email, device or ""))]
    if device is None:
        tries = [(most.by_address, (address,)), (most.by_account, (email, address)), (most.everywhere, (email,))]
    for limit, who in tries:
        limits.count(limit, *who)
    return tries


def forgive(tries: Sequence[Try]) -> None:
    """Take counted tries back."""
    for limit, who in tries:
        limits.give_back(limit, *who)


def remember(account: str) -> None:
    """Let this browser be known to ``account`` from now on: it has just signed in to it, to the last step."""
    device, accounts = _read()
    mark = _mark(account)
    value = _serializer().dumps([device or token_hex(16), [mark, *(one for one in accounts if one != mark)][:MOST]])
    https = settings().https

    @after_this_request
    def keep(response: Response) -> Response:
        text = value if isinstance(value, str) else value.decode()
        response.set_cookie(_name(), text, max_age=MAX_AGE, secure=https, httponly=True, samesite="Lax", path="/")
        return response


def _read() -> tuple[str, list[str]]:
    try:
        device, accounts = _serializer().loads(request.cookies.get(_name(), ""), max_age=MAX_AGE)
    except (BadSignature, ValueError, TypeError):
        return "", []
    return str(device), [str(one) for one in accounts]


def _mark(account: str) -> str:
    return sealer().keyed_digest(_SALT, account)[:24]


def _name() -> str:
    return cookies.cookie_name("console_device", https=settings().https)


def _serializer() -> Any:
    return URLSafeTimedSerializer(settings().secret_key, salt=_SALT)
