"""Serbia's public holidays, Orthodox Easter and shifted days included, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from console.hours.calendar import Holiday

COUNTRY = "RS"
_CYRILLIC = {
    **dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True)),
    "љ": "lj",
    "њ": "nj",
    "џ": "dž",
}
_LATIN = str.maketrans(_CYRILLIC | {one.upper(): two.capitalize() for one, two in _CYRILLIC.items()})


class PublicHolidays:
    """Every year's holidays, each year worked out once."""

    def get(self, day: date, /) -> Holiday | None:
        """Return the holiday of a day."""
        return of_year(day.year).get(day)


@lru_cache(maxsize=64)
def of_year(year: int) -> Mapping[date, Holiday]:
    """Return a year's holidays in order; none where the package has no list of it."""
    from holidays import country_holidays  # late: it loads its list of countries, for a year that is asked for once

    serbian = country_holidays(COUNTRY, years=year, language="sr")
    english = country_holidays(COUNTRY, years=year, language="en_US")
    return {
        day: Holiday(name_sr=_names(to_latin(serbian[day])), name_en=_names(english[day]))
        for day in sorted(serbian)
        if day.year == year
    }


def is_covered(year: int) -> bool:
    """Return whether the package has a list of that year."""
    return bool(of_year(year))


def to_latin(text: str) -> str:
    """Write Serbian Cyrillic in Latin script; the package has no such names (``sr_Latn`` gives English)."""
    return text.translate(_LATIN)


def _names(text: str) -> str:
    """Write two holidays that meet on one day as people do."""
    return text.replace("; ", ", ")
