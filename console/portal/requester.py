"""The requester's page, reached by the signed link in a mail: read, answer, download, say how it went."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, MultipleFileField, StringField, TextAreaField

from console.core.actor import Actor
from console.core.addresses import source
from console.core.errors import Conflict, Invalid, Refusal, Reused, TooMany
from console.core.forms import Form
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.customers.visitors import visitor_actor
from console.portal.private_pages import FORM_ID, note_proof, or_gone, speaking
from console.tickets import links
from console.tickets.models import MAX_BODY, OPEN_STATUSES, Ticket, TicketMessage, TicketStatus
from console.tickets.reviews.models import MAX_COMMENT
from console.tickets.reviews.queries import rating_of
from console.tickets.service import ratings, requester
from console.tickets.service.requester import Conversation
from console.web import limits
from console.web.answers import local_time, wants_json
from console.web.downloads import download_kept
from console.web.limits import Limit
from console.web.pins import message_key, pin_choice
from console.web.security import keep_private

blueprint = Blueprint("requester", __name__)
blueprint.after_request(keep_private)

# Per link and per address: the holder of many links is limited as well.
BY_LINK = Limit("ticket-link", 20, 15 * limits.MINUTE)
BY_ADDRESS = Limit("ticket-address", 60, 15 * limits.MINUTE, shared=True)
GONE = "requester/gone.html"


class AnswerForm(Form):
    """What the requester writes."""

    body = TextAreaField(lazy_gettext("Your message"))
    files = MultipleFileField(lazy_gettext("Files"))
    client_id = HiddenField()


class RateForm(Form):
    """How content the requester was."""

    score = StringField(lazy_gettext("How was our answer?"))
    comment = TextAreaField(lazy_gettext("Anything you would like to add? (optional)"))


@blueprint.get("/t/<secret:token>")
@or_gone(GONE)
def follow(token: str) -> ResponseReturnValue:
    """Show what was said."""
    linked = links.ticket_of(token)
    with speaking(linked.language):
        note_proof(linked.requester_email)
        talk = requester.conversation(linked)
        if wants_json():
            return jsonify(_as_json(talk))
        return _page(token, talk, _fresh(), rate=_preselected())


@blueprint.post("/t/<secret:token>")
@or_gone(GONE)
def answer(token: str) -> ResponseReturnValue:
    """Store an answer; a form sent twice is stored once."""
    linked, form = links.ticket_of(token), AnswerForm()
    with speaking(linked.language):
        return _attempt(token, linked, form, lambda: _write(linked, form))


@blueprint.post("/t/<secret:token>/solved")
@or_gone(GONE)
def solved(token: str) -> ResponseReturnValue:
    """Take the requester's word that it is solved."""
    linked = links.ticket_of(token)

    def settle() -> ResponseReturnValue:
        with transaction():
            requester.say_solved(_visitor(linked), linked)
        return _done(token, gettext("Thank you. The question is marked as solved."))

    with speaking(linked.language):
        return _attempt(token, linked, _fresh(), settle)


@blueprint.post("/t/<secret:token>/rate")
@or_gone(GONE)
def rate(token: str) -> ResponseReturnValue:
    """Store how content the requester was, once. Only ever by this form: who scans mail opens links."""
    linked, form = links.ticket_of(token), RateForm()

    def store() -> ResponseReturnValue:
        form.refuse_spoiled()
        score = ratings.read_score(form.score.data, written=True)
        with transaction():
            ratings.rate(_visitor(linked), requester.conversation(linked).ticket, score, form.comment.data or "")
        return _done(token, gettext("Thank you for your rating."))

    with speaking(linked.language):
        return _attempt(token, linked, _fresh(), store, rate=form)


@blueprint.post("/t/<secret:token>/mask")
@or_gone(GONE)
def mask(token: str) -> ResponseReturnValue:
    """Mask, in what the requester wrote, a number of which they said that it is no PIN."""
    linked = links.ticket_of(token)

    def store() -> ResponseReturnValue:
        with transaction():
            requester.mask(_visitor(linked), linked, message_key(), request.form.get("token") or None)
        return _done(token, gettext("The number is masked."))

    with speaking(linked.language):
        return _attempt(token, linked, _fresh(), store)


@blueprint.get("/t/<secret:token>/files/<id:attachment_id>")
@or_gone(GONE)
def file(token: str, attachment_id: int) -> ResponseReturnValue:
    """Send a file of a message that the link opens."""
    found = requester.find_file(links.ticket_of(token), attachment_id)
    return download_kept(found.name, found.digest)


