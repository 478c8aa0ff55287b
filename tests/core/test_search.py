"""Search finds č/c, đ/dj and Cyrillic alike, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, Select, func, literal_column, select, table
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.search import COMMON, LIMIT, SearchIndex, asks_nothing
from console.core.stemming import forms
from console.core.text import words
from console.core.transaction import transaction
from console.customers.models import CUSTOMER_SEARCH, Customer
from console.tickets.canned.models import REPLY_SEARCH, CannedReply
from console.tickets.canned.service import _searched, load_standard
from console.tickets.models import TICKET_SEARCH
from tests import factories
from tests.core.search_quality import score

pytestmark = pytest.mark.both

SPELLED = "Đorđe Čačković"


def found(session: Session, query: str) -> set[int]:
    condition = CUSTOMER_SEARCH.matches(session, Customer.id, query)
    assert condition is not None
    return set(session.scalars(select(Customer.id).where(condition)))


@pytest.mark.parametrize(
    "query",
    [
        "Đorđe",
        "đorđe",
        "ĐORĐE",
        "djordje",
        "Djordje",
        "Ђорђе",
        "ЂОРЂЕ",
        "Čačković",
        "cackovic",
        "CACKOVIC",
        "Чачковић",
        "čačković đorđe",
        "djo cack",
        "ђор чач",
        "  đorđe ,  ",
        "C\u030cac\u030ckovic\u0301",  # letter and mark apart
    ],
)
def test_spellings(session: Session, query: str) -> None:
    expected = factories.make_customer(name=SPELLED)
    factories.make_customer(name="Jovana Jovanović")
    assert found(session, query) == {expected.id}


@pytest.mark.parametrize("query", ["Petar", "rdje", "Đorđe Petar", "kovic"])
def test_what_does_not_match(session: Session, query: str) -> None:
    """Words are found by how they begin, and all of them must be there."""
    factories.make_customer(name=SPELLED)
    assert found(session, query) == set()


@pytest.mark.parametrize("name", ["Ђорђе Чачковић", "Djordje Cackovic"])
def test_stored_in_another_spelling(session: Session, name: str) -> None:
    expected = factories.make_customer(name=name)
    assert found(session, SPELLED) == {expected.id}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("query", ["", "   "])
def test_a_blank_query_does_not_narrow(session: Session, query: str) -> None:
    assert CUSTOMER_SEARCH.matches(session, Customer.id, query) is None
    assert REPLY_SEARCH.ranked(session, query) is None


@pytest.mark.parametrize("query", ["%", "_", "***", "\"'", "—", "!!", "😀", "\u200b*"])
def test_what_has_no_word_finds_nothing(session: Session, query: str) -> None:
    factories.make_customer(name=SPELLED)
    with transaction():
        REPLY_SEARCH.put_titled(session, 1, "Naslov", "Tekst")
    assert found(session, query) == set()
    ranked = REPLY_SEARCH.ranked(session, query)
    assert ranked is not None
    assert session.execute(select(ranked.c.id, ranked.c.rank)).all() == []
    assert asks_nothing(query)


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Prijava u dvostruku autentifikaciju", ["dvostruka autentifikacija", "autentifikacijom", "двострука"]),
        ("Kako da uključim autentifikaciju?", ["autentifik", "autentifikac", "autentifikacije"]),
        ("Piše da su nalozi zaključani", ["nalog", "naloga", "nalogu"]),
        ("Nestao je nalog", ["nalozi", "naloga", "nalozima"]),
        ("Stranica o grešci", ["greška", "grešku", "greskama"]),
        ("Rješenje je poslato", ["rešenje", "rešenja"]),
        ("Sajt ne radi, mejl kasni", ["sajtovi", "sajtova", "sajtovima", "mejlovi", "mejlove"]),
        ("Brojevi, ključevi i rokovi", ["broj", "ključ", "rok", "broja", "rokova"]),
        ("Two invoices were charged", ["invoice", "charge", "charging"]),
        ("Đorđe Đurić", ["Dorde", "dorde duric", "Дорде", "Djordje", "Đorđa", "Djordju", "Dordu"]),
        ("Dorde Duric", ["Đorđe", "djordje djuric", "Ђорђе"]),
    ],
)
def test_other_forms_of_a_word(session: Session, text: str, queries: list[str]) -> None:
    expected = factories.make_customer(name=text)
    factories.make_customer(name="Nešto sasvim drugo, and more of it, do danas i od danas")
    for query in queries:
        assert found(session, query) == {expected.id}, query


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("text", "query"),
    [("Važi od tog dana", "danas"), ("This and that", "Anđa"), ("Ide do kraja", "đo"), ("Kaže da radi", "daje")],
)
def test_what_only_looks_like_another_form(session: Session, text: str, query: str) -> None:
    factories.make_customer(name=text)
    assert found(session, query) == set()


@pytest.mark.only("sqlite")
def test_standard_replies_are_found_in_any_form(session: Session) -> None:
    """The table in docs/decisions/07-search.md; before words were stemmed, 119 of 251 were found."""
    with transaction():
        load_standard(SYSTEM)
    replies = {row.id: " ".join(_searched(row)[1:]) for row in session.scalars(select(CannedReply))}
    total, odd = score(session, REPLY_SEARCH, CannedReply.id, replies)
    assert total.right > 200
    assert total.share > 0.98, odd
    assert total.wrong < 0.03, odd


@given(st.text(alphabet="abcdđžšćčeioudjljnj", max_size=20))
def test_forms_are_plain_words_and_the_same_in_every_thread(text: str) -> None:
    for word in words(text):
        first = forms(word)
        assert all(form.isascii() and form.isalnum() and len(form) >= 3 for form in first)
        assert word not in first
        forms.cache_clear()
        assert forms(word) == first


@pytest.mark.parametrize(
    "query",
    [
        'a" OR "b',
        "a AND b",
        "a OR",
        "NOT a",
        "a NEAR b",
        "a*",
        "a:b",
        "^a",
        "(a",
        "a & | !",
        "words : x",
        "a' --",
        "\x00a",
    ],
)
def test_operators_are_only_text(session: Session, query: str) -> None:
    factories.make_customer(name="Zorana")
    found(session, query)  # answers, whatever was typed


def test_numbers_and_joined_names_are_found_by_their_parts(session: Session) -> None:
    expected = factories.make_customer(name="prodavnica-jasen.rs")
    assert found(session, "jasen") == {expected.id}
    assert found(session, expected.number) == {expected.id}


def test_a_changed_text_replaces_the_old(session: Session) -> None:
    customer = factories.make_customer(name="Staro Ime")
    with transaction():
        CUSTOMER_SEARCH.put(session, customer.id, "Novo Ime")
    assert found(session, "novo") == {customer.id}
    assert found(session, "staro") == set()


def test_a_rollback_takes_the_text_back(session: Session) -> None:
    customer = factories.make_customer(name="Staro Ime")
    with pytest.raises(ZeroDivisionError), transaction():
        CUSTOMER_SEARCH.put(session, customer.id, "Novo Ime")
        raise ZeroDivisionError
    assert found(session, "staro") == {customer.id}


def test_hits_are_bounded(session: Session) -> None:
    index = SearchIndex("search_services")
    with transaction():
        index.put_many(session, [(number, "ista reč") for number in range(1, LIMIT + 50)])
    key = literal_column("rowid" if session.get_bind().dialect.name == "sqlite" else "id", Integer)
    for whole, expected in ((False, LIMIT), (True, LIMIT + 49)):
        condition = index.matches(session, key, "ista", whole=whole)
        assert condition is not None
        query = select(func.count()).select_from(table(index.table)).where(condition)
        assert session.execute(query).scalar_one() == expected


@pytest.mark.only("sqlite")
def test_of_a_word_that_very_many_say_the_newest_are_taken(session: Session) -> None:
    """On SQLite: ranking all and looking for its beginnings read every hit; those that have it as it is are enough."""
    many = COMMON + 20
    with transaction():
        rows = [(key, "", "ista reč" if key % 2 else "ista stvar") for key in range(1, many)]
        TICKET_SEARCH.put_titled_many(session, [*rows, (many, "Istaknuto", "")], new=True)

    def hits(query: str, within: Select[int] | None = None) -> list[int]:
        found = TICKET_SEARCH.ranked(session, query, within)
        assert found is not None
        return list(session.scalars(select(found.c.id).order_by(found.c.rank.desc(), found.c.id.desc())))

    assert hits("ista") == list(range(many - 1, many - 1 - LIMIT, -1))
    number = literal_column("rowid", Integer)
    assert hits("ista", select(number).select_from(table(TICKET_SEARCH.table)).where(number < 4)) == [3, 2, 1]
    assert hits("istak") == [many]
    assert hits("ista stvar")[:2] == [many - 2, many - 4], "both words are in half of them"


@given(st.text(max_size=60))
def test_folded_words_are_plain_and_stay(text: str) -> None:
    found_words = words(text)
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in found_words)
    assert words(" ".join(found_words)) == found_words


def test_the_letter_of_a_number_does_not_slow_it_down(session: Session) -> None:
    """``K-10482`` is its number: the K begins a word of every account and is left out beside it."""
    expected = factories.make_customer(name="Nikola")
    factories.make_customer(name="Konstantin")
    assert found(session, expected.number) == {expected.id}
    assert found(session, f"{expected.id + 10_000} x") == {expected.id}
    assert expected.id in found(session, "N")
