"""The form of one record, in the portal and on an agent's page. Verbs check what is typed."""

from __future__ import annotations

from typing import Any

from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from console.core.errors import Invalid, Refusal
from console.core.forms import Form
from console.core.ids import read_count
from console.core.texts import lazy_gettext, lazy_pgettext
from console.hosting.dns.models import RecordType
from console.hosting.dns.rules import DEFAULT_TTL, RecordData, RecordInput, to_display


class RecordForm(Form):
    """A record. Names may be relative; what is wrong is shown where it was typed."""

    name = StringField(lazy_pgettext("dns", "Name"), default="@")
    type = SelectField(
        lazy_gettext("Type"),
        choices=[SelectChoice(kind.value, kind.value) for kind in RecordType],
        default=RecordType.A.value,
        validate_choice=False,
    )
    ttl = StringField(lazy_gettext("TTL (seconds)"), default=str(DEFAULT_TTL))
    value = StringField(lazy_gettext("Value"))
    version = StringField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal: Refusal | None = None

    @classmethod
    def of(cls, record: RecordData) -> RecordForm:
        """Return the form filled in with a record."""
        value = to_display(record.type, record.value)
        data = {"name": record.name, "type": record.type.value, "ttl": str(record.ttl), "value": value}
        return cls(formdata=None, data=data)

    def typed(self) -> RecordInput:
        """Return what was typed; a TTL that was left out is the usual one."""
        ttl = self.ttl.data or str(DEFAULT_TTL)
        return RecordInput(self.name.data or "", self.type.data or "", ttl, self.value.data or "")

    def require(self) -> int:
        """Return the version that was looked at.

        Raises:
            Invalid: a field holds what cannot be stored, or the version is none.
        """
        self.refuse_spoiled()
        return read_version(self.version.data)

    def show(self, refusal: Refusal) -> None:
        """Put a verb's messages at the fields they are about."""
        self.refusal = refusal
        for name, messages in refusal.fields.items():
            if name in self:
                self[name].errors = [str(message) for message in messages]


def read_version(value: object) -> int:
    """Return the version that a form names.

    Raises:
        Invalid: it names none.
    """
    version = read_count("" if value is None else value)
    if version is None:
        raise Invalid(fields={"version": [lazy_gettext("Reload the page and repeat your change.")]})
    return version
