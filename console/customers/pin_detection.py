"""Finding what looks like a support PIN in a text. What is done about it is :mod:`console.customers.masking`.

It knows no PIN and asks for none: to compare would be an oracle.

A PIN is six digits on their own, or in two or three equal groups with one space or one dash between. What is part of
something else is none: a longer token or number, an amount, a date, a version, an address, a telephone number, a
path, a number of our own series. Where it could be either, it counts as a PIN, because its writer is asked first: a
question too many costs a click, a PIN that stays costs an account. So these are asked about:

- six digits without a sign of what they are: an order's number, ``br. 482913``, a period ``202611``, ``120526``;
- dates written as ``12-05-26``: so are one in fourteen PINs in three pairs;
- local telephone numbers without their area code, ``555-333``, unless a word says that it is a telephone.

And these are not: ``064 123 456`` and the like, which begin as a telephone number and are longer than a PIN.

What follows the word PIN (``pin=``, ``PIN-``, ``PIN za podršku je``, ``p i n``, ``ПИН``) is always a PIN, also as part
of something else and with its digits spread, and its writer cannot say that it is none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.core.series import Series

DIGITS = 6
_NEAR = 32  # characters on each side of six digits that tell what they are

# Not seen, so not there: zero-width characters, direction marks, marks over and around a digit.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\u0300-\u036f\u20d0-\u20f0\U000e0000-\U000e0fff]"
)
_SPACE = r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"
_HYPHEN = r"[-\u2010\u2011\u2212\ufe63\uff0d]"  # joins; a longer dash parts words, but joins digits
_DASH = r"[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"
_LETTER = r"[^\W\d_]"
# \d is a decimal digit of any script.
_GROUPED = re.compile(
    rf"(?<!\d)(?:\d{{6}}|\d{{3}}(?:{_SPACE}|{_DASH})\d{{3}}|\d\d(?:{_SPACE}|{_DASH})\d\d(?:{_SPACE}|{_DASH})\d\d)(?!\d)"
)

# --- what follows the word PIN ----------------------------------------------------------------------------------------

_LINKS = (
    "a|account|an|and|are|br|broj|broja|brojem|code|codes|dobila|dobio|evo|for|glasi|has|here|i|imam|is|it|its|iz|je|"
    "jeste|kod|koda|kodom|koji|korisnički|korisnicki|mi|moj|moja|moje|mojim|my|na|nalog|naloga|new|no|nov|novi|now|nr|"
    "number|od|of|old|on|our|ovaj|ovde|ovo|podrska|podrske|podrski|podrsku|podrška|podrške|podršci|podršku|portal|sa|"
    "sada|sam|saljem|se|stari|su|support|šaljem|taj|that|the|this|to|trenutni|trenutno|u|unosim|value|vaš|vas|vrednost|"
    "was|your|za|"
    "бр|број|гласи|ево|и|имам|је|код|кода|који|ми|мој|моја|на|налог|налога|нови|ово|од|подршка|подршке|подршку|сам|"
    "стари|су|шаљем|за"
)
_WORD = (
    rf"(?:(?<!{_LETTER})[Pp\uff30\uff50]|(?<=[a-z])P|[Pp](?=[Ii][Nn]{_SPACE}{{0,2}}[=:]))"
    r"(?:[\W_]{0,2}[Ii\uff29\uff49][\W_]{0,2}[Nn\uff2e\uff4e])"
    rf"|(?<!{_LETTER})[Пп][\W_]{{0,2}}[Ии][\W_]{{0,2}}[Нн]"
)
_ENDING = rf"(?i:{_DASH}?(?:ovima|ovi|ova|ove|om|a|u|e|s|овима|ови|ова|ове|ом|а|у|е)|(?:kod|code|broj|код|број))?"
_PIN = re.compile(rf"(?:{_WORD}){_ENDING}(?!{_LETTER})")
_GAP = re.compile(
    r"(?:%(?=\d{6}(?!\d))|%(?:3[ad]|2[0-9a-f])|[^\w.!?;•]|_|[.!?;](?!\s)|"
    rf"(?:{_LINKS})\.?(?!{_LETTER})|[a-z]{{1,3}}(?={_DASH}))"
    r"{0,32}",
    re.IGNORECASE,
)
_SPREAD = re.compile(r"\d+(?:(?:[^\w•]{1,3}|_)\d+){0,11}")
_GROUP = re.compile(r"\d+")
_PIN_AFTER = re.compile(rf"[-=_]?[Pp][Ii][Nn](?!{_LETTER})")

# --- what is something else -------------------------------------------------------------------------------------------

_SERIES = "|".join(sorted(Series, key=len, reverse=True))
_CURRENCY = (
    r"RSD|EUR|USD|CHF|GBP|BAM|HUF|KM|€|\$|£|¥|"
    r"din(?:\.|ara|ar|ari|are|arima)?|дин(?:\.|ара|ар|ари)?|evr[aoi]|eur[aoi]|евр[аои]"
)
_UNITS = r"%|‰|[kMGT]?i?B|kb|mb|gb|bytes?|bajt(?:a|ova)?|бајт(?:а|ова)?|ms|px|[kM]?Hz"
_ATTACHED = re.compile(
    "(?:"
    + "|".join(
        (
            rf"(?:{_LETTER}[\w.]{{0,9}}|(?<!\d)\d{{1,5}})/",  # a path, a telephone number, a case
            r"\d\.",
            r"(?<!\d)\d{1,3},",
            rf"{_LETTER}{_HYPHEN}",
            rf"(?<!\d)(?:\d{{1,5}}|\d{{7,9}}){_DASH}",
            "[#№]",
        )
    )
    + ")$"
)
_JOINS = re.compile(rf"[/.,#№]|{_DASH}")  # without one of these nothing is attached; without the next, nothing named
_SAYS = re.compile(rf"{_LETTER}|[€$£¥]")
_LABEL = re.compile(
    "(?:"
    + "|".join(
        (
            rf"(?<!\w)(?i:{_SERIES}){_SPACE}?{_DASH}{_SPACE}?(?:\d{{4}}{_SPACE}?{_DASH}{_SPACE}?)?",
            rf"(?<!\w)(?:{_SERIES}){_SPACE}(?:\d{{4}}{_SPACE})?",
            rf"(?:(?<!\w)(?:{_CURRENCY})|[€$£¥]){_SPACE}?",
            rf"(?<!\w)PAK{_SPACE}?:?{_SPACE}?",  # a postal code of six digits
            rf"(?<!\w)(?i:tel|telefon|telefona|mob|mobilni|phone|fax|faks|тел|телефон|моб){_SPACE}?[.:]?{_SPACE}?",
        )
    )
    + ")$"
)
_AFTER = re.compile(
    "|".join(
        (
            r"\.\d",
            r",\d{1,3}(?!\d)",
            rf",{_DASH}",  # 120 000,-
            r"/\d{1,5}(?!\d)",
            rf"{_HYPHEN}{_LETTER}",
            rf"{_DASH}(?:\d{{1,5}}|\d{{7,20}})(?!\d)",
            r"@\w",
            rf"{_SPACE}?(?:{_CURRENCY}|{_UNITS})(?!{_LETTER})",
        )
    )
)
_TELEPHONE = re.compile(rf"(?<![\w+])(?:[+(]{{0,2}})\d(?:\d|{_SPACE}|{_DASH}|[/()]){{0,24}}$")
_ABROAD = re.compile(r"\(?(?:\+|00)[1-9]")
_AREA = re.compile(rf"\(?0[1-9]\d{{1,2}}\)?(?:{_SPACE}|{_DASH}|[/)])")
_ABROAD_BEGUN = re.compile(r"[+(]{1,2}$")
_TELEPHONE_AFTER = re.compile(rf"(?:(?:{_SPACE}|{_DASH}|/)\d{{1,7}}){{1,6}}(?!\d)")
# A "_" joins where something goes on behind it; around a whole number it is emphasis: _482913_.
_UNDERSCORED = re.compile(r"[^\W_]_+$")
_UNDERSCORE = re.compile(r"_+[^\W_]")
_GROUPS_BEFORE = re.compile(rf"(?<![\d.,])(?:\d{{1,7}}{_SPACE}){{1,6}}$")
_GROUPS_AFTER = re.compile(rf"(?:{_SPACE}\d{{1,7}}){{1,6}}(?!\d)")


@dataclass(frozen=True)
class Token:
    """One place of a text that looks like a PIN.

    Args:
        named: it follows the word PIN, so it is one.
    """

    start: int
    end: int
    text: str
    named: bool = False

    @property
    def digits(self) -> str:
        return digits_of(self.text)


def find_pins(text: str) -> list[Token]:
    """Return what looks like a PIN in ``text``, in order."""
    if _GROUP.search(text) is None:
        return []
    visible, places = visible_characters(text)
    named = without_overlaps(sorted(_named(visible)))
    free = [
        (found.start(), found.end())
        for found in _GROUPED.finditer(visible)
        if not _is_something_else(visible, found.start(), found.end())
    ]
    spans = [(start, end, True) for start, end in named]
    spans += [(start, end, False) for start, end in free if not _overlaps(named, start, end)]
    tokens = []
    for start, end, is_named in sorted(spans):
        first, last = places[start], places[end - 1] + 1
        tokens.append(Token(first, last, text[first:last], is_named))
    return tokens


def digits_of(token: str) -> str:
    """Return the digits of a token, in any script and with any characters between them."""
    return "".join(str(int(char)) for char in token if char.isdecimal())


def visible_characters(text: str) -> tuple[str, Sequence[int]]:
    """Return the visible characters of ``text``, and the place of each in it."""
    if _INVISIBLE.search(text) is None:
        return text, range(len(text))
    places = [place for place, char in enumerate(text) if _INVISIBLE.match(char) is None]
    return "".join(text[place] for place in places), places


def without_overlaps(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order of which none reaches into the one before it."""
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def _named(text: str) -> Iterator[tuple[int, int]]:
    """Find what follows the word PIN: six digits together, else spread over the next groups."""
    for word in _PIN.finditer(text):
        gap = _GAP.match(text, word.end())
        spread = _SPREAD.match(text, gap.end() if gap else word.end())
        if spread is not None:
            yield from _six_of([found.span() for found in _GROUP.finditer(text, *spread.span())])
    for found in re.finditer(r"(?<!\d)\d{6}(?!\d)", text):
        if _PIN_AFTER.match(text, found.end()):
            yield found.span()


