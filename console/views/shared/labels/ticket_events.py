"""What happened to a ticket, as a sentence."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext
from console.tickets.models import Priority, TicketMessage, TicketStatus
from console.views.shared.labels.tickets import PRIORITY, STATUS
from console.web.locale import LANGUAGES

_SENTENCES: dict[str, Text] = {
    "assigned": lazy_gettext("Assigned to %(to)s"),
    "status": lazy_gettext("State: %(to)s"),
    "priority": lazy_gettext("Priority: %(to)s"),
    "department": lazy_gettext("Department: %(to)s"),
    "subject": lazy_gettext("Subject: %(to)s"),
    "customer": lazy_gettext("Account: %(number)s"),
    "tagged": lazy_gettext("Tag added: %(tag)s"),
    "untagged": lazy_gettext("Tag removed: %(tag)s"),
    "merged_in": lazy_gettext("%(number)s was merged into this ticket"),
    "merged_into": lazy_gettext("Merged into %(number)s"),
    "merge_undone": lazy_gettext("Merge with %(number)s undone"),
    "split": lazy_gettext("Split off: %(number)s"),
    "split_from": lazy_gettext("Split off from %(number)s"),
    "linked": lazy_gettext("Linked with %(number)s"),
    "unlinked": lazy_gettext("No longer linked with %(number)s"),
    "follow_up": lazy_gettext("Continues in %(number)s"),
    "taken_back": lazy_gettext("A reply was undone"),
    "verified": lazy_gettext("Identity confirmed for %(number)s"),
    "verification_failed": lazy_gettext("Identity not confirmed"),
    "verification_asked": lazy_gettext("Verification link sent to %(to)s"),
    "verification_withdrawn": lazy_gettext("Verification link revoked"),
    "verification_ended": lazy_gettext("The verification was ended"),
    "links_voided": lazy_gettext("The requester’s links were revoked: %(reason)s"),
    "handed_over": lazy_gettext("The account was handed over: %(to)s is the requester instead of %(from)s"),
    "address_changed": lazy_gettext("The requester changed their e-mail address; replies go to the new one"),
    "language": lazy_gettext("Language: %(to)s"),
    "sla_target_at_risk": lazy_gettext("An SLA target is at risk"),
    "sla_target_missed": lazy_gettext("An SLA target was missed"),
    "request_done": lazy_gettext("The request is done"),
    "request_refused": lazy_gettext("The request was refused"),
    "mail_bounced": lazy_gettext("Our e-mail to %(address)s was returned (%(status)s)"),
    "mail_delayed": lazy_gettext("Our e-mail to %(address)s is delayed (%(status)s)"),
    "mail_spam": lazy_gettext("Marked as spam"),
    "participant_added": lazy_gettext(
        "%(address)s takes part: gets copies of replies, and their e-mails are added here"
    ),
    "participant_removed": lazy_gettext("%(address)s no longer takes part"),
    "rated": lazy_gettext("Rated: %(score)s out of 5"),
}


def sentence(message: TicketMessage) -> str:
    """Return an event in the reader's language; one that has no sentence, by its name."""
    text = _SENTENCES.get(message.event or "")
    if text is None:
        return message.event or ""
    data = {key: "—" if value is None else value for key, value in message.data.items()}
    to = message.data.get("to")
    if message.event == "status":
        data["to"] = str(STATUS[TicketStatus(str(to))].text)
    elif message.event == "priority":
        data["to"] = str(PRIORITY[Priority[str(to).upper()]].text)
    elif message.event == "language":
        data["to"] = LANGUAGES.get(str(to), str(to))
    elif message.event == "assigned" and to is None:
        return gettext("Assignee removed")
    return str(text) % _Known(data)


class _Known(dict[str, object]):
    def __missing__(self, _key: str) -> str:
        return "—"
