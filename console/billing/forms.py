"""Forms of migrations. Field names are part of the contract with scripts."""

from __future__ import annotations

from wtforms import BooleanField, DateField, Field, HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, InputRequired, Length, StopValidation

from console.billing.migration.registry import MAX_NOTE
from console.billing.migration.requests import MAX_REASON
from console.core.forms import Form, KeyField
from console.core.ids import to_key
from console.core.texts import lazy_gettext


class Needed(DataRequired):
    """Needed unless a migration is reversed: what moves then, and where to, is known."""

    def __call__(self, form: BaseForm, field: Field) -> None:
        if form["reverses"].data:
            raise StopValidation
        super().__call__(form, field)


class MigrationRequestForm(Form):
    """Which services, to whom, under which verification, why."""

    service = SelectMultipleField(
        lazy_gettext("Services"),
        coerce=to_key,
        validate_choice=False,
        validators=[Needed(lazy_gettext("Choose at least one service."))],
    )
    reverses = StringField(lazy_gettext("Reverses"), validators=[Length(max=20)])
    leave = SelectMultipleField(lazy_gettext("Do not move"), coerce=to_key, validate_choice=False)
    to_customer = StringField(
        lazy_gettext("New owner"),
        description=lazy_gettext("The account number or the owner’s registered e-mail."),
        validators=[Needed(lazy_gettext("Enter the new owner.")), Length(max=254)],
    )
    reason = TextAreaField(
        lazy_gettext("Reason"),
        description=lazy_gettext("Why the services are being migrated, for the record."),
        validators=[DataRequired(lazy_gettext("Enter the reason for the migration.")), Length(max=MAX_REASON)],
    )
    verification = KeyField(validators=[InputRequired()])
    idempotency_key = HiddenField(validators=[DataRequired()])


class PlanForm(Form):
    """The preview that was looked at."""

    plan = HiddenField(validators=[DataRequired(), Length(64, 64)])
    idempotency_key = HiddenField(validators=[DataRequired()])
    lose_exemption = BooleanField(lazy_gettext("PDV will be charged on lines that had none: the exemption is lost"))


class EndForm(Form):
    """Why a request ends without being executed."""

    reason = TextAreaField(
        lazy_gettext("Reason"), validators=[DataRequired(lazy_gettext("Enter a reason.")), Length(max=MAX_REASON)]
    )


class ScheduleForm(PlanForm):
    """The day on which a migration is executed, with the preview of that day."""

    on = DateField(lazy_gettext("Day"), validators=[DataRequired(lazy_gettext("Choose a day."))])


class NoteForm(Form):
    """What a person notes at a task."""

    note = StringField(lazy_gettext("Note"), validators=[Length(max=MAX_NOTE)])
