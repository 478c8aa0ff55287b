"""Serbian order: Čedomir after Cvetko, Đura after Dušan, in both scripts and on both databases."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from console.core.sorting import LENGTH, sort_key
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories

pytestmark = pytest.mark.both

# A dictionary's order.
NAMES = [
    "“Aleksa” d.o.o.", "Ana Žikić", "Anabela", "Cvetko", "Čedomir", "Ćira", "Dabić", "Dušan", "Dvornik",
    "Džemal", "Đura", "Elena", "Lazar", "Luka", "Ljubica", "Mara", "Nada", "Nuša", "Njegoš", "Oliver", "Quentin",
    "Rade", "Sava", "Svetlana", "Šabac", "Tijana", "Uroš", "Vuk", "Walter", "Xenia", "Yvonne", "Zoran", "Žarko",
]  # fmt: skip
CYRILLIC = [
    "Ана",
    "Цветко",
    "Чедомир",
    "Ћира",
    "Душан",
    "Џемал",
    "Ђура",
    "Љубица",
    "Наташа",
    "Његош",
    "Шаца",
    "Зоран",
    "Жарко",
]


def test_the_order_is_a_dictionarys() -> None:
    mixed = random.Random(1).sample(NAMES, len(NAMES))  # noqa: S311
    assert sorted(mixed, key=sort_key) == NAMES


def test_cyrillic_stands_with_its_latin() -> None:
    assert sorted(CYRILLIC, key=sort_key) == CYRILLIC
    for cyrillic, latin in {"Љубиша Џаџић": "Ljubiša Džadžić", "Ђорђе Њаћић": "ĐORĐE NJAĆIĆ"}.items():
        assert sort_key(cyrillic) == sort_key(latin)


@pytest.mark.parametrize("name", ["Džemal", "Čučuk Ćosić", "Živko Đ. Njegoš"])
def test_how_a_letter_is_stored_makes_no_difference(name: str) -> None:
    assert sort_key(unicodedata.normalize("NFD", name)) == sort_key(name) == sort_key(name.upper())
    assert sort_key("\N{LATIN SMALL LETTER DZ WITH CARON}ep") == sort_key("Džep")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_has_a_key_that_fits(text: str) -> None:
    key = sort_key(text)
    assert len(key) <= LENGTH
    assert "\0" not in key
    assert sort_key(key) == key or not key.isascii() or "{" in key or "|" in key


def test_both_databases_sort_alike(session: Session) -> None:
    """Also rows that are written many at once, renamed ones, and letters of other scripts."""
    rows = [*NAMES, *CYRILLIC, "Ξένια", "Zürich", "Zut", "張偉", "😀 Ana", "10 hostova", "9 hostova"]
    made = factories.make_staff(name="Stara")
    with transaction():
        session.execute(
            insert(Staff),
            [
                {"name": name, "email": f"s{place}@example.test", "role": Role.AGENT, "password_hash": "x",
                 "created_at": made.created_at}
                for place, name in enumerate(rows)
            ],
        )  # fmt: skip
        made.name = "Ćirilo"
    found = list(session.scalars(select(Staff.name).order_by(Staff.name_key, Staff.id)))
    assert found == sorted([made.name, *rows], key=sort_key)
    assert found.index("Ćirilo") == found.index("Dabić") - 1
