"""A ticket's timeline, ready to be drawn: each entry with its day, its files and the state of its mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from flask import current_app, url_for
from markupsafe import Markup, escape

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.errors import Text
from console.core.series import Series
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.mail.models import MailState
from console.mail.receiving.labels import REASON
from console.mail.receiving.quoting import Folded, fold_quoted
from console.staff.roles import Permission
from console.tickets.models import TICKET_BASE, MessageKind, Ticket, TicketAttachment, TicketMessage
from console.tickets.page_queries import Entry, EntryMail, Timeline
from console.tickets.service.copies import participants_of
from console.views.shared.labels.incoming import NOTE_DECISIONS, incoming_url
from console.views.shared.labels.messages import day_heading
from console.views.shared.labels.ticket_events import sentence
from console.views.shared.message_text import is_long, mail_html

SHOWS: dict[str, tuple[Text, str]] = {
    "all": (lazy_pgettext("timeline", "All"), ""),
    "replies": (lazy_pgettext("timeline", "Replies"), "reply"),
    "notes": (lazy_pgettext("timeline", "Notes"), "note"),
    "events": (lazy_pgettext("timeline", "Events"), "history"),
}
_SORT = {
    MessageKind.QUESTION: "replies",
    MessageKind.REPLY: "replies",
    MessageKind.NOTE: "notes",
    MessageKind.EVENT: "events",
}
_VIA: dict[str, Text] = {
    "mail": lazy_gettext("by e-mail"),
    "link": lazy_gettext("via the link"),
    "web": lazy_gettext("via the web form"),
    "chat": lazy_gettext("from chat"),
    "portal": lazy_gettext("in the portal"),
}
_EVENT_ICONS = {
    "assigned": "user", "status": "circle", "priority": "arrow-up", "department": "building", "subject": "pencil",
    "customer": "user", "tagged": "tag", "untagged": "tag", "merged_in": "link", "merged_into": "link",
    "merge_undone": "link", "linked": "link", "unlinked": "link", "split": "corner", "split_from": "corner",
    "follow_up": "corner", "taken_back": "corner", "verified": "shield-check", "verification_failed": "shield-x",
    "verification_asked": "shield", "sla_target_at_risk": "half", "sla_target_missed": "alert", "rated": "star",
    "watching": "eye", "mail_bounced": "alert", "mail_delayed": "clock", "mail_spam": "ban",
    "participant_added": "user", "participant_removed": "user",
    "handed_over": "user", "address_changed": "mail",
}  # fmt: skip
_STATUS_ICONS = {"waiting": "pause", "hold": "pause", "solved": "ok", "closed": "lock"}
_FOLLOWED = timedelta(minutes=10)  # after it was due; so long a page asks for the state of the mail


@dataclass(frozen=True)
class MailStatus:
    """The state of a reply's mail. ``unsettled``: it may still change without a request."""

    text: str
    icon: str
    role: str = ""
    error: str = ""
    url: str | None = None
    leaves_at: datetime | None = None
    sent_at: datetime | None = None
    unsettled: bool = False


@dataclass(frozen=True)
class TimelineEntry:
    """One entry as it is drawn.

    Args:
        day: the label of the day, on its first entry.
        date: that day, as a key.
        is_new: the first that came since the reader last looked.
        can_take_back: its author may still take it back.
        original: the address of the e-mail that it came as, while it is there.
    """

    message: TicketMessage
    files: list[TicketAttachment]
    tickets_url: str
    sort: str
    date: str
    day: str = ""
    is_new: bool = False
    line: MailStatus | None = None
    can_take_back: bool = False
    is_last: bool = False
    original: str | None = None

    @cached_property
    def parts(self) -> Folded:
        """What it says, and what of a mail is quoted or a signature: looking for that takes longer than drawing it."""
        body = self.message.body
        return fold_quoted(body) if self.message.via == "mail" else Folded(body)

    @property
    def body(self) -> Markup:
        return mail_html(self.parts, self.tickets_url)

    @property
    def folded(self) -> bool:
        return not self.is_last and is_long(self.parts.text)

    @property
    def event(self) -> Markup:
        return escape(sentence(self.message))

    @property
    def event_icon(self) -> str:
        event = self.message.event or ""
        if event == "status":
            return _STATUS_ICONS.get(str(self.message.data.get("to")), "circle")
        return _EVENT_ICONS.get(event, "history")

    @property
    def via(self) -> Text:
        return _VIA.get(self.message.via, "")

    @property
    def waits(self) -> str:
        """Say why it waits for an agent, if it does."""
        return str(REASON.get(str(self.message.data.get("waits") or ""), ""))

    @property
    def decided(self) -> str:
        """Say what was decided about it, if it waited."""
        return str(NOTE_DECISIONS.get(str(self.message.data.get("decided") or ""), ""))

    @property
    def left_out(self) -> str:
        """Say which files of the e-mail are not here."""
        names = self.message.data.get("left_out")
        return gettext("Files not taken over: %(names)s", names=", ".join(map(str, names))) if names else ""

    @property
    def also(self) -> str:
        """Say to whom else a reply went: the requesters of tickets that were merged into this one."""
        names = self.message.data.get("also")
        return gettext("also to %(names)s", names=", ".join(map(str, names))) if names else ""

    @property
    def copied(self) -> str:
        """Say who got a copy of a reply, openly and blind."""
        data = self.message.data
        openly = [*data.get("participants", ()), *data.get("cc", ())]
        lines = [gettext("Cc: %(addresses)s", addresses=", ".join(openly))] if openly else []
        if data.get("bcc"):
            lines.append(gettext("Bcc: %(addresses)s", addresses=", ".join(data["bcc"])))
        return " · ".join(lines)

    @property
    def forwarded(self) -> str:
        """Say to whom a ticket was forwarded, or that this is what came back."""
        data = self.message.data
        if data.get("forward"):
            return gettext("Answer to what was forwarded; the requester does not see it.")
        if not data.get("forwarded"):
            return ""
        if data.get("message"):
            return gettext("One message was forwarded to %(address)s.", address=data["forwarded"])
        return gettext("The ticket was forwarded to %(address)s.", address=data["forwarded"])

    @property
    def masked(self) -> str:
        """Say why some digits are dots."""
        count = int(self.message.data.get("masked") or 0)
        if not count:
            return ""
        return ngettext(
            "%(num)d six-digit number was masked before saving: it could be a PIN.",
            "%(num)d six-digit numbers were masked before saving: they could be PINs.",
            count,
        )


