"""Labels of chats: states, waiting times, and the sentences of events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from console.chat.labels import ENDED_BY
from console.chat.models import Chat, ChatMessage, ChatStatus, MessageKind
from console.core import clock
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.views.shared.labels.states import Label
from console.web.addresses import url_for
from console.web.filters import hour as hour_words
from console.web.filters import icon, language

STATUS: dict[ChatStatus, Label] = {
    ChatStatus.QUEUED: Label(lazy_pgettext("chat", "in the queue"), "clock", "warn"),
    ChatStatus.ACTIVE: Label(lazy_pgettext("chat", "in progress"), "chat", "info"),
    ChatStatus.CLOSED: Label(lazy_pgettext("chat", "ended"), "ok", "ok"),
    ChatStatus.TICKETED: Label(lazy_pgettext("chat", "converted to ticket"), "ticket"),
}
LANGUAGES: dict[str, Text] = {"sr_Latn": lazy_gettext("Serbian"), "en": lazy_gettext("English")}
STARS = 5


def chat_url(number: str) -> str:
    """Return the address of a chat's page, live or past."""
    return url_for("chats.chat", number=number)


def desk_url(number: str = "") -> str:
    """Return the address of the live desk, with a chat open."""
    return f"/console/desk/{number}"


def duration(length: timedelta) -> str:
    """Write how long something took: ``45 s``, ``3 min``, ``1 h 05 min``."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return gettext("%(num)d s", num=seconds)
    hours, minutes = divmod(seconds // 60, 60)
    if not hours:
        return gettext("%(num)d min", num=minutes)
    if hours >= 24:
        return ngettext("%(num)d day", "%(num)d days", hours // 24)
    return gettext("%(hours)d h %(minutes)02d min", hours=hours, minutes=minutes)


def first_wait(chat: Chat) -> timedelta | None:
    """Return how long the visitor waited for the first answer, or has been waiting; ``None``: no answer came."""
    if chat.first_answered_at is not None:
        return chat.first_answered_at - chat.created_at
    return clock.now() - chat.created_at if chat.is_live else None


def wait_label(chat: Chat) -> Markup:
    """Write it; of a visitor who is still waiting, as markup that a script keeps current."""
    wait = first_wait(chat)
    if wait is None:
        return Markup('<span class="muted">{}</span>').format(gettext("none"))
    if chat.first_answered_at is not None:
        return Markup('<span class="num">{}</span>').format(duration(wait))
    minutes = wait.total_seconds() / 60
    step = 1 if minutes < 1 else 2 if minutes < 3 else 3 if minutes < 5 else 4
    symbol = {1: "circle", 2: "clock", 3: "half", 4: "alert"}[step]
    return Markup('<span class="wait" data-step="{}">{}{}</span>').format(step, icon(symbol), duration(wait))


def stars(score: int | None) -> Markup:
    """Draw a rating, in words for those who do not see it."""
    if score is None:
        return Markup('<span class="muted">—</span>')
    drawn = Markup("").join(
        Markup('<span class="{}">{}</span>').format("is-on" if step <= score else "", icon("star", "icon-sm"))
        for step in range(1, STARS + 1)
    )
    words = gettext("%(score)s out of 5", score=score)
    return Markup('<span class="rating" role="img" aria-label="{}" title="{}">{}</span>').format(words, words, drawn)


def ended_by(chat: Chat) -> str:
    """Return who ended a chat, empty where that is not known."""
    return str(ENDED_BY.get(chat.ended_by or "", ""))


def department_name(chat: Chat) -> str:
    """Return the department in the reader's language."""
    return chat.department.name(language())


# --- What happened ----------------------------------------------------------------------------------------------------

_ICONS = {
    "claimed": "user", "assigned": "user", "transferred": "transfer", "stepped_in": "transfer", "requeued": "clock",
    "ended": "ok", "ticketed": "ticket", "closing_soon": "bell", "rated": "star", "blocked": "ban",
    "verification_asked": "shield", "verified": "shield-check", "verification_failed": "shield-x",
    "verification_withdrawn": "shield", "verification_ended": "shield",
}  # fmt: skip


def event_icon(message: ChatMessage) -> str:
    """Return the icon of an event."""
    return _ICONS.get(str(message.data.get("event")), "history")


