"""What is let in of a text, and what counts as one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.text import clean, clean_tree, is_blank, one_line, paragraphs, preview, shorten, visible_length

# Nothing of it is seen: zero-width space, soft hyphen, word joiner, byte order mark, Hangul and half-width fillers, the
# empty Braille cell, a variation selector, a mark without its letter, no-break and ideographic spaces.
BLANK = (
    "", " ", "\n\t", "\u200b", "\u00ad", "\u2060", "\ufeff", "\u3164", "\uffa0", "\u115f\u1160", "\u2800", "\ufe0f",
    "\u0301", "\u00a0\u3000", "\u200d\u200c", "\u202e", "\ud83d", "\0", " \u200b \u2060 ", "\U000e0020",
    "\U000e0080" * 30, "\u2065", "\ufff0", "\ufffe", "\ue000",  # not assigned, no character, private
)  # fmt: skip
UNCHANGED = (
    "Đorđe Ђорђе", "👩‍💻", "❤️", "می‌خواهم", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "नमस्ते", "1\u00a0000", "\u200fשלום", "a\tb\nc", "🇷🇸", "🫨",
)  # fmt: skip


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_blank_is_blank(text: str) -> None:
    assert clean(text) == one_line(text) == paragraphs(text) == ""
    assert is_blank(text)
    assert visible_length(text) == 0


@pytest.mark.parametrize("text", UNCHANGED)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert not is_blank(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\ud83d", "a"),
        ("\ude00b", "b"),
        ("a\0b", "ab"),
        ("a\x1b[31mb", "a[31mb"),
        ("a\x85b\u2028c\r\nd\re\vf", "a\nb\nc\nd\ne\nf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("\u2066a\u2069", "a"),
        ("c\u030c", "č"),
        ("c\0\u030c", "č"),
    ],
    ids=ascii,
)
def test_what_cannot_be_kept_is_left_out(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text(st.characters(codec=None, categories=None)))
def test_whatever_is_let_in_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()  # no half of a pair
    assert clean(cleaned) == cleaned == unicodedata.normalize("NFC", cleaned)
    assert not [char for char in cleaned if unicodedata.category(char) == "Cc" and char not in "\t\n"]
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert bool(cleaned) is not is_blank(cleaned)


def test_shapes() -> None:
    assert one_line("  a \n b\u00a0c ") == "a b c"
    assert paragraphs(" \n a  \r\n\r\n b \n") == "a\n\n b"
    assert visible_length("  a\u200b b  ") == 3


def test_a_text_is_cut_for_a_line() -> None:
    assert preview(" a \n\n b ") == "a b"
    assert preview("ab " * 1_000) == "ab " * 53 + "a"
    assert shorten(" a \n b ", 3) == "a b"
    assert shorten("one two three", 9) == "one two…"
    assert shorten("abcdefghij", 4) == "abcd…"


def test_a_packet_is_cleaned_in_all_its_depth() -> None:
    packet = {"a": "x\0", "b": ["\ud83d", {"c": "y\u202e"}], "d": 5, "e": None, "f": True}
    assert clean_tree(packet) == {"a": "x", "b": ["", {"c": "y"}], "d": 5, "e": None, "f": True}
    deep: object = "x"
    for _ in range(50):
        deep = [deep]
    with pytest.raises(ValueError, match="deep"):
        clean_tree({"a": deep})
