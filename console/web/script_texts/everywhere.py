"""Texts of the scripts that every page of the console has, and of its lists."""

from __future__ import annotations

from functools import cache

from console.core.texts import gettext, ngettext
from console.web.script_texts.plurals import Texts, forms_of


@cache  # the same on all pages of a language
def texts(_language: str) -> Texts:
    """Return the texts of ``static/lib/*.js`` and of the console's lists."""
    return {
        "open": gettext("Open"),
        "copied": gettext("Copied"),
        "copy_failed": gettext("Could not copy. Select the text and copy it manually."),
        "select_rows": gettext("Select at least one row first."),
        "failed": gettext("Something went wrong. Nothing was changed; try again."),
        "no_answer": gettext("The server is not responding. Nothing was changed; try again."),
        "ended": gettext("ended"),
        "undo": gettext("Undo"),
        "undone": gettext("Undone."),
        "reply_leaves": gettext("Reply to %(number)s will be sent in", number="%(number)s"),
        "take_back": gettext("Undo send"),
        "taken_back": gettext("The reply was undone; its text is back in your draft."),
        "choose_two": gettext("Select at least two tickets to merge."),
        "not_listed": gettext("no longer in this view"),
        "live_off": gettext("Live updates are off; refreshing every 30 seconds"),
        "open_duplicates": forms_of(
            lambda n: ngettext("%(num)d open ticket from this address", "%(num)d open tickets from this address", n)
        ),
        "new_rows": forms_of(lambda n: ngettext("%(num)d new – show", "%(num)d new – show", n)),
        "late_minutes": forms_of(lambda n: ngettext("%(num)d min overdue", "%(num)d min overdue", n)),
        "late_hours": forms_of(lambda n: ngettext("%(num)d h overdue", "%(num)d h overdue", n)),
        "late_days": forms_of(lambda n: ngettext("%(num)d day overdue", "%(num)d days overdue", n)),
        "just_now": gettext("just now"),
        "found": forms_of(lambda n: ngettext("%(num)d result", "%(num)d results", n)),
        "picked": forms_of(lambda n: ngettext("%(num)d selected", "%(num)d selected", n)),
        "minutes_ago": forms_of(lambda n: ngettext("%(num)d min ago", "%(num)d min ago", n)),
        "hours_ago": forms_of(lambda n: ngettext("%(num)d hour ago", "%(num)d hours ago", n)),
        "left_seconds": forms_of(lambda n: ngettext("%(num)d s left", "%(num)d s left", n)),
        "left_minutes": forms_of(lambda n: ngettext("%(num)d min left", "%(num)d min left", n)),
        "left_hours": forms_of(lambda n: ngettext("%(num)d h left", "%(num)d h left", n)),
        "left_days": forms_of(lambda n: ngettext("%(num)d day left", "%(num)d days left", n)),
    }
