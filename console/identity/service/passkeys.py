"""Passkeys (WebAuthn Level 3): a second step, a way in without a password, a confirmation before something dangerous.

A challenge is a one-time token: what it is for and the browser or session it was made for are stored with its digest,
and it serves once. Origin and RP id are those of ``CONSOLE_BASE_URL``.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.ids import token_digest
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.models import Person
from console.identity import mails
from console.identity.access import lock_own, lock_person, subject_of
from console.identity.models import Passkey
from console.identity.queries import passkeys_of
from console.tokens import service as tokens

if TYPE_CHECKING:
    from console.identity.ceremonies import RelyingParty

LASTS = timedelta(minutes=5)
MOST = 20  # of one person
MAX_NAME = 80
# What a challenge is for.
REGISTER, SIGN_IN, SECOND_STEP, CONFIRM = "passkey.register", "passkey.sign_in", "passkey.second", "passkey.confirm"


def relying_party() -> RelyingParty:
    """Return the relying party id; ``localhost`` under the loopback address, because browsers accept only names."""
    from console.identity import ceremonies  # late: see there

    parts = urlsplit(settings().base_url)
    name = parts.hostname or "localhost"
    with suppress(ValueError):  # a name is no address
        name = "localhost" if ip_address(name).is_loopback else name
    port = f":{parts.port}" if parts.port else ""
    return ceremonies.RelyingParty(name, f"{parts.scheme}://{name}{port}")


def registration_options(actor: Actor, session_id: int) -> dict[str, Any]:
    """Return what a browser needs to make a passkey.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: ``most``: the person has as many as one may.
    """
    from console.identity import ceremonies  # late: see there

    person = lock_own(actor, session_id)
    own = passkeys_of(person.id)
    _require_room(len(own))
    challenge = tokens.issue(REGISTER, _session(session_id), LASTS)
    return ceremonies.creation_options(
        relying_party(), settings().portal_brand, person.email, person.name, _handle(person, own), challenge, _ids(own)
    )


def register(actor: Actor, session_id: int, name: str, credential: str) -> Passkey:
    """Store a passkey that a browser made.

    Args:
        name: what the person calls it.
        credential: the browser's answer, as JSON.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: ``most``; ``taken``: it is registered already.
        Invalid: the name or the answer is no good.
    """
    from console.identity import ceremonies  # late: see there

    person = lock_own(actor, session_id)
    name = one_line(name)
    if not 0 < len(name) <= MAX_NAME:
        raise Invalid(fields={"name": [lazy_gettext("Enter a name of at most 80 characters.")]})
    own = passkeys_of(person.id)
    _require_room(len(own))
    try:
        answer = ceremonies.read_new(credential)
        challenge = _spend(REGISTER, _session(session_id), ceremonies.challenge_of(answer))
        made = ceremonies.verify_new(answer, relying_party(), challenge)
    except ceremonies.UNREADABLE as error:
        raise Invalid(lazy_gettext("The passkey was not accepted. Try again."), code="passkey") from error
    if db.session.scalar(_with_id(made.id)) is not None:
        raise Conflict(lazy_gettext("This passkey is already registered."), code="taken")
    passkey = Passkey(
        person_id=person.id,
        name=name,
        credential_digest=token_digest(made.id),
        credential_id=made.id,
        public_key=made.public_key,
        user_handle=_handle(person, own),
        sign_count=made.sign_count,
        transports=made.transports,
        created_at=clock.now(),
    )
    db.session.add(passkey)
    db.session.flush()
    record(actor, "person.passkey_added", subject_of(person), passkey=passkey.id)
    mails.notify(person, "passkey_added", name_of=name)
    return passkey


def remove(actor: Actor, session_id: int, passkey_id: int) -> Passkey:
    """Remove a passkey of the person.

    Raises:
        NotFound: there is none, it is another's, or as in :func:`~console.identity.access.lock_own`.
        ConfirmationNeeded: ``reauth``.
    """
    person = lock_own(actor, session_id)
    passkey = db.session.get(Passkey, passkey_id)
    if passkey is None or passkey.person_id != person.id:
        raise NotFound
    db.session.delete(passkey)
    db.session.flush()
    record(actor, "person.passkey_removed", subject_of(person), passkey=passkey.id)
    mails.notify(person, "passkey_removed", name_of=passkey.name)
    return passkey


def remove_all(person: Person) -> None:
    """Remove every passkey of a locked person: a device is lost."""
    db.session.execute(delete(Passkey).where(Passkey.person_id == person.id))


def options(purpose: str, holder: str, person_id: int | None = None) -> dict[str, Any]:
    """Return what a browser needs to show a passkey.

    Args:
        purpose: ``SIGN_IN``, ``SECOND_STEP`` or ``CONFIRM``.
        holder: the browser or session that alone may use it.
        person_id: whose passkeys may answer; with ``SIGN_IN`` it is not known who comes, and nothing is told.
    """
    from console.identity import ceremonies  # late: see there

    own = passkeys_of(person_id) if person_id is not None else ()
    challenge = tokens.issue(purpose, holder, LASTS)
    return ceremonies.request_options(relying_party(), challenge, _ids(own), verifies_user=_verifies_user(purpose))


def take(purpose: str, holder: str, credential: str, address: str | None, person_id: int | None = None) -> int | None:
    """Verify a browser's answer, record the use of the passkey, and return its owner.

    A wrong answer is an outcome, not an error, so that the challenge is used up and it stays on the record.

    Args:
        credential: the browser's answer, as JSON.
        person_id: whose it must be.
    """
    from console.identity import ceremonies  # late: see there

    try:
        answer = ceremonies.read(credential)
        challenge = _spend(purpose, holder, ceremonies.challenge_of(answer))
    except ceremonies.UNREADABLE:
        return None
    passkey = db.session.scalar(_with_id(ceremonies.id_of(answer)))
    if passkey is None or (person_id is not None and passkey.person_id != person_id):
        return None
    person = lock_person(passkey.person_id)
    passkey = db.session.get(Passkey, passkey.id, populate_existing=True)  # as it is under the lock
    if passkey is None or person.password_hash is None:  # without one they have no sign-in
        return None
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    try:
        if purpose == SIGN_IN and ceremonies.handle_of(answer) != passkey.user_handle:
            raise ValueError("the handle is not its person's")
        passkey.sign_count = ceremonies.verify(
            answer,
            relying_party(),
            challenge,
            passkey.public_key,
            passkey.sign_count,
            verifies_user=_verifies_user(purpose),
        )
    except ceremonies.UNREADABLE:
        record(actor, "person.passkey_refused", subject_of(person), passkey=passkey.id)
        return None
    passkey.used_at = clock.now()
    db.session.flush()
    return person.id


def session_holder(session_id: int) -> str:
    """Return who holds a challenge that is made for a session."""
    return _session(session_id)


def browser_holder(binding: str) -> str:
    """Return who holds a challenge that is made before a sign-in: what the browser's cookie has."""
    return f"browser:{binding}"[:60]


def _handle(person: Person, own: Sequence[Passkey]) -> str:
    """Return what a person's passkeys call them: it names no one."""
    if own:
        return own[0].user_handle
    digest = bytes.fromhex(sealer().keyed_digest("passkey-user", str(person.id)))
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _verifies_user(purpose: str) -> bool:
    """Return whether the device must check who holds it: not where the password was shown already."""
    return purpose != SECOND_STEP


def _spend(purpose: str, holder: str, challenge: str) -> str:
    """Use the challenge of an answer up and return it.

    Raises:
        ValueError: it is not one of ours, of another purpose or browser, too old, or used.
    """
    if tokens.use(purpose, challenge) != holder:
        raise ValueError("no such challenge")
    return challenge


def _ids(own: Sequence[Passkey]) -> list[str]:
    return [one.credential_id for one in own]


def _with_id(identifier: str) -> Any:
    return select(Passkey).where(Passkey.credential_digest == token_digest(identifier))


def _require_room(count: int) -> None:
    if count >= MOST:
        raise Conflict(lazy_gettext("You have reached the maximum number of passkeys. Remove one first."), code="most")


def _session(session_id: int) -> str:
    return f"session:{session_id}"
