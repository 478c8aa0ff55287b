"""Texts of the scripts of the chat desk."""

from __future__ import annotations

from functools import cache

from console.core.texts import gettext, ngettext, pgettext
from console.web.script_texts.plurals import Texts, forms_of


@cache
def texts(_language: str) -> Texts:
    """Return the texts of ``static/chat/*.js``."""
    return _lists() | _conversation() | _events() | _top() | _doing()


def _lists() -> Texts:
    return {
        "waits": gettext("waiting"),
        "verified": gettext("verified"),
        "wrote_as": gettext("writes as %(name)s"),
        "you": pgettext("before what was said", "You:"),
        "unread": forms_of(lambda n: ngettext("%(num)d unread", "%(num)d unread", n)),
        "queue_says": forms_of(lambda n: ngettext("%(num)d waiting in the queue", "%(num)d waiting in the queue", n)),
        "queue_empty_says": gettext("The queue is empty"),
        "next_in_queue": gettext("Next in the queue"),
        "none_mine": gettext("No active chats"),
        "none_mine_take": gettext("Press C to take the longest waiting chat."),
        "none_mine_idle": gettext("The queue is empty. New chats appear here automatically."),
        "none_mine_away": gettext(
            "You are not available, so no chats are assigned to you. Press C to take one anyway."
        ),
        "none_queue": gettext("The queue is empty"),
        "none_queue_text": gettext("New chats appear here, longest waiting first."),
        "none_queue_closed": gettext("We are closed: new questions become tickets automatically."),
        "none_all": gettext("No open chats"),
        "none_all_text": gettext("All active chats appear here."),
        "none_here": gettext("No chats in this department"),
        "none_here_text": gettext("The filter hides the others."),
        "show_all": gettext("Show all departments"),
        "take_next": gettext("Take the next"),
    }


def _conversation() -> Texts:
    return {
        "queued": gettext("Waits in the queue"),
        "active": gettext("In progress"),
        "closed": pgettext("chat", "Ended"),
        "ticketed": gettext("Converted to ticket"),
        "you_lead": gettext("assigned to you"),
        "you_watch": gettext("%(name)s is handling it, you are watching"),
        "unassigned": gettext("unassigned"),
        "not_verified": gettext("not verified"),
        "online": gettext("chat open on their page"),
        "offline": gettext("not on the page; will see it on return"),
        "typing": gettext("%(name)s is writing…"),
        "colleague_types": gettext("%(name)s is also writing"),
        "today": gettext("Today"),
        "yesterday": gettext("Yesterday"),
        "fresh": gettext("New"),
        "sending": gettext("sending"),
        "waits_for_line": gettext("will be sent when the connection is back"),
        "sent": gettext("sent"),
        "seen": gettext("seen"),
        "not_sent": gettext("Not sent."),
        "retry": gettext("Try again"),
        "take_text": gettext("Edit"),
        "note": gettext("note"),
        "only_us": gettext("visible to colleagues only"),
        "pin_hidden": gettext("a PIN was masked before saving"),
        "hidden_digits": gettext("Masked before saving"),
        "mask_it": gettext("Mask it and send"),
        "not_pin": gettext("It is not a PIN"),
        "not_pin_of": gettext("%(number)s is not a PIN", number="%(number)s"),
        "change_text": gettext("Change the text"),
        "mask_number": gettext("Mask the number"),
        "not_sent_yet": gettext("Not sent yet"),
        "download": gettext("Download %(name)s"),
        "earlier_failed": gettext("The chat could not be loaded. Retrying automatically."),
        "loading": gettext("Loading the chat…"),
        "log_of": gettext("Conversation with %(name)s"),
        # Writing
        "to": gettext("Reply to %(name)s"),
        "note_on": gettext("Note on the chat with %(name)s"),
        "write_reply": gettext("Write a reply, or / for canned replies"),
        "write_note": gettext("Write a note for colleagues"),
        "take_first": gettext("Take the chat to reply. You can already write a note."),
        "watching": gettext("You are watching. Notes are visible to colleagues only; take the chat to reply."),
        "over": gettext("The chat has ended. You can still add a note."),
        "saving": gettext("Saving the draft…"),
        "saved": gettext("Draft saved"),
        "kept_here": gettext("No connection. Your draft is saved in this browser."),
        "meanwhile": gettext("%(name)s wrote here while you were writing. Your text is saved."),
        "handed_on": gettext("The chat is no longer assigned to you. Your text is saved."),
        "uploading": gettext("%(name)s is being uploaded"),
        "wait_uploads": gettext("Wait until the files are uploaded."),
        "remove": gettext("Remove %(name)s"),
        "too_large": gettext("%(name)s: The file is larger than 10 MB."),
        "too_many": gettext("Attach at most 10 files to one message."),
        "refused": gettext("%(name)s: %(problem)s"),
        "upload_failed": gettext("%(name)s was not uploaded. Try again."),
        "no_replies": gettext("No canned reply matches. Esc closes."),
        "after_verification": gettext("after verification"),
    }


