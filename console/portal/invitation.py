"""Accepting an invitation to an account by its link, with an existing sign-in or a new one."""

from __future__ import annotations

from flask import Response, flash, jsonify, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core.errors import NotFound
from console.core.texts import gettext
from console.customers import labels
from console.customers.models import Invitation, Membership
from console.customers.people import invitations
from console.customers.registration import has_sign_in
from console.customers.rights import Right
from console.portal.answers import link_gone
from console.portal.blueprint import portal
from console.portal.forms import RegisterInvitedForm
from console.portal.mailed_offer import MailedOffer
from console.web.answers import wants_json
from console.web.identity import current_person
from console.web.security import keep_private

GONE = "portal/invitation_gone.html"


@portal.get("/invitation/<secret:invitation_token>")
def invitation(invitation_token: str) -> ResponseReturnValue:
    """Show what the link invites to. Looking uses nothing up: mail scanners look first."""
    try:
        found = invitations.invitation_behind(invitation_token)
    except NotFound:
        return link_gone(GONE)
    if wants_json():
        return jsonify(open=True)
    return _page(invitation_token, found, RegisterInvitedForm(formdata=None, email=found.email))


@portal.post("/invitation/<secret:invitation_token>/accept")
def accept_invitation(invitation_token: str) -> ResponseReturnValue:
    """Accept with the sign-in of the invited address; a person who is not signed in enters the password."""
    return _invitation().take(invitation_token)


@portal.post("/invitation/<secret:invitation_token>/register")
def register_invited(invitation_token: str) -> ResponseReturnValue:
    """Make a sign-in for the invited address, join, and be signed in."""
    return _invitation().take_registering(invitation_token)


def _invitation() -> MailedOffer[Invitation]:
    return MailedOffer(
        find=invitations.invitation_behind,
        accept=invitations.accept,
        register=invitations.register_invited,
        page=_page,
        done=_joined,
        gone=GONE,
    )


def _joined(member: Membership) -> ResponseReturnValue:
    if wants_json():
        return jsonify(joined=True, account=member.customer.number)
    flash(gettext("You now have access to %(customer)s.", customer=member.customer.name), "success")
    return redirect(url_for("portal.home", account=member.customer.number), 303)


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
