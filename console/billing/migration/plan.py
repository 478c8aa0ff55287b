"""What a migration will do to documents, worked out before anything happens. Pure.

Preview and execution both come from here: what was shown is what is done, and a
digest of the whole plan notices any difference in between.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from console.billing.migration.obstacles import Obstacle
from console.billing.tax import rule_for
from console.core.series import Series

Terms = list[list[Any]]


@dataclass(frozen=True)
class Line:
    """One item, as it is or as it will be."""

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
    discount: int = 0
    discount_bp: int | None = None
    period_from: date | None = None
    period_to: date | None = None


@dataclass(frozen=True)
class Former:
    """An earlier document that a source comes from, issued to a buyer taxed as the new owner is.

    A migration that is moved back gives each line the PDV it once had, to the para.
    """

    number: str
    tax_note: str | None
    taxes: dict[int, int]  # by the source's line


@dataclass(frozen=True)
class Source:
    """An active pro-forma that has a line of a moving service."""

    id: int
    number: str
    customer_id: int
    currency: str
    due_on: date
    paid: int
    tax_status: str  # its buyer's, as frozen on it
    tax_note: str | None
    lines: tuple[Line, ...]
    former: Former | None = None
    note: str = ""  # to its buyer: the old owner's successor carries it on, the new owner's does not

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


@dataclass(frozen=True)
class TaxChange:
    """A moving line that is taxed otherwise than before, because its new buyer's tax status differs."""

    number: str  # of the document it is on
    currency: str
    before: Line
    after: Line
    note_before: str | None
    note_after: str | None
    status_before: str
    status_after: str
    former: str | None  # the earlier document whose PDV it gets back

    @property
    def loses_exemption(self) -> bool:
        """Return whether PDV comes where there was none; of a line so small that it rounds to nothing, its rate."""
        exempt_before = self.before.tax == 0 and (self.note_before is not None or self.after.tax > 0)
        return exempt_before and self.after.tax_bp > 0


@dataclass(frozen=True)
class MovingService:
    id: int
    number: str
    label: str
    product: str
    status: str
    # What recurs moves as it is: where it changes after the preview, the preview is another.
    domain: str | None = None
    price: int = 0
    currency: str = ""
    period_months: int = 0
    paid_until: date | None = None
    auto_renew: bool = False
    along: bool = False  # not chosen, but linked to one that was


@dataclass(frozen=True)
class Cut:
    """A link that ends: one of the two moves, the other stays. ``stays`` is its number."""

    hosted: str
    host: str
    stays: str


@dataclass(frozen=True)
class Plan:
    """The whole of it. ``obstacles`` are why it cannot be executed now."""

    day: date
    old: Party
    new: Party
    issuer: dict[str, Any]
    services: tuple[MovingService, ...]
    steps: tuple[Step, ...]
    cuts: tuple[Cut, ...] = ()
    obstacles: tuple[Obstacle, ...] = field(default=(), compare=False)

    @cached_property
    def digest(self) -> str:
        """Return the fingerprint of everything the plan shows."""
        facts = facts_of(self)
        facts.pop("obstacles")
        return _digest(json.dumps(facts, sort_keys=True, default=to_json, ensure_ascii=False))

    @cached_property
    def tax_changes(self) -> tuple[TaxChange, ...]:
        """Return every line whose PDV, or the reason for none, will differ. A line that stays never does."""
        status = self.new.buyer["tax_status"]
        return tuple(change for step in self.steps for change in _tax_changes(step, status))

    @property
    def loses_exemption(self) -> bool:
        """Return whether a line without PDV gets some: that takes an explicit yes."""
        return bool(self.exemptions_lost)

    @property
    def exemptions_lost(self) -> tuple[str, ...]:
        """Return the numbers of the documents with such a line."""
        return tuple(dict.fromkeys(change.number for change in self.tax_changes if change.loses_exemption))

    @property
    def exemption_facts(self) -> dict[str, Any]:
        """Return what the audit entry says of a yes to a lost exemption; nothing where none was needed."""
        return {"exemption_lost": list(self.exemptions_lost)} if self.loses_exemption else {}

    @property
    def part_paid(self) -> tuple[Source, ...]:
        """Return the documents on which something was paid: that goes to the old owner's credit."""
        return tuple(step.cancel for step in self.steps if step.cancel.paid > 0)

    def credit(self) -> dict[str, int]:
        """Return what goes to the old owner's credit, by currency."""
        amounts: dict[str, int] = {}
        for source in self.part_paid:
            amounts[source.currency] = amounts.get(source.currency, 0) + source.paid
        return amounts

    @property
    def new_documents(self) -> list[Issue]:
        """Return the documents that are made to the new owner."""
        return [issue for step in self.steps for issue in step.issue if issue.moved]

    @property
    def new_terms(self) -> Terms:
        """Return what the new owner would owe, line by line: this is what they accept."""
        return [
            [line.service_id, line.description, line.quantity, issue.currency, line.net, line.tax, line.total]
            for issue in self.new_documents
            for line in issue.lines
        ]

    @property
    def terms_digest(self) -> str:
        """Return the fingerprint of :attr:`new_terms`."""
        return _digest(json.dumps(self.new_terms, ensure_ascii=False))

    def new_totals(self) -> dict[str, int]:
        """Return what the new owner would owe, with PDV, by currency."""
        totals: Counter[str] = Counter()
        for issue in self.new_documents:
            totals[issue.currency] += issue.total
        return dict(totals)

    def totals(self) -> dict[str, int]:
        """Return what it does to documents, by currency: the total before or after, whichever is larger."""
        return {one.currency: max(one.total_before, one.total_old + one.total_new) for one in self.sums()}

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
            tax_changed=sum(
                change.after.tax - change.before.tax for change in self.tax_changes if change.currency == currency
            ),
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
    tax_changed: int  # what the preview explains of it, line by line
    lines_before: int
    lines_after: int

    @property
    def conserved(self) -> bool:
        """Return whether nothing was lost or added: net stays; PDV differs only with a new buyer's status."""
        return (
            self.net_before == self.net_old + self.net_new
            and self.tax_before + self.tax_changed == self.tax_after
            and self.lines_before == self.lines_after
        )


