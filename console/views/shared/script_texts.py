"""What the scripts say: written into the page, so that the catalogue is one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from flask_babel import get_locale

from console.core.texts import gettext, ngettext

# A number of each plural category that Serbian has; English uses the first and the last.
_SAMPLES = {"one": 1, "few": 2, "other": 5}


def script_texts() -> dict[str, str | dict[str, str]]:
    """Return the texts of ``static/*.js`` in the language of this request; ``#`` is the place of a number."""
    return _texts(str(get_locale()))


@cache  # on every page, and the same on all of them
def _texts(_language: str) -> dict[str, str | dict[str, str]]:
    return {
        "open": gettext("Open"),
        "copied": gettext("Copied"),
        "copy_failed": gettext("Could not copy. Select the text and copy it manually."),
        "select_rows": gettext("Select at least one row first."),
        "failed": gettext("Something went wrong. Nothing was changed; try again."),
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


def forms_of(write: Callable[[int], str]) -> dict[str, str]:
    """Return the plural forms of a text, by plural category; ``#`` is the place of the number."""
    return {category: write(number).replace(str(number), "#") for category, number in _SAMPLES.items()}
