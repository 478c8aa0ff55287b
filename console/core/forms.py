"""The base of every form: what is typed is marked where it cannot be stored, and messages come from our catalogue.

WTForms' own Serbian is in Cyrillic; ours is in Latin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import Field, FieldList, FormField, IntegerField

from console.core.errors import Invalid, Text
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, ngettext, of_reader

SPOILED = lazy_gettext("A character that cannot be stored was removed. Check the text.")


class Catalogue:
    """What WTForms asks for its messages."""

    def gettext(self, text: str) -> str:
        """Translate ``text``; WTForms fills it in itself."""
        return gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Translate a message that counts; WTForms fills it in itself, Flask-Babel's own would too early."""
        return str(of_reader().translations.ungettext(one, many, count))


class MarksSpoiled:
    """What every form does about a NUL, which no keyboard types; before WTForms' own class."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; one into which a NUL was sent is marked, its text is shown without."""
        valid = bool(super().validate(extra_validators))  # type: ignore[misc]  # of the form that this is a part of
        for field in self._spoiled():
            field.errors = [*field.errors, str(SPOILED)]
            valid = False
        return valid

    def refuse_spoiled(self) -> None:
        """Refuse what held a NUL, in a view that leaves all else to its verb.

        Raises:
            Invalid: with a message for each such field.
        """
        spoiled: dict[str, list[Text]] = {field.name: [SPOILED] for field in self._spoiled()}
        if spoiled:
            raise Invalid(fields=spoiled)

    def _spoiled(self) -> list[Field]:
        names: frozenset[str] = getattr(request.form, "with_nul", frozenset())
        return [field for field in _fields(self) if field.name in names] if names else []


class Form(MarksSpoiled, FlaskForm):
    """A form with a CSRF token, in the reader's language."""

    class Meta(FlaskForm.Meta):
        """The messages are ours."""

        def get_translations(self, _form: Any) -> Catalogue:
            return Catalogue()


def refuse_spoiled(*names: str) -> None:
    """Refuse fields of this request that held a NUL, in a view that reads them without a form.

    Raises:
        Invalid: with a message for each.
    """
    held: frozenset[str] = getattr(request.form, "with_nul", frozenset())
    spoiled: dict[str, list[Text]] = {name: [SPOILED] for name in names if name in held}
    if spoiled:
        raise Invalid(fields=spoiled)


def _fields(form: Any) -> Iterator[Field]:
    """Yield every field that has a value of its own, those of lines within the form too."""
    for field in form:
        if isinstance(field, FormField | FieldList):
            yield from _fields(field)
        else:
            yield field


class KeyField(IntegerField):
    """The key of a row. A number that can be no key is refused as what is no number."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was sent.

        Raises:
            ValueError: it can be no key.
        """
        if not valuelist:
            return
        self.data = read_key(valuelist[0])
        if self.data is None:
            raise ValueError(self.gettext("Not a valid integer value."))


# WTForms' messages, named here so that the catalogue has them.
BUILT_IN = (
    lazy_gettext("This field is required."),
    lazy_gettext("Invalid email address."),
    lazy_gettext("Invalid input."),
    lazy_gettext("Not a valid choice."),
    lazy_gettext("Invalid Choice: could not coerce."),
    lazy_gettext("Invalid choice(s): one or more data inputs could not be coerced."),
    lazy_gettext("Not a valid integer value."),
    lazy_gettext("Not a valid decimal value."),
    lazy_gettext("Not a valid float value."),
    lazy_gettext("Not a valid date value."),
    lazy_gettext("Not a valid time value."),
    lazy_gettext("Not a valid datetime value."),
    lazy_gettext("Invalid value, must be one of: %(values)s."),
    lazy_gettext("Invalid value, can't be any of: %(values)s."),
    lazy_gettext("Number must be at least %(min)s."),
    lazy_gettext("Number must be at most %(max)s."),
    lazy_gettext("Number must be between %(min)s and %(max)s."),
    lazy_gettext("Field must be between %(min)d and %(max)d characters long."),
    lazy_gettext("Field must be equal to %(other_name)s."),
)


def _plural_forms(n: int) -> tuple[str, ...]:
    """WTForms' messages that count, for the catalogue only."""
    return (
        ngettext(
            "Field must be at least %(min)d character long.", "Field must be at least %(min)d characters long.", n
        ),
        ngettext(
            "Field cannot be longer than %(max)d character.", "Field cannot be longer than %(max)d characters.", n
        ),
        ngettext("Field must be exactly %(max)d character long.", "Field must be exactly %(max)d characters long.", n),
    )
