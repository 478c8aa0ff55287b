"""Search finds č/c, đ/dj and Cyrillic alike, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, func, literal_column, select, table
from sqlalchemy.orm import Session

from console.core.search import LIMIT, SearchIndex
from console.core.text import words
from console.core.transaction import transaction
from console.customers.models import CUSTOMER_SEARCH, Customer
from tests import factories

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
    wanted = factories.make_customer(name=SPELLED)
    factories.make_customer(name="Jovana Jovanović")
    assert found(session, query) == {wanted.id}


@pytest.mark.parametrize("query", ["Petar", "rdje", "Đorđe Petar", "kovic"])
def test_what_does_not_match(session: Session, query: str) -> None:
    """Words are found by how they begin, and all of them must be there."""
    factories.make_customer(name=SPELLED)
    assert found(session, query) == set()


@pytest.mark.parametrize("name", ["Ђорђе Чачковић", "Djordje Cackovic"])
def test_stored_in_another_spelling(session: Session, name: str) -> None:
    wanted = factories.make_customer(name=name)
    assert found(session, SPELLED) == {wanted.id}


@pytest.mark.parametrize("query", ["", "   ", "%", "_", "***", '"', "'", "—", "!!"])
def test_without_a_word_it_does_not_narrow(session: Session, query: str) -> None:
    assert CUSTOMER_SEARCH.matches(session, Customer.id, query) is None


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
    wanted = factories.make_customer(name="prodavnica-jasen.rs")
    assert found(session, "jasen") == {wanted.id}
    assert found(session, wanted.number) == {wanted.id}


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


@given(st.text(max_size=60))
def test_folded_words_are_plain_and_stay(text: str) -> None:
    found_words = words(text)
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in found_words)
    assert words(" ".join(found_words)) == found_words


def test_the_letter_of_a_number_does_not_slow_it_down(session: Session) -> None:
    """``K-10482`` is its number: the K begins a word of every account and is left out beside it."""
    wanted = factories.make_customer(name="Nikola")
    factories.make_customer(name="Konstantin")
    assert found(session, wanted.number) == {wanted.id}
    assert found(session, f"{wanted.id + 10_000} x") == {wanted.id}
    assert wanted.id in found(session, "N")