def timeline_entries(
    timeline: Timeline, ticket: Ticket, actor: Actor, *, read_seq: int | None = None
) -> list[TimelineEntry]:
    """Return the entries of ``timeline``, drawn for ``actor``.

    Args:
        read_seq: how far they had read; ``None``: no line is drawn there.
    """
    return list(_entries(timeline, ticket, actor, read_seq))


def _entries(timeline: Timeline, ticket: Ticket, actor: Actor, read_seq: int | None) -> Iterator[TimelineEntry]:
    now, zone, tickets_url = clock.now(), settings().zone, url_for("tickets.index_view")
    day: date | None = None
    new_drawn = not read_seq
    for entry in timeline.entries:
        message = entry.message
        local = message.created_at.astimezone(zone).date()
        is_new = not new_drawn and message.ticket_id == ticket.id and message.seq > (read_seq or 0)
        new_drawn = new_drawn or is_new
        line = _mail_status(entry, actor, now)
        yield TimelineEntry(
            message,
            entry.files,
            tickets_url,
            _SORT[message.kind],
            local.isoformat(),
            day=day_heading(local, clock.local_date(now, zone)) if local != day else "",
            is_new=is_new,
            line=line,
            can_take_back=line is not None and line.leaves_at is not None and message.staff_id == actor.id,
            is_last=message.id == timeline.last,
            original=incoming_url(entry.original) if entry.original is not None else None,
        )
        day = local


def _mail_status(entry: Entry, actor: Actor, now: datetime) -> MailStatus | None:
    message, mail = entry.message, entry.mail
    is_sent = message.kind is MessageKind.REPLY or message.data.get("forwarded")
    if not is_sent or mail is None or message.taken_back_at is not None:
        return None
    if mail.state is MailState.SENT:
        return MailStatus(gettext("sent"), "check", sent_at=mail.sent_at)
    if mail.state is MailState.FAILED:
        return MailStatus(gettext("not sent"), "alert", "danger", error=mail.error, url=_mail_url(mail, actor))
    if mail.state is MailState.CANCELLED:
        return MailStatus(gettext("withdrawn, not sent"), "ban", "void", url=_mail_url(mail, actor))
    if message.held_until is not None and now < message.held_until:
        return MailStatus(gettext("will be sent in"), "send", leaves_at=message.held_until, unsettled=True)
    if mail.attempts:
        return MailStatus(
            gettext("waiting, will be retried"), "clock", "warn", mail.error, _mail_url(mail, actor), unsettled=True
        )
    return MailStatus(gettext("on its way"), "send", unsettled=now < mail.send_after + _FOLLOWED)


def _mail_url(mail: EntryMail, actor: Actor) -> str | None:
    """Return the address of the mail's page, where there is one and ``actor`` may open it."""
    path = f"/console/mail/{mail.id}"
    there = actor.may(Permission.SEE_MAIL) and current_app.url_map.bind("localhost").test(path, "GET")
    return path if there else None


def came_from(message: TicketMessage, ticket: Ticket) -> str | None:
    """Return the number of the ticket an entry was written in, where that is not the one on the page."""
    origin = message.data.get("origin")
    if isinstance(origin, dict):
        return str(origin.get("ticket"))
    if message.ticket_id != ticket.id:
        return Series.TICKET.number(TICKET_BASE + message.ticket_id)
    return None


def taking_part(ticket: Ticket, timeline: Timeline) -> frozenset[str]:
    """Return who takes part already, where an entry offers to let someone."""
    if not any(entry.message.data.get("mail_cc") for entry in timeline.entries):
        return frozenset()
    return frozenset([ticket.requester_email, *participants_of(ticket)])
