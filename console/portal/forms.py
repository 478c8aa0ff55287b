"""Forms of the portal. Verbs validate; forms carry the values and show errors at their fields."""

from __future__ import annotations

from typing import Any

from wtforms import EmailField, Field, HiddenField, PasswordField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Refusal
from console.core.texts import gettext, lazy_gettext
from console.customers.models import CustomerKind
from console.customers.people.forms import ContactForm, InviteForm, MailForm, NoticesForm, PermissionsForm, UserForm
from console.customers.people.forms import VerbForm as PortalForm
from console.customers.registration import RegistrationData
from console.staff.passwords import complaint

__all__ = [
    "ChangePasswordForm",
    "CodeForm",
    "ContactForm",
    "ForgottenForm",
    "InviteForm",
    "MailForm",
    "NewPasswordForm",
    "NoticesForm",
    "PasskeyForm",
    "PermissionsForm",
    "PortalForm",
    "RecoveryForm",
    "RegisterForm",
    "RegisterInvitedForm",
    "SsoForm",
    "UserForm",
]

MIXED_FROM = 8  # characters, as the FAQ asks: capital and small letters and a symbol


class CodeForm(PortalForm):
    """A one-time code of the authenticator, or a recovery code."""

    code = StringField(lazy_gettext("One-time code"))

    def show(self, refusal: Refusal | None) -> None:
        """Put the messages at the field; there may be none."""
        if refusal is not None:
            super().show(refusal)


class PasskeyForm(PortalForm):
    """A passkey as its owner calls it."""

    name = StringField(lazy_gettext("Name of the passkey"))
    removed: int | None = None  # whose removal was refused


class RecoveryForm(PortalForm):
    """A lost device to stop; one's own where none is named."""

    recovery = HiddenField()


class SsoForm(PortalForm):
    """The switch of single sign-on, or one grant."""

    ended: int | None = None  # the grant that could not be ended


class NewPasswordForm(PortalForm):
    """A password the person chooses, by the rule that the FAQ names."""

    password = PasswordField(lazy_gettext("New password"))
    again = PasswordField(lazy_gettext("New password again"))

    def __init__(self, *args: Any, email: str, owner_name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = (email, owner_name)

    def validate_password(self, field: Field) -> None:
        """Refuse the short and the obvious."""
        email, name = self.owner
        reason = complaint(field.data or "", email=email, name=name, mixed_from=MIXED_FROM)
        if reason is not None:
            raise ValidationError(str(reason))

    def validate_again(self, field: Field) -> None:
        """Refuse two that differ: one of them is mistyped. Programs send one."""
        if field.raw_data and field.data != self.password.data:
            raise ValidationError(gettext("The passwords do not match."))


class RegisterInvitedForm(NewPasswordForm):
    """The sign-in of an invited person."""

    name = StringField(lazy_gettext("Full name"))


class RegisterForm(NewPasswordForm):
    """Registering a new account, for a person or a company."""

    name = StringField(lazy_gettext("Full name"))
    email = EmailField(lazy_gettext("E-mail address"))
    kind = RadioField(
        lazy_gettext("Account for"),
        choices=[
            SelectChoice("person", lazy_gettext("A person")),
            SelectChoice("company", lazy_gettext("A company")),
        ],
        default="person",
    )
    company = StringField(lazy_gettext("Company name"))
    pib = StringField(lazy_gettext("PIB"))
    mb = StringField(lazy_gettext("Company number (MB)"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, email="", **kwargs)
        self.owner = (self.email.data or "", self.name.data or "")

    def data_of(self, language: str) -> RegistrationData:
        return RegistrationData(
            name=self.name.data or "",
            email=self.email.data or "",
            kind=CustomerKind.COMPANY if self.kind.data == CustomerKind.COMPANY.value else CustomerKind.PERSON,
            company=self.company.data or "",
            pib=self.pib.data or "",
            mb=self.mb.data or "",
            language=language,
        )


class ChangePasswordForm(NewPasswordForm):
    """A password changed by its owner, who shows the present one first."""

    current = PasswordField(lazy_gettext("Current password"))


class ForgottenForm(PortalForm):
    """Whose password is forgotten. An address that can be none is said to be: that tells nothing about who is here."""

    email = EmailField(lazy_gettext("E-mail address"))

    def validate_email(self, field: Field) -> None:
        """Refuse an address that cannot receive mail."""
        try:
            read_email(field.data or "")
        except NoAddress as error:
            raise ValidationError(str(email_problem(error))) from error
