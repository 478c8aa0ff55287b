"""Forms of an account's data, in the portal and on an agent's page. The verbs check what is typed."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, EmailField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.customers.account.handover import ADDRESS, HandoverData
from console.customers.account.profile import ORDINARY, ProfileData, profile_of
from console.customers.models import Customer, CustomerKind, TaxStatus
from console.customers.people.forms import VerbForm
from console.customers.service import HOME
from console.settings.sections import countries

LANGUAGES = (SelectChoice("sr_Latn", "Srpski"), SelectChoice("en", "English"))
KEEP = (
    SelectChoice("keep", lazy_gettext("They stay, with the permissions they have")),
    SelectChoice("remove", lazy_gettext("They are removed")),
)
KINDS = (
    SelectChoice("person", lazy_gettext("A person")),
    SelectChoice("company", lazy_gettext("A company")),
)


def country_choices() -> list[SelectChoice]:
    """Return the countries in the reader's language, Serbia first."""
    names = countries()
    return [SelectChoice(HOME, names[HOME]), *(SelectChoice(code, names[code]) for code in names if code != HOME)]


class AddressForm(VerbForm):
    """Where someone lives or a company is."""

    address = StringField(lazy_gettext("Address"))
    city = StringField(lazy_gettext("City"))
    postcode = StringField(lazy_gettext("Postcode"))
    country = SelectField(lazy_gettext("Country"), default=HOME, validate_choice=False)
    phone = StringField(lazy_gettext("Phone"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = country_choices()


class ProfileForm(AddressForm):
    """The holder's data. ``choice`` says what another name, PIB or MB is: ``correction`` or ``handover``."""

    name = StringField(lazy_gettext("Full name"))
    company = StringField(lazy_gettext("Company name"))
    pib = StringField(lazy_gettext("PIB"))
    mb = StringField(lazy_gettext("Company number (MB)"))
    language = SelectField(lazy_gettext("Language of documents and e-mails"), choices=LANGUAGES, validate_choice=False)
    choice = HiddenField()
    reason = TextAreaField(lazy_gettext("What was wrong"))

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        """Fill the form in with the account's data, where nothing was sent.

        Args:
            customer: the account whose data they are.
        """
        super().__init__(*args, data=_profile_fields(customer), **kwargs)
        self.customer = customer

    def data_of(self) -> ProfileData:
        """Return what was typed; what a program left out is as it was."""
        present = profile_of(self.customer)
        texts = {name: self._text(name, getattr(present, name)) for name in (*ORDINARY, "pib", "mb")}
        if self.customer.kind is CustomerKind.COMPANY:
            own = self._text("name", present.owner_name or "")
            owner_name = own if present.owner_name is not None else None
            return ProfileData(name=self._text("company", present.name), owner_name=owner_name, **texts)
        return ProfileData(name=self._text("name", present.name), **texts)

    def show_at_fields(self, fields: dict[str, list[Text]]) -> dict[str, list[Text]]:
        """Return a verb's messages by this form's names: a company's name has a field of its own."""
        company = self.customer.kind is CustomerKind.COMPANY
        names = {"name": "company", "owner_name": "name"} if company else {}
        return {names.get(name, name): found for name, found in fields.items()}

    def _text(self, name: str, present: str) -> str:
        return str(self[name].data or "") if self[name].raw_data else present


class ConfirmForm(VerbForm):
    """How the holder is taxed from now on, where a correction names another country."""

    tax_status = SelectField(lazy_gettext("Tax"), choices=[one.value for one in TaxStatus], validate_choice=False)

    def status(self) -> TaxStatus | None:
        return TaxStatus(self.tax_status.data) if self.tax_status.data in set(TaxStatus) else None


class EmailForm(VerbForm):
    """A new sign-in address."""

    email = EmailField(lazy_gettext("New e-mail address"))


class HandoverForm(AddressForm):
    """The new holder of an account, step by step. ``step``: which step was filled in; programs send everything."""

    person_name = StringField(lazy_gettext("Full name of the new owner"))
    email = EmailField(lazy_gettext("E-mail address of the new owner"))
    kind = RadioField(lazy_gettext("New holder"), choices=KINDS, default="person")
    company = StringField(lazy_gettext("Company name"))
    pib = StringField(lazy_gettext("PIB"))
    mb = StringField(lazy_gettext("Company number (MB)"))
    users = RadioField(lazy_gettext("Users with a sign-in of their own"), choices=KEEP, default="remove")
    contacts = RadioField(lazy_gettext("Contacts/sub-accounts"), choices=KEEP, default="remove")
    step = HiddenField()

    def data_of(self) -> HandoverData:
        names = (*ADDRESS, "person_name", "email", "company", "pib", "mb")
        texts = {name: str(self[name].data or "") for name in names}
        kind = CustomerKind.COMPANY if self.kind.data == CustomerKind.COMPANY.value else CustomerKind.PERSON
        return HandoverData(
            kind=kind, keeps_users=self.users.data == "keep", keeps_contacts=self.contacts.data == "keep", **texts
        )


class AnswerForm(VerbForm):
    """Why a correction is refused."""

    reason = StringField(lazy_gettext("Reason"))


def _profile_fields(customer: Customer) -> dict[str, Any]:
    data = profile_of(customer)
    company = customer.kind is CustomerKind.COMPANY
    fields = {name: getattr(data, name) for name in (*ORDINARY, "pib", "mb")}
    return fields | {
        "name": data.owner_name if company else data.name,
        "company": data.name if company else "",
    }


class AccountStateForm(VerbForm):
    """What an account becomes, and why. ``confirmed``: a box that is ticked before one is closed."""

    state = StringField()
    reason = TextAreaField(lazy_gettext("Reason"))
    confirmed = BooleanField(lazy_gettext("Close this account"))
