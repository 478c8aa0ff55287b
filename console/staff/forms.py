"""Forms of staff accounts and of signing in."""

from __future__ import annotations

from typing import Any

from wtforms import EmailField, Field, HiddenField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Text
from console.core.forms import Form
from console.core.texts import gettext, lazy_gettext
from console.staff.passwords import MAX_LENGTH, complaint
from console.staff.roles import Role

ROLE_NAMES: dict[Role, Text] = {
    Role.AGENT: lazy_gettext("Agent"),
    Role.BILLING: lazy_gettext("Billing"),
    Role.SUPERVISOR: lazy_gettext("Supervisor"),
    Role.ADMIN: lazy_gettext("Administrator"),
}
_EMAIL_LENGTH, _NAME_LENGTH = 254, 120


def valid_email(_form: Form, field: Field) -> None:
    """Refuse an address that cannot receive mail."""
    try:
        read_email(field.data or "")
    except NoAddress as error:
        raise ValidationError(str(email_problem(error))) from error


class SignInForm(Form):
    """The first step. Nothing is said about the e-mail's form: it either signs in or it does not."""

    email = EmailField(
        lazy_gettext("E-mail"), [DataRequired(lazy_gettext("Enter your e-mail address.")), Length(max=_EMAIL_LENGTH)]
    )
    password = PasswordField(
        lazy_gettext("Password"), [DataRequired(lazy_gettext("Enter your password.")), Length(max=MAX_LENGTH)]
    )
    next = HiddenField()


class ForgottenForm(Form):
    """Whose password is forgotten. An address that can be none is said to be: that tells nothing about who is here."""

    email = EmailField(
        lazy_gettext("E-mail"),
        [DataRequired(lazy_gettext("Enter your e-mail address.")), valid_email, Length(max=_EMAIL_LENGTH)],
    )


class CodeForm(Form):
    """The second step, and the proof that an authenticator was set up."""

    code = StringField(lazy_gettext("One-time code"), [DataRequired(lazy_gettext("Enter the code.")), Length(max=40)])
    next = HiddenField()


class NewPasswordForm(Form):
    """A password that replaces a temporary one."""

    password = PasswordField(lazy_gettext("New password"), [DataRequired(lazy_gettext("Enter a new password."))])
    again = PasswordField(lazy_gettext("New password again"))
    next = HiddenField()

    def __init__(self, *args: Any, email: str, name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = (email, name)

    def validate_password(self, field: Field) -> None:
        """Refuse the short and the obvious."""
        email, name = self.owner
        reason = complaint(field.data or "", email=email, name=name)
        if reason is not None:
            raise ValidationError(str(reason))

    def validate_again(self, field: Field) -> None:
        """Refuse two that differ: one of them is mistyped."""
        if field.data != self.password.data:
            raise ValidationError(gettext("The passwords do not match."))


class ChangePasswordForm(NewPasswordForm):
    """A password changed by its owner, who shows the present one first."""

    current = PasswordField(
        lazy_gettext("Current password"),
        [DataRequired(lazy_gettext("Enter your current password.")), Length(max=MAX_LENGTH)],
    )


class ConfirmForm(Form):
    """Something serious on one's own account: the present password again."""

    current = PasswordField(
        lazy_gettext("Current password"),
        [DataRequired(lazy_gettext("Enter your current password.")), Length(max=MAX_LENGTH)],
    )


class SetUpForm(ConfirmForm):
    """The second step switched on: a code of the authenticator, and the present password."""

    code = StringField(lazy_gettext("One-time code"), [DataRequired(lazy_gettext("Enter the code.")), Length(max=40)])


class SignatureForm(Form):
    """What stands under one's replies by mail."""

    signature_sr = TextAreaField(lazy_gettext("In Serbian"))
    signature_en = TextAreaField(lazy_gettext("In English"))


class StaffForm(Form):
    """An account as an admin sees it."""

    name = StringField(
        lazy_gettext("Name"),
        [
            DataRequired(lazy_gettext("Enter the name that colleagues and customers will see.")),
            Length(max=_NAME_LENGTH),
        ],
    )
    email = EmailField(lazy_gettext("E-mail"), [valid_email, Length(max=_EMAIL_LENGTH)])
    role = SelectField(
        lazy_gettext("Role"), choices=[SelectChoice(role.value, name) for role, name in ROLE_NAMES.items()]
    )
    seen = HiddenField()


class NewStaffForm(StaffForm):
    """A new account. Without a password a temporary one is made."""

    password = PasswordField(lazy_gettext("Password"), [Optional()])

    def validate_password(self, field: Field) -> None:
        """Refuse the short and the obvious."""
        reason = complaint(field.data or "", email=self.email.data or "", name=self.name.data or "")
        if reason is not None:
            raise ValidationError(str(reason))
