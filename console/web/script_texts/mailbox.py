"""Texts of the demo's mailbox."""

from __future__ import annotations

from functools import cache

from console.core.texts import gettext, ngettext
from console.web.script_texts.plurals import Texts


@cache
def texts(_language: str) -> Texts:
    """Return the texts of ``static/demo/mailbox.js``."""
    return {
        "new_mail": ngettext("%(num)d new message", "%(num)d new messages", 1),
        "new_mails": gettext("New messages"),
    }
