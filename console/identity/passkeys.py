"""Passkeys (WebAuthn Level 3): a second step, a way in without a password, a confirmation before something dangerous.

A challenge is a one-time token: what it is for and the browser or session it was made for are stored with its digest,
and it serves once. Origin and RP id are those of ``CONSOLE_BASE_URL``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    bytes_to_base64url,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

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

LASTS = timedelta(minutes=5)
MOST = 20  # of one person
MAX_NAME = 80
# What a challenge is for.
REGISTER, SIGN_IN, SECOND_STEP, CONFIRM = "passkey.register", "passkey.sign_in", "passkey.second", "passkey.confirm"
# What is not a passkey at all may raise these while the library reads it.
_UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True)
class RelyingParty:
    """Who we are to a browser. ``origin``: where our pages are."""

    id: str
    origin: str


def relying_party() -> RelyingParty:
    """Return who we are; under the machine's own address ``localhost``, because browsers take names alone."""
    parts = urlsplit(settings().base_url)
    name = parts.hostname or "localhost"
    with suppress(ValueError):  # a name is no address
        name = "localhost" if ip_address(name).is_loopback else name
    port = f":{parts.port}" if parts.port else ""
    return RelyingParty(name, f"{parts.scheme}://{name}{port}")


def registration_options(actor: Actor, session_id: int) -> dict[str, Any]:
    """Return what a browser needs to make a passkey.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: ``most``: the person has as many as one may.
    """
    person = lock_own(actor, session_id)
    own = passkeys_of(person.id)
    _require_room(len(own))
    options = generate_registration_options(
        rp_id=relying_party().id,
        rp_name=settings().portal_brand,
        user_name=person.email,
        user_display_name=person.name,
        user_id=base64url_to_bytes(_handle(person, own)),
        challenge=_challenge(REGISTER, _session(session_id)),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_descriptors(own),
    )
    return options_to_json_dict(options)


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
    person = lock_own(actor, session_id)
    name = one_line(name)
    if not 0 < len(name) <= MAX_NAME:
        raise Invalid(fields={"name": [lazy_gettext("Enter a name of at most 80 characters.")]})
    own = passkeys_of(person.id)
    _require_room(len(own))
    try:
        answer = parse_registration_credential_json(credential)
        challenge = _spend(REGISTER, _session(session_id), answer.response.client_data_json)
        party = relying_party()
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    except _UNREADABLE as error:
        raise Invalid(lazy_gettext("The passkey was not accepted. Try again."), code="passkey") from error
    identifier = bytes_to_base64url(verified.credential_id)
    if db.session.scalar(_with_id(identifier)) is not None:
        raise Conflict(lazy_gettext("This passkey is already registered."), code="taken")
    passkey = Passkey(
        person_id=person.id,
        name=name,
        credential_digest=token_digest(identifier),
        credential_id=identifier,
        public_key=bytes_to_base64url(verified.credential_public_key),
        user_handle=_handle(person, own),
        sign_count=verified.sign_count,
        transports=[one.value for one in answer.response.transports or ()],
        created_at=clock.now(),
    )
    db.session.add(passkey)
    db.session.flush()
    record(actor, "person.passkey_added", subject_of(person), passkey=passkey.id)
    mails.tell(person, "passkey_added", name_of=name)
    return passkey


