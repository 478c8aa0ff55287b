"""The chart of tickets opened and solved, in reports and on the dashboard."""

from __future__ import annotations

from collections.abc import Sequence

from console.core.texts import gettext, lazy_pgettext
from console.tickets.stats.periods import Grain
from console.tickets.stats.queries import Flow
from console.views.shared.charts import Chart, Column, Series
from console.views.shared.labels.periods import BY, STEP, step_label, step_name

CAME, SOLVED = lazy_pgettext("figures", "opened"), lazy_pgettext("figures", "solved")


def flow_chart(flow: Sequence[Flow], grain: Grain, key: str = "flow") -> Chart:
    """Draw tickets opened next to tickets solved."""
    came, solved = sum(one.created for one in flow), sum(one.solved for one in flow)
    if came > solved:
        title = gettext("More tickets opened (%(came)d) than solved (%(solved)d)", came=came, solved=solved)
    elif solved > came:
        title = gettext("More tickets solved (%(solved)d) than opened (%(came)d)", came=came, solved=solved)
    else:
        title = gettext("As many tickets solved as opened (%(came)d)", came=came)
    return Chart(
        key,
        title if came or solved else gettext("No tickets opened or solved"),
        gettext("New and solved tickets %(by)s.", by=BY[grain]),
        STEP[grain],
        (Series(CAME, 2), Series(SOLVED, 1)),
        tuple(
            Column(step_label(one.step, grain), step_name(one.step, grain), (one.created, one.solved)) for one in flow
        ),
    )
