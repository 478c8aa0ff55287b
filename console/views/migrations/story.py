"""What a migration's page shows: one band for each source document, before and after.

A preview comes from the plan, the story of an executed one from the documents;
the page draws both alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from console.billing.ledger.queries import released_by
from console.billing.migration.obstacles import REASONS, four_eyes_obstacle, four_eyes_rule
from console.billing.migration.plan import Issue, Line, Plan, Source, Step, TaxChange
from console.billing.models import ExpiryReason, Migration, MigrationState, Proforma, ProformaLine, Storno
from console.core import money
from console.core.actor import Actor
from console.core.errors import Text
from console.core.series import Series
from console.core.texts import gettext, lazy_gettext, ngettext
from console.staff.queries import staff_who_may
from console.staff.roles import Permission
from console.views.shared.menu import document_url
from console.web.filters import day, language, moment


@dataclass(frozen=True)
class DocumentLine:
    text: str
    total: int
    moves: bool


@dataclass(frozen=True)
class Document:
    """One document of a band. ``number`` is ``None`` while it is only planned."""

    number: str | None
    url: str | None
    note: str
    currency: str
    total: int
    lines: tuple[DocumentLine, ...]
    tax_note: str | None = None
    credited: int = 0  # what was paid on it, which goes to its buyer's credit


@dataclass(frozen=True)
class Band:
    """One source document: cancelled, and made again for one side or for both."""

    cancelled: Document
    for_new: Document | None
    for_old: Document | None

    @property
    def title(self) -> Text:
        if self.for_new and self.for_old:
            return lazy_gettext("A shared pro-forma is split")
        return lazy_gettext("The whole pro-forma moves")


@dataclass(frozen=True)
class Stage:
    """One step of the stepper. ``state``: done, now, next or stopped."""

    name: Text
    state: str
    note: str = ""
    at: datetime | None = None


TAX_NOTES: dict[str, Text] = {
    "outside": lazy_gettext("The issuer is not in the PDV system."),
    "abroad": lazy_gettext("No PDV: the place of supply is the buyer’s country."),
    "exempt": lazy_gettext("No PDV: the buyer is exempt."),
}


def planned_bands(plan: Plan) -> list[Band]:
    """Return the bands of a preview."""
    return [_planned(step, plan.day) for step in plan.steps]


def _planned(step: Step, today: date) -> Band:
    issues = {issue.moved: issue for issue in step.issue}
    return Band(
        cancelled=_planned_cancel(step.cancel, today),
        for_new=_planned_issue(issues[True]) if True in issues else None,
        for_old=_planned_issue(issues[False]) if False in issues else None,
    )


def _planned_cancel(source: Source, today: date) -> Document:
    note = gettext(
        "Storno in series %(series)s · dated %(day)s", series=f"{Series.STORNO}-{today.year}", day=day(today)
    )
    lines = tuple(map(_plan_line, source.lines))
    return Document(source.number, None, note, source.currency, source.total, lines, credited=source.paid)


def _planned_issue(issue: Issue) -> Document:
    if issue.moved:
        note = gettext("Next number in series %(series)s · due %(day)s", series=issue.series, day=day(issue.due_on))
    else:
        note = gettext("Stays with the old owner · due %(day)s", day=day(issue.due_on))
    lines = tuple(map(_plan_line, issue.lines))
    return Document(None, None, note, issue.currency, issue.total, lines, issue.tax_note)


def _plan_line(line: Line) -> DocumentLine:
    return DocumentLine(line.description, line.total, line.moves)


def executed_bands(migration: Migration, stornos: list[Storno], issued: list[Proforma]) -> list[Band]:
    """Return the bands of what was done."""
    moved = {item.service_id for item in migration.items}
    credited = released_by(migration.id)
    return [
        Band(
            cancelled=_cancelled(storno, moved, credited.get(storno.proforma_id, 0)),
            for_new=_successor(issued, storno, migration.to_customer_id, moved),
            for_old=_successor(issued, storno, migration.from_customer_id, moved),
        )
        for storno in stornos
    ]


def _cancelled(storno: Storno, moved: set[int], credited: int) -> Document:
    source = storno.proforma
    note = gettext("Storno %(number)s · dated %(day)s", number=storno.number, day=day(storno.issued_on))
    lines = tuple(_line(line, moved) for line in source.lines)
    return Document(source.number, document_url(source), note, source.currency, source.total, lines, credited=credited)


def _successor(issued: list[Proforma], storno: Storno, customer_id: int, moved: set[int]) -> Document | None:
    for document in issued:
        if document.source_id == storno.proforma_id and document.customer_id == customer_id:
            note = gettext("Issued %(day)s · due %(due)s", day=day(document.issued_on), due=day(document.due_on))
            lines = tuple(_line(line, moved) for line in document.lines)
            url = document_url(document)
            return Document(document.number, url, note, document.currency, document.total, lines, document.tax_note)
    return None


def _line(line: ProformaLine, moved: set[int]) -> DocumentLine:
    return DocumentLine(line.description, line.total, line.service_id in moved)


def stages(migration: Migration, names: dict[int, str], accepted_by: str = "") -> list[Stage]:
    """Return the steps of a migration: those that were taken, the one it waits for, those to come."""
    found = [Stage(lazy_gettext("Request"), "done", _requester(migration, names), migration.requested_at)]
    if migration.needs_acceptance:
        found.append(_acceptance(migration, accepted_by))
    found += [_approval(migration, names), _execution(migration, names)]
    if migration.state not in _ENDS:
        return found
    who = names.get(migration.ended_by_id or 0, gettext("by expiry"))
    if migration.declined_by_id is not None:
        who = accepted_by or gettext("the new owner")
    elif migration.state is MigrationState.WITHDRAWN and migration.ended_by_id is None:
        who = gettext("the customer, in the portal")
    taken = [stage for stage in found if stage.state == "done"]
    return [*taken, Stage(_ENDS[migration.state], "stopped", who, migration.ended_at)]


def _acceptance(migration: Migration, accepted_by: str) -> Stage:
    name = lazy_gettext("New owner’s acceptance")
    if migration.accepted_at is not None:
        return Stage(name, "done", accepted_by, migration.accepted_at)
    return Stage(name, "now", gettext("waiting for the new owner"))


def _approval(migration: Migration, names: dict[int, str]) -> Stage:
    name = lazy_gettext("Billing’s approval")
    if migration.approved_at is not None:
        return Stage(name, "done", names.get(migration.approved_by_id or 0, ""), migration.approved_at)
    if migration.waits_for_approval:
        return Stage(name, "now", gettext("waiting for billing"))
    return Stage(name, "next")


def _execution(migration: Migration, names: dict[int, str]) -> Stage:
    name = lazy_gettext("Execution")
    if migration.state is MigrationState.EXECUTED:
        return Stage(name, "done", names.get(migration.ended_by_id or 0, ""), migration.ended_at)
    if migration.state is not MigrationState.APPROVED:
        return Stage(name, "next")
    if migration.scheduled_for is not None:
        by = names.get(migration.scheduled_by_id or 0, "")
        return Stage(
            name, "now", gettext("on %(at)s, scheduled by %(name)s", at=moment(migration.scheduled_for), name=by)
        )
    return Stage(name, "now", gettext("waiting for billing"))


def _requester(migration: Migration, names: dict[int, str]) -> str:
    """Return who asked for it: a member of staff for a caller, the person themselves in the portal, or a file."""
    if migration.requested_by_id is not None:
        return names[migration.requested_by_id]
    return gettext("by console migrate") if migration.batch_id is not None else gettext("the customer, in the portal")


def next_step(migration: Migration, tasks_open: int) -> tuple[Text, Text] | None:
    """Return what is next and who must do it; ``None`` where nothing is."""
    billing, new_owner = lazy_gettext("Billing"), lazy_gettext("The new owner")
    if migration.waits_for_new_owner:
        return new_owner, lazy_gettext("accepts or declines it, by the link in the e-mail or in the portal.")
    if migration.waits_for_approval:
        return billing, lazy_gettext("checks the preview, then approves or rejects it.")
    if migration.state is MigrationState.APPROVED and migration.scheduled_for is not None:
        return lazy_gettext("The console"), gettext(
            "executes it on %(at)s, if the preview still holds.", at=moment(migration.scheduled_for)
        )
    if migration.state is MigrationState.APPROVED:
        return billing, lazy_gettext("executes it now or chooses a day.")
    if migration.state is MigrationState.EXECUTED and tasks_open:
        return lazy_gettext("Support or billing"), lazy_gettext(
            "completes the registry’s part; on our side it is done."
        )
    return None


_ENDS: dict[MigrationState, Text] = {
    MigrationState.REJECTED: lazy_gettext("Rejected"),
    MigrationState.WITHDRAWN: lazy_gettext("Withdrawn"),
    MigrationState.EXPIRED: lazy_gettext("Expired"),
}


_EXPIRED: dict[ExpiryReason, Text] = {
    ExpiryReason.NOT_ACCEPTED: lazy_gettext("The new owner did not accept it in time."),
    ExpiryReason.NOT_APPROVED: lazy_gettext("Billing did not approve it in time."),
    ExpiryReason.NOT_EXECUTED: lazy_gettext("It was approved but not executed in time."),
    ExpiryReason.NOT_POSSIBLE: lazy_gettext("It could not be executed on the scheduled day."),
}


def expiry_text(migration: Migration) -> Text | None:
    """Return why a migration expired; ``None`` where it did not."""
    reason, code = migration.expiry_reason, migration.stopped_code or ""
    if reason is ExpiryReason.NOT_POSSIBLE and code == "stale_plan":
        return lazy_gettext("On the scheduled day it no longer matched its preview, so it was not executed.")
    if reason is ExpiryReason.NOT_POSSIBLE and code in REASONS and code != "expired":
        return f"{_EXPIRED[reason]} {REASONS[code]}"
    return _EXPIRED[reason] if reason is not None else None


def notices(plan: Plan) -> list[Text]:
    """Return what in a preview wants a second look, in sentences."""
    found: list[Text] = []
    for step in plan.steps:
        if step.overdue:
            late = (plan.day - step.cancel.due_on).days
            found.append(
                ngettext(
                    "%(number)s is %(num)d day overdue, so its replacement is due %(due)s.",
                    "%(number)s is %(num)d days overdue, so its replacement is due %(due)s.",
                    late,
                    number=step.cancel.number,
                    due=day(step.issue[0].due_on),
                )
            )
    return found


@dataclass(frozen=True)
class Barred:
    """Why this person has no button, and who has one."""

    text: Text
    may: tuple[str, ...] | None  # None where no one does
    above: tuple[str, ...]  # amounts from which the rule holds


def barred(actor: Actor, migration: Migration, plan: Plan) -> Barred | None:
    """Return what the page says in place of a decision that the four-eyes rule gives to another person."""
    code = four_eyes_obstacle(actor, migration, plan.totals())
    if code is None:
        return None
    above = tuple(money.write(amount, currency, language()) for currency, amount in four_eyes_rule().above.items())
    if code == "four_eyes_approval":
        return Barred(REASONS[code], None, above)
    if migration.state is not MigrationState.APPROVED:
        text = gettext("You requested this migration, so another person has to approve it.")
    else:
        text = gettext("You approved this migration, so another person has to execute it.")
    others = staff_who_may(Permission.DECIDE_MIGRATION)
    return Barred(text, tuple(staff.name for staff in others if staff.id != actor.id), above)


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a preview for programs."""
    numbers = {plan.old.id: plan.old.buyer["number"], plan.new.id: plan.new.buyer["number"]}
    return {
        "plan": plan.digest,
        "day": plan.day.isoformat(),
        "from": plan.old.buyer["number"],
        "to": plan.new.buyer["number"],
        "services": [
            {"id": s.id, "number": s.number, "label": s.label, "product": s.product, "along": s.along}
            for s in plan.services
        ],
        "cuts": [{"hosted": cut.hosted, "host": cut.host, "stays": cut.stays} for cut in plan.cuts],
        "cancel": [
            {
                "number": step.cancel.number,
                "series": f"{Series.STORNO}-{plan.day.year}",
                "customer": numbers[step.cancel.customer_id],
                "currency": step.cancel.currency,
                "due_on": step.cancel.due_on.isoformat(),
                "total": step.cancel.total,
                "credit": step.cancel.paid,
                "lines": [_line_json(line) for line in step.cancel.lines],
            }
            for step in plan.steps
        ],
        "issue": [
            {
                "source": step.cancel.number,
                "series": issue.series,
                "customer": numbers[issue.customer_id],
                "currency": issue.currency,
                "due_on": issue.due_on.isoformat(),
                "net": issue.net,
                "tax": issue.tax,
                "total": issue.total,
                "tax_note": issue.tax_note,
                "lines": [_line_json(line) for line in issue.lines],
            }
            for step in plan.steps
            for issue in step.issue
        ],
        "tax_changes": [_tax_change_json(change) for change in plan.tax_changes],
        "loses_exemption": plan.loses_exemption,
        "obstacles": [
            {"code": obstacle.code, "message": str(obstacle.message), "concerns": list(obstacle.concerns)}
            for obstacle in plan.obstacles
        ],
    }


def _tax_change_json(change: TaxChange) -> dict[str, Any]:
    return {
        "document": change.number,
        "position": change.before.position,
        "description": change.before.description,
        "service": change.before.service_id,
        "currency": change.currency,
        "tax": {"before": change.before.tax, "after": change.after.tax},
        "total": {"before": change.before.total, "after": change.after.total},
        "tax_note": {"before": change.note_before, "after": change.note_after},
        "tax_status": {"before": change.status_before, "after": change.status_after},
        "as_on": change.former,
        "loses_exemption": change.loses_exemption,
    }


def _line_json(line: Line) -> dict[str, Any]:
    names = ("position", "description", "quantity", "net", "tax_bp", "tax", "total", "moves")
    return {name: getattr(line, name) for name in names} | {"service": line.service_id}
