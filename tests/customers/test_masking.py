"""Whatever stands alone with six digits is masked; the rest of the message stays letter by letter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.customers.masking import MASK, mask_pins

JOINTS = ["", " ", "-", ".", " - ", "\u00a0", "–", " . ", "\u200b", ". ", "  ", "—"]
DIGITS = "0123456789"

words = st.text("abcčćžšđ ,!?;:()\n", max_size=30)
gaps = st.sampled_from([" ", "\n", ", ", "(", ")", ": ", "\t"])


@st.composite
def written_pins(draw: st.DrawFn) -> str:
    """Six digits, with any of the usual signs between them."""
    digits = draw(st.lists(st.sampled_from(DIGITS), min_size=6, max_size=6))
    joints = draw(st.lists(st.sampled_from(JOINTS), min_size=5, max_size=5))
    return digits[0] + "".join(joint + digit for joint, digit in zip(joints, digits[1:], strict=True))


@given(words, gaps, written_pins(), gaps, words)
def test_six_digits_on_their_own_never_stay(before: str, left: str, pin: str, right: str, after: str) -> None:
    text = f"{before}{left}{pin}{right}{after}"
    masked, count = mask_pins(text)
    assert masked == f"{before}{left}{MASK}{right}{after}"
    assert count == 1


@given(st.text("0123456789 .-–\u00a0ab,\n", max_size=60))
def test_no_six_digits_between_spaces_stay_and_nothing_else_is_lost(text: str) -> None:
    masked, _ = mask_pins(text)
    assert not re.search(r"(?<![\w.\-–])\d{6}(?![\w.\-–])", masked)
    kept = re.escape(masked).replace(re.escape(MASK), r"[0-9 .\-–\u00a0]{6,}")
    assert re.fullmatch(kept, text)


@given(st.text("abcčćžšđ ,!?;:()\n•", max_size=60))
def test_what_has_no_digits_is_not_touched(text: str) -> None:
    assert mask_pins(text) == (text, 0)


@given(st.text("0123456789 .-ab,\n", max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    once, _ = mask_pins(text)
    assert mask_pins(once) == (once, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("moj pin je 482913.", f"moj pin je {MASK}."),
        ("PIN:482 913", f"PIN:{MASK}"),
        ("PIN482913", f"PIN{MASK}"),
        ("4 8 2 9 1 3", MASK),
        ("1. 482 913", f"1. {MASK}"),
        ("482913 ili 111-111", f"{MASK} ili {MASK}"),
        ("482913 111111", f"{MASK} {MASK}"),
        ("٤٨٢٩١٣", MASK),
    ],
)
def test_as_people_write_it(text: str, expected: str) -> None:
    assert mask_pins(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "PR-2026-004512",
        "telefon 064 482 91 35",
        "011/555-01-42",
        "rok je 23.11.2026.",
        "K-10482",
        "račun 840-955845-10",
        "310-1234567891211-86",
        "sajt482913",
        "12.500,00 RSD",
    ],
)
def test_numbers_that_are_no_pin_stay(text: str) -> None:
    assert mask_pins(text) == (text, 0)
