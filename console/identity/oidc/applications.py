"""Applications that sign people in through the portal: registered and changed by administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.ids import new_token, token_digest
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.identity.oidc.families import end_of_application
from console.identity.oidc.models import SsoApplication
from console.staff.roles import Permission

MAX_NAME = 80
MAX_URI = 500
MOST_URIS = 20
# What an application may ask for. ``openid`` is what makes a request one of OpenID Connect.
SCOPES = ("openid", "email", "profile", "offline_access")


@dataclass(frozen=True)
class ApplicationData:
    """What an administrator registers. Addresses are compared character by character, so they are stored as typed."""

    name: str
    redirect_uris: Sequence[str]
    post_logout_uris: Sequence[str] = ()
    scopes: Sequence[str] = ("openid", "email", "profile")
    is_public: bool = False
    active: bool = True


@dataclass(frozen=True)
class Registered:
    """An application with its secret, which is shown now and never again; a public one has none."""

    application: SsoApplication
    secret: str | None


def register(actor: Actor, data: ApplicationData, *, client_id: str | None = None) -> Registered:
    """Register an application.

    Args:
        client_id: what it calls itself, where that must be known before; a random one otherwise.

    Raises:
        NotFound: ``actor`` is no administrator.
        Invalid: with a message for every wrong field.
    """
    actor.require(Permission.MANAGE_SETTINGS)
    data = _check(data)
    secret = None if data.is_public else new_token()
    application = SsoApplication(
        client_id=client_id or new_token(),
        secret_digest=token_digest(secret) if secret else None,
        created_at=clock.now(),
        active=data.active,
    )
    _fill_in(application, data)
    db.session.add(application)
    db.session.flush()
    record(actor, "application.registered", application.subject, public=data.is_public, **_facts(application))
    return Registered(application, secret)


def change(actor: Actor, application_id: int, data: ApplicationData) -> SsoApplication:
    """Change an application; whether it holds a secret stays. Switched off, its codes and tokens end at once.

    Raises:
        NotFound: ``actor`` is no administrator, or there is no such application.
        Invalid: with a message for every wrong field.
    """
    actor.require(Permission.MANAGE_SETTINGS)
    application = lock(application_id)
    data, before = _check(data), _facts(application)
    _fill_in(application, data)
    application.active = data.active
    db.session.flush()
    after = _facts(application)
    if before == after:
        return application
    # What it may no longer ask for, or from where, must not go on with what was handed out before.
    if before != after | {"name": before["name"]}:
        end_of_application(application.id)
    record(actor, "application.changed", application.subject, before=before, after=after)
    return application


def renew_secret(actor: Actor, application_id: int) -> Registered:
    """Give an application a new secret. The previous one stops working at once; grants stay.

    Raises:
        NotFound: ``actor`` is no administrator, or there is no such application.
        Conflict: ``public``: it has none.
    """
    actor.require(Permission.MANAGE_SETTINGS)
    application = lock(application_id)
    if application.is_public:
        raise Conflict(lazy_gettext("A public application has no secret."), code="public")
    secret = new_token()
    application.secret_digest = token_digest(secret)
    end_of_application(application.id)
    record(actor, "application.secret_renewed", application.subject)
    return Registered(application, secret)


def lock(application_id: int) -> SsoApplication:
    """Return an application, locked.

    Raises:
        NotFound: there is none.
    """
    found = db.session.get(SsoApplication, application_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def find(client_id: str) -> SsoApplication | None:
    """Return the application that calls itself ``client_id``, if it is switched on."""
    query = select(SsoApplication).where(SsoApplication.client_id == client_id, SsoApplication.active.is_(True))
    return db.session.scalar(query) if client_id.isascii() and client_id.isprintable() else None


def all_applications() -> Sequence[SsoApplication]:
    """Return every application, by name."""
    return db.session.scalars(select(SsoApplication).order_by(SsoApplication.name, SsoApplication.id)).all()


def target_of(client_id: str, redirect_uri: str) -> str | None:
    """Return the origin of a redirect address that an application has registered, as a content policy names it."""
    application = find(client_id)
    if application is None or redirect_uri not in application.redirect_uris:
        return None
    return origin(redirect_uri)


def origin(uri: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _check(data: ApplicationData) -> ApplicationData:
    wrong: dict[str, list[Text]] = {}
    name = one_line(data.name)
    if not 0 < len(name) <= MAX_NAME:
        wrong["name"] = [lazy_gettext("Enter a name of at most 80 characters.")]
    redirects, after = _uris(data.redirect_uris), _uris(data.post_logout_uris)
    if not redirects:
        wrong["redirect_uris"] = [lazy_gettext("Enter at least one address.")]
    for field, uris in (("redirect_uris", redirects), ("post_logout_uris", after)):
        found = [uri for uri in uris if not is_usable(uri)]
        if found:
            wrong[field] = [_unusable(found[0])]
        elif len(uris) > MOST_URIS:
            wrong[field] = [lazy_gettext("Enter at most 20 addresses.")]
    scopes = [scope for scope in SCOPES if scope in data.scopes or scope == "openid"]
    if wrong:
        raise Invalid(fields=wrong)
    return ApplicationData(name, redirects, after, scopes, data.is_public, data.active)


def _uris(lines: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def is_usable(uri: str) -> bool:
    """Return whether a browser may be sent there: over https, or to a program on the same machine."""
    if len(uri) > MAX_URI or not uri.isascii() or not uri.isprintable() or set(uri) & set(" \"'<>\\^`{|}#*;,"):
        return False
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unusable(uri: str) -> Text:
    return lazy_gettext(
        "%(address)s cannot be used. Enter an https:// address without # or *; http:// only for this machine.",
        address=uri[:100],
    )


def _fill_in(application: SsoApplication, data: ApplicationData) -> None:
    application.name = data.name
    application.redirect_uris = list(data.redirect_uris)
    application.post_logout_uris = list(data.post_logout_uris)
    application.scopes = list(data.scopes)


def _facts(application: SsoApplication) -> dict[str, Any]:
    return {
        "name": application.name,
        "redirect_uris": list(application.redirect_uris),
        "post_logout_uris": list(application.post_logout_uris),
        "scopes": list(application.scopes),
        "active": application.active,
    }
