"""What a form says about what looks like a PIN in it, or in a message that is stored."""

from __future__ import annotations

from flask import request

from console.core.errors import Invalid
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.customers.masking import PinChoice, read_choice


def message_key() -> int:
    """Return which message a form names.

    Raises:
        Invalid: it names none.
    """
    key = read_key(request.form.get("message"))
    if key is None:
        raise Invalid(fields={"message": [lazy_gettext("Invalid input.")]})
    return key


def pin_choice() -> PinChoice:
    """Return what the sender of this request chose: ``mask=1``, or ``not_pin`` with a token, repeated for several.

    Raises:
        Invalid: it is neither.
    """
    return read_choice(request.form.get("mask"), request.form.getlist("not_pin"))
