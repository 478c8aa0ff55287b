"""Charts: whole numbers at the side, columns to scale, the same as a table, nothing that a name could break."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.views.shared.charts import BASE, TOP, Chart, Column, Series, draw, draw_axis, scale, table


def make_chart(
    values: list[tuple[int, ...]], *, stacked: bool = False, name: str = "Dan", top: int | None = None
) -> Chart:
    series = tuple(Series(f"niz {number}", number) for number in range(1, len(values[0]) + 1))
    columns = tuple(Column(f"{place}.", f"{name} {place}", one) for place, one in enumerate(values, 1))
    return Chart("proba", "Nalaz", "Opis", "Dan", series, columns, stacked=stacked, top=top)


def read(drawn: str) -> Any:
    """Return a drawing as a tree."""
    return ET.fromstring(drawn)  # noqa: S314  (our own)


def bars(chart: Chart) -> list[list[tuple[str, float, float]]]:
    """Return the bars of each column: class, upper edge, height."""
    drawn = read(draw(chart))
    return [
        [
            (bar.get("class", ""), float(bar.get("y", "")), float(bar.get("height", "")))
            for bar in column[1:]
            if bar.tag == "rect"
        ]
        for column in drawn.iter("g")
    ]


@given(st.integers(0, 1_000_000))
def test_a_scale_is_whole_round_and_reaches_the_top(highest: int) -> None:
    lines = scale(highest)
    assert lines[0] == 0 and lines[-1] >= highest and 2 <= len(lines) <= 5
    steps = {b - a for a, b in pairwise(lines)}
    assert len(steps) == 1
    assert re.fullmatch(r"[125]0*", str(steps.pop()))


def test_columns_are_to_scale() -> None:
    chart = make_chart([(10, 5), (0, 20)])
    first, second = bars(chart)
    heights = [height for _css, _upper, height in [*first, *second]]
    assert heights == [pytest.approx(heights[1] * 2, abs=0.02), heights[1], pytest.approx(heights[1] * 4, abs=0.02)]
    assert all(upper + height == pytest.approx(BASE, abs=0.02) for _css, upper, height in [*first, *second])
    assert second[0][1] == TOP


def test_stacked_columns_stand_on_each_other() -> None:
    ((lower, upper),) = bars(make_chart([(30, 10)], stacked=True, top=40))
    assert lower[0] == "graph-bar-1" and upper[0] == "graph-bar-2"
    assert upper[1] == TOP
    assert upper[1] + upper[2] < lower[1] < upper[1] + upper[2] + 2  # a hairline between them


def test_what_is_nothing_is_not_drawn() -> None:
    assert bars(make_chart([(0, 3)]))[0][0][0] == "graph-bar-2"
    assert make_chart([(0, 0), (0, 0)]).is_empty and not make_chart([(0, 1)]).is_empty
    assert "graph-bar" not in draw(make_chart([(0, 0)]))


def test_words_and_table_say_what_is_drawn() -> None:
    chart = make_chart([(1, 2), (3, 4)])
    assert table(chart) == [("Dan 1", ("1", "2")), ("Dan 2", ("3", "4"))]
    assert 'data-words="Dan 1: niz 1 1, niz 2 2"' in draw(chart)
    assert [text.text for text in read(draw_axis(chart)).iter("text")] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("many", [1, 7, 31, 35])
def test_names_below_do_not_meet(many: int) -> None:
    drawn = read(draw(make_chart([(1,)] * many)))
    for classes, width in (({"", "graph-wide"}, 430), ({"", "graph-narrow"}, 290)):
        names = [text for text in drawn.iter("text") if text.get("class") in classes]
        places = [float(text.get("x").rstrip("%")) / 100 * width for text in names]
        assert all(b - a > 6 * len(name.text) for (a, b), name in zip(pairwise(places), names, strict=False)), classes
        assert places


def test_a_name_is_text() -> None:
    drawn = draw(make_chart([(1,)], name='"><script>alert(1)</script>'))
    assert "<script" not in drawn
    read(drawn)
    assert " style=" not in drawn
