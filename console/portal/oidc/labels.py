"""What an application learns by each scope, in words for the consent and the list of applications."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext

SCOPE_NAMES: dict[str, Text] = {
    "profile": lazy_gettext("your name, language and account number"),
    "email": lazy_gettext("your e-mail address"),
    "offline_access": lazy_gettext("all of this later too, while you are not signed in here"),
}
