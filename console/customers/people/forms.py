"""Forms of an account's people, in the portal and on an agent's page. Verbs check; forms carry and show."""

from __future__ import annotations

from typing import Any

from wtforms import EmailField, PasswordField, RadioField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice

from console.core.errors import Invalid, Refusal
from console.core.forms import Form
from console.core.texts import lazy_gettext
from console.customers.labels import MAIL_CHOICES, RIGHT_NAMES
from console.customers.people.members import ContactData
from console.customers.rights import MailCategory, Right


class VerbForm(Form):
    """A form whose refusal is shown at its fields."""

    own_password = PasswordField(lazy_gettext("Your password"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal: Refusal | None = None

    def require(self) -> None:
        """Refuse what cannot be read, before a verb is called.

        Raises:
            Invalid: with a message for each wrong field.
        """
        if not self.validate():
            raise Invalid(fields={name: list(errors) for name, errors in self.errors.items() if name})

    def show(self, refusal: Refusal) -> None:
        """Put a verb's messages at the fields they are about."""
        self.refusal = refusal
        for name, messages in refusal.fields.items():
            if name in self:
                self[name].errors = [str(message) for message in messages]


class PermissionsForm(VerbForm):
    """What a person may do on the account."""

    permissions = SelectMultipleField(
        lazy_gettext("Permissions"), choices=[SelectChoice(right.value, RIGHT_NAMES[right]) for right in Right]
    )

    def rights(self) -> frozenset[Right]:
        return frozenset(Right(key) for key in self.permissions.data or ())


class NoticesForm(VerbForm):
    """Which mail a person gets about an account."""

    categories = SelectMultipleField(
        lazy_gettext("E-mail notifications"),
        choices=[SelectChoice(one.value, MAIL_CHOICES[one]) for one in MailCategory],
    )

    def mail(self) -> frozenset[MailCategory]:
        return frozenset(MailCategory(key) for key in self.categories.data or ())


class MailForm(PermissionsForm, NoticesForm):
    """What a person may do, and which mail they get."""


class ContactForm(MailForm):
    """A contact of the account."""

    name = StringField(lazy_gettext("Full name"))
    email = EmailField(lazy_gettext("E-mail address"))
    phone = StringField(lazy_gettext("Phone"))
    address = StringField(lazy_gettext("Address"))
    city = StringField(lazy_gettext("City"))
    postcode = StringField(lazy_gettext("Postcode"))

    def contact(self) -> ContactData:
        """Return what was typed."""
        names = ("name", "email", "phone", "address", "city", "postcode")
        return ContactData(**{name: self[name].data or "" for name in names}, rights=self.rights(), mail=self.mail())


class UserForm(MailForm):
    """An independent user of the account."""


class InviteForm(PermissionsForm):
    """An invitation: every permission one has oneself, or chosen ones."""

    email = EmailField(lazy_gettext("E-mail address"))
    which = RadioField(
        lazy_gettext("Permissions"),
        choices=[
            SelectChoice("all", lazy_gettext("All permissions")),
            SelectChoice("chosen", lazy_gettext("Chosen permissions")),
        ],
        default="chosen",
    )

    def granted(self, own: frozenset[Right]) -> frozenset[Right]:
        """Return what is asked for.

        Args:
            own: what the inviter holds: "all" is no more than that.
        """
        return own if self.which.data == "all" else self.rights()
