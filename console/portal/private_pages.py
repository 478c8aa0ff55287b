"""What the pages behind a token in a mail share: no sign-in, nothing that could pass the token on."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import ParamSpec

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from console.core.errors import FileGone, NotFound
from console.core.texts import in_language
from console.core.transaction import transaction
from console.mail import limits
from console.web.answers import wants_json
from console.web.locale import LANGUAGES

P = ParamSpec("P")

FORM_ID = re.compile(r"[A-Za-z0-9_-]{16,40}")


def speaking(language: str | None) -> AbstractContextManager[None]:
    """Answer in the language chosen on the page (``?lang=en``), else in ``language``, the mail's."""
    chosen = request.args.get("lang")
    if chosen in LANGUAGES:
        return in_language(chosen)
    return in_language(language if language in LANGUAGES else str(get_locale()))


def note_proof(address: str) -> None:
    """Note that a link which only ever stood in a mail to ``address`` was opened: that mail is read there."""
    if request.method == "GET" and not limits.is_proven(address):  # who only asks whether it is there reads nothing
        with transaction():
            limits.prove(address)


def or_gone(template: str) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Guard a route: where the token opens nothing, a page says so and how to go on."""

    def guard(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                return view(*args, **kwargs)
            except NotFound as refusal:
                if wants_json() or isinstance(refusal, FileGone):  # the link is good, what it leads to is not
                    raise
                with speaking(None):
                    return make_response(render_template(template), 404)

        return guarded

    return guard
