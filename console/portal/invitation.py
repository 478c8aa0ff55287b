"""Accepting an invitation to an account: by its link, with a sign-in that is there or one made now."""

from __future__ import annotations

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound, Refusal
from console.core.passwords import hash_password
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers import labels, signin
from console.customers.models import Invitation, Membership, Person
from console.customers.people import invitations
from console.customers.registration import has_sign_in
from console.customers.rights import Right
from console.portal.answers import show_again
from console.portal.blueprint import portal
from console.portal.forms import PortalForm, RegisterInvitedForm
from console.portal.signin import check_sign_in, open_session_of
from console.web.answers import wants_json
from console.web.identity import current_person
from console.web.security import keep_private


@portal.get("/invitation/<secret:invitation_token>")
def invitation(invitation_token: str) -> ResponseReturnValue:
    """Show what the link invites to. Looking uses nothing up: mail scanners look first."""
    try:
        found = invitations.invitation_behind(invitation_token)
    except NotFound:
        return _gone()
    if wants_json():
        return jsonify(open=True)
    return _page(invitation_token, found, RegisterInvitedForm(formdata=None, email=found.email))


@portal.post("/invitation/<secret:invitation_token>/accept")
def accept_invitation(invitation_token: str) -> ResponseReturnValue:
    """Join with the sign-in of the invited address; who is not signed in with it gives its password.

    The link is in no address that leads elsewhere: a sign-in page with it as its way back would write it into logs.
    """
    form = PortalForm()
    try:
        found = invitations.invitation_behind(invitation_token)
        if not _is_reader(found):
            open_session_of(check_sign_in(found.email, form.own_password.data or ""), found.email)
        with transaction():
            person = db.session.scalars(select(Person).where(Person.email == found.email)).one()
            actor = Actor(kind="person", id=person.id, name=person.name, address=request.remote_addr)
            member = invitations.accept(actor, invitation_token, person)
    except NotFound:
        return _gone()
    except Refusal as refusal:
        blank = RegisterInvitedForm(formdata=None, email=found.email)
        return show_again(refusal, blank, lambda: _page(invitation_token, found, blank))
    return _joined(member)


@portal.post("/invitation/<secret:invitation_token>/register")
def register_invited(invitation_token: str) -> ResponseReturnValue:
    """Make a sign-in for the invited address, join, and be signed in."""
    try:
        found = invitations.invitation_behind(invitation_token)
    except NotFound:
        return _gone()
    form = RegisterInvitedForm(email=found.email)
    try:
        form.require()
        hashed = hash_password(form.password.data or "")
        with transaction():
            member = invitations.register_invited(invitation_token, form.name.data or "", hashed, request.remote_addr)
    except NotFound:
        return _gone()
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _page(invitation_token, found, form))
    open_session_of(signin.PasswordProof(member.person_id, hashed), member.person.email)
    return _joined(member)


def _joined(member: Membership) -> ResponseReturnValue:
    if wants_json():
        return jsonify(joined=True, account=member.customer.number)
    flash(gettext("You now have access to %(customer)s.", customer=member.customer.name), "success")
    return redirect(url_for("portal.home", account=member.customer.number), 303)


def _is_reader(found: Invitation) -> bool:
    return current_user.is_authenticated and current_person().email == found.email


def _page(token: str, found: Invitation, form: RegisterInvitedForm) -> Response:
    page = render_template(
        "portal/invitation.html",
        token=token,
        invitation=found,
        form=form,
        known=has_sign_in(found.email),
        person=current_person() if current_user.is_authenticated else None,
        granted=[labels.RIGHT_NAMES[Right(key)] for key in found.rights],
    )
    return keep_private(make_response(page))


def _gone() -> ResponseReturnValue:
    if wants_json():
        raise NotFound(code="link_gone")
    return keep_private(make_response(render_template("portal/invitation_gone.html"), NotFound.status))
