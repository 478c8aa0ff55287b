"""Keeping support PINs out of everything that is stored: chats, tickets, notes, names, file names.

:func:`mask_for_storage` is the one function that masks what a person writes before it is stored: its writer is asked
first about what looks like a PIN. :func:`mask_pins` masks without asking, where there is no one to ask or a PIN has no
place: names and reasons. :mod:`console.customers.stored_masking` masks a number in a text that is stored already.
What looks like a PIN is found by :mod:`console.customers.pin_detection`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from console.core.errors import Invalid
from console.core.texts import lazy_gettext
from console.customers.pin_detection import DIGITS, digits_of, find_pins, visible_characters, without_overlaps

MASK = "••••••"
MOST_TOKENS = 20  # of one text that its writer can say are no PIN
MAX_TOKEN = 40
_ROUNDS = 8


@dataclass(frozen=True)
class PinChoice:
    """The writer's answer about what looks like a PIN in their text.

    Args:
        mask: mask it. Without this, the writer is asked.
        not_pin: the tokens that are no PIN, as the writer says: they are sent as they are.
    """

    mask: bool = False
    not_pin: tuple[str, ...] = ()


ASK = PinChoice()
MASKED = PinChoice(mask=True)


class PinLike(Invalid):
    """A text holds what looks like a PIN: its writer is asked, nothing was stored.

    ``details`` go to the writer alone: ``tokens`` as they wrote them, and ``only_mask`` where they cannot say that it
    is none, because it follows the word PIN or a verification card is open.
    """

    default_code = "pin_like"

    def __init__(self, field: str, tokens: Sequence[str], *, only_mask: bool, card: bool = False) -> None:
        text = _CARD_OPEN if card else _NAMED if only_mask else _QUESTION
        super().__init__(text, fields={field: [text]}, details={"tokens": list(tokens), "only_mask": only_mask})
        self.tokens, self.only_mask = tuple(tokens), only_mask


_QUESTION = lazy_gettext("This looks like a support PIN. Mask it, or say that it is not a PIN.")
_NAMED = lazy_gettext("This looks like a support PIN, which never belongs in a message. Mask it, or change the text.")
_CARD_OPEN = lazy_gettext(
    "This looks like a support PIN. Enter it only where you were asked to confirm your identity. "
    "Mask it, or change the text."
)


@dataclass(frozen=True)
class MaskedText:
    """A text as it is stored.

    Args:
        places: how many were masked.
        excused: how many its writer said are no PIN.
    """

    text: str
    places: int = 0
    excused: int = 0

    @property
    def data(self) -> dict[str, int]:
        """Return the data to store with the text."""
        counts = {"masked": self.places, "not_pin": self.excused}
        return {name: count for name, count in counts.items() if count}


def mask_for_storage(text: str, choice: PinChoice = ASK, *, field: str = "body", card: bool = False) -> MaskedText:
    """Return ``text`` as it may be stored, masked as its writer chose.

    Args:
        field: where the text was typed, for the question.
        card: a verification card is open in this conversation: everything that looks like a PIN must be masked.

    Raises:
        PinLike: the writer has to choose first.
    """
    found = find_pins(text)
    if not found:
        return MaskedText(text)
    excused = set() if card else {digits_of(one) for one in choice.not_pin}
    pins = [one for one in found if one.named or one.digits not in excused]
    if pins and not choice.mask:
        tokens = list(dict.fromkeys(one.text for one in pins))[:MOST_TOKENS]
        raise PinLike(field, tokens, only_mask=card or any(one.named for one in pins), card=card)
    masked, count = _mask(text, frozenset(excused))
    return MaskedText(masked, count, len(found) - len(pins))


def refuse_pins(text: str, field: str) -> str:
    """Return ``text`` where nothing in it looks like a PIN: for a short text that needs no number, as a tag.

    Raises:
        Invalid: something does.
    """
    if find_pins(text):
        raise Invalid(fields={field: [lazy_gettext("This looks like a support PIN. Change the text.")]})
    return text


def mask_pins(text: str) -> tuple[str, int]:
    """Mask everything in ``text`` that looks like a PIN.

    Returns:
        The text to store, and how many places were masked.
    """
    return _mask(text, frozenset())


def mask_name(name: str) -> str:
    """Return the name of a file as it may be stored, with its ending."""
    stem, dot, ending = name.rpartition(".")
    if not dot:
        return mask_pins(name)[0]
    return f"{mask_pins(stem)[0]}.{ending}" if not find_pins(ending) else mask_pins(name)[0]


def mask_address(address: str) -> str:
    """Return the address of a page as it may be stored. What is spelled with escapes is masked as it reads."""
    plain = unquote_plus(address)
    read, written = ({one.digits for one in find_pins(text)} for text in (plain, address))
    return mask_pins(address if read <= written else plain)[0]


def mask_token(text: str, token: str) -> tuple[str, int]:
    """Mask one number of six digits everywhere in ``text``, also where it is part of something else.

    Args:
        token: its digits, written in any way.
    """
    digits = digits_of(token)
    if len(digits) != DIGITS:
        return text, 0
    visible, places = visible_characters(text)
    spans = [
        (found.start(1), found.end(1))
        for found in re.finditer(r"(?<!\d)(?=(\d(?:[^\w•]{0,3}\d){5})(?!\d))", visible)
        if digits_of(found[1]) == digits
    ]
    return _replaced(text, [(places[start], places[end - 1] + 1) for start, end in without_overlaps(spans)])


def read_choice(mask: object, not_pin: object) -> PinChoice:
    """Return the choice in a packet or a form: ``mask`` true, ``not_pin`` a token or several.

    Raises:
        Invalid: neither is of that kind.
    """
    tokens = [not_pin] if isinstance(not_pin, str) else [] if not_pin is None else not_pin
    if not isinstance(tokens, list):
        raise _wrong("not_pin")
    if len(tokens) > MOST_TOKENS or any(not isinstance(one, str) or len(one) > MAX_TOKEN for one in tokens):
        raise _wrong("not_pin")
    if not (mask is None or isinstance(mask, bool) or mask in ("", "1")):
        raise _wrong("mask")
    return PinChoice(mask is True or mask == "1", tuple(one for one in tokens if isinstance(one, str) and one))


def _wrong(field: str) -> Invalid:
    return Invalid(fields={field: [lazy_gettext("Invalid input.")]})


def _mask(text: str, excused: frozenset[str]) -> tuple[str, int]:
    """Mask until nothing is found: a mask separates the digits before and after it, which may then be a PIN."""
    count = 0
    for _round in range(_ROUNDS):
        spans = [(one.start, one.end) for one in find_pins(text) if one.named or one.digits not in excused]
        if not spans:
            break
        text, found = _replaced(text, spans)
        count += found
    return text, count


def _replaced(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, int]:
    parts, from_ = [], 0
    for start, end in spans:
        parts += [text[from_:start], MASK]
        from_ = end
    return "".join([*parts, text[from_:]]), len(spans)