def _write(linked: Ticket, form: AnswerForm) -> ResponseReturnValue:
    form.refuse_spoiled()
    client_id = form.client_id.data or ""
    if not FORM_ID.fullmatch(client_id):
        raise Invalid(lazy_gettext("The form has expired. Your text is saved; send it again."))
    came = [(one.filename or "", one.read()) for one in request.files.getlist("files") if one.filename]
    with transaction():
        name = f"link:{linked.id}:{client_id}"  # names no entry of the desk's, nor of another ticket
        message = requester.write(
            _visitor(linked), linked, form.body.data or "", client_id=name, files=came, pins=pin_choice()
        )
        target = links.requester_token(message.ticket)
        number, moved = message.ticket.number, message.seq == 1
    if wants_json():
        return jsonify(number=number, at=local_time(message.created_at), masked=message.data.get("masked", 0))
    said = (
        gettext("Your question was already closed, so it continues as %(number)s.", number=number)
        if moved
        else gettext("We have received your message and will reply by e-mail.")
    )
    return _done(target, said)


def _attempt(
    token: str,
    linked: Ticket,
    form: AnswerForm,
    deed: Callable[[], ResponseReturnValue],
    *,
    rate: RateForm | None = None,
) -> ResponseReturnValue:
    """Count the try, then do it; what is refused is shown on the page, the text kept."""
    try:
        limits.count(BY_LINK, str(linked.id))
        limits.count(BY_ADDRESS, source(request.remote_addr))
        return deed()
    except (Invalid, TooMany, Conflict) as refusal:
        if wants_json():
            raise
        for name, texts in refusal.fields.items() if not isinstance(refusal, PinLike) else ():  # asked beside the text
            for one in (form, rate):
                if one is not None and name in one:
                    one[name].errors = [str(text) for text in texts]
        if isinstance(refusal, Reused) or not FORM_ID.fullmatch(form.client_id.data or ""):
            form.client_id.data = _new_id()
        page = Response(_page(token, requester.conversation(linked), form, refusal, rate=rate), refusal.status)
        if isinstance(refusal, TooMany):
            page.headers["Retry-After"] = str(refusal.retry_after)
        return page


def _done(token: str, said: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(done=True)
    flash(said, "success")
    lang = request.args.get("lang")
    return redirect(url_for("requester.follow", token=token, lang=lang, _anchor="told"), 303)


def _page(
    token: str, talk: Conversation, form: AnswerForm, refusal: Refusal | None = None, *, rate: RateForm | None = None
) -> str:
    rated = rating_of(talk.ticket.id)
    closed = talk.ticket.status is TicketStatus.CLOSED
    later = requester.goes_on_in(talk.ticket) if closed else None
    return render_template(
        "requester/ticket.html",
        token=token,
        talk=talk,
        ticket=talk.ticket,
        state=_state(talk),
        closed=closed,
        later=links.requester_token(later) if later is not None else None,
        form=form,
        refusal=refusal,
        max_body=MAX_BODY,
        rated=rated,
        may_rate=rated is None and not talk.apart and ratings.is_ready(talk.ticket),
        rate=rate or RateForm(formdata=None),
        rating_words=ratings.WORDS,
        max_comment=MAX_COMMENT,
    )


def _fresh() -> AnswerForm:
    form = AnswerForm(formdata=None)
    form.client_id.data = _new_id()
    return form


def _preselected() -> RateForm:
    """Return the form with what the link in the mail names; nothing is stored before it is sent."""
    form = RateForm(formdata=None)
    score = request.args.get("score", "")
    if score in {str(one) for one in ratings.SCORES}:
        form.score.data = score
    return form


def _new_id() -> str:
    return secrets.token_urlsafe(18)


def _visitor(ticket: Ticket) -> Actor:
    return visitor_actor(ticket.requester_name, request.remote_addr)


def _state(talk: Conversation) -> tuple[str, str, str]:
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


def _as_json(talk: Conversation) -> dict[str, Any]:
    return {
        "number": talk.ticket.number,
        "subject": talk.ticket.subject,
        "state": _state(talk)[2],
        "messages": [_message_json(message) for message in talk.messages],
        "rating": _rating_json(talk.ticket),
    }


def _rating_json(ticket: Ticket) -> dict[str, Any] | None:
    rated = rating_of(ticket.id)
    return None if rated is None else {"score": rated.score, "at": local_time(rated.at)}


def _message_json(message: TicketMessage) -> dict[str, Any]:
    return {
        "from": "us" if message.kind.value == "reply" else "you",
        "body": message.body,
        "at": local_time(message.created_at),
        "files": [{"id": one.id, "name": one.name, "size": one.size} for one in message.attachments],
    }
