"""Texts of the demo's mailbox."""

from __future__ import annotations

from functools import cache

from console.core.texts import ngettext
from console.web.script_texts.plurals import Texts, forms_of


@cache
def texts(_language: str) -> Texts:
    """Return the texts of ``static/demo/mailbox.js``."""
    return {"new_mails": forms_of(lambda n: ngettext("%(num)d new message", "%(num)d new messages", n))}
