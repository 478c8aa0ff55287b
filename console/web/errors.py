"""What goes wrong, as answers: mapped once for every page, form and program. Sockets ask :func:`refusal_of` too."""

from __future__ import annotations

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from console.core.db import db
from console.core.errors import Invalid, Refusal
from console.core.logging import get_logger
from console.core.outages import as_refusal
from console.web import answers

log = get_logger(__name__)


def init_errors(app: Flask) -> None:
    """Answer refusals, the protocol's errors, and what the database or the disk could not do."""
    app.register_error_handler(Refusal, answers.refuse)
    app.register_error_handler(HTTPException, answers.refuse_http)
    app.register_error_handler(DataError, out_of_range)
    for kind in (SQLAlchemyError, OSError):
        app.register_error_handler(kind, answer)


def out_of_range(_error: DataError) -> ResponseReturnValue:
    """Answer a number too large for its column or a NUL in a text: bad input, not our failure."""
    db.session.rollback()
    return answers.refuse(Invalid())


def answer(error: Exception) -> ResponseReturnValue:
    """Answer what a missing database or a full disk has stopped; a fault of ours goes on to be logged as one."""
    refusal = refusal_of(error)
    if refusal is None:
        raise error
    return answers.refuse(refusal)


def refusal_of(error: Exception) -> Refusal | None:
    """Return what to tell whose request met ``error``, in one line of the log; ``None`` for a fault of ours."""
    refusal = as_refusal(error)
    if refusal is not None:
        log.warning("not done", code=refusal.code, error=type(error).__name__)
    return refusal
