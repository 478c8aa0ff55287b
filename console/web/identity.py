"""Who is signed in. Staff and customers are two identities, so one browser may hold both.

The signed cookie carries only session tokens; the rows decide
(``console.core.sessions``). Under ``/moj/``, ``/help/`` and ``/oauth/`` the customer counts, elsewhere staff.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import cast

from flask import Request, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NoSpace, SignInNeeded
from console.core.sessions import SEEN_EVERY, SignInSession, find_live
from console.core.transaction import transaction
from console.customers.models import Person, PersonSession
from console.extensions import login_manager
from console.staff.models import Staff, StaffSession
from console.staff.sessions import may_be_in
from console.web.answers import is_htmx, wants_json
from console.web.navigation import local_path
from console.web.outage import database_is_away

STAFF_TOKEN = "staff"  # noqa: S105  (a key in the cookie)
PERSON_TOKEN = "person"  # noqa: S105
PORTAL, HELP, OAUTH = "/moj/", "/help/", "/oauth/"


class Identity(UserMixin):
    """What Flask-Login calls a user: a live session and whose it is."""

    def __init__(self, row: StaffSession | PersonSession) -> None:
        self.row = row
        self.id = f"{type(row).__name__}:{row.id}"

    @property
    def is_authenticated(self) -> bool:
        """Whether it is known who is reading: not once the database is away."""
        return not database_is_away()

    @property
    def staff(self) -> Staff | None:
        return self.row.staff if self.is_authenticated and isinstance(self.row, StaffSession) else None

    @property
    def person(self) -> Person | None:
        return self.row.person if self.is_authenticated and isinstance(self.row, PersonSession) else None


def in_portal() -> bool:
    """Return whether this request is for the customers' side."""
    return request.path.startswith((PORTAL, HELP, OAUTH))


@login_manager.request_loader
def load_identity(_request: Request) -> Identity | None:
    """Find the live session that the cookie names; a disabled account's is none."""
    if database_is_away():
        return None
    kind: type[StaffSession | PersonSession] = PersonSession if in_portal() else StaffSession
    token = session.get(PERSON_TOKEN if in_portal() else STAFF_TOKEN)
    if not isinstance(token, str):
        return None
    row: StaffSession | PersonSession | None = find_live(db.session(), kind, token, now=clock.now(), idle=idle_limit())
    if row is None or (isinstance(row, StaffSession) and not may_be_in(row.staff)):
        return None
    if clock.now() - row.seen_at > SEEN_EVERY:
        _touch(kind, row.id)
        db.session.refresh(row)
    return Identity(row)


def idle_limit() -> timedelta:
    """Return how long a session may rest before it ends."""
    return timedelta(minutes=settings().session_idle_minutes)


def _touch(kind: type[SignInSession], key: int) -> None:
    """Note that the session is in use, at most once a minute; a full disk does not keep anybody from reading."""
    with suppress(NoSpace), transaction() as database:
        row = database.get(kind, key)
        if row is not None:
            row.seen_at = clock.now()


@login_manager.unauthorized_handler
def ask_to_sign_in() -> ResponseReturnValue:
    """Send people to the sign-in page and back; programs get 401, and so do parts of an open page."""
    if wants_json() or is_htmx():
        raise SignInNeeded
    endpoint = "portal.login" if in_portal() else "staff.login"
    return redirect(url_for(endpoint, next=_asked_page()))


def _asked_page() -> str | None:
    """Return the page to come back to; of one whose query is too long, the page alone."""
    if request.method != "GET":
        return None
    return local_path(request.full_path.rstrip("?"), local_path(request.path, "")) or None


def current_staff() -> Staff:
    """Return the signed-in staff member.

    Raises:
        SignInNeeded: not signed in.
    """
    staff = cast(Identity, current_user).staff if current_user.is_authenticated else None
    if staff is None:
        raise SignInNeeded
    return staff


def current_person() -> Person:
    """Return the customer's person signed in to the portal.

    Raises:
        SignInNeeded: not signed in.
    """
    person = cast(Identity, current_user).person if current_user.is_authenticated else None
    if person is None:
        raise SignInNeeded
    return person


def current_actor() -> Actor:
    """Return who is asking, as verbs are told; built once a request."""
    if "actor" not in g:
        if in_portal():
            person = current_person()
            session_id = cast(Identity, current_user).row.id
            g.actor = Actor(
                kind="person", id=person.id, name=person.name, address=request.remote_addr, session_id=session_id
            )
        else:
            g.actor = current_staff().actor(request.remote_addr)
    return cast(Actor, g.actor)
