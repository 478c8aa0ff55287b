"""Received mail in words: how far a message is, why, and what happened to it, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import url_for

from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.mail.receiving.labels import KIND, REASON
from console.mail.receiving.models import IncomingKind, IncomingMail, IncomingState, Proof
from console.views.shared.labels.states import Label

STATE: dict[IncomingState, Label] = {
    IncomingState.RECEIVED: Label(lazy_pgettext("incoming", "being read"), "clock"),
    IncomingState.TICKET: Label(lazy_pgettext("incoming", "in a ticket"), "ticket", "ok"),
    IncomingState.WAITING: Label(lazy_pgettext("incoming", "waiting for you"), "alert", "warn"),
    IncomingState.IGNORED: Label(lazy_pgettext("incoming", "no action needed"), "check", "void"),
    IncomingState.SPAM: Label(lazy_pgettext("incoming", "spam"), "ban", "void"),
    IncomingState.FAILED: Label(lazy_pgettext("incoming", "could not be read"), "file-x", "danger"),
}
# Why a message waits, needs nothing or is spam; each with what an agent should know to decide.
PROOF: dict[Proof, Label] = {
    Proof.PASSED: Label(lazy_gettext("sender’s domain confirmed"), "shield-check", "ok"),
    Proof.FAILED: Label(lazy_gettext("sender’s address is forged"), "shield-x", "danger"),
    Proof.NONE: Label(lazy_gettext("sender not confirmed"), "shield", "warn"),
}
_DECISIONS: dict[str, Text] = {
    "added": lazy_gettext("%(by)s added it to the ticket."),
    "new": lazy_gettext("%(by)s opened a new ticket."),
    "spam": lazy_gettext("%(by)s marked it as spam."),
    "not_spam": lazy_gettext("%(by)s marked it as not spam."),
    "dismissed": lazy_gettext("%(by)s decided that no action is needed."),
}
# What was decided about a note, without who.
NOTE_DECISIONS: dict[str, Text] = {
    "added": lazy_gettext("Added to the conversation."),
    "new": lazy_gettext("Went into a new ticket."),
    "spam": lazy_gettext("Marked as spam."),
    "dismissed": lazy_gettext("No action needed."),
}
_MATCHED: dict[str, Text] = {
    "references": lazy_gettext("It replies to our e-mail about %(ticket)s."),
    "address": lazy_gettext("It was sent to the reply address of %(ticket)s."),
    "forward": lazy_gettext("It answers what was forwarded from %(ticket)s."),
    "thread": lazy_gettext("It continues an earlier e-mail of the same sender in %(ticket)s."),
}
_RELATIONS: dict[str, Text] = {
    "requester": lazy_gettext("The sender is the requester."),
    "colleague": lazy_gettext("The sender may read the account’s tickets."),
    "participant": lazy_gettext("The sender takes part in this ticket."),
    "staff": lazy_gettext("The sender has a colleague’s address."),
}  # of a stranger the reason why it waits says so
_WHY: dict[str, Text] = {
    "no_server": lazy_gettext("No trusted mail server is set, so no sender can be confirmed."),
    "no_results": lazy_gettext("The mail server wrote no result of its checks."),
    "other_server": lazy_gettext("The check of the sender comes from a server that is not trusted."),
    "senders": lazy_gettext("It does not name exactly one sender."),
    "nothing_passed": lazy_gettext("None of the mail server’s checks confirmed the sender’s domain."),
}
_STEPS: dict[str, tuple[str, Text]] = {
    "received": ("mail", lazy_gettext("Received at %(address)s.")),
    "duplicate": ("copy", lazy_gettext("The same e-mail was received before.")),
    "problems": ("warn", lazy_gettext("Parts of it could not be read; the original has them.")),
    "void_address": ("warn", lazy_gettext("Its reply address is forged or was revoked, so it was not followed.")),
    "opened": ("plus", lazy_gettext("Opened %(ticket)s.")),
    "answered": ("send", lazy_gettext("A confirmation was sent.")),
    "entered": ("ticket", lazy_gettext("Added to %(ticket)s.")),
    "staff_reply": ("reply", lazy_gettext("Sent to the requester of %(ticket)s as a reply of %(name)s.")),
    "noted": ("note", lazy_gettext("Written as an internal note in %(ticket)s.")),
    "bounced": ("alert", lazy_gettext("It is about our e-mail to %(address)s.")),
    "bounce_unknown": ("info", lazy_gettext("It does not say which of our e-mails it is about.")),
    "arrived": ("check", lazy_gettext("Our e-mail to %(address)s arrived.")),
    "stopped": ("ban", lazy_gettext("Automatic e-mails no longer go to %(address)s.")),
    "blocked": ("ban", lazy_gettext("%(pattern)s is blocked.")),
    "unreadable": ("file-x", lazy_gettext("It could not be read; the original is attached to %(ticket)s.")),
    "failed": ("file-x", lazy_gettext("It could not be read, and no ticket could be opened.")),
}


@dataclass(frozen=True)
class Step:
    """One step of a message's way in."""

    icon: str
    text: str


def state_label(row: IncomingMail) -> Label:
    """Return how far a message is."""
    return STATE[row.state]


def kind_label(row: IncomingMail) -> str:
    """Return who or what wrote it, empty where that is not known yet."""
    return str(KIND.get(row.kind, "")) if row.kind is not None else ""


def reason(row: IncomingMail) -> str:
    """Return why it is there, empty where nothing needs saying."""
    return str(REASON.get(row.reason, ""))


def story(row: IncomingMail) -> Iterator[Step]:
    """Yield what happened to a message, in order."""
    for step in row.story:
        drawn = _step(step)
        if drawn is not None:
            yield drawn


def _step(step: dict[str, Any]) -> Step | None:
    name = str(step.get("step", ""))
    values = {key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in step.items()}
    if name == "sender":
        return _sender(values)
    if name == "kind":
        kind = KIND[IncomingKind(values["kind"])]
        return Step("info", gettext("Recognized as: %(kind)s.", kind=str(kind)))
    if name == "bounce":
        return Step("alert", gettext("Delivery report: %(said)s", said=values["said"] or values["status"] or "—"))
    if name == "not_answered":
        enough = gettext("No confirmation: this address has received too many automatic e-mails within the hour.")
        forged = gettext("No confirmation: the sender’s address is forged.")
        machine = gettext("No confirmation: no person wrote it.")
        return Step("ban", {"enough": enough, "forged": forged}.get(values["why"], machine))
    if name == "settled":
        text = REASON.get(values["reason"])
        return None if text is None else Step(STATE[IncomingState(values["state"])].icon, str(text))
    table = {"matched": ("link", _MATCHED.get(values.get("by", ""))),
             "relation": ("user", _RELATIONS.get(values.get("relation", ""))),
             "decided": ("check", _DECISIONS.get(values.get("decision", "")))}  # fmt: skip
    icon, text = table.get(name) or _STEPS.get(name) or ("", None)
    return None if text is None else Step(icon, str(text) % values)


def _sender(values: dict[str, str]) -> Step:
    label = PROOF[Proof(values["proof"])]
    why = _WHY.get(values["why"])
    address = values["address"] or gettext("an unknown sender")
    text = gettext("From %(address)s: %(proof)s.", address=address, proof=str(label.text))
    return Step(label.icon, f"{text} {why}" if why is not None else text)


def incoming_url(key: int) -> str:
    """Return the address of a message's page."""
    return url_for("incoming_page.index", key=key)
