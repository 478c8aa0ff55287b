"""The two ceremonies of Web Authentication (W3C, Level 3) by the package ``webauthn``: plain values in and out.

Loaded when the first passkey is made or shown: a start needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
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
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

# What is not a passkey at all may raise these while the library reads it.
UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True)
class RelyingParty:
    """Who we are to a browser. ``origin``: where our pages are."""

    id: str
    origin: str


@dataclass(frozen=True)
class NewCredential:
    """A credential that a browser made. Ids and keys are base64url."""

    id: str
    public_key: str
    sign_count: int
    transports: list[str]


def creation_options(
    party: RelyingParty, brand: str, email: str, name: str, handle: str, challenge: str, existing: Sequence[str]
) -> dict[str, Any]:
    """Return what a browser needs to make a passkey.

    Args:
        handle: what the person's passkeys call them, base64url.
        challenge: base64url.
        existing: ids of the credentials that the person has.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=brand,
        user_name=email,
        user_display_name=name,
        user_id=base64url_to_bytes(handle),
        challenge=base64url_to_bytes(challenge),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_descriptors(existing),
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, challenge: str, existing: Sequence[str], *, verifies_user: bool
) -> dict[str, Any]:
    """Return what a browser needs to show a passkey.

    Args:
        verifies_user: the device must check who holds it.
    """
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=base64url_to_bytes(challenge),
        allow_credentials=_descriptors(existing),
        user_verification=_verification(verifies_user=verifies_user),
    )
    return options_to_json_dict(options)


def read_new(credential: str) -> RegistrationCredential:
    """Return the answer of a browser that made a passkey. Raises one of ``UNREADABLE``."""
    return parse_registration_credential_json(credential)


def read(credential: str) -> AuthenticationCredential:
    """Return the answer of a browser that shows a passkey. Raises one of ``UNREADABLE``."""
    return parse_authentication_credential_json(credential)


def challenge_of(answer: RegistrationCredential | AuthenticationCredential) -> str:
    """Return the challenge that an answer is to, base64url."""
    return bytes_to_base64url(parse_client_data_json(answer.response.client_data_json).challenge)


def id_of(answer: AuthenticationCredential) -> str:
    """Return which credential it is, base64url."""
    return bytes_to_base64url(answer.raw_id)


def handle_of(answer: AuthenticationCredential) -> str | None:
    """Return what the credential calls its person, base64url."""
    handle = answer.response.user_handle
    return None if handle is None else bytes_to_base64url(handle)


def verify_new(answer: RegistrationCredential, party: RelyingParty, challenge: str) -> NewCredential:
    """Check what a browser made. Raises one of ``UNREADABLE``."""
    verified = verify_registration_response(
        credential=answer,
        expected_challenge=base64url_to_bytes(challenge),
        expected_rp_id=party.id,
        expected_origin=party.origin,
    )
    return NewCredential(
        bytes_to_base64url(verified.credential_id),
        bytes_to_base64url(verified.credential_public_key),
        verified.sign_count,
        [one.value for one in answer.response.transports or ()],
    )


def verify(
    answer: AuthenticationCredential,
    party: RelyingParty,
    challenge: str,
    public_key: str,
    sign_count: int,
    *,
    verifies_user: bool,
) -> int:
    """Check what a browser shows; return the credential's new counter. Raises one of ``UNREADABLE``."""
    verified = verify_authentication_response(
        credential=answer,
        expected_challenge=base64url_to_bytes(challenge),
        expected_rp_id=party.id,
        expected_origin=party.origin,
        credential_public_key=base64url_to_bytes(public_key),
        credential_current_sign_count=sign_count,
        require_user_verification=verifies_user,
    )
    return verified.new_sign_count


def _verification(*, verifies_user: bool) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if verifies_user else UserVerificationRequirement.PREFERRED


def _descriptors(existing: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in existing]
