"""What the scripts of the chat desk say: written into that page alone. ``%(name)s`` is filled in there."""

from __future__ import annotations

from functools import cache

from flask_babel import get_locale

from console.core.texts import gettext, ngettext, pgettext
from console.views.texts import forms_of

Words = dict[str, str | dict[str, str]]


def words() -> Words:
    """Return the texts of ``static/desk/*.js`` in the language of this request; ``#`` stands for a number."""
    return _words(str(get_locale()))


@cache
def _words(_language: str) -> Words:
    return _lists() | _conversation() | _events() | _top() | _doing()


def _lists() -> Words:
    return {
        "waits": gettext("waits"),
        "verified": gettext("verified"),
        "wrote_as": gettext("writes as %(name)s"),
        "you": pgettext("before what was said", "You:"),
        "unread": forms_of(lambda n: ngettext("%(num)d unread", "%(num)d unread", n)),
        "queue_says": forms_of(lambda n: ngettext("%(num)d waits in the queue", "%(num)d wait in the queue", n)),
        "queue_empty_says": gettext("Nobody waits in the queue"),
        "next_in_queue": gettext("Next in the queue"),
        "none_mine": gettext("You lead no chat"),
        "none_mine_take": gettext("Take the one that waits longest: C."),
        "none_mine_idle": gettext("Nobody waits. A new chat appears here by itself."),
        "none_mine_away": gettext("You are not available, so you are given none. You can still take one: C."),
        "none_queue": gettext("Nobody waits"),
        "none_queue_text": gettext("Whoever asks stands here at once, longest waiting first."),
        "none_queue_closed": gettext("We are closed: what is asked now becomes a ticket by itself."),
        "none_all": gettext("No chat is open"),
        "none_all_text": gettext("Chats of all colleagues stand here while they last; whoever leads may ask you in."),
        "none_here": gettext("None in this department"),
        "none_here_text": gettext("The filter hides the others."),
        "show_all": gettext("Show all departments"),
        "take_next": gettext("Take the next"),
    }


def _conversation() -> Words:
    return {
        "queued": gettext("Waits in the queue"),
        "active": gettext("In progress"),
        "closed": pgettext("chat", "Ended"),
        "ticketed": gettext("Became a ticket"),
        "you_lead": gettext("you lead it"),
        "you_watch": gettext("%(name)s leads it, you watch"),
        "nobody_leads": gettext("nobody has it yet"),
        "not_verified": gettext("not verified"),
        "online": gettext("has the chat open"),
        "offline": gettext("is not on the page now; gets it on return"),
        "typing": gettext("%(name)s is writing…"),
        "colleague_types": gettext("%(name)s is writing here, too"),
        "today": gettext("Today"),
        "yesterday": gettext("Yesterday"),
        "fresh": gettext("New"),
        "sending": gettext("sending"),
        "waits_for_line": gettext("goes out when the connection is back"),
        "sent": gettext("sent"),
        "seen": gettext("seen"),
        "not_sent": gettext("Not sent."),
        "retry": gettext("Try again"),
        "take_text": gettext("Edit"),
        "note": gettext("note"),
        "only_us": gettext("only colleagues see it"),
        "pin_hidden": gettext("a PIN was hidden before it was stored"),
        "hidden_digits": gettext("Hidden before it was stored"),
        "mask_it": gettext("Mask it and send"),
        "not_pin": gettext("It is not a PIN"),
        "not_pin_of": gettext("%(number)s is not a PIN", number="%(number)s"),
        "change_text": gettext("Change the text"),
        "mask_number": gettext("Mask the number"),
        "not_sent_yet": gettext("Not sent yet"),
        "download": gettext("Download %(name)s"),
        "earlier_failed": gettext("The conversation could not be read. It is tried again by itself."),
        "loading": gettext("Reading the conversation…"),
        "log_of": gettext("Conversation with %(name)s"),
        # Writing
        "to": gettext("Reply to %(name)s"),
        "note_on": gettext("Note on the chat with %(name)s"),
        "write_reply": gettext("Write a reply; / offers canned replies"),
        "write_note": gettext("Write a note for colleagues"),
        "take_first": gettext("Take the chat to answer; a note you can write now."),
        "watching": gettext("You watch. A note reaches colleagues only; to answer, the chat must be yours."),
        "over": gettext("The conversation is over. A note can still be kept."),
        "saving": gettext("Saving the draft…"),
        "saved": gettext("Draft saved"),
        "kept_here": gettext("No connection. Your draft is kept in this browser."),
        "meanwhile": gettext("%(name)s wrote here while you were writing. Your text is kept."),
        "handed_on": gettext("The chat is no longer yours. Your text is kept."),
        "uploading": gettext("%(name)s is being uploaded"),
        "wait_uploads": gettext("Wait until the files are uploaded."),
        "remove": gettext("Remove %(name)s"),
        "too_large": gettext("%(name)s: The file is larger than 10 MB."),
        "too_many": gettext("At most 10 files go with one message."),
        "refused": gettext("%(name)s: %(problem)s"),
        "upload_failed": gettext("%(name)s was not uploaded. Try again."),
        "no_replies": gettext("No canned reply matches. Esc closes."),
        "after_verification": gettext("after verification"),
    }


