"""Mailboxes in words: how reading one does, what is wrong and what helps."""

from __future__ import annotations

from datetime import timedelta

from console.core import clock
from console.core.texts import gettext, lazy_pgettext, ngettext
from console.mail.mailboxes.models import ImapState
from console.mail.mailboxes.queries import MailboxRow
from console.views.shared.labels.states import Label

SILENT_AFTER = timedelta(minutes=10)  # without a look at it, no worker is running


def status(row: MailboxRow) -> Label:
    """Return how a mailbox does, in a word or two."""
    state = row.state
    if not row.mailbox.active:
        return Label(lazy_pgettext("mailbox", "off"), "pause", "void")
    if state is None:
        return Label(lazy_pgettext("mailbox", "not read yet"), "clock")
    if state.problem:
        return Label(lazy_pgettext("mailbox", "not working"), "alert", "danger")
    if state.checked_at is None and not state.waiting:
        return Label(lazy_pgettext("mailbox", "not read yet"), "clock")
    if is_silent(state):
        return Label(lazy_pgettext("mailbox", "not being read"), "alert", "warn")
    if state.waiting:
        return Label(lazy_pgettext("mailbox", "reading"), "refresh", "info")
    return Label(lazy_pgettext("mailbox", "working"), "ok", "ok")


def is_silent(state: ImapState) -> bool:
    """Return whether no worker has looked at a mailbox for long."""
    seen = max(filter(None, (state.checked_at, state.received_at, state.leased_until)), default=None)
    return seen is not None and seen < clock.now() - SILENT_AFTER


def waiting(state: ImapState) -> str:
    """Return how many messages are still to be read; empty where none are."""
    if not state.waiting:
        return ""
    return ngettext("%(num)d message waiting", "%(num)d messages waiting", state.waiting)


def silent_help() -> str:
    """Return what to do where no worker runs."""
    return gettext("No worker has read this mailbox for a while. Is “console worker” running?")
