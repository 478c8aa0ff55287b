"""The forms of the hours page: the week as rows, and one closure or opening."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict
from wtforms import DateField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from console.core.errors import Invalid, Refusal, Text
from console.core.forms import Form
from console.core.texts import lazy_gettext, lazy_pgettext
from console.hours.calendar import DAY_MINUTES, Interval, SpecialKind
from console.hours.service import MOST_INTERVALS, SpecialData, check_week
from console.views.shared.labels.hours import clock_field

_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.,]?([0-5][0-9]))?")
_WEEKDAYS = tuple(str(number) for number in range(7))
MONDAY, COPIED = 0, range(1, 5)  # what "copy Monday" copies, and to where
MAX_LENGTH = 20  # of a time that is shown again


def read_clock(text: str, *, end: bool = False) -> int | None:
    """Parse a time of day as people write it: ``9``, ``09:00``, ``9.30``, ``0930``; nothing is ``None``.

    Args:
        text: what was typed.
        end: midnight is the end of the day, not its beginning.

    Raises:
        ValueError: it is no time of day. ``24:00`` is one.
    """
    text = text.strip()
    if not text:
        return None
    found = _CLOCK.fullmatch(text)
    minutes = int(found[1]) * 60 + int(found[2] or 0) if found else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError(text)
    return DAY_MINUTES if end and not minutes else minutes


def not_a_time() -> Text:
    """Return the message for an invalid time."""
    return lazy_gettext("Enter a time like 09:00, 24:00 at the latest.")


# --- The week ---------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """One interval as typed. ``errors`` by field: ``opens``, ``closes``."""

    weekday: int
    opens: str = ""
    closes: str = ""
    errors: dict[str, list[Text]] = field(default_factory=dict)
    fresh: bool = False  # just added: gets the focus

    @property
    def messages(self) -> list[Text]:
        """Return all error messages of the row."""
        return [text for texts in self.errors.values() for text in texts]

    @property
    def blank(self) -> bool:
        return not self.opens.strip() and not self.closes.strip()


class WeekDraft:
    """The weekly hours as typed, valid or not.

    The form has ``weekday``, ``opens`` and ``closes``, repeated in step, and ``revision``: the number of the hours
    that were looked at. A row without times is no row.
    """

    def __init__(self, rows: Iterable[Row], seen: int | None = None) -> None:
        self.rows = list(rows)
        self.seen = seen
        self.errors: dict[str, list[Text]] = {}  # of no row

    @classmethod
    def of(cls, intervals: Iterable[Interval], seen: int) -> WeekDraft:
        """Return the form filled in from saved hours."""
        return cls((Row(i.weekday, clock_field(i.opens), clock_field(i.closes)) for i in sorted(intervals)), seen)

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> WeekDraft:
        """Read what was sent; a malformed form has ``errors``, and rows beyond the limit are left out."""
        weekdays, opens, closes = (form.getlist(name) for name in ("weekday", "opens", "closes"))
        whole = len(weekdays) == len(opens) == len(closes) and all(one in _WEEKDAYS for one in weekdays)
        rows = (
            Row(int(day), begin[:MAX_LENGTH], end[:MAX_LENGTH])
            for day, begin, end in zip(weekdays[:MOST_INTERVALS], opens, closes, strict=False)
            if day in _WEEKDAYS
        )
        draft = cls(rows, _number(form.get("revision", "")))
        if draft.seen is None:
            draft.errors["revision"] = [lazy_gettext("The form was incomplete. Reload the page and try again.")]
        if not whole:
            draft.errors["weekday"] = [lazy_gettext("Choose a day of the week.")]
        if len(weekdays) > MOST_INTERVALS:
            draft.errors["week"] = [lazy_gettext("Enter at most six intervals a day.")]
        return draft

    def of_day(self, weekday: int) -> list[tuple[int, Row]]:
        """Return a day's rows, each with its index in the form."""
        return [(place, row) for place, row in enumerate(self.rows) if row.weekday == weekday]

    @staticmethod
    def blank_row(weekday: int) -> Row:
        """Return an empty row."""
        return Row(weekday)

    # --- without a script: what the small buttons do

    def apply(self, wish: str) -> None:
        """Apply a button of the form: ``add-0`` (a day), ``remove-3`` (a row), ``copy``; anything else does nothing."""
        verb, _, number = wish.partition("-")
        place = _number(number)
        if wish == "copy":
            self._copy()
        elif verb == "add" and place is not None and str(place) in _WEEKDAYS:
            self.rows.append(Row(place, fresh=True))
        elif verb == "remove" and place is not None and place < len(self.rows):
            del self.rows[place]
        self.rows.sort(key=lambda row: row.weekday)  # a day's own rows stay in their order

    def _copy(self) -> None:
        monday = [row for row in self.rows if row.weekday == MONDAY]
        self.rows = [row for row in self.rows if row.weekday not in COPIED]
        self.rows += [Row(day, row.opens, row.closes) for day in COPIED for row in monday]

    # --- reading

    def intervals(self) -> list[Interval]:
        """Return the hours.

        Raises:
            Invalid: with a message for each place; the rows have it too.
        """
        found = self.usable()
        wrong = dict(self.errors)
        for place, row in enumerate(self.rows):
            wrong |= {f"{name}-{place}": texts for name, texts in row.errors.items()}
        if wrong:
            raise Invalid(fields=wrong)
        return found

    @property
    def has_errors(self) -> bool:
        """Return whether the form has errors, after reading."""
        return bool(self.errors) or any(row.errors for row in self.rows)

    def usable(self) -> list[Interval]:
        """Return the hours of the valid rows, for a preview."""
        read = [(place, interval) for place, row in enumerate(self.rows) if (interval := _interval(row)) is not None]
        try:
            check_week([interval for _place, interval in read])
        except Invalid as refusal:
            self._take(refusal, [place for place, _interval in read])
        return [interval for place, interval in read if not self.rows[place].errors]

    def _take(self, refusal: Refusal, places: Sequence[int]) -> None:
        """Assign the messages of ``check_week``, which sees only the rows that could be parsed, to their rows."""
        for name, texts in refusal.fields.items():
            which, _, number = name.partition("-")
            if number:
                self.rows[places[int(number)]].errors[which] = list(texts)
            else:
                self.errors[name] = list(texts)


