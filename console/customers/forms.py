"""Forms of verification. The verb checks the inputs, so that programs get the same messages."""

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
    """E-mail and PIN of a caller. The PIN is never shown again (a password field renders no value)."""

    email = EmailField(lazy_gettext("Registered e-mail"))
    pin = PasswordField(lazy_gettext("Support PIN"))
    channel = StringField(lazy_gettext("How they contacted you"), default="phone")
    customer = HiddenField()  # the page it was typed on, to come back to


class OverrideForm(Form):
    """A supervisor's reason to open an account without its people."""

    reason = TextAreaField(lazy_gettext("Reason"))


class UnlockForm(Form):
    """The person whose verification is unlocked."""

    membership = KeyField(validators=[InputRequired()])


class SignInForm(Form):
    """The portal's sign-in. A malformed e-mail gets the same answer as an unknown one."""

    email = EmailField(lazy_gettext("E-mail"))
    password = PasswordField(lazy_gettext("Password"))
    next = HiddenField()
