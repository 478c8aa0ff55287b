"""Requests in words: their kinds, their states, and what each is about."""

from __future__ import annotations

from datetime import date

from console.core import money
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.hosting.models import readable_domain
from console.tickets.service_requests.models import RequestKind, RequestState, ServiceRequest

KINDS: dict[RequestKind, Text] = {
    RequestKind.ORDER: lazy_gettext("New order"),
    RequestKind.CHANGE: lazy_gettext("Change of product"),
    RequestKind.CANCELLATION: lazy_gettext("Cancellation"),
    RequestKind.PASSWORD: lazy_gettext("New service password"),
    RequestKind.QUOTE: lazy_gettext("Accepted quote"),
}
STATES: dict[RequestState, Text] = {
    RequestState.OPEN: lazy_pgettext("request", "waiting"),
    RequestState.DONE: lazy_pgettext("request", "done"),
    RequestState.REFUSED: lazy_pgettext("request", "refused"),
}


def facts_of(request: ServiceRequest, language: str) -> list[tuple[str, str]]:
    """Return what is asked for as pairs of a name and a value, without free text.

    Args:
        language: ``sr_Latn`` or ``en``, for amounts and days.
    """
    data = request.data
    found: list[tuple[str, str]] = []
    if data.get("from"):
        found.append((gettext("Now"), data["from"]))
    if request.product:
        found.append((gettext("Product"), request.product))
    if "price" in data:
        price = money.write(int(data["price"]), data["currency"], language)
        found.append((gettext("Price without PDV"), price))
    if data.get("domain"):
        found.append((gettext("Domain"), readable_domain(data["domain"])))
    if data.get("when"):
        day = _day(date.fromisoformat(data["paid_until"]), language)
        found.append((gettext("When"), gettext("at once") if data["when"] == "now" else day))
    if data.get("quote"):
        found.append((gettext("Quote"), data["quote"]))
    return found


def _day(day: date, language: str) -> str:
    return f"{day.day} {day:%b %Y}" if language.startswith("en") else f"{day:%d.%m.%Y.}"
