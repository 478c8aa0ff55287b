"""PINs stay out of what staff write, too."""

from __future__ import annotations

import re

from console.customers.masking import mask_pins

_MEANT = re.compile(r"\bp\W?i\W?n\b|\bпин", re.IGNORECASE)


def mask_spoken_pins(text: str) -> str:
    """Mask six-digit runs in what a member of staff wrote, where the text speaks of a PIN.

    A customer's words are masked always (:func:`console.customers.masking.mask_pins`); ours may hold an
    amount or an order's number of six digits and stay as they are while no PIN is mentioned.
    """
    return mask_pins(text)[0] if _MEANT.search(text) else text
