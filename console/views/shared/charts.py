"""Charts that explain themselves: a sentence with the finding, columns, and the same as a table.

Drawn here as SVG, so that a chart is there without a script, prints, follows the theme and complies with our
content policy. Places are percentages: text keeps its size however wide the page is. ``static/lib/charts.js`` adds
the readout; ``templates/admin/charts.html`` the rest of the figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup, escape

from console.core.errors import Text

HEIGHT, TOP, BASE = 168, 18, 142  # of the drawing, of its highest and of its lowest line
LINES = 4  # of the grid, at most, besides the lowest
WIDE, NARROW = 430, 290  # of the drawing next to another one, and on a phone: so many names below fit without meeting
LETTER, APART = 6, 10  # of a name below: one letter, and the space to the next
MOST_VALUES = 14  # bars that carry their number
FEW, GAP_FEW, GAP = 8, 0.5, 0.72  # how much of its place a column fills
AXIS = 34  # width of the numbers at the side
TOTAL = 100


@dataclass(frozen=True)
class Series:
    """What the bars of one colour mean. ``tone``: 1 and 2 are neighbours, 3 is what was lost."""

    name: Text
    tone: int = 1


@dataclass(frozen=True)
class Column:
    """One place of a chart: a day, a range, a score.

    Args:
        label: short, below the column.
        name: in full, for the readout and the table.
        values: one for each series.
    """

    label: str
    name: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class Chart:
    """A figure.

    Args:
        key: names it in the page.
        title: a sentence that says what one should see.
        caption: what is drawn, and from what.
        head: the heading of the table's first column: what a column is of.
        stacked: the series are parts of one column.
        unit: behind every number, as ``%``.
        top: where the scale ends, if not with the highest column.
        write: writes a number for the readout and the table, where it is no plain count.
        brief: writes it beside the grid and over the bars.
    """

    key: str
    title: str
    caption: Text
    head: Text
    series: tuple[Series, ...]
    columns: tuple[Column, ...]
    stacked: bool = False
    unit: str = ""
    top: int | None = None
    write: Callable[[int], str] | None = None
    brief: Callable[[int], str] | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to draw."""
        return not any(value for column in self.columns for value in column.values)

    def words(self, column: Column) -> str:
        """Say what a column shows: ``23 Nov: came 12, solved 9``."""
        said = ", ".join(
            f"{one.name} {self.number(value)}" for one, value in zip(self.series, column.values, strict=True)
        )
        return f"{column.name}: {said}"

    def number(self, value: int) -> str:
        """Write a number in full."""
        return self.write(value) if self.write else f"{value}{self.unit}"

    def short(self, value: int) -> str:
        """Write a number where there is little room."""
        return self.brief(value) if self.brief else f"{value}{self.unit}"


def scale(highest: int) -> list[int]:
    """Return the numbers of the grid: whole, round, from nothing to at least ``highest``."""
    step = max(1, _round_up(highest / LINES))
    return [step * number for number in range(max(1, ceil(highest / step)) + 1)]


def _round_up(value: float) -> int:
    """Return the next 1, 2 or 5 with noughts."""
    if value <= 1:
        return 1
    power: int = 10 ** int(log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)


def draw(chart: Chart) -> Markup:
    """Draw the columns; the numbers at the side are :func:`draw_axis`."""
    top, place = _lines(chart)[-1], TOTAL / max(1, len(chart.columns))
    pieces = [_grid(number, top) for number in _lines(chart)]
    numbered = not chart.stacked and len(chart.columns) * len(chart.series) <= MOST_VALUES
    wide, narrow = _every(chart, WIDE), _every(chart, NARROW)
    for number, column in enumerate(chart.columns):
        bars = _stack(chart, column, top) if chart.stacked else _beside(chart, column, top)
        words = escape(chart.words(column))
        pieces.append(Markup('<g class="graph-column" data-words="{}">').format(words))
        pieces.append(
            Markup('<rect class="graph-hit" x="{}%" y="0" width="{}%" height="{}"/>').format(
                _short(number * place), _short(place), BASE
            )
        )
        pieces += [bar.drawn(number * place, place, chart.short if numbered else None) for bar in bars]
        if number % wide == 0 or number % narrow == 0:
            where = (
                "" if number % wide == number % narrow == 0 else "graph-wide" if number % wide == 0 else "graph-narrow"
            )
            pieces.append(_label(column.label, (number + 0.5) * place, where))
        pieces.append(Markup("</g>"))
    return Markup('<svg class="graph" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        HEIGHT, chart.title, Markup("").join(pieces)
    )


