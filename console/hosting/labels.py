"""Services in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.hosting.models import SuspensionReason

SUSPENSION: dict[SuspensionReason, Text] = {
    SuspensionReason.UNPAID: lazy_gettext("not paid"),
    SuspensionReason.ABUSE: lazy_gettext("abuse"),
    SuspensionReason.REQUEST: lazy_gettext("on request"),
}
