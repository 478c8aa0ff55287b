"""Four eyes: who asks for a migration, who approves it and who executes it: no one person takes two steps in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.billing.migration.obstacles import refusal
from console.billing.migration.plan import Plan
from console.billing.models import Migration, MigrationState
from console.core.actor import Actor
from console.core.context import settings


@dataclass(frozen=True)
class FourEyes:
    """The rule as it is set. ``above``: minor units by currency; empty where it holds for every migration."""

    on: bool = False
    above: Mapping[str, int] = field(default_factory=dict)

    def holds(self, plan: Plan) -> bool:
        """Tell whether the rule holds for what ``plan`` does to documents, before or after.

        A currency without an amount of its own has the amount zero.
        """
        if not self.on or not self.above:
            return self.on
        return any(
            max(sums.total_before, sums.total_old + sums.total_new) > self.above.get(sums.currency, 0)
            for sums in plan.sums()
        )


def rule() -> FourEyes:
    """Return the rule as it is set now: the one place that reads it."""
    now = settings()
    amounts = {currency: amount for currency, amount in now.migration_four_eyes_above.items() if amount}
    return FourEyes(on=now.migration_four_eyes, above=amounts)


def step_before(migration: Migration) -> int | None:
    """Return who took the step before the one that an open migration waits for."""
    return migration.requested_by_id if migration.state is MigrationState.REQUESTED else migration.approved_by_id


def obstacle(actor: Actor, migration: Migration, plan: Plan) -> str | None:
    """Return why ``actor`` may not take the next step, as a name among the refusals; ``None`` where they may."""
    if not rule().holds(plan):
        return None
    if migration.state is MigrationState.APPROVED and migration.approved_by_id == migration.requested_by_id:
        return "four_eyes_approval"  # by the rule as it was, or for a lesser amount
    return "four_eyes" if actor.id is not None and actor.id == step_before(migration) else None


def check(actor: Actor, migration: Migration, plan: Plan) -> None:
    """Raise unless ``actor`` may take the next step.

    Raises:
        Conflict: ``four_eyes`` or ``four_eyes_approval``.
    """
    code = obstacle(actor, migration, plan)
    if code is not None:
        raise refusal(code)