def remove(actor: Actor, session_id: int, passkey_id: int) -> Passkey:
    """Remove one of one's own passkeys.

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
    mails.tell(person, "passkey_removed", name_of=passkey.name)
    return passkey


def remove_all(person: Person) -> None:
    """Take every passkey of a person, locked, off: a device is lost."""
    db.session.execute(delete(Passkey).where(Passkey.person_id == person.id))


def options(purpose: str, holder: str, person_id: int | None = None) -> dict[str, Any]:
    """Return what a browser needs to show a passkey.

    Args:
        purpose: ``SIGN_IN``, ``SECOND_STEP`` or ``CONFIRM``.
        holder: the browser or session that alone may use it.
        person_id: whose passkeys may answer; with ``SIGN_IN`` it is not known who comes, and nothing is told.
    """
    own = passkeys_of(person_id) if person_id is not None else ()
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=relying_party().id,
            challenge=_challenge(purpose, holder),
            allow_credentials=_descriptors(own),
            user_verification=_verification(purpose),
        )
    )


def take(purpose: str, holder: str, credential: str, address: str | None, person_id: int | None = None) -> int | None:
    """Check a browser's answer and note that the passkey was used; return whose it is.

    A wrong answer is an outcome, not an error, so that the challenge is used up and it stays on the record.

    Args:
        credential: the browser's answer, as JSON.
        person_id: whose it must be.
    """
    try:
        answer = parse_authentication_credential_json(credential)
        challenge = _spend(purpose, holder, answer.response.client_data_json)
    except _UNREADABLE:
        return None
    passkey = db.session.scalar(_with_id(bytes_to_base64url(answer.raw_id)))
    if passkey is None or (person_id is not None and passkey.person_id != person_id):
        return None
    person = lock_person(passkey.person_id)
    passkey = db.session.get(Passkey, passkey.id, populate_existing=True)  # as it is under the lock
    if passkey is None:
        return None
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    try:
        verified = _verify(answer, purpose, challenge, passkey)
    except _UNREADABLE:
        record(actor, "person.passkey_refused", subject_of(person), passkey=passkey.id)
        return None
    passkey.sign_count, passkey.used_at = verified.new_sign_count, clock.now()
    db.session.flush()
    return person.id


def session_holder(session_id: int) -> str:
    """Return who holds a challenge that is made for a session."""
    return _session(session_id)


def browser_holder(binding: str) -> str:
    """Return who holds a challenge that is made before a sign-in: what the browser's cookie has."""
    return f"browser:{binding}"[:60]


def _verify(
    answer: AuthenticationCredential, purpose: str, challenge: bytes, passkey: Passkey
) -> VerifiedAuthentication:
    handle = answer.response.user_handle
    if purpose == SIGN_IN and (handle is None or bytes_to_base64url(handle) != passkey.user_handle):
        raise ValueError("the handle is not its person's")
    party = relying_party()
    return verify_authentication_response(
        credential=answer,
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=party.origin,
        credential_public_key=base64url_to_bytes(passkey.public_key),
        credential_current_sign_count=passkey.sign_count,
        require_user_verification=_verification(purpose) is UserVerificationRequirement.REQUIRED,
    )


def _handle(person: Person, own: Sequence[Passkey]) -> str:
    """Return what a person's passkeys call them: it names no one."""
    if own:
        return own[0].user_handle
    return bytes_to_base64url(bytes.fromhex(sealer().keyed_digest("passkey-user", str(person.id))))


def _verification(purpose: str) -> UserVerificationRequirement:
    """Return whether the device must check who holds it: not where the password was shown already."""
    second = purpose == SECOND_STEP
    return UserVerificationRequirement.PREFERRED if second else UserVerificationRequirement.REQUIRED


def _challenge(purpose: str, holder: str) -> bytes:
    return base64url_to_bytes(tokens.issue(purpose, holder, LASTS))


def _spend(purpose: str, holder: str, client_data: bytes) -> bytes:
    """Use the challenge of an answer up and return it.

    Raises:
        ValueError: it is not one of ours, of another purpose or browser, too old, or used.
    """
    challenge = parse_client_data_json(client_data).challenge
    if tokens.use(purpose, bytes_to_base64url(challenge)) != holder:
        raise ValueError("no such challenge")
    return challenge


def _descriptors(own: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id)) for one in own]


def _with_id(identifier: str) -> Any:
    return select(Passkey).where(Passkey.credential_digest == token_digest(identifier))


def _require_room(count: int) -> None:
    if count >= MOST:
        raise Conflict(lazy_gettext("You have as many passkeys as possible. Remove one first."), code="most")


def _session(session_id: int) -> str:
    return f"session:{session_id}"
