"""The sealed card as a page of its own: a person enters e-mail and PIN, the agent sees only the result."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from wtforms import StringField

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound, Refusal, TooMany
from console.core.forms import Form
from console.core.ids import token_digest
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.models import VerificationCard
from console.customers.verification import cards
from console.portal.private_pages import or_gone, speaking
from console.tickets.models import Ticket
from console.tickets.service.verification import ticket_in
from console.web.answers import wants_json
from console.web.security import keep_private

blueprint = Blueprint("sealed", __name__)
blueprint.after_request(keep_private)

GONE = "requester/card_gone.html"
MAX_FIELD = 300  # characters of an input that are read


class CardForm(Form):
    """E-mail and PIN. Of the two only the address is ever written back into the page."""

    email = StringField(lazy_gettext("Registered e-mail address"))
    pin = StringField(lazy_gettext("Support PIN"))


@blueprint.get("/v/<secret:token>")
@or_gone(GONE)
def card(token: str) -> ResponseReturnValue:
    """Show the empty card. A look does not use it up: mail scanners look first."""
    open_card = cards.find_card(token)
    with speaking(_language(open_card)):
        if wants_json():
            return jsonify(open=True)
        return _page(token, CardForm(formdata=None))


@blueprint.post("/v/<secret:token>")
@or_gone(GONE)
def submit(token: str) -> ResponseReturnValue:
    """Check what was entered. Every failure gets the same answer."""
    form = CardForm()
    email, pin = (form.email.data or "")[:MAX_FIELD], (form.pin.data or "")[:MAX_FIELD]
    form.pin.data = ""
    source = Actor(kind="visitor", id=None, name="", address=request.remote_addr)
    with speaking(_language(_card(token))):
        try:
            form.refuse_spoiled()
            with transaction():
                result = cards.submit(source, token, email=email, pin=pin)
        except NotFound:
            served = _card(token)
            if served is None or served.verification_id is None:
                raise
            return _thanks()  # the second click, after the first succeeded
        except (Invalid, TooMany) as refusal:
            return _refused(token, form, refusal)
        if result.verification is not None:
            return _thanks()
        if wants_json():
            return jsonify(verified=False, over=result.over)
        return render_template("requester/card_over.html") if result.over else _page(token, form, failed=True)


def _refused(token: str, form: CardForm, refusal: Refusal) -> ResponseReturnValue:
    if wants_json():
        raise refusal
    for name, texts in refusal.fields.items():
        if name in form:
            form[name].errors = [str(text) for text in texts]
    page = Response(_page(token, form, refusal=refusal), refusal.status)
    if isinstance(refusal, TooMany):
        page.headers["Retry-After"] = str(refusal.retry_after)
    return page


def _thanks() -> ResponseReturnValue:
    return jsonify(verified=True) if wants_json() else render_template("requester/card_done.html")


def _page(token: str, form: CardForm, *, failed: bool = False, refusal: Refusal | None = None) -> str:
    return render_template("requester/card.html", token=token, form=form, failed=failed, refusal=refusal)


def _card(token: str) -> VerificationCard | None:
    """Return the card behind the token in any state."""
    return db.session.scalar(select(VerificationCard).where(VerificationCard.token_digest == token_digest(token)))


def _language(card: VerificationCard | None) -> str | None:
    """Return the language of the card's ticket, ``None`` for a card in a chat."""
    key = ticket_in(card.channel) if card is not None else None
    ticket = db.session.get(Ticket, key) if key is not None else None
    return ticket.language if ticket is not None else None
