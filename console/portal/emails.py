"""Another sign-in address: asked for by its person, confirmed by the links in both mailboxes."""

from __future__ import annotations

from flask import Response, flash, jsonify, make_response, redirect, render_template
from flask import request as http
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound, Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.account import emails
from console.customers.account.forms import EmailForm
from console.customers.account.models import EmailChange, EmailChangeState
from console.portal import confirmation
from console.portal.accounts import chosen, in_account, own_accounts
from console.portal.answers import link_gone, show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.web import limits
from console.web.answers import wants_json
from console.web.identity import current_actor, current_person
from console.web.limits import Limit
from console.web.security import keep_private

# Each request writes to an address that need not be the person's.
BY_PERSON = Limit("portal-email", 10, 60 * limits.MINUTE)


@portal.get("/email")
@signed_in
def email() -> ResponseReturnValue:
    """Show the form, and a request that waits."""
    if wants_json():
        change = _open_change()
        return jsonify(email=current_person().email, waiting=change.new_email if change is not None else None)
    return _page(EmailForm(formdata=None))


@portal.post("/email")
@signed_in
def change_email() -> ResponseReturnValue:
    """Mail a link to both addresses; the answer is the same for one that is known."""
    form = EmailForm()
    try:
        form.require()
        confirmation.require()
        limits.count(BY_PERSON, str(current_person().id))
        with transaction():
            change = emails.ask(current_actor(), form.email.data or "")
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _page(form))
    if wants_json():
        return jsonify(sent=True)
    flash(gettext("We sent a link to both addresses: %(old)s and %(new)s.", old=change.old_email, new=change.new_email),
          "success")  # fmt: skip
    return redirect(in_account("portal.email"), 303)


@portal.post("/email/withdraw")
@signed_in
def withdraw_email() -> ResponseReturnValue:
    """Take the request back; both links are void."""
    with transaction():
        emails.withdraw(current_actor())
    if wants_json():
        return jsonify(withdrawn=True)
    flash(gettext("The request was withdrawn. You sign in with the same address as before."), "success")
    return redirect(in_account("portal.email"), 303)


@portal.get("/email/confirm/<secret:email_token>")
def email_link(email_token: str) -> ResponseReturnValue:
    """Show what the link confirms. Looking uses nothing up: mail scanners look first."""
    try:
        change, is_new = emails.change_behind(email_token)
    except NotFound:
        return link_gone()
    if wants_json():
        return jsonify(open=True)
    return _link_page(PortalForm(formdata=None), change, is_new)


@portal.post("/email/confirm/<secret:email_token>")
def confirm_email(email_token: str) -> ResponseReturnValue:
    """Use the link up. It signs no one in."""
    form = PortalForm()
    try:
        change, is_new = emails.change_behind(email_token)
        with transaction():
            change = emails.confirm(email_token, http.remote_addr)
    except NotFound:
        return link_gone()
    except Refusal as refusal:
        return keep_private(show_again(refusal, form, lambda: _link_page(form, change, is_new)))
    done = change.state is EmailChangeState.DONE
    if wants_json():
        return jsonify(confirmed=True, changed=done)
    return keep_private(make_response(render_template("portal/email_confirmed.html", change=change, done=done)))


def _open_change() -> EmailChange | None:
    return emails.open_change(current_person().id)


def _page(form: EmailForm) -> str:
    accounts = own_accounts()
    return render_template(
        "portal/email.html",
        form=form,
        accounts=accounts,
        mine=chosen(accounts) if accounts else None,
        change=_open_change(),
        confirm=confirmation.is_needed(),
    )


def _link_page(form: PortalForm, change: EmailChange, is_new: bool) -> Response:
    page = render_template("portal/email_confirm.html", form=form, change=change, is_new=is_new)
    return keep_private(make_response(page))
