"""Forms of verification. What is wrong with an input is said by the verb, so that programs hear the same."""

from __future__ import annotations

from wtforms import EmailField, HiddenField, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired

from console.core.errors import Text
from console.core.forms import Form, KeyField
from console.core.texts import lazy_gettext

SPOKEN_CHANNELS: tuple[tuple[str, Text], ...] = (
    ("phone", lazy_gettext("By phone")),
    ("mail", lazy_gettext("By e-mail")),
)


class VerifyForm(Form):
    """What a caller says. The PIN is never shown again (a password field keeps no value)."""

    email = EmailField(lazy_gettext("Registered e-mail"))
    pin = PasswordField(lazy_gettext("Support PIN"))
    channel = StringField(lazy_gettext("How they contacted you"), default="phone")
    customer = HiddenField()  # the page it was typed on, to come back to


class OverrideForm(Form):
    """A supervisor's reason to open an account without its people."""

    reason = TextAreaField(lazy_gettext("Reason"))


class UnlockForm(Form):
    """Whose verification is unlocked."""

    membership = KeyField(validators=[InputRequired()])


class SignInForm(Form):
    """The portal's sign-in. Nothing is said about the e-mail's form: it signs in or it does not."""

    email = EmailField(lazy_gettext("E-mail"))
    password = PasswordField(lazy_gettext("Password"))
    next = HiddenField()