def _events() -> Words:
    return {
        "e_claimed": gettext("%(staff)s took the chat"),
        "e_assigned": gettext("%(staff)s was given the chat"),
        "e_transferred": gettext("%(by)s passed the chat on to %(staff)s"),
        "e_stepped_in": gettext("%(staff)s took the chat over"),
        "e_requeued_passed_on": gettext("%(by)s put the chat back into the queue"),
        "e_requeued_agent_gone": gettext("%(staff)s lost the connection; the chat waits in the queue again"),
        "e_ended_visitor": gettext("%(name)s ended the conversation"),
        "e_ended_staff": gettext("%(by)s ended the conversation"),
        "e_ended_system": gettext("The conversation ended with the working day"),
        "e_ticketed": gettext("The conversation became ticket %(number)s"),
        "e_ticketed_unclaimed": gettext("Nobody was free in time: it became ticket %(number)s"),
        "e_ticketed_closing": gettext("At closing time it became ticket %(number)s"),
        "e_ticketed_limit": gettext("It was still open past the limit: it became ticket %(number)s"),
        "e_ticketed_closed_hours": gettext("Asked out of hours: it is ticket %(number)s"),
        "e_ticketed_visitor": gettext("%(name)s left the queue; the question is ticket %(number)s"),
        "e_closing_soon": gettext("The visitor was told that we close at %(time)s"),
        "e_rated": gettext("Rated %(score)s of 5"),
        "e_blocked": forms_of(
            lambda n: ngettext("The visitor is blocked for %(num)d day", "The visitor is blocked for %(num)d days", n)
        ),
        "seal_asked": gettext("Waiting for the verification"),
        "seal_asked_by": gettext("%(name)s has the card before them"),
        "seal_asked_text": gettext(
            "E-mail and PIN go straight to the system. You will see the result only. The card is good until %(time)s."
        ),
        "seal_was_asked": gettext("%(by)s asked who it is"),
        "seal_withdrawn": gettext("The card was taken back"),
        "seal_live": gettext("Identity confirmed"),
        "seal_live_text": gettext(
            "Good for this conversation until %(time)s. What was typed is not in the conversation; nobody sees it."
        ),
        "seal_failed": gettext("Not confirmed"),
        "seal_failed_text": gettext("E-mail and PIN did not fit. Nothing was opened."),
        "seal_failed_over": gettext("E-mail and PIN did not fit, and the card takes no further try."),
        "seal_ended": gettext("The verification has ended; the account is locked again"),
    }


def _top() -> Words:
    return {
        "available": gettext("Available"),
        "busy": gettext("Busy"),
        "away": gettext("Away"),
        "gone": gettext("not here"),
        "ask_away": gettext("You are away."),
        "ask_busy": gettext("You are busy."),
        "ask_push": gettext("No chats are given to you."),
        "ask_pull": gettext("Colleagues and visitors see that you take no chats."),
        "stay_away": gettext("Stay away"),
        "stay_busy": gettext("Stay busy"),
        "still_available": gettext("You are available: new chats are given to you."),
        "chats_of": gettext("%(active)s of %(capacity)s chats"),
        "waiting": forms_of(lambda n: ngettext("%(num)d waits", "%(num)d wait", n)),
        "line_ok": gettext("Connected"),
        "line_connecting": gettext("Connecting…"),
        "line_lost": gettext("Connection lost. What you write is kept and goes out by itself."),
        "line_signed_out": gettext("Your sign-in has ended. What you wrote is kept in this browser."),
        "sign_in": gettext("Sign in again"),
        "closing": forms_of(
            lambda n: ngettext(
                "We close in %(num)d minute: whoever then waits gets a ticket.",
                "We close in %(num)d minutes: whoever then waits gets a ticket.",
                n,
            )
        ),
        "closed_now": gettext("We are closed. End what is open in peace, or make it a ticket."),
        "colleagues_free": forms_of(lambda n: ngettext("%(num)d available", "%(num)d available", n)),
        "load": gettext("%(active)s of %(capacity)s"),
        "new_in_queue": gettext("%(name)s waits in the queue"),
        "given_to_you": gettext("You have a chat with %(name)s"),
        "notify_denied": gettext("The browser does not allow notifications for this address."),
    }


def _doing() -> Words:
    return {
        "failed": gettext("That did not work. Nothing was changed; try again."),
        "no_answer": gettext("The server did not answer. Nothing was changed; try again."),
        "end_title": gettext("End the conversation with %(name)s?"),
        "end_answered": gettext("They read that it has ended, and may rate it."),
        "end_unanswered": gettext("Their last message has no answer yet."),
        "end_as_ticket": gettext("As a ticket it is answered later, by e-mail to %(email)s."),
        "ticket_ends": gettext(
            "The chat ends for %(name)s, who is told that the question is now a ticket. "
            "The answer goes to %(email)s. This cannot be undone."
        ),
        "ticket_after": gettext(
            "The conversation is copied into a new ticket. %(name)s is told by e-mail; the answer goes to %(email)s."
        ),
        "passed_on": gettext("The chat with %(name)s was passed on."),
        "ended": gettext("The conversation with %(name)s has ended."),
        "ticket_made": gettext("The conversation is ticket %(number)s."),
        "open_it": gettext("Open %(number)s"),
        "ask_first_take": gettext("Only whoever leads the chat can ask who it is."),
        "not_yours": gettext("Only whoever leads the chat can do that."),
        "nobody_here": gettext("No colleague is at the desk."),
        "blocked": gettext("The visitor is blocked."),
        "no_more": gettext("Nobody else waits for you."),
        "side_failed": gettext("This column could not be read. Try again."),
        "away_now": gettext("You are given no new chats now."),
        "back_now": gettext("You are available."),
    }
