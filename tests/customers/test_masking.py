"""What looks like a PIN is found wherever it stands; what is something else stays letter by letter."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import console
from console.core.errors import Invalid
from console.core.series import Series
from console.customers.masking import (
    ASK,
    MASK,
    MASKED,
    PinChoice,
    PinLike,
    mask_address,
    mask_for_storage,
    mask_name,
    mask_pins,
    mask_token,
    read_choice,
)
from console.customers.pin_detection import digits_of, find_pins

# Between bars what is masked; everything else stays.
PINS = [
    "|739164|", "moj je |739164|.", "(|739164|)", "„|739164|“", "|739164|!", "#x |739164|", "|739 164|", "|739-164|",
    "|739\u00a0164|", "|739–164|", "|739\u2009164|", "|73 91 64|", "|73-91-64|", "|73 91-64|",
    # other scripts, and what cannot be seen
    "|٧٣٩١٦٤|", "|７３９１６４|", "|७३९१६४|", "|7\u200b39\u200d164|", "|739\u2060\u00a0164|",
    "|7\ufe0f\u20e33\ufe0f\u20e39\ufe0f\u20e31\ufe0f\u20e36\ufe0f\u20e34|\ufe0f\u20e3",
    # could be something else as well: who writes is asked
    "br. |739164|", "broj |739164|", "porudžbina |739164|", "period |202611|", "|120526|", "|12-05-26|", "|12 05 26|",
    "zovite |555-333|", "poštanski broj |101000|", "portovi |465 993|", "https://mint.rs/?order=|739164|",
    "1. |739 164|", "|739 164| 5 puta", "|739164| 000", "|739164|,|482913|", "|739164| |482913|", "|739 164| |739 164|",
    "|739164|-|482913|", "redom:\n|739164|\n|482913|", "evo – |739164| – hvala",
    # after the word PIN nothing is exempt
    "pin=|739164|", "https://mint.rs/pomoc?pin=|739164|&x=1", "?a=b&pin%3D|739164|", "/pin/|739164|", "PIN:|739164|",
    "PIN-|739164|", "PIN|739164|", "pin|739164|je", "Pin |739164|", "pin je |739164|", "moj PIN mi je |739164|",
    "PIN za podršku je |739164|", "PIN za podrsku: |739164|", "support PIN is |739164|", "my PIN code is: |739 164|",
    "PIN koji sam dobila je |739164|", "PIN kod: |739164|", "pin-kod |739164|", "PINu |739164|", "PIN-om |739164|",
    "ПИН |739164|",
    "ПИН за подршку је |739164|", "пин: |739164|", "p i n |739164|", "P.I.N. |739164|", "ＰＩＮ |739164|",
    "user_pin_code=|739164|", "supportPin=|739164|", "SUPPORTPIN=|739164|", "mypin: |739164|", "PIN\n|739164|",
    "PIN: |7 3 9 1 6 4|", "PIN: |7-3-9-1-6-4|", "PIN |739.164|", "PIN |7 39 164|", "PIN |7391, 64|", "PIN 1. |482 913|",
    "PIN |739164|,00 RSD", "PIN T-|739164|", "PIN #|739164|", "PIN |739164| din", "PIN |1/2/345/6|",
    "|739164|-pin", "|739164|pin",
    # emphasis joins nothing
    "_|739164|_", "*|739164|*", "__|739 164|__", "+1 |482 913|, hvala",
]  # fmt: skip
NO_PINS = [
    # our own numbers
    "T-100123", "t-100123", "T–100123", "T 100123", "tiket T-100123.", "K-104820", "M-100317", "C-500417", "U-100042",
    "R-100001", "V-100001", "PR-2026-004512", "PR 2026 004512", "ST-2026-000011",
    # amounts
    "120.000,00 RSD", "120 000,00", "120.000 din", "120 000 RSD", "120000 RSD", "120000 din.", "€120000", "120000 €",
    "RSD 120000", "120 000,-", "1 739 164", "12 500 000", "739 164 285", "0,482913", "482913,50", "482913%",
    "482913 kB", "739164 bajtova",
    # dates and times
    "12.05.2026", "12.05.26.", "2026-05-12", "12-05-2026", "12:34:56", "2026-05-12T12:34:56+02:00",
    # versions and addresses
    "kernel 5.15.0-91", "5.15.0-91-generic", "1.2.482913", "v739164", "10.0.0.12", "192.168.100.200",
    "2001:db8::1:2:3", "fe80::1ff:fe23:4567:890a", "48-29-13-aa-bb-cc", "739164@mint.rs", "PAK 106203", "PAK: 135403",
    "11000 Beograd",
    # telephone numbers
    "032/555-333", "032/555333", "032 555333", "032-555-333", "(032) 555-333", "032 555 333", "+381 32 555 333",
    "+381 32 555333", "+381/32/555-333", "00381 32 555-333", "+38132555333", "064 123 456", "064 123 45 67",
    "065 12 34 56", "+381 641 234 567", "+387 651 234 567", "+1 555 123 4567", "+7 495 123 45 67", "+1 555-123-4567",
    "(+381) 641 234 567",
    "064/123-4567", "064 482 91 35", "011/555-01-42", "tel. 555-333", "tel: 555333", "telefon 555 333",
    # paths, and longer tokens and numbers
    "https://mint.rs/739164", "https://mint.rs/a/739164/b?c=d", "mint.rs/739164", "/var/log/739164", "#739164",
    "№739164", "predmet 123456/2026", "abc739164", "739164abc", "x_739164", "ORD-482913", "server-482913", "482913-A",
    "1739164", "7391645", "1\u200b739164", "840-955845-10", "310-1234567891211-86", "160-123456-78", "97-482913",
    "12 34 56 78", "0x80070005", "739164_1",
    # the word PIN, but not before it
    "PIN sam promenio 12.05.2026", "Zaboravio sam PIN. Zovite 064 123 456", "opinion T-100123", "ping 10.0.0.12",
    "spin 1234567", "PIN ne radi, zovite 032/555-333, tiket T-100123", "PIN 7391645",
    "Server 10.0.0.12 ne radi, kernel 5.15.0-91, zovite 032/555-333, uplaćeno 120.000,00 RSD, tiket T-100123",
]  # fmt: skip


def test_what_can_be_a_pin_is_masked() -> None:
    wrong = {}
    for written in PINS:
        parts = written.split("|")
        text, expected = "".join(parts), "".join(MASK if place % 2 else part for place, part in enumerate(parts))
        if mask_pins(text) != (expected, len(parts) // 2):
            wrong[written] = mask_pins(text)
        with pytest.raises(PinLike) as caught:
            mask_for_storage(text)
        assert {digits_of(token) for token in caught.value.tokens} == {digits_of(part) for part in parts[1::2]}
    assert wrong == {}


def test_what_is_something_else_stays() -> None:
    assert {text: mask_pins(text)[0] for text in NO_PINS if mask_pins(text) != (text, 0)} == {}
    assert all(mask_for_storage(text).data == {} for text in NO_PINS)


def test_a_number_of_any_series_stays() -> None:
    for series in Series:
        assert find_pins(f"{series.number(100_123)}, {series}-2026-100123, {series} 100123") == [], series


def test_every_number_is_written_with_its_series() -> None:
    """A prefix written by hand would be one that the rule does not know."""
    sources = Path(console.__path__[0]).rglob("*.py")
    assert [path for path in sources if re.search(r"f['\"][A-Z]{1,3}-\{", path.read_text())] == []


around = st.text("abcčćžšđ ,!?;:()\n-/.%=_0123456789", max_size=30)
six = st.text("0123456789", min_size=6, max_size=6)


@given(around, st.sampled_from(["PIN", "pin ", "Pin: ", "PIN-", "pin=", "PIN je ", "ПИН ", "p i n "]), six, around)
def test_after_the_word_no_six_digits_stay(before: str, word: str, pin: str, after: str) -> None:
    masked, count = mask_pins(f"{before} {word}{pin} {after}")
    assert count
    assert f"{word}{pin}" not in masked


@given(around, six, around)
def test_on_their_own_no_six_digits_stay(before: str, pin: str, after: str) -> None:
    masked, _ = mask_pins(f"{before}a, {pin}\n{after}")
    assert masked.startswith(mask_pins(f"{before}a, {MASK}\n")[0]) or pin not in masked[len(before) : len(before) + 9]


@given(st.text("0123456789 .-–/pinPIN\u00a0\u200bab,\n:", max_size=80))
def test_masking_twice_is_masking_once_and_loses_nothing_else(text: str) -> None:
    masked, _ = mask_pins(text)
    assert mask_pins(masked) == (masked, 0)
    pattern = r"[0-9 .\-–/:,\n\u00a0\u200b]{6,}".join(map(re.escape, masked.split(MASK)))
    assert re.fullmatch(pattern, text)


@given(st.text(max_size=80).filter(lambda text: not any(char.isdecimal() for char in text)))
def test_what_has_no_digits_is_not_touched(text: str) -> None:
    assert mask_pins(text) == (text, 0)


@given(st.text("0123456789 ab,\n-", max_size=60))
def test_who_says_of_each_that_it_is_none_sends_it_as_it_is(text: str) -> None:
    tokens = [one.text for one in find_pins(text)][:20]
    masked = mask_for_storage(text, PinChoice(not_pin=tuple(tokens)))
    assert (masked.text, masked.places, masked.excused) == (text, 0, len(find_pins(text)))


def test_the_writer_is_asked_and_decides_by_token() -> None:
    text = "Porudžbine 739164 i 482 913"
    with pytest.raises(PinLike) as caught:
        mask_for_storage(text, ASK, field="question")
    refusal = caught.value
    assert (refusal.code, refusal.status, set(refusal.fields)) == ("pin_like", 422, {"question"})
    assert refusal.details == {"tokens": ["739164", "482 913"], "only_mask": False}
    with pytest.raises(PinLike) as caught:
        mask_for_storage(text, PinChoice(not_pin=("739164",)))
    assert caught.value.tokens == ("482 913",)
    both = mask_for_storage(text, PinChoice(not_pin=("739-164", "482913")))
    assert (both.text, both.data) == (text, {"not_pin": 2})
    one = mask_for_storage(text, PinChoice(mask=True, not_pin=("739164",)))
    assert (one.text, one.data) == (f"Porudžbine 739164 i {MASK}", {"masked": 1, "not_pin": 1})
    assert mask_for_storage(text, MASKED).text == f"Porudžbine {MASK} i {MASK}"


@pytest.mark.parametrize(("text", "card"), [("PIN je 739164", False), ("evo 739164", True)])
def test_where_it_is_one_the_writer_cannot_say_that_it_is_none(text: str, card: bool) -> None:
    choice = PinChoice(not_pin=("739164",))
    with pytest.raises(PinLike) as caught:
        mask_for_storage(text, choice, card=card)
    assert caught.value.only_mask
    assert mask_for_storage(text, PinChoice(mask=True, not_pin=("739164",)), card=card).text.endswith(MASK)


def test_one_number_is_masked_wherever_it_stands() -> None:
    text = "T-100123, 100 123, 1001234 i 482913"
    assert mask_token(text, "100-123") == (f"T-{MASK}, {MASK}, 1001234 i 482913", 2)
    assert mask_token(text, "100") == (text, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("739164.png", f"{MASK}.png"),
        ("Vera 739164.txt", f"Vera {MASK}.txt"),
        ("pin_739164.pdf", f"pin_{MASK}.pdf"),
        ("IMG_739164.jpg", "IMG_739164.jpg"),
        ("PR-2026-004512.pdf", "PR-2026-004512.pdf"),
        ("x.739164", f"x.{MASK}"),
        ("739164", MASK),
    ],
)
def test_a_file_keeps_its_ending(name: str, expected: str) -> None:
    assert mask_name(name) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.test/a?pin=739164&x=1#pin=739164", "https://example.test/a?pin=••••••&x=1#pin=••••••"),
        ("https://example.test/?pin=739%20164&q=a%20b", "https://example.test/?pin=••••••&q=a b"),
        ("https://example.test/?q=739+164", "https://example.test/?q=••••••"),
        ("https://example.test/?q=%37%33%39%31%36%34", "https://example.test/?q=••••••"),
        ("https://example.test/?pin=%37%33%39%31%36%34", "https://example.test/?pin=••••••"),
        ("https://example.test/cene/120000?q=a%20b+c", "https://example.test/cene/120000?q=a%20b+c"),
    ],
)
def test_an_address_is_masked_as_it_reads(address: str, expected: str) -> None:
    assert mask_address(address) == expected


def test_what_a_packet_says_is_read_once() -> None:
    assert read_choice(None, None) == ASK
    assert read_choice(True, "739164") == PinChoice(True, ("739164",))
    assert read_choice("1", ["739164", "482 913"]) == PinChoice(True, ("739164", "482 913"))
    assert read_choice("", []) == ASK
    wrong: list[tuple[object, object]] = [(1, None), ("yes", None), (None, 739164), (None, [739164])]
    wrong += [(None, ["1" * 41]), (None, ["1"] * 21)]
    for mask, not_pin in wrong:
        with pytest.raises(Invalid):
            read_choice(mask, not_pin)


def test_it_takes_time_with_the_length_and_no_more() -> None:
    def seconds(part: str, size: int) -> float:
        text = part * (size // len(part))
        began = time.process_time()
        find_pins(text)
        return time.process_time() - began

    parts = ["pin ", "739164,", "12 34 56 ", "PIN 1 ", "pin je za ", "p i n ", "1", "12-", "(0 ", "+", "\u200b7", "T-"]
    for part in parts:
        short = min(seconds(part, 10_000) for _ in range(2))
        assert seconds(part, 60_000) < 25 * short + 0.05, part  # six times as long; a square would be 36
