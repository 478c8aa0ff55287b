"""What a form says about what looks like a PIN in it, or in a message that is stored."""

from __future__ import annotations

from flask import request

from console.core.ids import read_key
from console.customers.masking import PinChoice, read_choice


def message_key() -> int:
    """Return which message a form names; 0, which is none, for what no key can be."""
    return read_key(request.form.get("message")) or 0


def pin_choice() -> PinChoice:
    """Return what the sender of this request chose: ``mask=1``, or ``not_pin`` with a token, repeated for several.

    Raises:
        Invalid: it is neither.
    """
    return read_choice(request.form.get("mask"), request.form.getlist("not_pin"))
