"""Handing a whole account over, step by step: the new holder's data, the people, the check, then their answer.

Without a script: each step's form carries what the steps before it had.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, flash, jsonify, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import Conflict, NotFound, Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers import holds
from console.customers.account import handover as handovers
from console.customers.account.forms import HandoverForm
from console.customers.account.models import Handover
from console.customers.models import MemberRole, Membership
from console.customers.queries import members_of
from console.customers.rights import Right
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.web import limits
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor
from console.web.limits import Limit

# Each offer writes to an address that need not be the person's.
BY_PERSON = Limit("portal-handover", 10, 60 * limits.MINUTE)
STEPS = ("data", "people", "send")
_PEOPLE = {"users", "contacts"}


@portal.get("/handover", endpoint="handover")
@signed_in
def show_handover() -> ResponseReturnValue:
    """Show the handover that waits, or the first step of one."""
    mine = _account()
    waiting = handovers.open_handover(mine.customer_id)
    if wants_json():
        return jsonify(handover=_payload(waiting))
    if waiting is not None:
        return _render("portal/handover_waiting.html", mine, handover=waiting)
    return _draw(mine, _with_obstacle(mine, HandoverForm(formdata=None)), "data")


@portal.post("/handover")
@signed_in
def start_handover() -> ResponseReturnValue:
    """Take one step; the last one sends the offer. Programs send everything at once."""
    mine, form = _account(), HandoverForm()
    step = "send" if wants_json() else form.step.data or "data"
    try:
        if step.startswith("back:"):
            return _draw(mine, form, step.removeprefix("back:"))
        form.require()
        handovers.check(form.data_of())
        if step != "send":
            return _draw(mine, form, STEPS[STEPS.index(step) + 1] if step in STEPS else "data")
        confirmation.require()
        limits.count(BY_PERSON, str(mine.person_id))
        with transaction():
            waiting = handovers.start(current_actor(), mine.customer_id, form.data_of())
    except Refusal as refusal:
        at = _step_of(refusal.fields, step)
        return show_again(refusal, form, lambda: _draw(mine, form, at))
    if wants_json():
        return jsonify(handover=_payload(waiting))
    flash(gettext("The offer to %(email)s is on its way.", email=waiting.email), "success")
    return redirect(url_for("portal.handover", account=mine.customer.number), 303)


@portal.post("/handover/<id:handover_id>/withdraw")
@signed_in
def withdraw_handover(handover_id: int) -> ResponseReturnValue:
    """Take the offer back."""
    with transaction():
        handover = handovers.withdraw(current_actor(), handover_id)
    if wants_json():
        return jsonify(handover=_payload(handover))
    flash(gettext("The handover was withdrawn. The account stays yours."), "success")
    return redirect(url_for("portal.handover", account=handover.customer.number), 303)


def data_step(mine: Membership, form: HandoverForm) -> Response:
    """Draw the first step with data that were typed elsewhere.

    Raises:
        NotFound: the reader is not the account's owner.
    """
    if not mine.is_owner:
        raise NotFound
    waiting = handovers.open_handover(mine.customer_id)
    if waiting is not None:
        return make_response(_render("portal/handover_waiting.html", mine, handover=waiting))
    return make_response(_draw(mine, _with_obstacle(mine, form), "data"))


def _account() -> Membership:
    """Return the chosen account, which the reader owns: a handover is the owner's alone."""
    return chosen([one for one in own_accounts(Right.TRANSFER) if one.is_owner])


def _with_obstacle(mine: Membership, form: HandoverForm) -> HandoverForm:
    """Validate early what would be refused at the end."""
    try:
        holds.require_none(mine.person)
        handovers.require_possible(mine.customer)
    except Conflict as refusal:
        form.refusal = refusal
    return form


def _step_of(fields: Iterable[str], step: str) -> str:
    """Return the step in which the wrong fields are."""
    wrong = set(fields) - {"own_password"}
    if wrong & _PEOPLE:
        return "people"
    return "data" if wrong else step if step in STEPS else "data"


def _draw(mine: Membership, form: HandoverForm, step: str) -> str:
    step = step if step in STEPS else "data"
    people = members_of(mine.customer_id) if step != "data" else ()
    return _render(
        "portal/handover.html",
        mine,
        form=form,
        step=step,
        data=form.data_of(),
        users=[one for one in people if one.role is MemberRole.USER],
        contacts=[one for one in people if one.role is MemberRole.CONTACT],
        country=_country_name(form),
        confirm=confirmation.is_needed(),
    )


def _country_name(form: HandoverForm) -> str:
    names = {choice.value: str(choice.label) for choice in form.country.choices or ()}
    return names.get(form.country.data, "")


def _render(template: str, mine: Membership, **values: Any) -> str:
    return render_template(template, accounts=own_accounts(), mine=mine, **values)


def _payload(handover: Handover | None) -> dict[str, Any] | None:
    if handover is None:
        return None
    return {
        "id": handover.id,
        "state": handover.state.value,
        "email": handover.email,
        "name": handover.name,
        "keeps_users": handover.keeps_users,
        "keeps_contacts": handover.keeps_contacts,
        "expires_at": local_time(handover.expires_at),
    }