def _interval(row: Row) -> Interval | None:
    """Parse a row, and note its errors."""
    row.errors = {}
    if row.blank:
        return None
    values: dict[str, int] = {}
    for name in ("opens", "closes"):
        try:
            value = read_clock(getattr(row, name), end=name == "closes")
        except ValueError:
            row.errors[name] = [not_a_time()]
            continue
        if value is None:
            row.errors[name] = [lazy_gettext("Enter both times, or leave both empty.")]
        else:
            values[name] = value
    return None if row.errors else Interval(row.weekday, values["opens"], values["closes"])


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


# --- One day ----------------------------------------------------------------------------------------------------------


class ClockField(StringField):
    """A time of day, such as ``9.30``; ``data`` is minutes after midnight."""

    def __init__(self, *args: object, end: bool = False, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._end = end

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        if not valuelist:
            return
        try:
            self.data = read_clock(valuelist[0], end=self._end)
        except ValueError:
            self.data = None
            raise ValueError(not_a_time()) from None

    def _value(self) -> str:
        return str(self.raw_data[0])[:MAX_LENGTH] if self.raw_data else clock_field(self.data)


class SpecialForm(Form):
    """A closure or an extra opening. Beyond its times, the verb validates it."""

    kind = RadioField(
        lazy_gettext("What"),
        choices=[
            SelectChoice(SpecialKind.CLOSED.value, lazy_pgettext("hours", "Closed")),
            SelectChoice(SpecialKind.OPEN.value, lazy_pgettext("hours", "Open")),
        ],
        default=SpecialKind.CLOSED.value,
    )
    day = DateField(lazy_gettext("Day"), [InputRequired()])
    begins = ClockField(lazy_gettext("From"))
    ends = ClockField(lazy_gettext("Until"), end=True)
    reason = StringField(lazy_gettext("Reason"))

    def special(self) -> SpecialData:
        """Return what was typed.

        Raises:
            Invalid: a field cannot be read; its message is at the field.
        """
        if not self.validate() or self.day.data is None:
            raise Invalid(fields={name: list(texts) for name, texts in self.errors.items()})
        return SpecialData(
            self.day.data, SpecialKind(self.kind.data), self.reason.data or "", self.begins.data, self.ends.data
        )

    def mark(self, refusal: Refusal) -> None:
        """Show a refusal's messages at their fields."""
        for name, texts in refusal.fields.items():
            one = self._fields.get(FIELDS.get(name, name))
            if one is not None:
                one.errors = [str(text) for text in texts]


FIELDS = {"opens": "begins", "closes": "ends"}  # names of the verb's fields, and of the form's


def fields_of(refusal: Refusal) -> Invalid:
    """Return a refusal of the verb, with the field names of the form."""
    return Invalid(fields={FIELDS.get(name, name): texts for name, texts in refusal.fields.items()})
