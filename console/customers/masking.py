"""Nobody's PIN stays in a transcript: six digits that stand alone are masked, whatever they are."""

from __future__ import annotations

import re

MASK = "••••••"
DIGITS = 6

# Of every kind and width, the invisible ones too. \d below is a digit of any script, as telephones type them.
_SPACES = r" \t\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff"
_DOTS = r".\u00b7\u2024\u2027\uff0e"
_DASHES = r"\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_BETWEEN = rf"[{_SPACES}{_DOTS}{_DASHES}]{{0,5}}"

_RUN = re.compile(rf"(?:(?<!\w)|(?<=pin))\d(?:{_BETWEEN}\d)*(?!\w)", re.IGNORECASE)
# Where a run may be several things beside each other, the loosest joint first: "1. 482 913", "482913 2".
_JOINTS = (
    re.compile(rf"([{_SPACES}{_DASHES}]*[{_DOTS}][{_SPACES}]+|[{_SPACES}]+[{_DASHES}]+[{_SPACES}]+)"),
    re.compile(rf"([{_SPACES}]+)"),
)


def mask_pins(text: str) -> tuple[str, int]:
    """Mask every free-standing run of six digits in what a visitor wrote.

    Spaces, dots and dashes between the digits belong to the run. More or fewer
    digits are a telephone, an amount, a document's number, and stay, unless
    spaces part six of them from the others.

    Returns:
        The text to store, and how many runs were masked.
    """
    count = 0

    def mask(run: re.Match[str]) -> str:
        nonlocal count
        masked, found = _mask_run(run[0], 0)
        count += found
        return masked

    return _RUN.sub(mask, text), count


def _mask_run(run: str, level: int) -> tuple[str, int]:
    """Mask ``run`` if it has six digits, else look at the parts that its loosest joints leave."""
    digits = sum(char.isdecimal() for char in run)
    if digits == DIGITS:
        return MASK, 1
    if digits < DIGITS or level == len(_JOINTS):
        return run, 0
    parts = [_mask_run(part, level + 1) for part in _JOINTS[level].split(run)]
    return "".join(part for part, _ in parts), sum(found for _, found in parts)
