"""Forms of the console about customers' sign-in."""

from __future__ import annotations

from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from console.core.forms import Form, KeyField


class ReviewRecoveryForm(Form):
    """What a supervisor says to a lost device that waits."""

    recovery = KeyField(validators=[InputRequired()])
    decision = RadioField(choices=[SelectChoice("allow", "allow"), SelectChoice("refuse", "refuse")])
    back = StringField()  # ``list``: to the list of all that wait
