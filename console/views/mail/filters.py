"""The filters of the mail list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.mail.labels import TEMPLATES
from console.mail.models import Mail
from console.mail.queries import WAITING, Stage, in_stage
from console.views.shared.filters import Choice, CustomerNumber, Exact, ListFilter, LocalDay
from console.views.shared.labels.mail import STAGE

# Before the single stages comes what people look for first.
ANY_WAITING = "waiting"
STATES: Mapping[str, Text] = {ANY_WAITING: lazy_pgettext("mail", "all waiting")} | {
    stage.value: label.text for stage, label in STAGE.items()
}


@dataclass(frozen=True)
class State(Choice):
    """How far it is."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        stages = WAITING if value == ANY_WAITING else (Stage(value),)
        return query.where(or_(*(in_stage(stage) for stage in stages)))


@dataclass(frozen=True)
class Receiver(Exact):
    """Went to this address, the whole of it."""

    def read(self, text: str) -> str:
        return super().read(text).lower()


FILTERS: tuple[ListFilter, ...] = (
    State("state", lazy_gettext("State"), Mail.state, STATES),
    Choice("template", lazy_gettext("Kind"), Mail.template, TEMPLATES),
    Receiver("to", lazy_gettext("Recipient"), Mail.to_address, hint="ana@example.test"),
    CustomerNumber("customer", lazy_gettext("Customer number"), Mail.customer_id),
    LocalDay("since", lazy_gettext("Created from"), Mail.created_at, compare="from"),
    LocalDay("until", lazy_gettext("Created until"), Mail.created_at, compare="until"),
)
