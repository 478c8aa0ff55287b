"""Versions of a zone in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.hosting.dns.models import Cause, Version

CAUSES: dict[Cause, Text] = {
    Cause.ADDED: lazy_gettext("Record added"),
    Cause.CHANGED: lazy_gettext("Record changed"),
    Cause.DELETED: lazy_gettext("Record deleted"),
    Cause.DRAFT: lazy_gettext("Zone edited"),
    Cause.IMPORTED: lazy_gettext("Zone imported"),
}
CAUSE_ICONS = {
    Cause.ADDED: "plus",
    Cause.CHANGED: "pencil",
    Cause.DELETED: "trash",
    Cause.DRAFT: "pencil",
    Cause.IMPORTED: "upload",
    Cause.RESTORED: "history",
}


def cause_of(version: Version) -> Text:
    """Return how a version came to be, in words."""
    if version.cause is Cause.RESTORED:
        return lazy_gettext("Version %(number)d put back", number=version.restored or 0)
    return CAUSES[version.cause]
