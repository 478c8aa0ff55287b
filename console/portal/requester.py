"""The requester's page, reached by the signed link in a mail: read, answer, download, say how it went."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.actor import Actor
from console.core.addresses import source
from console.core.errors import Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.visitors import visitor_actor
from console.portal import conversation
from console.portal.conversation import AnswerForm, Place, RateForm
from console.portal.private_pages import note_proof, or_gone, speaking
from console.tickets import links
from console.tickets.models import Ticket
from console.tickets.service import ratings, requester
from console.tickets.service.requester import Conversation
from console.web import limits
from console.web.answers import local_time, wants_json
from console.web.downloads import download_kept
from console.web.limits import Limit
from console.web.locale import LANGUAGES
from console.web.pins import message_key, pin_choice
from console.web.security import keep_private

blueprint = Blueprint("requester", __name__)
blueprint.after_request(keep_private)

# Per link and per address: the holder of many links is limited as well.
BY_LINK = Limit("ticket-link", 20, 15 * limits.MINUTE)
BY_ADDRESS = Limit("ticket-address", 60, 15 * limits.MINUTE, shared=True)
GONE = "requester/gone.html"


ENDPOINTS = {name: f"requester.{name}" for name in ("answer", "solved", "rate", "mask", "file")}


@blueprint.get("/t/<secret:token>")
@or_gone(GONE)
def follow(token: str) -> ResponseReturnValue:
    """Show the conversation."""
    linked = links.ticket_of(token)
    with speaking(linked.language):
        note_proof(linked.requester_email)
        talk = requester.conversation(linked)
        if wants_json():
            return jsonify(conversation.to_payload(talk))
        return _page(token, talk, conversation.fresh_answer(), rate=conversation.preselected())


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
        return _attempt(token, linked, conversation.fresh_answer(), settle)


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
        return _attempt(token, linked, conversation.fresh_answer(), store, rate=form)


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
        return _attempt(token, linked, conversation.fresh_answer(), store)


@blueprint.get("/t/<secret:token>/files/<id:attachment_id>")
@or_gone(GONE)
def file(token: str, attachment_id: int) -> ResponseReturnValue:
    """Send a file of a message that the link opens."""
    found = requester.find_file(links.ticket_of(token), attachment_id)
    return download_kept(found.name, found.digest)


def _write(linked: Ticket, form: AnswerForm) -> ResponseReturnValue:
    sent = conversation.read_answer(form)
    with transaction():
        name = f"link:{linked.id}:{sent.client_id}"  # names no entry of the desk's, nor of another ticket
        message = requester.write(
            _visitor(linked), linked, sent.body, client_id=name, files=sent.files, pins=pin_choice()
        )
        target = links.requester_token(message.ticket)
        number, moved = message.ticket.number, message.seq == 1
    if wants_json():
        return jsonify(number=number, at=local_time(message.created_at), masked=message.data.get("masked", 0))
    return _done(target, conversation.received(number, moved=moved))


def _attempt(
    token: str,
    linked: Ticket,
    form: AnswerForm,
    deed: Callable[[], ResponseReturnValue],
    *,
    rate: RateForm | None = None,
) -> ResponseReturnValue:
    """Count the attempt, then run it; a refusal is shown on the page with the typed text."""

    def count_and_do() -> ResponseReturnValue:
        limits.count(BY_LINK, str(linked.id))
        limits.count(BY_ADDRESS, source(request.remote_addr))
        return deed()

    def page(refusal: Refusal, rate: RateForm | None) -> str:
        return _page(token, requester.conversation(linked), form, refusal, rate=rate)

    return conversation.attempt(count_and_do, form, page, rate=rate)


def _done(token: str, text: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(done=True)
    flash(text, "success")
    lang = request.args.get("lang")
    return redirect(url_for("requester.follow", token=token, lang=lang, _anchor="messages"), 303)


def _page(
    token: str, talk: Conversation, form: AnswerForm, refusal: Refusal | None = None, *, rate: RateForm | None = None
) -> str:
    lang = request.args.get("lang")
    place = Place(ENDPOINTS, {"token": token, "lang": lang if lang in LANGUAGES else None})
    values = conversation.page_values(talk, form, place, refusal, rate)
    later = requester.goes_on_in(talk.ticket) if values["closed"] else None
    continued = None if later is None else url_for("requester.follow", token=links.requester_token(later), lang=lang)
    return render_template("requester/ticket.html", continued=continued, **values)


def _visitor(ticket: Ticket) -> Actor:
    return visitor_actor(ticket.requester_name, request.remote_addr)
