"""The base of every form: its built-in messages come from our catalogue.

WTForms' own Serbian is in Cyrillic; ours is in Latin.
"""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm

from console.core.texts import gettext, lazy_gettext, ngettext, of_reader


class Catalogue:
    """What WTForms asks for its messages."""

    def gettext(self, text: str) -> str:
        """Translate ``text``; WTForms fills it in itself."""
        return gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Translate a message that counts; WTForms fills it in itself, Flask-Babel's own would too early."""
        return str(of_reader().translations.ungettext(one, many, count))


class Form(FlaskForm):
    """A form with a CSRF token, in the reader's language."""

    class Meta(FlaskForm.Meta):
        """The messages are ours."""

        def get_translations(self, _form: Any) -> Catalogue:
            return Catalogue()


# WTForms' messages, named here so that the catalogue has them.
BUILT_IN = (
    lazy_gettext("This field is required."),
    lazy_gettext("Invalid email address."),
    lazy_gettext("Invalid input."),
    lazy_gettext("Not a valid choice."),
    lazy_gettext("Invalid Choice: could not coerce."),
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


def _counted(n: int) -> tuple[str, ...]:
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