def _events() -> Texts:
    return {
        "e_claimed": gettext("%(staff)s took the chat"),
        "e_assigned": gettext("Chat assigned to %(staff)s"),
        "e_transferred": gettext("%(by)s transferred the chat to %(staff)s"),
        "e_stepped_in": gettext("%(staff)s took the chat over"),
        "e_requeued_passed_on": gettext("%(by)s put the chat back into the queue"),
        "e_requeued_agent_gone": gettext("%(staff)s lost connection; the chat is back in the queue"),
        "e_ended_visitor": gettext("%(name)s ended the conversation"),
        "e_ended_staff": gettext("%(by)s ended the conversation"),
        "e_ended_system": gettext("The chat ended at closing time"),
        "e_ticketed": gettext("Chat converted to ticket %(number)s"),
        "e_ticketed_unclaimed": gettext("No agent was free in time: converted to ticket %(number)s"),
        "e_ticketed_closing": gettext("Converted to ticket %(number)s at closing time"),
        "e_ticketed_limit": gettext("Still open after the time limit: converted to ticket %(number)s"),
        "e_ticketed_closed_hours": gettext("Asked outside opening hours: ticket %(number)s"),
        "e_ticketed_visitor": gettext("%(name)s left the queue; the question is ticket %(number)s"),
        "e_closing_soon": gettext("The visitor was notified that we close at %(time)s"),
        "e_rated": gettext("Rated %(score)s out of 5"),
        "e_blocked": forms_of(
            lambda n: ngettext("The visitor is blocked for %(num)d day", "The visitor is blocked for %(num)d days", n)
        ),
        "seal_asked": gettext("Waiting for the verification"),
        "seal_asked_by": gettext("%(name)s is filling in the form"),
        "seal_asked_text": gettext(
            "E-mail and PIN go straight to the system. You will see only the result. The form is valid until %(time)s."
        ),
        "seal_was_asked": gettext("%(by)s asked for verification"),
        "seal_withdrawn": gettext("The verification request was withdrawn"),
        "seal_live": gettext("Identity confirmed"),
        "seal_live_text": gettext(
            "Valid for this chat until %(time)s. The entered data is not in the chat; no one sees it."
        ),
        "seal_failed": gettext("Not confirmed"),
        "seal_failed_text": gettext("The e-mail and PIN did not match. Nothing was opened."),
        "seal_failed_over": gettext("The e-mail and PIN did not match, and no attempts are left."),
        "seal_ended": gettext("The verification has ended; the account is locked again"),
    }


def _top() -> Texts:
    return {
        "available": gettext("Available"),
        "busy": gettext("Busy"),
        "away": gettext("Away"),
        "gone": gettext("offline"),
        "ask_away": gettext("You are away."),
        "ask_busy": gettext("You are busy."),
        "ask_push": gettext("No chats are assigned to you."),
        "ask_pull": gettext("Colleagues and visitors see that you are not taking chats."),
        "stay_away": gettext("Stay away"),
        "stay_busy": gettext("Stay busy"),
        "still_available": gettext("You are available: new chats are assigned to you."),
        "chats_of": gettext("%(active)s of %(capacity)s chats"),
        "waiting": forms_of(lambda n: ngettext("%(num)d waiting", "%(num)d waiting", n)),
        "line_ok": gettext("Connected"),
        "line_connecting": gettext("Connecting…"),
        "line_lost": gettext("Connection lost. What you write is saved and will be sent automatically."),
        "line_signed_out": gettext("Your session has ended. What you wrote is saved in this browser."),
        "sign_in": gettext("Sign in again"),
        "closing": forms_of(
            lambda n: ngettext(
                "We close in %(num)d minute. Chats still waiting then become tickets.",
                "We close in %(num)d minutes. Chats still waiting then become tickets.",
                n,
            )
        ),
        "closed_now": gettext("We are closed. Finish your open chats or convert them to tickets."),
        "colleagues_free": forms_of(lambda n: ngettext("%(num)d available", "%(num)d available", n)),
        "load": gettext("%(active)s of %(capacity)s"),
        "new_in_queue": gettext("%(name)s is waiting in the queue"),
        "given_to_you": gettext("You have a chat with %(name)s"),
        "notify_denied": gettext("The browser does not allow notifications for this address."),
    }


def _doing() -> Texts:
    return {
        "end_title": gettext("End the conversation with %(name)s?"),
        "end_answered": gettext("The visitor sees that the chat has ended and can rate it."),
        "end_unanswered": gettext("The last message has not been answered yet."),
        "end_as_ticket": gettext("As a ticket it can be answered later, by e-mail to %(email)s."),
        "ticket_ends": gettext(
            "The chat ends and %(name)s sees that the question is now a ticket. The reply goes to "
            "%(email)s. This cannot be undone."
        ),
        "ticket_after": gettext(
            "The chat is copied to a new ticket. %(name)s is notified by e-mail; the reply goes to %(email)s."
        ),
        "passed_on": gettext("The chat with %(name)s was transferred."),
        "chat_ended": gettext("The conversation with %(name)s has ended."),
        "ticket_made": gettext("Chat converted to ticket %(number)s."),
        "open_it": gettext("Open %(number)s"),
        "ask_first_take": gettext("Only the agent handling the chat can ask for verification."),
        "not_yours": gettext("Only the agent handling the chat can do that."),
        "no_colleagues_online": gettext("No colleagues are online."),
        "blocked": gettext("The visitor is blocked."),
        "no_more": gettext("No other chats are waiting for you."),
        "side_failed": gettext("This panel could not be loaded. Try again."),
        "away_now": gettext("No new chats are assigned to you now."),
        "back_now": gettext("You are available."),
    }
