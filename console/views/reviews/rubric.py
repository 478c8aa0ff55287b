"""The rubric: criteria with their meaning and weight; and the size of the random sample."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, IntegerField, StringField, TextAreaField

from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.forms import Form as TokenForm
from console.core.ids import read_key
from console.core.text import one_line
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets.reviews import queries
from console.tickets.reviews.models import ReviewCriterion
from console.tickets.reviews.rubric import MAX_WEIGHT, MOST_CRITERIA, MOST_DRAWN, MOST_LINES, CriterionData, save_rubric
from console.views.shared.base import Page
from console.web.answers import wants_json
from console.web.identity import current_actor

TEXTS = ("name_sr", "name_en", "about_sr", "about_en")


class LineForm(Form):
    """One criterion."""

    id = HiddenField()
    name_sr = StringField(lazy_gettext("Name in Serbian"))
    name_en = StringField(lazy_gettext("Name in English"))
    about_sr = TextAreaField(lazy_gettext("Description in Serbian"))
    about_en = TextAreaField(lazy_gettext("Description in English"))
    weight = IntegerField(lazy_gettext("Weight"))
    position = IntegerField(lazy_gettext("Sort order"))
    active = BooleanField(lazy_gettext("In use"))
    gone = BooleanField(lazy_gettext("Delete"))

    @property
    def is_blank(self) -> bool:
        """Return whether nothing was written into a new line."""
        return not self.id.data and not any(self[name].data for name in TEXTS)


class RubricForm(TokenForm):
    """All of them. The names are ``lines-0-name_sr`` and so on."""

    lines = FieldList(FormField(LineForm), max_entries=MOST_LINES + 1)
    sample = IntegerField(lazy_gettext("Solved tickets sampled per agent and week"))
    version = HiddenField()


class ReviewRubric(Page):
    """The rubric, for supervisors."""

    permission = Permission.REVIEW
    parent = "reviews"

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Rubric"), endpoint="review_rubric", url="/console/reviews/rubric")

    @expose("")
    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the rubric, each criterion to be changed, and a line for a new one."""
        settings = queries.settings_row()
        rows = queries.criteria()
        if wants_json():
            return jsonify(items=[_json(row) for row in rows], sample=settings.sample, version=settings.rubric_version)
        return self._page(_filled(rows, settings.sample, settings.rubric_version))

    @expose("", methods=["POST"])
    @expose("/", methods=["POST"])
    def save(self) -> ResponseReturnValue:
        """Change the rubric."""
        form = RubricForm()
        places = [place for place, line in enumerate(form.lines) if not (line.form.is_blank or line.form.gone.data)]
        places.sort(key=lambda place: (form.lines[place].form.position.data or MOST_LINES, place))
        try:
            form.refuse_spoiled()
            wrong = _unreadable(form, places)
            if wrong:
                raise Invalid(fields=wrong)
            with transaction():
                lines = [_data(form.lines[place].form) for place in places]
                version = read_key(form.version.data) if form.version.data != "0" else 0
                changed = save_rubric(
                    current_actor(), lines, _whole(form.sample.data), version=-1 if version is None else version
                )
        except (Invalid, Conflict) as refusal:
            if wants_json():
                raise
            _mark(form, places, refusal)
            return Response(self._page(form, refusal), refusal.status)
        if wants_json():
            return jsonify(changed=changed)
        if changed:
            flash(gettext("Saved. Past reviews keep their criteria."), "success")
        else:
            flash(gettext("Nothing to save."), "info")
        return redirect(self.get_url(".index"), 303)

    def _page(self, form: RubricForm, refusal: Refusal | None = None) -> str:
        if len(form.lines) <= MOST_LINES and not (len(form.lines) and form.lines[-1].form.is_blank):
            form.lines.append_entry({"weight": 1, "position": len(form.lines) + 1, "active": True})
        stored = {row.id: row for row in queries.criteria()}
        weights = [line.form.weight.data or 0 for line in form.lines if line.form.active.data and line.form.id.data]
        return str(
            self.render(
                "admin/reviews/rubric.html",
                form=form,
                refusal=refusal,
                stored=stored if isinstance(refusal, Conflict) else None,
                version=queries.settings_row().rubric_version,
                used=queries.used_criteria(),
                whole=sum(weights),
                most={"weight": MAX_WEIGHT, "criteria": MOST_CRITERIA, "drawn": MOST_DRAWN},
            )
        )


def _filled(rows: Any, sample: int, version: int) -> RubricForm:
    lines = [
        {name: getattr(row, name) for name in (*TEXTS, "id", "weight", "active")} | {"position": place}
        for place, row in enumerate(rows, 1)
    ]
    return RubricForm(formdata=None, data={"lines": lines, "sample": sample, "version": version})


def _data(line: Any) -> CriterionData:
    return CriterionData(
        id=read_key(line.id.data) if line.id.data else None,
        **{name: one_line(line[name].data or "") for name in TEXTS},
        weight=_whole(line.weight.data),
        active=line.active.data,
    )


def _whole(value: int | None) -> int:
    return -1 if value is None else value  # is refused with its words


def _unreadable(form: RubricForm, places: list[int]) -> dict[str, list[Text]]:
    """Return the keys that are none."""
    wrong = [
        place for place in places if form.lines[place].form.id.data and not read_key(form.lines[place].form.id.data)
    ]
    return {f"{places.index(place)}-id": [lazy_gettext("Invalid input.")] for place in wrong}


def _mark(form: RubricForm, places: list[int], refusal: Refusal) -> None:
    """Show the errors at their fields."""
    for name, texts in refusal.fields.items():
        place, _dash, field = name.partition("-")
        if field and place.isdigit() and int(place) < len(places):
            line = form.lines[places[int(place)]].form
            if field in line:
                line[field].errors = [str(text) for text in texts]
        elif name in form:
            form[name].errors = [str(text) for text in texts]


def _json(row: ReviewCriterion) -> dict[str, Any]:
    return {"id": row.id, **{name: getattr(row, name) for name in TEXTS}, "weight": row.weight, "active": row.active}
