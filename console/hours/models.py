"""The hours of an installation: its week, its single days, and a number that rises with every change."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base, enum_column
from console.hours.calendar import Interval, Special, SpecialKind

HEAD = 1


class HoursInterval(Base):
    """Open on a day of every week. Minutes after local midnight; ``closes`` may be 1440."""

    __tablename__ = "hours_intervals"
    __table_args__ = (
        Index("uq_hours_intervals_weekday_opens", "weekday", "opens", unique=True),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)

    def interval(self) -> Interval:
        """Return what the arithmetic works with."""
        return Interval(self.weekday, self.opens, self.closes)


class HoursSpecial(Base):
    """A closure or an extra opening of one day. Without times a closure takes the whole day."""

    __tablename__ = "hours_specials"
    __table_args__ = (
        Index("ix_hours_specials_day_id", "day", "id"),
        CheckConstraint(
            "(opens IS NULL AND closes IS NULL AND kind = 'closed')"
            " OR (opens >= 0 AND opens < closes AND closes <= 1440)",
            name="minutes",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    kind: Mapped[SpecialKind] = mapped_column(enum_column(SpecialKind))
    opens: Mapped[int | None] = mapped_column(SmallInteger)
    closes: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(String(200))
    # A number and a name, because hours know no staff.
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    staff_name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]

    def special(self) -> Special:
        """Return what the arithmetic works with."""
        return Special(self.day, self.kind, self.opens, self.closes, self.reason)


class HoursRevision(Base):
    """One row: the number of the present hours. Targets worked out by an earlier one are worked out again."""

    __tablename__ = "hours_revision"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    number: Mapped[int]
    changed_at: Mapped[datetime]
