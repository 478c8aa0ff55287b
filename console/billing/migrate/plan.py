"""What a migration will do to documents, worked out before anything happens. Pure.

Preview and execution both come from here: what was shown is what is done, and a
digest of the whole plan notices any difference in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from console.billing.migrate.refusals import Obstacle
from console.billing.tax import TaxRule, rule_for


@dataclass(frozen=True)
class Line:
    """One item, as it stands or as it will stand."""

    id: int
    position: int
    service_id: int | None
    description: str
    quantity: int
    net: int
    tax_bp: int
    tax: int
    total: int
    moves: bool


@dataclass(frozen=True)
class Source:
    """An active pro-forma that has a line of a moving service."""

    id: int
    number: str
    customer_id: int
    currency: str
    due_on: date
    paid: int
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)


@dataclass(frozen=True)
class Party:
    """One side: the account's id and what its documents freeze of it."""

    id: int
    buyer: dict[str, Any]


@dataclass(frozen=True)
class Issue:
    """A document to be made."""

    customer_id: int
    series: str
    currency: str
    due_on: date
    lines: tuple[Line, ...]
    tax_note: str | None
    moved: bool  # to the new owner; otherwise the rest, to the old one

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        return sum(line.tax for line in self.lines)

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)


@dataclass(frozen=True)
class Step:
    """One source document: cancelled, and made again as one or two."""

    cancel: Source
    issue: tuple[Issue, ...]
    overdue: bool

    @property
    def mixed(self) -> bool:
        return len(self.issue) > 1


@dataclass(frozen=True)
class MovingService:
    id: int
    number: str
    label: str
    product: str
    status: str


@dataclass(frozen=True)
class Plan:
    """The whole of it. ``obstacles`` are why it cannot be executed as things stand."""

    day: date
    old: Party
    new: Party
    issuer: dict[str, Any]
    services: tuple[MovingService, ...]
    steps: tuple[Step, ...]
    obstacles: tuple[Obstacle, ...] = field(default=(), compare=False)

    @cached_property
    def digest(self) -> str:
        """Return the fingerprint of everything the plan shows."""
        facts = asdict(self)
        facts.pop("obstacles")
        text = json.dumps(facts, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sums(self) -> list[Sums]:
        """Return the proof, per currency: what was open is what will be open."""
        currencies = sorted({step.cancel.currency for step in self.steps})
        return [self._sums_in(currency) for currency in currencies]

    def _sums_in(self, currency: str) -> Sums:
        steps = [step for step in self.steps if step.cancel.currency == currency]
        issued = [issue for step in steps for issue in step.issue]
        return Sums(
            currency=currency,
            net_before=sum(line.net for step in steps for line in step.cancel.lines),
            net_old=sum(issue.net for issue in issued if not issue.moved),
            net_new=sum(issue.net for issue in issued if issue.moved),
            total_before=sum(step.cancel.total for step in steps),
            total_old=sum(issue.total for issue in issued if not issue.moved),
            total_new=sum(issue.total for issue in issued if issue.moved),
            tax_before=sum(line.tax for step in steps for line in step.cancel.lines),
            tax_after=sum(issue.tax for issue in issued),
            lines_before=sum(len(step.cancel.lines) for step in steps),
            lines_after=sum(len(issue.lines) for issue in issued),
        )


@dataclass(frozen=True)
class Sums:
    """Before and after in one currency, minor units."""

    currency: str
    net_before: int
    net_old: int
    net_new: int
    total_before: int
    total_old: int
    total_new: int
    tax_before: int
    tax_after: int
    lines_before: int
    lines_after: int

    @property
    def conserved(self) -> bool:
        """Tell whether nothing was lost or added: net is kept; PDV may differ with the buyer's status."""
        return self.net_before == self.net_old + self.net_new and self.lines_before == self.lines_after


def build(
    *,
    day: date,
    terms_days: int,
    old: Party,
    new: Party,
    issuer: dict[str, Any],
    services: Sequence[MovingService],
    sources: Sequence[Source],
    obstacles: Sequence[Obstacle] = (),
) -> Plan:
    """Work the plan out.

    Args:
        day: the day of execution; cancellations and new documents carry it.
        terms_days: how long an overdue document's successors have.
        sources: every active pro-forma with a line of ``services``, whole.
    """
    rules = {
        party.id: rule_for(party.buyer["tax_status"], issuer_in_vat_system=issuer["in_vat_system"])
        for party in (old, new)
    }
    moving = frozenset(service.id for service in services)
    steps = []
    for source in sorted(sources, key=lambda source: source.id):
        overdue = source.due_on < day
        due_on = day + timedelta(days=terms_days) if overdue else source.due_on
        issues = [
            _issue(source, party.id, rules[party.id], due_on=due_on, year=day.year, moving=moving, moved=moved)
            for party, moved in ((new, True), (old, False))
        ]
        marked = tuple(_mark(line, moving) for line in source.lines)
        steps.append(
            Step(
                cancel=Source(**{**vars(source), "lines": marked}),
                issue=tuple(issue for issue in issues if issue.lines),
                overdue=overdue,
            )
        )
    part_paid = tuple(source.number for source in sources if source.paid > 0)
    if part_paid:
        obstacles = [*obstacles, Obstacle("part_paid", part_paid)]
    return Plan(
        day=day,
        old=old,
        new=new,
        issuer=issuer,
        services=tuple(services),
        steps=tuple(steps),
        obstacles=tuple(obstacles),
    )


def _mark(line: Line, moving: frozenset[int]) -> Line:
    return Line(**{**vars(line), "moves": line.service_id in moving})


def _issue(
    source: Source, customer_id: int, rule: TaxRule, *, due_on: date, year: int, moving: frozenset[int], moved: bool
) -> Issue:
    """Make one successor: the lines that move, or those that stay, taxed as their buyer is."""
    chosen = [line for line in source.lines if (line.service_id in moving) is moved]
    lines = []
    for position, line in enumerate(chosen, start=1):
        tax = rule.on(line.net, line.tax_bp)
        changed = {"position": position, "tax": tax, "total": line.net + tax, "moves": moved}
        lines.append(Line(**{**vars(line), **changed}))
    return Issue(
        customer_id=customer_id,
        series=f"PR-{year}",
        currency=source.currency,
        due_on=due_on,
        lines=tuple(lines),
        tax_note=rule.note,
        moved=moved,
    )
