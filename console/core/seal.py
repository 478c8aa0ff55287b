"""Secrets in the database, sealed with keys that are not.

``CONSOLE_SEAL_KEYS`` lists Fernet keys, newest first: the first seals, all
open, so a key is rotated by putting a new one in front and running
``console reseal``. Fernet: https://github.com/fernet/spec.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from console.core.settings import SettingsError


class Sealer:
    """Seals and opens secrets, and derives keys for keyed digests."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SettingsError("CONSOLE_SEAL_KEYS: each must be a Fernet key (console new-key)") from error
        self._keys = keys
        self._digest_keys: dict[str, bytes] = {}

    def seal(self, secret: bytes) -> str:
        """Return ``secret`` sealed with the newest key."""
        return self._fernet.encrypt(secret).decode()

    def open(self, sealed: str) -> bytes:
        """Return the secret.

        Raises:
            InvalidToken: sealed with a key that is no longer listed, or changed.
        """
        return self._fernet.decrypt(sealed.encode())

    def reseal(self, sealed: str) -> str:
        """Return the same secret, sealed with the newest key."""
        return self._fernet.rotate(sealed.encode()).decode()

    def keyed_digest(self, purpose: str, text: str) -> str:
        """Return a digest of ``text`` that cannot be made without the oldest key.

        The oldest key is used, because adding a new one must not change digests
        that rows are looked up by.
        """
        if purpose not in self._digest_keys:
            self._digest_keys[purpose] = _derive(self._keys[-1], purpose)
        return hmac.new(self._digest_keys[purpose], text.encode(), hashlib.sha256).hexdigest()

    def chain_keys(self) -> dict[str, bytes]:
        """Return the audit chain's keys by their id, newest first."""
        derived = [_derive(key, "audit") for key in self._keys]
        return {hashlib.sha256(key).hexdigest()[:12]: key for key in derived}


def _derive(key: str, purpose: str) -> bytes:
    """Derive a sub-key (HKDF, RFC 5869), so that one key never serves two purposes."""
    hkdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"console/{purpose}".encode())
    return hkdf.derive(base64.urlsafe_b64decode(key))


def new_key() -> str:
    """Return a fresh key for ``CONSOLE_SEAL_KEYS``."""
    return Fernet.generate_key().decode()


__all__ = ["InvalidToken", "Sealer", "new_key"]
