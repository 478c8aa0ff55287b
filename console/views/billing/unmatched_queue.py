"""The queue of unmatched payments with the one that is looked at, as its page and a refused decision show it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import Select, func, select

from console.billing.payments import labels
from console.billing.payments.forms import ResolveForm
from console.billing.payments.models import Payment, PaymentState
from console.billing.payments.queries import QUEUE, list_unmatched
from console.billing.payments.suggestions import suggest
from console.core.db import db
from console.core.errors import Refusal
from console.views.shared.menu import BADGE_LIMIT

TEMPLATE = "admin/billing/unmatched.html"
_WAITING = select(Payment.id).where(Payment.state == PaymentState.UNMATCHED).limit(BADGE_LIMIT + 1).subquery()
BADGE: Select[Any] = select(func.count()).select_from(_WAITING)


def queue_context(key: int | None, form: ResolveForm | None = None, refusal: Refusal | None = None) -> dict[str, Any]:
    """Return what the template needs.

    Args:
        key: the payment to look at; the longest waiting one where it is none that waits.
        form: what was typed, where a decision was refused.
    """
    waiting = list_unmatched(named=key)
    place = next((index for index, one in enumerate(waiting) if one.id == key), 0)
    chosen = waiting[place] if waiting else None
    many = len(waiting) if len(waiting) < QUEUE else db.session.scalar(BADGE) or 0
    return {
        "waiting": waiting,
        "many": many,
        "chosen": chosen,
        "earlier": waiting[place - 1] if place else None,
        "later": waiting[place + 1] if place + 1 < len(waiting) else None,
        "suggestions": [] if chosen is None else suggest(chosen),
        "words": labels,
        "key": uuid4().hex,
        "typed": form,
        "problem": None if refusal is None else _problem(refusal),
    }


def _problem(refusal: Refusal) -> str:
    """Return what is wrong in one sentence: this form has no field that more than one message is about."""
    texts = [str(text) for found in refusal.fields.values() for text in found]
    return " ".join(texts) or str(refusal.message)
