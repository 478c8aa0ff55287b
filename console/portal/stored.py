"""What the customers' side stores in a browser: what the privacy page lists, and a test compares with the truth.

Each is necessary for what the visitor does, so that no one is asked about it.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.core.context import settings
from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.web.cookies import cookie_name


@dataclass(frozen=True)
class Stored:
    """One cookie, or one entry of the browser's storage."""

    name: str
    purpose: Text
    duration: Text
    is_cookie: bool = True

    @property
    def shown_name(self) -> str:
        """Return what the browser calls it here."""
        return cookie_name(self.name, https=settings().https) if self.is_cookie else self.name


YEAR: Text = lazy_gettext("one year")

COOKIES = (
    Stored(
        "console",
        lazy_gettext(
            "Keeps you signed in, protects forms from other sites, and remembers a language or theme you chose."
        ),
        lazy_gettext("until you sign out or close the browser"),
    ),
    Stored(
        "console_device",
        lazy_gettext("Set when you sign in: recognises this browser, so that others who guess at your password "
                     "cannot keep you out."),
        YEAR,
    ),
)  # fmt: skip
STORAGE = (
    Stored(
        "chat:*",
        lazy_gettext("Set when you open the chat: lets you come back to your conversation and keeps a draft."),
        lazy_gettext("until you end the conversation or clear the browser’s data"),
        is_cookie=False,
    ),
    Stored(
        "support-chat",
        lazy_gettext("Remembers whether the chat is open while you go from page to page."),
        lazy_gettext("until you close the tab"),
        is_cookie=False,
    ),
)


def cookies_of_page() -> tuple[Stored, ...]:
    """Return the cookies that a customer's or visitor's browser may get."""
    return COOKIES


def storage_of_page() -> tuple[Stored, ...]:
    """Return what else it may store."""
    return STORAGE
