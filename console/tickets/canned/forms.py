"""Forms of canned replies and their categories."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange
from wtforms.validators import Optional as MayBeEmpty

from console.core.errors import Refusal
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.tickets.canned.models import MAX_BODY, MAX_NAME, MAX_SHORTCUT, MAX_TITLE
from console.tickets.canned.service import MAX_POSITION, ReplyData


def _key(value: str | int) -> int | None:
    """Read a key, ``None`` where nothing is chosen.

    Raises:
        ValueError: it is none.
    """
    return int(value) if value != "" else None


class ReplyForm(Form):
    """A canned reply, both languages side by side."""

    category_id = SelectField(lazy_gettext("Category"), coerce=int)
    department_id = SelectField(
        lazy_gettext("Department"), coerce=_key, description=lazy_gettext("Suggested first in this department.")
    )
    shortcut = StringField(
        lazy_gettext("Shortcut"),
        [DataRequired(), Length(max=MAX_SHORTCUT + 1)],
        description=lazy_gettext("What you type after /: letters without accents, digits and dashes."),
    )
    title_sr = StringField(lazy_gettext("Title in Serbian"), [DataRequired(), Length(max=MAX_TITLE)])
    title_en = StringField(lazy_gettext("Title in English"), [DataRequired(), Length(max=MAX_TITLE)])
    body_sr = TextAreaField(lazy_gettext("Text in Serbian"), [DataRequired(), Length(max=MAX_BODY)])
    body_en = TextAreaField(lazy_gettext("Text in English"), [DataRequired(), Length(max=MAX_BODY)])
    verified_only = BooleanField(
        lazy_gettext("Only after verification"),
        description=lazy_gettext("Locked on a ticket until the person is verified: technical help, accounting."),
    )
    active = BooleanField(lazy_gettext("Active"), default=True)
    position = IntegerField(lazy_gettext("Sort order"), [MayBeEmpty(), NumberRange(min=0, max=MAX_POSITION)], default=0)

    def reply_data(self) -> ReplyData:
        """Return what was filled in."""
        return ReplyData(
            category_id=self.category_id.data,
            department_id=self.department_id.data,
            shortcut=self.shortcut.data or "",
            title_sr=self.title_sr.data or "",
            title_en=self.title_en.data or "",
            body_sr=self.body_sr.data or "",
            body_en=self.body_en.data or "",
            verified_only=self.verified_only.data,
            active=self.active.data,
            position=self.position.data or 0,
        )


class CategoryForm(Form):
    """A category; with ``id`` one that is there."""

    id = HiddenField()
    name_sr = StringField(lazy_gettext("Name in Serbian"), [DataRequired(), Length(max=MAX_NAME)])
    name_en = StringField(lazy_gettext("Name in English"), [DataRequired(), Length(max=MAX_NAME)])
    position = IntegerField(lazy_gettext("Sort order"), [MayBeEmpty(), NumberRange(min=0, max=MAX_POSITION)], default=0)

    def key(self) -> int | None:
        """Return which category is meant, ``None`` for a new one; what is no key names none that exists."""
        text = str(self.id.data or "")
        if not text:
            return None
        return read_key(text) or 0

    def mark(self, refusal: Refusal) -> None:
        """Put the errors of a verb at their fields."""
        for name, texts in refusal.fields.items():
            if name in self:
                self[name].errors = [str(text) for text in texts]
