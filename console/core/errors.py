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
    """A request that is not carried out; nothing was changed.

    Args:
        message: for the user, in their language when shown.
        code: a stable name for programs.
        fields: messages by form field, where a form was wrong.
        details: more for programs (JSON-able), never personal data.
    """

    status: int = 400
    default_code: ClassVar[str] = "refused"
    default_message: ClassVar[Text] = lazy_gettext("This cannot be done.")
    retry_after: int | None = None  # seconds after which it may go

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

    def to_payload(self) -> dict[str, Any]:
        """Return it as JSON answers and sockets say it, in the reader's language."""
        payload: dict[str, Any] = {"code": self.code, "message": str(self.message)}
        if self.fields:
            payload["fields"] = {name: [str(text) for text in texts] for name, texts in self.fields.items()}
        if self.retry_after is not None:
            payload["retry_after"] = self.retry_after
        return payload | self.details


class NotFound(Refusal):
    """Not there, or not for this reader: the two look the same."""

    status = 404
    default_code = "not_found"
    default_message = lazy_gettext("This page does not exist, or you do not have access to it.")


class Gone(Refusal):
    """It was there for a while, and that while is over."""

    status = 410
    default_code = "gone"
    default_message = lazy_gettext("This is no longer available.")


class FileGone(NotFound):
    """A row names a file that is not there, as after a restore without the files, or is not what it was."""

    default_code = "file_gone"
    default_message = lazy_gettext(
        "This file is no longer on our server, or it is damaged. Ask the person who sent it to send it again."
    )


class SignInNeeded(Refusal):
    """No one is signed in."""

    status = 401
    default_code = "sign_in"
    default_message = lazy_gettext("Please sign in first.")


class Conflict(Refusal):
    """It was possible a moment ago; the state has changed since."""

    status = 409
    default_code = "conflict"
    default_message = lazy_gettext("This has changed in the meantime. Nothing was done; refresh and try again.")


class Reused(Conflict):
    """An id that its sender chose for one thing came again with another: neither is lost, the second is not stored."""

    default_message = lazy_gettext("An earlier version was already sent. Check what was sent; your text is saved.")


class Invalid(Refusal):
    """The input is wrong; what was typed stays in the form."""

    status = 422
    default_code = "invalid"
    default_message = lazy_gettext("Nothing was changed. Correct the highlighted fields.")


class TooMany(Refusal):
    """Too often, too much. ``retry_after`` in seconds."""

    retry_after: int
    status = 429
    default_code = "rate"
    default_message = lazy_gettext("Too many attempts. Wait a moment and try again.")

    def __init__(self, message: Text | None = None, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Busy(Refusal):
    """The database is held by another transaction for too long."""

    status = 503
    default_code = "busy"
    default_message = lazy_gettext("The system is busy. Nothing was changed; try again.")
    retry_after = 2


class ConfirmationNeeded(Refusal):
    """Something dangerous, asked for with a sign-in that is no longer fresh."""

    status = 403
    default_code = "reauth"
    default_message = lazy_gettext("Enter your password to confirm that it is you.")


class Unavailable(Refusal):
    """The database does not answer."""

    status = 503
    default_code = "unavailable"
    default_message = lazy_gettext("The system is not available at the moment. Try again in a few seconds.")
    retry_after = 5


class OutcomeUnknown(Unavailable):
    """The database went away while it stored something, or after it: it is unknown what of it is done."""

    default_code = "outcome_unknown"
    default_message = lazy_gettext(
        "The connection to the database was lost while saving. Check whether your changes were saved before you "
        "try again."
    )


class NoSpace(Refusal):
    """A disk is full: what is there can be read, nothing can be stored."""

    status = 507
    default_code = "no_space"
    default_message = lazy_gettext(
        "The server is out of space, so this could not be saved. You can still view pages. Copy your text and try "
        "again later."
    )
    retry_after = 60


class Failed(Refusal):
    """A fault of ours."""

    status = 500
    default_code = "failed"
    default_message = lazy_gettext("Something went wrong on our side. Nothing was changed.")


class FailedAfterwards(Failed):
    """A fault of ours, when something was stored already."""

    default_message = lazy_gettext("Something went wrong on our side. Check what was saved before you try again.")


def after_storing(refusal: Refusal) -> Refusal:
    """Return what may be said in the place of ``refusal`` where something is stored already, or may be."""
    instead = {Unavailable: OutcomeUnknown, Failed: FailedAfterwards}.get(type(refusal))
    return refusal if instead is None else instead(code=refusal.code if isinstance(refusal, Failed) else None)
