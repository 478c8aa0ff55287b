"""Texts of the widget: of its frame, and of the button on a site."""

from __future__ import annotations

from functools import cache

from console.core.texts import gettext, ngettext
from console.web.script_texts.plurals import Texts, forms_of


@cache
def texts(_language: str) -> Texts:
    """Return the texts of ``static/widget/frame.js``."""
    return {
        "open_until": gettext("We are here until %(time)s", time="%(time)s"),
        "opens_today": gettext("We open today at %(time)s", time="%(time)s"),
        "opens_tomorrow": gettext("We open tomorrow at %(time)s", time="%(time)s"),
        "opens_on": gettext("We open on %(day)s at %(time)s", day="%(day)s", time="%(time)s"),
        "closed": gettext("We are away right now"),
        "open": gettext("We are here"),
        "no_answer": gettext("The server is not responding. Try again."),
        "connecting": gettext("Connecting…"),
        "reconnecting": gettext("Connection lost. What you write is saved; reconnecting…"),
        "connected": gettext("Reconnected"),
        "queued": gettext("You are in the queue. An agent will be with you within a few minutes."),
        "queued_none": gettext(
            "If no agent is free in time, your question becomes a ticket and is answered by e-mail."
        ),
        "taken": gettext("%(name)s is answering you", name="%(name)s"),
        "transferred": gettext("%(name)s has taken over", name="%(name)s"),
        "requeued": gettext("You are back in the queue. The next free agent continues this conversation."),
        "requeued_agent_gone": gettext("Your agent lost the connection. You are back in the queue"),
        "requeued_passed_on": gettext("Your question was passed on. You are back in the queue"),
        "ended_by_staff": gettext("The conversation has ended"),
        "ended_by_visitor": gettext("You have ended the conversation"),
        "ticketed": gettext("Your question is now ticket %(number)s. We will reply by e-mail.", number="%(number)s"),
        "closing_soon": gettext("We close at %(time)s. Chats still open then become tickets and are answered by "
                                "e-mail.",
                                time="%(time)s"),
        "closed_open_chat": gettext(
            "We are closed now. You can finish this chat; anything left open becomes a ticket."
        ),
        "asked": gettext("Please confirm your identity"),
        "verified": gettext("Your identity is confirmed for this chat"),
        "not_verified": gettext("Your identity was not confirmed"),
        "not_verified_help": gettext(
            "Check the address and use the PIN shown in the portal now. After several attempts, wait "
            "15 minutes or create a new PIN."
        ),
        "card_over": gettext("No attempts left. Ask the agent for a new form."),
        "begun": gettext("The conversation began at %(time)s", time="%(time)s"),
        "sending": gettext("sending"),
        "sent": gettext("sent"),
        "seen": gettext("seen"),
        "failed": gettext("Not sent"),
        "retry": gettext("Try again"),
        "pin_hidden": gettext("A six-digit number was masked before saving because it could be a PIN"),
        "mask_it": gettext("Mask it and send"),
        "not_pin": gettext("It is not a PIN"),
        "not_pin_of": gettext("%(number)s is not a PIN", number="%(number)s"),
        "change_text": gettext("Change the text"),
        "mask_number": gettext("Mask the number"),
        "not_sent_yet": gettext("Not sent yet"),
        "typing": gettext("%(name)s is writing", name="%(name)s"),
        "new_messages": forms_of(lambda n: ngettext("%(num)d new message", "%(num)d new messages", n)),
        "too_large": gettext("The file is larger than 10 MB."),
        "uploading": gettext("Attaching %(name)s…", name="%(name)s"),
        "upload_failed": gettext("%(name)s could not be attached.", name="%(name)s"),
        "remove_file": gettext("Remove %(name)s", name="%(name)s"),
        "download": gettext("Download %(name)s", name="%(name)s"),
        "rated": gettext("Thank you. We read every rating."),
        "transcript_sent": gettext("The transcript is on its way to %(address)s.", address="%(address)s"),
        "signed_in_as": gettext("Signed in as %(name)s", name="%(name)s"),
        "fallback": gettext("Live chat is unavailable right now, so your question became ticket %(number)s.",
                            number="%(number)s"),
        "no_way": gettext("Live chat is unavailable right now. Your text is saved; try again in a moment."),
        "end_question": gettext("End the conversation?"),
        "end_queued": gettext("No one has replied yet. Your question becomes a ticket and we reply by e-mail."),
        "added": gettext("Added to ticket %(number)s", number="%(number)s"),
        "ended_keep": gettext("The chat ended while you were writing. Start a new one with this text?"),
        "you": gettext("You"),
        "us": gettext("Support"),
        "today": gettext("Today"),
        "yesterday": gettext("Yesterday"),
        "kb": gettext("%(size)s kB", size="%(size)s"),
    }  # fmt: skip


def launcher_texts() -> dict[str, str]:
    """Return what the button on a site says."""
    return {
        "open": gettext("Chat with us"),
        "close": gettext("Minimise the chat"),
        "frame": gettext("Chat with support"),
    }
