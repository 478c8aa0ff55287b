"""The standard replies: complete in both languages, filled in without a rest, and never asking for a PIN."""

from __future__ import annotations

import re

import pytest

from console.help.defaults import ARTICLES
from console.hours.labels import week_in_words
from console.tickets.canned.defaults import CATEGORIES, StandardReply, standard_replies
from console.tickets.canned.models import MAX_BODY, MAX_SHORTCUT, MAX_TITLE
from console.tickets.canned.placeholders import PLACEHOLDERS, fill, unknown

REPLIES = standard_replies()
SLUGS = frozenset(article.slug for article in ARTICLES)
CYRILLIC = re.compile("[\u0400-\u04ff]")
SECRET = re.compile(r"\b(PIN|lozink\w*|password\w*|kod od|code)\b", re.IGNORECASE)
# Verbs that ask the reader to hand something over, in a reply.
HAND_OVER = re.compile(
    r"\b(pošalj|dostav|javite|napiš|odgovorite sa|send|reply with|tell us|give us)\w*", re.IGNORECASE
)
DENIED = re.compile(r"\b(ne šalj|nije potreb|nisu potreb|ne traži|do not|never)\w*", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.:;])\s+|\n+", text)


def test_procedures_of_the_faq_are_there() -> None:
    keys = {reply.key for reply in REPLIES}
    assert keys >= {
        "two_step", "chat", "move_service", "hand_over", "dns_zone", "sent_mail", "protect", "single_sign_on",
        "password", "contact_or_user", "add_contact", "add_user", "permissions", "mail_categories", "profile",
        "greeting", "looking", "details", "solved", "closing", "outage", "out_of_hours",
    }  # fmt: skip
    assert len(keys) == len({reply.shortcut for reply in REPLIES}) == len(REPLIES)
    assert {reply.category for reply in REPLIES} == {key for key, *_names in CATEGORIES}


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.key)
def test_a_text_is_whole_in_both_languages(reply: StandardReply) -> None:
    values = dict.fromkeys(PLACEHOLDERS, "vrednost")
    for body in (reply.body_sr, reply.body_en):
        assert unknown(body, SLUGS) == []
        assert "{" not in fill(body, values, str)
        assert "!" not in body
        assert 80 < len(body) <= MAX_BODY
        assert body == body.strip() and "\n\n\n" not in body
    for title in (reply.title_sr, reply.title_en):
        assert 0 < len(title) <= MAX_TITLE
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", reply.shortcut) and len(reply.shortcut) <= MAX_SHORTCUT
    assert not CYRILLIC.search(reply.body_sr)
    assert not re.search(r"nažalost|molimo pokušajte|greška sistema|\bvi\b|\bvas\b|\bvam\b|\bvaš", reply.body_sr)
    names = [set(re.findall(r"\{([\w:-]+)\}", body)) for body in (reply.body_sr, reply.body_en)]
    assert names[0] == names[1]
    steps = [len(re.findall(r"^(?:\d\.|-) ", body, re.MULTILINE)) for body in (reply.body_sr, reply.body_en)]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.key)
def test_no_text_asks_for_a_secret_in_an_answer(reply: StandardReply) -> None:
    for body in (reply.body_sr, reply.body_en):
        for sentence in sentences(body):
            if SECRET.search(sentence) and HAND_OVER.search(sentence) and "„Pošalji“" not in sentence:
                assert DENIED.search(sentence) or "“Pošalji”" in sentence, sentence


def test_the_rule_above_can_fail() -> None:
    reply = "Molimo Vas da nam pošaljete PIN za podršku."
    assert SECRET.search(reply) and HAND_OVER.search(reply) and not DENIED.search(reply)


def test_who_asks_for_a_pin_names_the_place_for_it() -> None:
    greeting = next(reply for reply in REPLIES if reply.key == "greeting")
    assert "obrazac" in greeting.body_sr and "PIN ne šaljete" in greeting.body_sr
    assert "secure form" in greeting.body_en and "do not send the PIN" in greeting.body_en
    assert "{portal_url}" in greeting.body_sr


@pytest.mark.parametrize(
    ("text", "strange"),
    [
        ("{requester_name}", []),
        ("{ime}", ["{ime}"]),
        ("{{requester_name}} i {{ime}}", ["{ime}"]),
        ("{requester_name.__class__}", ["{requester_name.__class__}"]),
        ("{requester_name!r} {hours:>99999999}", ["{requester_name!r}", "{hours:>99999999}"]),
        ("{0} {brand[0]} { brand }", ["{0}", "{brand[0]}", "{ brand }"]),
        ("{Brand} {brand} {broj tiketa}", ["{Brand}", "{broj tiketa}"]),
        ("{čudno} {čudno}", ["{čudno}"]),
        (
            "{help:change-password} {help:nema-ga} {help: change-password}",
            ["{help:nema-ga}", "{help: change-password}"],
        ),
        ('location / { deny all; } {} {"a": 1} { color="red" }', []),
    ],
)
def test_what_is_no_placeholder_is_named(text: str, strange: list[str]) -> None:
    assert unknown(text, SLUGS) == strange


def test_values_stay_what_they_are() -> None:
    values = dict.fromkeys(PLACEHOLDERS, "") | {
        "requester_name": "{brand}\r\nBcc: svi {0}",
        "brand": "\\g<0> %s {hours}",
    }
    assert fill("{requester_name}|{brand}", values, str) == "{brand} Bcc: svi {0}|\\g<0> %s {hours}"
    assert fill("{unknown} { brand }", values, str) == "{unknown} { brand }"


NINE, TWELVE, ONE, FIVE = 9 * 60, 12 * 60, 13 * 60 + 30, 17 * 60


@pytest.mark.parametrize(
    ("intervals", "serbian", "english"),
    [
        ([(day, NINE, FIVE) for day in range(5)], "ponedeljak–petak 09–17", "Monday–Friday 09–17"),
        ([], "po dogovoru", "by arrangement"),
        ([(5, NINE, ONE), (6, NINE, ONE)], "subota, nedelja 09–13:30", "Saturday, Sunday 09–13:30"),
        ([(0, ONE, FIVE), (0, NINE, TWELVE)], "ponedeljak 09–12 i 13:30–17", "Monday 09–12 and 13:30–17"),
        ([(0, NINE, FIVE), (2, NINE, FIVE)], "ponedeljak 09–17, sreda 09–17", "Monday 09–17, Wednesday 09–17"),
        ([(day, 0, 1440) for day in range(7)], "ponedeljak–nedelja 00–24", "Monday–Sunday 00–24"),
    ],
)  # fmt: skip
def test_hours_in_words(intervals: list[tuple[int, int, int]], serbian: str, english: str) -> None:
    assert week_in_words(intervals, "sr_Latn") == serbian
    assert week_in_words(intervals, "en") == english