def _six_of(groups: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    sizes = [end - start for start, end in groups]
    if DIGITS in sizes:
        yield from (group for group, size in zip(groups, sizes, strict=True) if size == DIGITS)
        return
    for first in range(len(groups)):
        for last in range(first + 1, len(groups)):
            among = sizes[first : last + 1]
            # Later ones only in equal groups, as after "PIN 1. 482 913".
            if sum(among) == DIGITS and (first == 0 or len(set(among)) == 1):
                yield groups[first][0], groups[last][1]
                return


def _is_something_else(text: str, start: int, end: int) -> bool:
    """Return whether six digits are part of something that is no PIN."""
    last, next_ = text[start - 1 : start], text[end : end + 1]
    if (
        last.isalpha()
        or next_.isalpha()
        or _UNDERSCORED.search(text[max(0, start - 8) : start])
        or _UNDERSCORE.match(text, end)
    ):
        return True  # a longer token
    before, token, after = text[max(0, start - _NEAR) : start], text[start:end], text[end : end + _NEAR]
    if _AFTER.match(after) or (_JOINS.match(last) and _ATTACHED.search(before[-12:])):
        return True
    if _SAYS.search(before[-16:]) and _LABEL.search(before[-16:]):
        return True
    return _is_telephone(before, token, after) or _is_longer(before, token, after)


def _is_telephone(before: str, token: str, after: str) -> bool:
    if not {"0", "+"} & {*before, token[0]}:
        return False
    begun = _TELEPHONE.search(before) or _ABROAD_BEGUN.search(before)
    written = (begun[0] if begun else "") + token
    abroad = _ABROAD.match(written) is not None
    if not abroad and _AREA.match(written) is None:
        return False
    most = 15 if abroad else 10  # digits of a number (ITU-T E.164), and of one within the country
    digits = len(digits_of(written))
    if (abroad or begun is not None) and 8 <= digits <= most:
        return True
    more = _TELEPHONE_AFTER.match(after)
    sizes = [len(part) for part in _GROUP.findall(more[0])] if more else []
    return any(8 <= digits + sum(sizes[:count]) <= most for count in range(1, len(sizes) + 1))


def _is_longer(before: str, token: str, after: str) -> bool:
    """Return whether groups of digits go on at a side of these: 12 500 000, or 12 34 56 78."""
    groups = _GROUP.findall(token)
    if len(groups) == 1 or re.search(_DASH, token) or not (before[-2:-1] + after[1:2]).isdecimal():
        return False
    left, right = _GROUPS_BEFORE.search(before), _GROUPS_AFTER.match(after)
    sizes = [len(part) for part in _GROUP.findall((left[0] if left else "") + token + (right[0] if right else ""))]
    if len(sizes) == len(groups):
        return False
    if sizes[1:] == [3, 3]:
        return sizes[0] <= 3
    return set(sizes) == {2} and len(sizes) <= 5


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    place = bisect_left(spans, (end, end))
    return place > 0 and spans[place - 1][1] > start
