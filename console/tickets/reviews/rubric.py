"""Editing the rubric, and how much is drawn. What was scored before keeps its criteria as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, Text
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.tickets.reviews import queries
from console.tickets.reviews.models import ReviewCriterion

MOST_CRITERIA = 12  # in use
MOST_LINES = 40
MOST_DRAWN = 20
MAX_WEIGHT = 100


@dataclass(frozen=True)
class CriterionData:
    """A line of the rubric; ``id`` is empty for a new one."""

    id: int | None
    name_sr: str
    name_en: str
    about_sr: str
    about_en: str
    weight: int
    active: bool


def save_rubric(actor: Actor, lines: Sequence[CriterionData], sample: int, *, version: int | None = None) -> bool:
    """Put the rubric into this order and shape; criteria that are not named go, those ever scored are switched off.

    Args:
        sample: how many solved tickets are drawn per agent and week; none: nothing is drawn.
        version: of the rubric they had before them; ``None``: whatever holds now.

    Returns:
        Whether anything was different.

    Raises:
        NotFound: no supervisor.
        Conflict: ``changed``: another supervisor has changed it meanwhile.
        Invalid: by field, ``<place>-name_sr`` and so on.
    """
    actor.require(Permission.REVIEW)
    settings = queries.settings_row(lock=True)
    if version is not None and version != settings.rubric_version:
        raise Conflict(
            lazy_gettext(
                "Another supervisor has changed the rubric in the meantime. Compare it with your changes below."
            ),
            code="changed",
        )
    stored = {row.id: row for row in queries.criteria()}
    _check(lines, sample, set(stored))
    before = _picture(stored.values()), settings.sample
    for place, line in enumerate(lines, 1):
        row = stored[line.id] if line.id is not None else ReviewCriterion()
        row.name_sr, row.name_en = line.name_sr, line.name_en
        row.about_sr, row.about_en = line.about_sr, line.about_en
        row.weight, row.position, row.active = line.weight, place, line.active
        db.session.add(row)
    _take_out([stored[key] for key in stored.keys() - {line.id for line in lines}], len(lines) + 1)
    settings.sample = sample
    db.session.flush()
    if (_picture(queries.criteria()), sample) == before:
        return False
    settings.rubric_version += 1
    in_use = [row.name_en for row in queries.criteria(active=True)]
    record(actor, "review.rubric_changed", "rubric", criteria=in_use, sample=sample)
    return True


def _take_out(rows: Sequence[ReviewCriterion], position: int) -> None:
    used = queries.used_criteria()
    for row in rows:
        if row.id in used:
            row.active, row.position = False, position
        else:
            db.session.delete(row)


def _picture(rows: object) -> list[tuple[object, ...]]:
    return [
        (row.id, row.name_sr, row.name_en, row.about_sr, row.about_en, row.weight, row.active)
        for row in rows  # type: ignore[attr-defined]
    ]


def _check(lines: Sequence[CriterionData], sample: int, known: set[int]) -> None:
    errors: dict[str, list[Text]] = {}
    ids = [line.id for line in lines if line.id is not None]
    if len(set(ids)) != len(ids) or not set(ids) <= known or len(lines) > MOST_LINES:
        raise Invalid
    for place, line in enumerate(lines):
        for name, text, most in (
            ("name_sr", line.name_sr, 80),
            ("name_en", line.name_en, 80),
            ("about_sr", line.about_sr, 300),
            ("about_en", line.about_en, 300),
        ):
            if name.startswith("name") and not text:
                errors[f"{place}-{name}"] = [lazy_gettext("This field is required.")]
            if len(text) > most:
                errors[f"{place}-{name}"] = [lazy_gettext("This is too long.")]
        if type(line.weight) is not int or not 1 <= line.weight <= MAX_WEIGHT:
            errors[f"{place}-weight"] = [lazy_gettext("A whole number from 1 to 100.")]
    in_use = sum(line.active for line in lines)
    if not 1 <= in_use <= MOST_CRITERIA:
        errors["rubric"] = [lazy_gettext("Use between 1 and 12 criteria.")]
    if type(sample) is not int or not 0 <= sample <= MOST_DRAWN:
        errors["sample"] = [lazy_gettext("A whole number from 0 to 20.")]
    if errors:
        raise Invalid(fields=errors)
