"""The portal's blueprint and its guard."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.web.identity import ask_to_sign_in

P = ParamSpec("P")
R = TypeVar("R")

portal = Blueprint("portal", __name__, url_prefix="/moj")


def signed_in(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """Guard a page: only for a customer's person who is signed in."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | ResponseReturnValue:
        if not current_user.is_authenticated:
            return ask_to_sign_in()
        return view(*args, **kwargs)

    return guarded
