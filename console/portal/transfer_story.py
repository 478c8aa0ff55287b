"""The page of a transfer for its two customers: its steps, and open tasks at the registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from console.billing.migration.models import RegistryTask, TaskKind
from console.billing.models import Migration, MigrationState
from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.hosting.models import readable_domain

TASK_NAMES: dict[TaskKind, Text] = {
    TaskKind.IDENTIFY_OLD: lazy_gettext("The present registrant is identified"),
    TaskKind.IDENTIFY_NEW: lazy_gettext("The new registrant is identified"),
    TaskKind.CONSENT: lazy_gettext("The present registrant agrees in writing"),
    TaskKind.FEE: lazy_gettext("The registry’s fee is settled"),
    TaskKind.LINKS: lazy_gettext("Both confirm the link that RNIDS e-mails them"),
    TaskKind.DONE: lazy_gettext("The registry names the new registrant"),
}
_ENDS: dict[MigrationState, Text] = {
    MigrationState.REJECTED: lazy_pgettext("migration", "rejected"),
    MigrationState.WITHDRAWN: lazy_pgettext("migration", "withdrawn"),
    MigrationState.EXPIRED: lazy_pgettext("migration", "expired"),
}


@dataclass(frozen=True)
class Step:
    """One step. ``state``: done, now, next or stopped."""

    name: Text
    state: str
    note: Text = ""
    at: datetime | None = None


def steps(migration: Migration, *, outgoing: bool) -> list[Step]:
    """Return the steps of a transfer as one of its customers reads them."""
    found = [Step(lazy_gettext("Requested"), "done", at=migration.requested_at)]
    if migration.needs_acceptance:
        you = lazy_gettext("the new owner") if outgoing else lazy_gettext("you")
        found.append(_step(lazy_gettext("Accepted"), migration.accepted_at, now=migration.waits_for_new_owner, who=you))
    us = lazy_gettext("us")
    found.append(_step(lazy_gettext("Approved"), migration.approved_at, now=migration.waits_for_approval, who=us))
    executed = migration.ended_at if migration.state is MigrationState.EXECUTED else None
    waits = migration.state is MigrationState.APPROVED
    last = _step(lazy_gettext("Carried out"), executed, now=waits, who=us)
    if waits and migration.scheduled_for is not None:
        last = Step(last.name, "now", lazy_gettext("on the chosen day"), migration.scheduled_for)
    found.append(last)
    if migration.state in _ENDS:
        taken = [step for step in found if step.state == "done"]
        return [*taken, Step(_ENDS[migration.state], "stopped", at=migration.ended_at)]
    return found


def _step(name: Text, at: datetime | None, *, now: bool, who: Text) -> Step:
    if at is not None:
        return Step(name, "done", at=at)
    return Step(name, "now", lazy_gettext("waiting for %(who)s", who=who)) if now else Step(name, "next")


def by_domain(tasks: Iterable[RegistryTask]) -> list[tuple[str, list[RegistryTask]]]:
    """Return the registry's tasks domain by domain; what is no longer needed is not among them."""
    needed = [task for task in tasks if not task.is_dropped]
    return [(readable_domain(name), list(rows)) for name, rows in groupby(needed, key=lambda task: task.domain.name)]
