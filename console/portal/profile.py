"""Podaci o nalogu: the holder's data, "Sačuvaj izmene", and what another name, PIB or MB means."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import Conflict, Invalid, Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.account import corrections, profile
from console.customers.account.forms import HandoverForm, ProfileForm
from console.customers.account.models import Correction
from console.customers.models import CustomerKind, Membership
from console.customers.rights import Right
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.handover import data_step
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor


@portal.get("/profile", endpoint="profile")
@signed_in
def show_profile() -> ResponseReturnValue:
    """Show the data in their form."""
    mine = _account()
    if wants_json():
        return jsonify(profile=_payload(mine), correction=_correction(corrections.open_correction(mine.customer_id)))
    return _page(mine, ProfileForm(formdata=None, customer=mine.customer))


@portal.post("/profile")
@signed_in
def save_profile() -> ResponseReturnValue:
    """Save the data; where the holder seems to be another, ask which of the two it is."""
    mine = _account()
    form = ProfileForm(customer=mine.customer)
    try:
        form.require()
        data = profile.check(mine.customer, form.data_of())
        holder = profile.holder_changes(mine.customer, data)
        if holder and form.choice.data == "handover":
            return _hand_over(mine, form)
        if holder and form.choice.data != "correction" and not wants_json():
            return _choice_page(mine, form, holder)
        confirmation.require()
        reason = form.reason.data or "" if form.choice.data == "correction" else None
        with transaction():
            saved = profile.save_profile(current_actor(), mine.customer_id, data, correction=reason)
    except Refusal as refusal:
        return _refused(mine, form, refusal)
    if wants_json():
        return jsonify(profile=_payload(mine), changed=list(saved.changed), correction=_correction(saved.correction))
    if saved.correction is not None:
        flash(gettext("The correction was sent for confirmation. Other changes are saved."), "success")
    else:
        flash(gettext("Changes saved."), "success")
    return redirect(url_for("portal.profile", account=mine.customer.number), 303)


@portal.post("/profile/corrections/<id:correction_id>/withdraw")
@signed_in
def withdraw_correction(correction_id: int) -> ResponseReturnValue:
    """Withdraw the change that waits for confirmation."""
    with transaction():
        correction = corrections.withdraw(current_actor(), correction_id)
    if wants_json():
        return jsonify(correction=_correction(correction))
    flash(gettext("The request for a correction was withdrawn."), "success")
    return redirect(url_for("portal.profile", account=correction.customer.number), 303)


def _account() -> Membership:
    return chosen(own_accounts(Right.PROFILE))


def _refused(mine: Membership, form: ProfileForm, refusal: Refusal) -> ResponseReturnValue:
    """Show the form again, or the question that it led to, with the messages at their fields."""
    if isinstance(refusal, Invalid):
        refusal = Invalid(refusal.message, fields=form.show_at_fields(refusal.fields), code=refusal.code)
    from_question = form.choice.data == "correction" and set(refusal.fields) <= {"reason", "own_password"}
    if not from_question or isinstance(refusal, Conflict):
        return show_again(refusal, form, lambda: _page(mine, form))
    holder = profile.holder_changes(mine.customer, form.data_of())
    return show_again(refusal, form, lambda: _choice_page(mine, form, holder))


def _page(mine: Membership, form: ProfileForm) -> str:
    return _render("portal/profile.html", mine, form, correction=corrections.open_correction(mine.customer_id))


def _choice_page(mine: Membership, form: ProfileForm, holder: tuple[str, ...]) -> str:
    data = form.data_of()
    if not set(holder) & set(profile.HOLDER):
        form.reason.label.text = gettext("Reason")  # nothing was wrong: they moved
    rows = [(name, getattr(mine.customer, name) or "", getattr(data, name)) for name in holder]
    return _render("portal/holder.html", mine, form, rows=rows)


def _hand_over(mine: Membership, form: ProfileForm) -> ResponseReturnValue:
    """Go on with the handover, with the data that were typed."""
    data = form.data_of()
    company = mine.customer.kind is CustomerKind.COMPANY
    fields: dict[str, Any] = {name: getattr(data, name) for name in ("pib", "mb", "address", "city", "postcode")}
    fields |= {"kind": mine.customer.kind.value, "country": data.country, "phone": data.phone}
    fields |= {"company": data.name} if company else {"person_name": data.name}
    return data_step(mine, HandoverForm(formdata=None, data=fields))


def _render(template: str, mine: Membership, form: ProfileForm, **values: Any) -> str:
    return render_template(
        template,
        accounts=own_accounts(Right.PROFILE),
        mine=mine,
        form=form,
        company=mine.customer.kind is CustomerKind.COMPANY,
        confirm=confirmation.is_needed(),
        **values,
    )


def _payload(mine: Membership) -> dict[str, Any]:
    customer = mine.customer
    data = profile.profile_of(customer)
    company = customer.kind is CustomerKind.COMPANY
    texts = {name: getattr(data, name) for name in (*profile.ORDINARY, "pib", "mb")}
    return texts | {
        "account": customer.number,
        "kind": customer.kind.value,
        "name": data.owner_name if company else data.name,
        "company": data.name if company else "",
        "currency": customer.currency,
    }


def _correction(correction: Correction | None) -> dict[str, Any] | None:
    if correction is None:
        return None
    return {
        "id": correction.id,
        "state": correction.state.value,
        "before": correction.before,
        "after": correction.after,
        "requested_at": local_time(correction.requested_at),
    }
