"""Forms of migrations. Field names are part of the contract with scripts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from console.billing.migrate.request import MAX_REASON
from console.core.forms import Form

LARGEST_KEY = 2**31 - 1


class MigrationRequestForm(Form):
    """Which services, to whom, under which verification, why."""

    service = SelectMultipleField(
        _l("Services"), coerce=int, validate_choice=False, validators=[DataRequired(_l("Choose at least one service."))]
    )
    to_customer = StringField(
        _l("New owner"),
        description=_l("The account's number, or its owner's registered e-mail."),
        validators=[DataRequired(_l("Say who the new owner is.")), Length(max=254)],
    )
    reason = TextAreaField(
        _l("Reason"),
        description=_l("For the record: why the services move."),
        validators=[DataRequired(_l("Say why the services move.")), Length(max=MAX_REASON)],
    )
    verification = IntegerField(validators=[InputRequired(), NumberRange(1, LARGEST_KEY)])
    idempotency_key = HiddenField(validators=[DataRequired()])


class PlanForm(Form):
    """The preview that was looked at."""

    plan = HiddenField(validators=[DataRequired(), Length(64, 64)])
    idempotency_key = HiddenField(validators=[DataRequired()])


class EndForm(Form):
    """Why a request ends without being executed."""

    reason = TextAreaField(_l("Reason"), validators=[DataRequired(_l("Say why.")), Length(max=MAX_REASON)])
