"""Received mail in words: who or what wrote it, and why it is where it is."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.mail.receiving.models import ARRIVED, DELAYED, IncomingKind

KIND: dict[IncomingKind, Text] = {
    IncomingKind.PERSON: lazy_pgettext("incoming", "from a person"),
    IncomingKind.AUTO_REPLY: lazy_pgettext("incoming", "automatic reply"),
    IncomingKind.AUTOMATIC: lazy_pgettext("incoming", "sent by a program"),
    IncomingKind.LIST: lazy_pgettext("incoming", "mailing list"),
    IncomingKind.NO_REPLY: lazy_pgettext("incoming", "address that takes no replies"),
    IncomingKind.OWN: lazy_pgettext("incoming", "from our own address"),
    IncomingKind.BOUNCE: lazy_pgettext("incoming", "delivery report"),
    IncomingKind.UNREADABLE: lazy_pgettext("incoming", "unreadable"),
}
REASON: dict[str, Text] = {
    "stranger": lazy_gettext("The sender is not one of this ticket’s people."),
    "forged": lazy_gettext("The mail server says that the sender’s address is forged."),
    "unproven": lazy_gettext("The sender’s address is known here, but nothing proves that they wrote this."),
    "conflict": lazy_gettext("Its reply address belongs to one ticket and its thread to another."),
    "staff": lazy_gettext("It has a colleague’s address, but nothing proves that they sent it."),
    "flood": lazy_gettext("More than 30 e-mails came from this address within an hour."),
    "own": lazy_gettext("It came from our own address."),
    "bounce": lazy_gettext("It is a report about the delivery of one of our e-mails."),
    ARRIVED: lazy_gettext("It reports that one of our e-mails was delivered."),
    DELAYED: lazy_gettext("It reports that one of our e-mails is delayed; the mail server keeps trying."),
    "auto_reply": lazy_gettext("It is an automatic reply and belongs to no ticket."),
    "duplicate": lazy_gettext("The same e-mail came to another of our addresses too."),
    "machine": lazy_gettext("It was not written by a person, so it is a note and reopens nothing."),
    "forward": lazy_gettext("It answers what was forwarded, so it is a note that only colleagues see."),
    "dismissed": lazy_gettext("A colleague decided that no action is needed."),
    "blocked": lazy_gettext("The sender is blocked."),
    "server": lazy_gettext("The mail server marked it as spam."),
    "agent": lazy_gettext("A colleague marked it as spam."),
    "too_large": lazy_gettext("It is larger than 50 MB; only its beginning was fetched."),
    "unfetched": lazy_gettext("The mail server did not deliver all of it; only its beginning was fetched."),
}
