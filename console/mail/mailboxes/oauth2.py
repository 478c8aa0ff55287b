"""Access tokens for XOAUTH2, got with a refresh token (RFC 6749, section 6), and kept while they are valid."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from console.core import clock
from console.core.context import sealer
from console.core.db import db
from console.core.transaction import transaction
from console.mail.mailboxes.access import ImapFailed, OAuth2
from console.mail.mailboxes.models import MAX_DETAIL, ImapAccount

TIMEOUT = 20.0
MAX_ANSWER = 100_000
EARLY = timedelta(minutes=1)  # before its end that a token is not used any more
USUAL_SECONDS = 3600
# Where tokens of the two large providers come from, and their IMAP servers.
PRESETS = {
    "gmail": ("imap.gmail.com", "https://oauth2.googleapis.com/token"),
    "microsoft": ("outlook.office365.com", "https://login.microsoftonline.com/common/oauth2/v2.0/token"),
}


@dataclass(frozen=True)
class _Token:
    text: str
    until: datetime


_tokens: dict[tuple[str, str, str], _Token] = {}  # of this process


class _NoRedirects(HTTPRedirectHandler):
    """A token is asked for where it is set, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def access_token(oauth2: OAuth2, *, fresh: bool = False) -> str:
    """Return a valid access token. Asks outside of any transaction.

    Args:
        fresh: not the one there is: the server refused it.

    Raises:
        ImapFailed: ``token``: the refresh token is refused; ``token_server``: no answer, or none that can be read.
    """
    key = (oauth2.token_url, oauth2.client_id, oauth2.refresh_token)
    known = _tokens.get(key)
    if known is not None and not fresh and known.until > clock.now():
        return known.text
    answer = _ask(oauth2)
    text = answer.get("access_token")
    if not isinstance(text, str) or not text:
        raise ImapFailed("token_server", "no access_token in its answer")
    seconds = answer.get("expires_in")
    life = timedelta(seconds=seconds if isinstance(seconds, int) and 0 < seconds < 10**7 else USUAL_SECONDS)
    _tokens.pop(key, None)
    renewed = answer.get("refresh_token")
    if isinstance(renewed, str) and renewed and renewed != oauth2.refresh_token:
        _store(oauth2, renewed)
        key = (oauth2.token_url, oauth2.client_id, renewed)
    _tokens[key] = _Token(text, clock.now() + life - EARLY)
    return text


def _ask(oauth2: OAuth2) -> dict[str, Any]:
    values = {"grant_type": "refresh_token", "refresh_token": oauth2.refresh_token, "client_id": oauth2.client_id}
    if oauth2.client_secret:
        values["client_secret"] = oauth2.client_secret
    request = Request(  # noqa: S310  https, or this machine: checks.check
        oauth2.token_url, urlencode(values).encode(), {"Accept": "application/json"}, method="POST"
    )
    try:
        with build_opener(_NoRedirects()).open(request, timeout=TIMEOUT) as response:
            answer = json.loads(response.read(MAX_ANSWER))
    except HTTPError as error:
        with error:
            words = _words(error)
        raise ImapFailed("token" if error.code in (400, 401, 403) else "token_server", words) from None
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        words = str(getattr(error, "reason", None) or error) or type(error).__name__
        raise ImapFailed("token_server", words[:MAX_DETAIL]) from error
    if not isinstance(answer, dict):
        raise ImapFailed("token_server", "its answer is no object")
    return answer


def _words(error: HTTPError) -> str:
    """Return what the server says of itself (RFC 6749, 5.2)."""
    try:
        answer = json.loads(error.read(MAX_ANSWER))
        said = f"{answer['error']} {answer.get('error_description', '')}"
    except (ValueError, TypeError, KeyError, OSError):
        said = str(error.reason)
    return " ".join(f"{error.code} {said}".split())[:MAX_DETAIL]


def _store(oauth2: OAuth2, renewed: str) -> None:
    """Keep the new refresh token that came with an access token: the one before may be void now."""
    if oauth2.mailbox_id is None:
        return
    with transaction():
        account = db.session.get(ImapAccount, oauth2.mailbox_id, with_for_update=True, populate_existing=True)
        if account is None or account.sealed_refresh_token is None:
            return
        if sealer().open(account.sealed_refresh_token).decode() == oauth2.refresh_token:  # no one has set another
            account.sealed_refresh_token = sealer().seal(renewed.encode())
