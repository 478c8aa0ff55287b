"""Turning one kind of mail off by the link in a mail (RFC 8058): a mail program posts it, a person is asked first.

The signed link is the whole proof: no cookie, no sign-in, no CSRF token. Opening it changes nothing, because scanners
of mail open every link.
"""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound
from console.core.transaction import transaction
from console.customers.labels import MAIL_NAMES
from console.customers.models import Membership
from console.customers.people import members
from console.customers.rights import MailCategory
from console.extensions import csrf
from console.mail import unsubscribing
from console.portal.private_pages import or_gone, speaking
from console.web.answers import wants_json
from console.web.limits import Limit, count
from console.web.security import keep_private

blueprint = Blueprint("unsubscribe", __name__)
blueprint.after_request(keep_private)

GONE = "requester/unsubscribe_gone.html"
PER_ADDRESS = Limit("unsubscribe", 300, 10 * 60, shared=True)  # a mail provider posts for many people


@blueprint.get(f"{unsubscribing.PATH}<secret:token>")
@or_gone(GONE)
def ask(token: str) -> ResponseReturnValue:
    """Ask whether to turn it off."""
    membership, category = members.find_left(_key(token))
    return _page(token, membership, category, done=category.value not in membership.mail)


@blueprint.post(f"{unsubscribing.PATH}<secret:token>")
@csrf.exempt
@or_gone(GONE)
def leave(token: str) -> ResponseReturnValue:
    """Turn it off."""
    key = _key(token)
    with transaction():
        membership, category = members.leave_mail(key)
    return _page(token, membership, category, done=True)


def _key(token: str) -> str:
    count(PER_ADDRESS, request.remote_addr or "")
    key = unsubscribing.read(token)
    if key is None:
        raise NotFound
    return key


def _page(token: str, membership: Membership, category: MailCategory, *, done: bool) -> ResponseReturnValue:
    if wants_json():
        return jsonify(category=category.value, account=membership.customer.number, off=done)
    with speaking(membership.person.language or membership.customer.language):
        return render_template(
            "requester/unsubscribe.html",
            token=token,
            category=MAIL_NAMES[category],
            account=membership.customer.number,
            done=done,
        )