def facts_of(part: Any) -> dict[str, Any]:
    """Return the fields of a plan or of a part of it by name; ``asdict`` would copy what is in them too."""
    return {one.name: getattr(part, one.name) for one in fields(part)}


def to_json(value: Any) -> Any:
    """Return what :func:`json.dumps` writes for a value that it does not know: a part's fields, or its text."""
    return facts_of(value) if is_dataclass(value) else str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def build(
    *,
    day: date,
    terms_days: int,
    old: Party,
    new: Party,
    issuer: dict[str, Any],
    services: Sequence[MovingService],
    sources: Sequence[Source],
    cuts: Sequence[Cut] = (),
    obstacles: Sequence[Obstacle] = (),
) -> Plan:
    """Work the plan out.

    Args:
        day: the day of execution; cancellations and new documents carry it.
        terms_days: how long an overdue document's successors have.
        sources: every active pro-forma with a line of ``services``, whole.
    """
    moving = frozenset(service.id for service in services)
    steps = []
    for source in sorted(sources, key=lambda source: source.id):
        overdue = source.due_on < day
        due_on = day + timedelta(days=terms_days) if overdue else source.due_on
        common = _Common(
            due_on=due_on,
            series=f"{Series.PROFORMA}-{day.year}",
            moving=moving,
            issuer_in_vat_system=issuer["in_vat_system"],
        )
        issues = [_moved(source, new, common), _rest(source, old, common)]
        marked = tuple(_mark(line, moving) for line in source.lines)
        steps.append(
            Step(
                cancel=replace(source, lines=marked),
                issue=tuple(issue for issue in issues if issue.lines),
                overdue=overdue,
            )
        )
    return Plan(
        day=day,
        old=old,
        new=new,
        issuer=issuer,
        services=tuple(services),
        steps=tuple(steps),
        cuts=tuple(cuts),
        obstacles=tuple(obstacles),
    )


def _tax_changes(step: Step, status: str) -> Iterator[TaxChange]:
    source = step.cancel
    before = {line.id: line for line in source.lines}
    for issue in step.issue:
        for line in issue.lines:
            if (line.tax, issue.tax_note) != (before[line.id].tax, source.tax_note):
                yield TaxChange(
                    number=source.number,
                    currency=source.currency,
                    before=before[line.id],
                    after=line,
                    note_before=source.tax_note,
                    note_after=issue.tax_note,
                    status_before=source.tax_status,
                    status_after=status,
                    former=source.former.number if source.former else None,
                )


def _mark(line: Line, moving: frozenset[int]) -> Line:
    return replace(line, moves=line.service_id in moving)


@dataclass(frozen=True)
class _Common:
    """What both successors of a document share."""

    due_on: date
    series: str
    moving: frozenset[int]
    issuer_in_vat_system: bool


def _moved(source: Source, new: Party, common: _Common) -> Issue:
    """Make the new owner's successor: its lines as they stood, unless the new buyer is taxed by another status."""
    lines = [line for line in source.lines if line.service_id in common.moving]
    note = source.tax_note
    if new.buyer["tax_status"] != source.tax_status:
        rule = rule_for(new.buyer["tax_status"], issuer_in_vat_system=common.issuer_in_vat_system)
        former = source.former
        taxes = former.taxes if former else {}
        lines = [_taxed(line, taxes.get(line.id, rule.on(line.net, line.tax_bp))) for line in lines]
        note = former.tax_note if former else rule.note
    return _issue(source, new.id, lines, note, common, moved=True)


def _rest(source: Source, old: Party, common: _Common) -> Issue:
    """Make the old owner's successor: what stays is copied, whatever today's rules would make of it."""
    lines = [line for line in source.lines if line.service_id not in common.moving]
    return _issue(source, old.id, lines, source.tax_note, common, moved=False)


def _taxed(line: Line, tax: int) -> Line:
    return replace(line, tax=tax, total=line.net + tax)


def _issue(
    source: Source, customer_id: int, lines: Sequence[Line], note: str | None, common: _Common, *, moved: bool
) -> Issue:
    return Issue(
        customer_id=customer_id,
        series=common.series,
        currency=source.currency,
        due_on=common.due_on,
        lines=tuple(replace(line, position=place, moves=moved) for place, line in enumerate(lines, start=1)),
        tax_note=note,
        moved=moved,
    )
