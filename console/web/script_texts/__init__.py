"""What the scripts say, a module for each catalogue: written into the page as one, in its language.

``static/lib/texts.js`` reads it. ``%(name)s`` is filled in there, and ``#`` is the place of a number.
"""

from __future__ import annotations

from flask import Flask
from flask_babel import get_locale

from console.web.script_texts import desk, everywhere, mailbox, ticket, widget
from console.web.script_texts.plurals import Texts

CATALOGS = {
    "everywhere": everywhere.texts,
    "desk": desk.texts,
    "mailbox": mailbox.texts,
    "ticket": ticket.texts,
    "widget": widget.texts,
}


def script_texts(*names: str) -> Texts:
    """Return the texts of these catalogues in the language of this request."""
    language = str(get_locale())
    return {key: text for name in names for key, text in CATALOGS[name](language).items()}


def init_app(app: Flask) -> None:
    """Let templates write the texts into their page."""
    app.jinja_env.globals["script_texts"] = script_texts
