"""Payments that matched nothing: one after the other, each with what it may be for, resolved by keyboard."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select

from console.billing.payments.models import Payment
from console.billing.payments.suggestions import Suggestion
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.views.billing.unmatched_queue import BADGE, TEMPLATE, queue_context
from console.views.shared.base import Page
from console.web.answers import wants_json


def views() -> list[Page]:
    """Return the queue."""
    return [
        UnmatchedPage(
            name=lazy_gettext("Unmatched payments"), endpoint="unmatched", url="unmatched", menu_icon_value="inbox"
        )
    ]


class UnmatchedPage(Page):
    """The queue, and the payment that is looked at."""

    permission = Permission.RECORD_PAYMENTS
    group = "billing"
    letter = "n"

    def badge_query(self) -> Select[Any]:
        """Return what counts the payments that wait."""
        return BADGE

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show what waits; the first, or the one named, with its suggestions."""
        found = queue_context(read_key(request.args.get("payment", "")))
        if wants_json():
            chosen = found["chosen"]
            return jsonify(
                items=[_payment_json(one) for one in found["waiting"]],
                payment=None if chosen is None else chosen.id,
                suggestions=[_suggestion_json(one) for one in found["suggestions"]],
            )
        return self.render(TEMPLATE, **found)


def _payment_json(row: Payment) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "reference": row.reference,
        "amount": row.amount,
        "currency": row.currency,
        "paid_on": row.paid_on.isoformat(),
        "reason": None if row.unmatched_reason is None else row.unmatched_reason.value,
    }


def _suggestion_json(one: Suggestion) -> dict[str, Any]:
    return {
        "way": one.way.value,
        "target": one.target,
        "why": one.why.value,
        "on_document": one.effect.on_document,
        "left": one.effect.left,
        "on_credit": one.effect.on_credit,
        "renews": [{"service": label, "until": until.isoformat()} for label, until in one.effect.renews],
    }