def _every(chart: Chart, width: int) -> int:
    """Return how many columns further the next one is named below."""
    longest = max((len(column.label) for column in chart.columns), default=0)
    most = max(2, width // (longest * LETTER + APART))
    return max(1, ceil(len(chart.columns) / most))


def _label(label: str, middle: float, where: str) -> Markup:
    return Markup('<text x="{}%" y="{}" text-anchor="middle" class="{}">{}</text>').format(
        _short(middle), HEIGHT - 6, where, label
    )


def draw_axis(chart: Chart) -> Markup:
    """Draw the numbers of the grid's lines. They are in the table, so screen readers skip them."""
    lines = _lines(chart)
    texts = [
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
            AXIS - 6, _short(_height(number, lines[-1]) + 4), chart.short(number)
        )
        for number in lines
    ]
    return Markup('<svg class="graph graph-axis" width="{}" height="{}" aria-hidden="true">{}</svg>').format(
        AXIS, HEIGHT, Markup("").join(texts)
    )


def _lines(chart: Chart) -> list[int]:
    sums = [sum(column.values) if chart.stacked else max(column.values, default=0) for column in chart.columns]
    return scale(chart.top if chart.top is not None else max(sums, default=0))


def _height(value: float, top: int) -> float:
    """Return the distance of a value from the top."""
    return BASE - (BASE - TOP) * value / top


def _grid(number: int, top: int) -> Markup:
    where = _short(_height(number, top))
    return Markup('<line class="graph-line" x1="0" x2="100%" y1="{}" y2="{}"/>').format(where, where)


@dataclass(frozen=True)
class _Bar:
    """A bar in its column: from which share of the place, how wide, from which height to which."""

    tone: int
    left: float
    width: float
    upper: float
    lower: float
    value: int

    def drawn(self, start: float, place: float, number: Callable[[int], str] | None) -> Markup:
        if not self.value:
            return Markup("")
        x, width = start + self.left * place, self.width * place
        bar = Markup('<rect class="graph-bar-{}" x="{}%" y="{}" width="{}%" height="{}" rx="2"/>').format(
            self.tone, _short(x), _short(self.upper), _short(width), _short(max(1.0, self.lower - self.upper))
        )
        if number is None:
            return bar
        return bar + Markup('<text class="graph-value" x="{}%" y="{}" text-anchor="middle">{}</text>').format(
            _short(x + width / 2), _short(self.upper - 5), number(self.value)
        )


def _beside(chart: Chart, column: Column, top: int) -> list[_Bar]:
    filled = _filled(chart)
    width = filled / len(column.values)
    return [
        _Bar(one.tone, (1 - filled) / 2 + number * width, width * 0.94, _height(value, top), BASE, value)
        for number, (one, value) in enumerate(zip(chart.series, column.values, strict=True))
    ]


def _stack(chart: Chart, column: Column, top: int) -> list[_Bar]:
    filled, below, found = _filled(chart), 0, []
    for one, value in zip(chart.series, column.values, strict=True):
        upper, lower = _height(below + value, top), _height(below, top)
        found.append(_Bar(one.tone, (1 - filled) / 2, filled, upper, lower - (1 if below else 0), value))
        below += value
    return found


def _filled(chart: Chart) -> float:
    return GAP_FEW if len(chart.columns) <= FEW and len(chart.series) == 1 else GAP


def _short(number: float) -> str:
    """Write a place without more digits than a screen has."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def table(chart: Chart) -> Sequence[tuple[str, tuple[str, ...]]]:
    """Return the chart as rows of text, in its order."""
    return [(column.name, tuple(map(chart.number, column.values))) for column in chart.columns]
