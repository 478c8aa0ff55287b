"""What a form says about what looks like a PIN in it."""

from __future__ import annotations

from flask import request

from console.customers.masking import PinChoice, read_choice


def pin_choice() -> PinChoice:
    """Return what the sender of this request chose: ``mask=1``, or ``not_pin`` with a token, repeated for several.

    Raises:
        Invalid: it is neither.
    """
    return read_choice(request.form.get("mask"), request.form.getlist("not_pin"))
