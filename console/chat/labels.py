"""Chats in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext

ENDED_BY: dict[str, Text] = {
    "visitor": lazy_gettext("by the visitor"),
    "staff": lazy_gettext("by us"),
    "system": lazy_gettext("automatically"),
}
