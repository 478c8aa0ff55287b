"""Texts of the scripts of a ticket's page."""

from __future__ import annotations

from functools import cache

from console.core.texts import gettext
from console.web.script_texts.plurals import Texts


@cache
def texts(_language: str) -> Texts:
    """Return the texts of ``static/tickets/page/*.js``."""
    return {
        # Who is here
        "looks": gettext("%(name)s is also viewing"),
        "look": gettext("%(names)s are also viewing"),
        "writes": gettext("%(name)s is writing"),
        "write": gettext("%(names)s are writing"),
        "and": gettext("%(first)s and %(last)s"),
        # Drafts
        "saving": gettext("Saving the draft…"),
        "saved": gettext("Draft saved at %(time)s"),
        "kept_here": gettext("No connection. Your draft is saved in this browser."),
        # Sending
        "sending": gettext("Sending…"),
        "not_sent": gettext("Not sent: no connection. Your text is saved."),
        "not_stored": gettext("Not sent: the server did not respond correctly. Your text is saved."),
        "sign_in": gettext("Your session has ended. Your text is saved; sign in again."),
        "uploading": gettext("Wait until the files are uploaded."),
        "empty": gettext("Write the message."),
        "newer": gettext("%(name)s wrote in the meantime. Your text is saved."),
        "not_pin": gettext("It is not a PIN"),
        "not_pin_of": gettext("%(number)s is not a PIN", number="%(number)s"),
        "newer_some": gettext("A newer message arrived in the meantime. Your text is saved."),
        "other_sent": gettext("An earlier version of this text was already sent. Your later changes are still here."),
        "note_kept": gettext("Note saved."),
        "last": gettext("This is the last one in the list."),
        "first": gettext("This is the first one in the list."),
        "no_next": gettext("There is no next ticket in this list."),
        "position": gettext("%(place)s of %(all)s"),
        # Files
        "too_large": gettext("%(name)s: The file is larger than 10 MB."),
        "too_many": gettext("Attach at most 10 files to one message."),
        "refused": gettext("%(name)s: %(problem)s"),
        "upload_failed": gettext("%(name)s was not uploaded. Try again."),
        "pasted": gettext("pasted picture"),
        "remove": gettext("Remove %(name)s"),
        "dropped": gettext("Drop to attach"),
        # Canned replies and colleagues
        "no_replies": gettext("No canned reply matches. Esc closes."),
        "no_colleagues": gettext("No one with that name."),
        "show_less": gettext("Show less"),
        "show_all": gettext("Show all"),
        "earlier_failed": gettext("Earlier entries could not be loaded. Try again."),
    }
