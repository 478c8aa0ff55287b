"""Payments that matched nothing: one after the other, each with what it may be for, resolved by keyboard."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, select

from console.billing.payments import labels
from console.billing.payments.models import Payment, PaymentState
from console.billing.payments.queries import list_unmatched
from console.billing.payments.suggestions import Suggestion, suggest
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.menu import BADGE_LIMIT
from console.web.answers import wants_json

_WAITING = select(Payment.id).where(Payment.state == PaymentState.UNMATCHED).limit(BADGE_LIMIT + 1).subquery()
BADGE: Select[Any] = select(func.count()).select_from(_WAITING)


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
        waiting = list_unmatched()
        key = read_key(request.args.get("payment", ""))
        place = next((index for index, one in enumerate(waiting) if one.id == key), 0)
        chosen = waiting[place] if waiting else None
        suggestions = [] if chosen is None else suggest(chosen)
        if wants_json():
            return jsonify(
                items=[_payment_json(one) for one in waiting],
                payment=None if chosen is None else chosen.id,
                suggestions=[_suggestion_json(one) for one in suggestions],
            )
        return self.render(
            "admin/billing/unmatched.html",
            waiting=waiting,
            chosen=chosen,
            earlier=waiting[place - 1] if place else None,
            later=waiting[place + 1] if place + 1 < len(waiting) else None,
            suggestions=suggestions,
            words=labels,
            key=uuid4().hex,
        )


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
