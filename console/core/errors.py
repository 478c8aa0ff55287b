"""What can go wrong in a way its user should hear about.

Raised by rules and verbs, mapped once (``console.app``) to a page, a JSON
answer or a socket acknowledgement. Messages are translated when shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from flask_babel.speaklater import LazyString

from console.core.texts import lazy_gettext

Text: TypeAlias = str | LazyString


class Refusal(Exception):
    """Something was asked that is not done; nothing was changed.

    Args:
        message: for the user, in their language when shown.
        code: a stable name for programs.
        fields: messages by form field, where a form was wrong.
        details: more for programs (JSON-able), never personal data.
    """

    status: int = 400
    default_code: ClassVar[str] = "refused"
    default_message: ClassVar[Text] = lazy_gettext("That cannot be done.")

    def __init__(
        self,
        message: Text | None = None,
        *,
        code: str | None = None,
        fields: Mapping[str, list[Text]] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.message: Text = message if message is not None else self.default_message
        self.code = code or self.default_code
        self.fields = dict(fields or {})
        self.details = dict(details or {})
        super().__init__(self.code)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotFound(Refusal):
    """Not there, or not for this reader: the two look the same."""

    status = 404
    default_code = "not_found"
    default_message = lazy_gettext("There is nothing here, or it is not for you to see.")


class Gone(Refusal):
    """It was there for a while, and that while is over."""

    status = 410
    default_code = "gone"
    default_message = lazy_gettext("This is no longer available.")


class SignInNeeded(Refusal):
    """Nobody is signed in."""

    status = 401
    default_code = "sign_in"
    default_message = lazy_gettext("Sign in first.")


class Conflict(Refusal):
    """It was possible a moment ago; the state has changed since."""

    status = 409
    default_code = "conflict"
    default_message = lazy_gettext("This has changed in the meantime. Nothing was done; refresh and look again.")


class Reused(Conflict):
    """An id that its sender chose for one thing came again with another: neither is lost, the second is not stored."""

    default_message = lazy_gettext(
        "An earlier version of this was already sent. Check what was sent; your text is kept."
    )


class Invalid(Refusal):
    """The input is wrong; what was typed is kept."""

    status = 422
    default_code = "invalid"
    default_message = lazy_gettext("Nothing was changed. Please correct what is marked.")


class TooMany(Refusal):
    """Too often, too much. ``retry_after`` in seconds."""

    status = 429
    default_code = "rate"
    default_message = lazy_gettext("Too many tries in a short time. Wait a moment, then try again.")

    def __init__(self, message: Text | None = None, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code, details={"retry_after": retry_after})
        self.retry_after = retry_after


class Busy(Refusal):
    """The database is held by somebody else for too long."""

    status = 503
    default_code = "busy"
    default_message = lazy_gettext("The system is busy. Nothing was changed; try again.")
    retry_after = 2
