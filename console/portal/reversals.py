"""Taking a service transfer back, by the one who received it: a preview, then a request that billing decides."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField, TextAreaField

from console.billing import migration as migrate
from console.billing.migration.portal import preview_reversal
from console.billing.migration.requests import MAX_REASON
from console.billing.migration.reversal import reversible_until
from console.billing.models import Migration
from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.portal import confirmation
from console.portal.accounts import own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.portal.transfer_reasons import OWN_REASONS, WRONG_PIN, find_transfer, in_own_words
from console.web.answers import wants_json
from console.web.identity import current_actor


class ReverseForm(PortalForm):
    """Why, and the proof that it is the person who may. The PIN is never written back."""

    reason = TextAreaField(lazy_gettext("Reason"))
    pin = StringField(lazy_gettext("Support PIN"))
    idempotency_key = HiddenField()


@portal.get("/migrations/<ref>/reverse")
@signed_in
def migration_reverse(ref: str) -> ResponseReturnValue:
    """Show what taking it back would do, and ask why."""
    mine, found = _received(ref)
    return _page(mine, found, ReverseForm(formdata=None))


@portal.post("/migrations/<ref>/reverse")
@signed_in
def migration_reverse_request(ref: str) -> ResponseReturnValue:
    """Request the reversal, with a fresh sign-in and the support PIN."""
    mine, found = _received(ref)
    form = ReverseForm()
    pin, form.pin.data = form.pin.data or "", ""
    try:
        form.require()
        _check(form)
        confirmation.require()
        answer = _send(mine, found, form, pin)
    except Refusal as refusal:
        return show_again(in_own_words(refusal), form, lambda: _page(mine, found, form))
    if wants_json():
        return jsonify(migration=answer), 201
    flash(gettext("The reversal is requested. We will write to you when it is decided."), "success")
    return redirect(url_for("portal.migration", ref=answer["ref"]), 303)


def _received(ref: str) -> tuple[Membership, Migration]:
    """Return the membership and an executed transfer that came to its account."""
    _accounts, mine, found = find_transfer(ref, receiving=True)
    if found.to_customer_id != mine.customer_id or reversible_until(found) is None:
        raise NotFound
    return mine, found


def _check(form: ReverseForm) -> None:
    reason, wrong = form.reason.data or "", dict[str, list[Text]]()
    if not reason.strip():
        wrong["reason"] = [lazy_gettext("Enter the reason for the reversal.")]
    if len(reason) > MAX_REASON:
        wrong["reason"] = [lazy_gettext("This is too long.")]
    if wrong:
        raise Invalid(fields=wrong)


def _send(mine: Membership, found: Migration, form: ReverseForm, pin: str) -> dict[str, Any]:
    request = migrate.Request((), "", 0, form.reason.data or "", reverses=found.ref)
    with transaction():
        answer = migrate.request_in_portal(
            current_actor(), mine.customer, request, pin, form.idempotency_key.data or ""
        )
    if answer is None:  # stored: the attempt counts
        raise Invalid(fields={"pin": [WRONG_PIN]})
    return answer


def _page(mine: Membership, found: Migration, form: ReverseForm) -> str:
    form.idempotency_key.data = form.idempotency_key.data or uuid4().hex
    preview = preview_reversal(found)
    return render_template(
        "portal/migrations/reverse.html",
        accounts=own_accounts(Right.TRANSFER),
        mine=mine,
        migration=found,
        form=form,
        preview=preview,
        barred=[(OWN_REASONS.get(one.code, one.message), one.concerns) for one in preview.obstacles],
        reads=Right.INVOICES in mine.held_rights(),
        until=reversible_until(found),
        confirm=confirmation.is_needed(),
    )
