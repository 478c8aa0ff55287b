"""What may be a password. Length decides (NIST SP 800-63B, 5.1.1.2); what is guessed soon is refused.

Known passwords, rows of keys, dates and repetitions are the library's (zxcvbn, with its lists); ours are the words of
this country and of our field, and the person's own names.
"""

from __future__ import annotations

import secrets

from console.core.errors import Text
from console.core.passwords import prepared
from console.core.settings import DEMO_PASSWORD
from console.core.text import fold, visible_length
from console.core.texts import lazy_gettext

MIN_LENGTH = 12
MAX_LENGTH = 200  # hashing time is bounded
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP = 4, 5
# What guesses here begin with; compared without case and marks.
_COMMON = (
    "password",
    "lozinka",
    "sifra",
    "qwertz",
    "welcome",
    "administrator",
    "admin",
    "hosting",
    "beograd",
    "srbija",
    "crvenazvezda",
    "partizan",
)
_LEAST_SCORE = 3  # of zxcvbn's 0 to 4: not found within a hundred million guesses
_MOST_SCORED = 72  # characters that zxcvbn looks at; what is longer is good by them or not at all
_SHORT = 4  # shorter parts of a name are found in any text


def complaint(password: str, *, email: str, name: str = "", mixed_from: int = MIN_LENGTH) -> Text | None:
    """Return why ``password`` is refused for this person, ``None`` if it is not.

    Args:
        mixed_from: characters that are enough with capital and small letters and a symbol.
    """
    password = prepared(password)
    length = visible_length(password)
    if length < MIN_LENGTH and not (length >= mixed_from and _is_mixed(password)):
        if mixed_from < MIN_LENGTH:
            return lazy_gettext(
                "Use at least %(mixed)s characters with capital and small letters and a symbol, "
                "or %(count)s of any kind.",
                mixed=mixed_from,
                count=MIN_LENGTH,
            )
        return lazy_gettext(
            "Use at least %(count)s characters. Four or five words are easy to remember.", count=MIN_LENGTH
        )
    if len(password) > MAX_LENGTH:
        return lazy_gettext("At most %(count)s characters.", count=MAX_LENGTH)
    if _is_personal(fold(password), email, name):
        return lazy_gettext("Do not use your name or e-mail address in the password.")
    if password == DEMO_PASSWORD or _is_common(fold(password)) or _is_guessable(password, email, name):
        return lazy_gettext("This password is too common. Choose another.")
    return None


def temporary_password() -> str:
    """Return a password to be read out once and replaced: 98 bits, nothing easily misread."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _is_mixed(password: str) -> bool:
    kinds = (str.isupper, str.islower, lambda char: not char.isalnum())
    return all(any(kind(char) for char in password) for kind in kinds)


def _is_common(folded: str) -> bool:
    """Return whether it is a common word with digits and signs around it, or repeated: that is the word."""
    alphabetic = "".join(char for char in folded if char.isalpha())
    return any(not alphabetic.replace(fold(word), "") for word in _COMMON)


def _is_guessable(password: str, email: str, name: str) -> bool:
    from zxcvbn import zxcvbn  # late: its lists take a moment, and a start needs none of them

    known = [*_COMMON, email, *email.partition("@")[::2], *name.split()]
    score: int = zxcvbn(password[:_MOST_SCORED], user_inputs=known)["score"]
    return score < _LEAST_SCORE


def _is_personal(folded: str, email: str, name: str) -> bool:
    parts = {fold(email), fold(email.partition("@")[0]), *fold(name).split(), fold(name).replace(" ", "")}
    alphabetic = "".join(char for char in folded if char.isalpha())
    return any(len(part) >= _SHORT and part in (folded, alphabetic) for part in parts)
