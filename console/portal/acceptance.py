"""The other side of a handover: the link in the mail, and what its reader does with it."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import Select, func, select

from console.billing.models import ACTIVE_STATUSES, Proforma
from console.core.db import db
from console.core.errors import NotFound
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.account import acceptance
from console.customers.account.handover import handover_behind, refuse
from console.customers.account.models import Handover
from console.customers.models import Membership
from console.customers.registration import has_sign_in
from console.hosting.models import Service
from console.portal.answers import link_gone
from console.portal.blueprint import portal
from console.portal.forms import RegisterInvitedForm
from console.portal.mailed_offer import MailedOffer
from console.web.answers import wants_json
from console.web.identity import current_person
from console.web.security import keep_private


@portal.get("/handover/accept/<secret:handover_token>")
def handover_link(handover_token: str) -> ResponseReturnValue:
    """Show what is offered. Looking uses nothing up: mail scanners look first."""
    try:
        found = handover_behind(handover_token)
    except NotFound:
        return link_gone()
    if wants_json():
        return jsonify(open=True)
    form = RegisterInvitedForm(formdata=None, email=found.email, data={"name": found.person_name})
    return _page(handover_token, found, form)


@portal.post("/handover/accept/<secret:handover_token>")
def accept_handover(handover_token: str) -> ResponseReturnValue:
    """Take the account over with the sign-in of the address; a person who is not signed in enters the password."""
    return _handover().take(handover_token)


@portal.post("/handover/accept/<secret:handover_token>/register")
def register_new_owner(handover_token: str) -> ResponseReturnValue:
    """Make a sign-in for the address, take the account over, and be signed in."""
    return _handover().take_registering(handover_token)


def _handover() -> MailedOffer[Handover]:
    return MailedOffer(
        find=handover_behind,
        accept=acceptance.accept,
        register=acceptance.register_new_owner,
        page=_page,
        done=_taken_over,
    )


@portal.post("/handover/accept/<secret:handover_token>/refuse")
def refuse_handover(handover_token: str) -> ResponseReturnValue:
    """Decline the offer."""
    try:
        with transaction():
            refuse(handover_token, request.remote_addr)
    except NotFound:
        return link_gone()
    if wants_json():
        return jsonify(refused=True)
    return keep_private(make_response(render_template("portal/handover_refused.html")))


def _taken_over(member: Membership) -> ResponseReturnValue:
    number = member.customer.number
    if wants_json():
        return jsonify(accepted=True, account=number)
    flash(gettext("Account %(number)s is now yours. It has a new support PIN.", number=number), "success")
    return redirect(url_for("portal.home", account=number), 303)


def _page(token: str, found: Handover, form: RegisterInvitedForm) -> Response:
    page = render_template(
        "portal/handover_offer.html",
        token=token,
        handover=found,
        form=form,
        known=has_sign_in(found.email),
        person=current_person() if current_user.is_authenticated else None,
        services=_count(select(Service.id).where(Service.customer_id == found.customer_id)),
        proformas=_count(
            select(Proforma.id).where(Proforma.customer_id == found.customer_id, Proforma.status.in_(ACTIVE_STATUSES))
        ),
    )
    return keep_private(make_response(page))


def _count(query: Select[Any]) -> int:
    total: Any = select(func.count()).select_from(query.subquery())
    return int(db.session.scalar(total) or 0)