def event_label(message: ChatMessage) -> str:
    """Return what happened, in a sentence; an event that a later version wrote, by its name."""
    event = str(message.data.get("event"))
    say = _SENTENCES.get(event)
    return say(message.name, message.data) if say is not None else event


def _plain(text: Text) -> Callable[[str, dict[str, Any]], str]:
    return lambda by, data: str(text) % {"by": by, "name": by, "staff": data.get("staff") or "—"}


def _requeued(by: str, data: dict[str, Any]) -> str:
    if data.get("why") == "agent_gone":
        return gettext("%(staff)s lost connection; the chat is back in the queue", staff=data.get("staff") or "—")
    return gettext("%(by)s put the chat back into the queue", by=by)


def _ended(by: str, data: dict[str, Any]) -> str:
    if data.get("by") == "visitor":
        return gettext("%(name)s ended the conversation", name=by)
    if data.get("by") == "staff":
        return gettext("%(by)s ended the conversation", by=by)
    return gettext("The chat ended at closing time")


def _ticketed(by: str, data: dict[str, Any]) -> str:
    number, why = data.get("number", "—"), data.get("why")
    if why == "unclaimed":
        return gettext("No agent was free in time: converted to ticket %(number)s", number=number)
    if why == "closing":
        return gettext("Converted to ticket %(number)s at closing time", number=number)
    if why == "limit":
        return gettext("Still open after the time limit: converted to ticket %(number)s", number=number)
    if why == "closed_hours":
        return gettext("Asked outside opening hours: ticket %(number)s", number=number)
    if why == "visitor":
        return gettext("%(name)s left the queue; the question is ticket %(number)s", name=by, number=number)
    return gettext("Chat converted to ticket %(number)s", number=number)


def _closing_soon(_by: str, data: dict[str, Any]) -> str:
    return gettext("The visitor was notified that we close at %(time)s", time=_hour(data.get("closes_at")))


def _rated(_by: str, data: dict[str, Any]) -> str:
    return gettext("Rated %(score)s out of 5", score=data.get("score", "—"))


def _blocked(_by: str, data: dict[str, Any]) -> str:
    days = data.get("days")
    count = days if isinstance(days, int) else 0
    return ngettext("The visitor is blocked for %(num)d day", "The visitor is blocked for %(num)d days", count)


def _verified(by: str, data: dict[str, Any]) -> str:
    return gettext(
        "Identity confirmed: %(person)s, %(customer)s, valid until %(time)s",
        person=data.get("person") or by,
        customer=data.get("customer") or "—",
        time=_hour(data.get("until")),
    )


def _hour(at: object) -> str:
    try:
        return str(hour_words(datetime.fromisoformat(str(at))))
    except ValueError:
        return "—"


_SENTENCES: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "claimed": _plain(lazy_gettext("%(staff)s took the chat")),
    "assigned": _plain(lazy_gettext("Chat assigned to %(staff)s")),
    "transferred": _plain(lazy_gettext("%(by)s transferred the chat to %(staff)s")),
    "stepped_in": _plain(lazy_gettext("%(staff)s took the chat over")),
    "requeued": _requeued,
    "ended": _ended,
    "ticketed": _ticketed,
    "closing_soon": _closing_soon,
    "rated": _rated,
    "blocked": _blocked,
    "verification_asked": _plain(lazy_gettext("%(by)s asked for verification")),
    "verified": _verified,
    "verification_failed": _plain(lazy_gettext("The e-mail and PIN did not match. Nothing was opened.")),
    "verification_withdrawn": _plain(lazy_gettext("The verification request was withdrawn")),
    "verification_ended": _plain(lazy_gettext("The verification has ended; the account is locked again")),
}


def colleagues(messages: list[ChatMessage], chat: Chat) -> list[str]:
    """Return who of us had the chat or wrote in it, in the order they came."""
    names: dict[str, None] = {}
    for one in messages:
        if one.kind in (MessageKind.REPLY, MessageKind.NOTE):
            names[one.name] = None
        elif one.kind is MessageKind.EVENT and one.data.get("event") in (
            "claimed", "assigned", "transferred", "stepped_in",
        ) and one.data.get("staff"):  # fmt: skip
            names[str(one.data["staff"])] = None
    if chat.assignee is not None:
        names.setdefault(chat.assignee.name)
    return list(names)
