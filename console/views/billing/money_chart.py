"""The chart of money that came in, on billing's home and in its report: one currency, by day, week or month."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.core import money
from console.core.errors import Text
from console.core.money import MINOR
from console.core.texts import gettext, lazy_gettext, ngettext
from console.tickets.stats.periods import Grain, Step
from console.views.shared.charts import Chart, Column, Series
from console.views.shared.labels.periods import STEP, step_label, step_name
from console.web.filters import language

THOUSAND = 1_000


def money_chart(currency: str, grain: Grain, amounts: Sequence[tuple[Step, int]], *, days: int = 0) -> Chart:
    """Draw what came in in one currency.

    Args:
        grain: what each step is.
        amounts: in minor units.
        days: so many up to today, for the title; none where the page says the period.
    """
    reader, unit = language(), _unit([amount for _step, amount in amounts])

    def write(amount: int) -> str:
        return money.write(amount, currency, reader)

    return Chart(
        f"money-{currency.lower()}",
        _title(sum(amount for _step, amount in amounts), write, days),
        _caption(currency, unit),
        STEP[grain],
        (Series(gettext("received")),),
        tuple(Column(step_label(step, grain), step_name(step, grain), (amount,)) for step, amount in amounts),
        write=write,
        brief=lambda amount: _brief(amount, unit),
    )


def _unit(amounts: Sequence[int]) -> int:
    """Return in how much the chart counts, so that the highest column's number is short."""
    highest = max(amounts, default=0)
    return next((unit for unit in (THOUSAND**2, THOUSAND) if highest >= 10 * unit * MINOR), 1)


def _title(total: int, write: Callable[[int], str], days: int) -> str:
    if not days:
        return gettext("%(amount)s received", amount=write(total)) if total else gettext("No payments")
    if not total:
        return ngettext("No payments in %(num)d day", "No payments in %(num)d days", days)
    return ngettext(
        "%(amount)s received in %(num)d day", "%(amount)s received in %(num)d days", days, amount=write(total)
    )


def _caption(currency: str, unit: int) -> Text:
    if unit == 1:
        return lazy_gettext("Payments by the day on which they were paid, in %(currency)s.", currency=currency)
    if unit == THOUSAND:
        return lazy_gettext(
            "Payments by the day on which they were paid, in thousands of %(currency)s.", currency=currency
        )
    return lazy_gettext("Payments by the day on which they were paid, in millions of %(currency)s.", currency=currency)


def _brief(amount: int, unit: int) -> str:
    """Write an amount in so few characters as a bar has room for."""
    return f"{amount / MINOR / unit:,.0f}".replace(",", "." if language() == "sr_Latn" else ",")
