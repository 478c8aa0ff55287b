"""The page of one conversation: behind the link in a mail, and in Moj Mint. Its forms, its values, its refusals."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, MultipleFileField, StringField, TextAreaField

from console.core.errors import Conflict, Invalid, Refusal, Reused, TooMany
from console.core.forms import Form
from console.core.texts import gettext, lazy_gettext
from console.customers.masking import PinLike
from console.portal.private_pages import FORM_ID
from console.tickets.models import MAX_BODY, OPEN_STATUSES, Ticket, TicketMessage, TicketStatus
from console.tickets.reviews.models import MAX_COMMENT
from console.tickets.reviews.queries import rating_of
from console.tickets.service import ratings
from console.tickets.service.requester import Conversation, File
from console.web.answers import local_time, wants_json


class AnswerForm(Form):
    """What is written on the requester's side."""

    body = TextAreaField(lazy_gettext("Your message"))
    files = MultipleFileField(lazy_gettext("Files"))
    client_id = HiddenField()


class RateForm(Form):
    """How content the requester was."""

    score = StringField(lazy_gettext("How was our answer?"))
    comment = TextAreaField(lazy_gettext("Anything you would like to add? (optional)"))


@dataclass(frozen=True)
class Place:
    """Where a conversation is shown: the endpoints of what can be done there, and what their addresses take."""

    endpoints: Mapping[str, str]
    values: Mapping[str, Any]

    def url(self, name: str, **more: Any) -> str:
        """Return the address of ``answer``, ``solved``, ``rate``, ``mask`` or ``file``."""
        return url_for(self.endpoints[name], **{**self.values, **more})


@dataclass(frozen=True)
class Answer:
    """What an answer's form has."""

    body: str
    client_id: str
    files: list[File]


def read_answer(form: AnswerForm) -> Answer:
    """Return what was sent.

    Raises:
        Invalid: it cannot be read, or the form has no usable id.
    """
    form.refuse_spoiled()
    return Answer(form.body.data or "", read_form_id(form.client_id.data), uploaded_files())


def read_form_id(value: str | None) -> str:
    """Return the id a form was made with.

    Raises:
        Invalid: it has none.
    """
    if not FORM_ID.fullmatch(value or ""):
        raise Invalid(lazy_gettext("The form has expired. Your text is saved; send it again."))
    return value or ""


def uploaded_files() -> list[File]:
    """Return the files that came with a form."""
    return [(one.filename or "", one.read()) for one in request.files.getlist("files") if one.filename]


def new_form_id() -> str:
    """Return an id for a form: what is sent twice with it is stored once."""
    return secrets.token_urlsafe(18)


def fresh_answer() -> AnswerForm:
    """Return an empty form with an id of its own."""
    form = AnswerForm(formdata=None)
    form.client_id.data = new_form_id()
    return form


def preselected() -> RateForm:
    """Return the form with what the link in the mail names; nothing is stored before it is sent."""
    form = RateForm(formdata=None)
    score = request.args.get("score", "")
    if score in {str(one) for one in ratings.SCORES}:
        form.score.data = score
    return form


def attempt(
    deed: Callable[[], ResponseReturnValue],
    form: AnswerForm,
    page: Callable[[Refusal, RateForm | None], str],
    *,
    rate: RateForm | None = None,
) -> ResponseReturnValue:
    """Run the verb; a refusal is shown on the page with the typed text."""
    try:
        return deed()
    except (Invalid, TooMany, Conflict) as refusal:
        if wants_json():
            raise
        show_errors(refusal, *(one for one in (form, rate) if one is not None))
        renew_form_id(refusal, form.client_id)
        return refused(page(refusal, rate), refusal)


def show_errors(refusal: Refusal, *forms: Form) -> None:
    """Put the messages of a refusal at their fields; what looks like a PIN is asked about beside the text."""
    for name, texts in refusal.fields.items() if not isinstance(refusal, PinLike) else ():
        for form in forms:
            if name in form:
                form[name].errors = [str(text) for text in texts]


def renew_form_id(refusal: Refusal, field: HiddenField) -> None:
    """Give a refused form a new idempotency key if its own is used up."""
    if isinstance(refusal, Reused) or not FORM_ID.fullmatch(field.data or ""):
        field.data = new_form_id()


def refused(page: str, refusal: Refusal) -> Response:
    """Answer a refusal with its page."""
    response = Response(page, refusal.status)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def page_values(
    talk: Conversation, form: AnswerForm, place: Place, refusal: Refusal | None, rate: RateForm | None
) -> dict[str, Any]:
    """Return what the pieces in ``requester/talk.html`` draw."""
    rated = rating_of(talk.ticket.id)
    return {
        "talk": talk,
        "ticket": talk.ticket,
        "place": place,
        "state": state_of(talk),
        "closed": talk.ticket.status is TicketStatus.CLOSED,
        "form": form,
        "refusal": refusal,
        "max_body": MAX_BODY,
        "rated": rated,
        "may_rate": rated is None and not talk.apart and ratings.is_ready(talk.ticket),
        "rate": rate or RateForm(formdata=None),
        "rating_words": ratings.WORDS,
        "max_comment": MAX_COMMENT,
    }


def received(number: str, *, moved: bool) -> str:
    """Return what is said after a message was stored."""
    if moved:
        return gettext("Your question was already closed, so it continues as %(number)s.", number=number)
    return gettext("We have received your message and will reply by e-mail.")


def state_of(talk: Conversation) -> tuple[str, str, str]:
    """Return how the question stands: icon, role, words."""
    ticket = talk.ticket
    if talk.apart and talk.status not in OPEN_STATUSES:
        return "ok", "ok", gettext("Solved together with another question. If anything is still open, write to us.")
    if talk.apart:
        return (
            "link",
            "",
            gettext("We are handling this together with another question. The reply arrives here and by e-mail."),
        )
    if ticket.status is TicketStatus.SOLVED:
        return "ok", "ok", gettext("Solved. If anything is still open, just reply.")
    if ticket.status is TicketStatus.CLOSED:
        return "lock", "", gettext("Closed. If you reply, we open a new question that continues this one.")
    if ticket.status is TicketStatus.WAITING:
        return "reply", "info", gettext("We are waiting for your reply.")
    if ticket.status is TicketStatus.HOLD:
        return "clock", "", gettext("We are working on it; it takes a little longer.")
    if any(message.kind.value == "reply" for message in talk.messages) and ticket.last_by == "staff":
        return "reply", "info", gettext("We have replied. If anything is still open, write to us.")
    return "clock", "info", gettext("We have your message and will reply here and by e-mail.")


def to_payload(talk: Conversation) -> dict[str, Any]:
    """Return a conversation as programs get it."""
    return {
        "number": talk.ticket.number,
        "subject": talk.ticket.subject,
        "state": state_of(talk)[2],
        "messages": [_message(message) for message in talk.messages],
        "rating": _rating(talk.ticket),
    }


def _rating(ticket: Ticket) -> dict[str, Any] | None:
    rated = rating_of(ticket.id)
    return None if rated is None else {"score": rated.score, "at": local_time(rated.at)}


def _message(message: TicketMessage) -> dict[str, Any]:
    return {
        "from": "us" if message.kind.value == "reply" else "you",
        "body": message.body,
        "at": local_time(message.created_at),
        "files": [{"id": one.id, "name": one.name, "size": one.size} for one in message.attachments],
    }
