"""Single sign-on in Sigurnost naloga: the switch of the account, and the applications that were let in.

The owner has the switch and sees what everyone on the account has granted; others see and end their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound, Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.identity.oidc import grants
from console.identity.oidc.models import SsoGrant, SsoSwitch
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import SsoForm
from console.portal.oidc.labels import SCOPE_NAMES
from console.portal.security import PAYLOADS, SECTIONS, overview, session_id
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor

ON = "on"


@dataclass(frozen=True)
class SsoState:
    """What the section shows."""

    switch: SsoSwitch | None
    may_turn: bool
    grants: Sequence[SsoGrant]


def init_app(app: Flask) -> None:
    """Put the section into the page."""
    if "portal/sso/section.html" not in SECTIONS:
        SECTIONS.append("portal/sso/section.html")
    PAYLOADS["single_sign_on"] = _payload
    app.jinja_env.globals.update(portal_sso=state_for, portal_scope_names=SCOPE_NAMES)


def state_for(mine: Membership | None) -> SsoState | None:
    """Return what a person sees of single sign-on on one of their accounts; ``None`` where it is not theirs to use."""
    if mine is None or Right.PRODUCT_SSO not in mine.held_rights():
        return None
    own_only = None if mine.is_owner else mine.person_id
    switch, found = grants.state_of(mine.customer_id, own_only)
    return SsoState(switch, mine.is_owner, found)


@portal.post("/security/sso")
@signed_in
def turn_sso() -> ResponseReturnValue:
    """Turn single sign-on of the chosen account on or off (``on``: ``on`` or ``off``)."""
    mine, form, key = chosen(own_accounts()), SsoForm(), session_id()
    number, on = mine.customer.number, request.form.get("on", ON) == ON
    try:
        if not mine.is_owner:
            raise NotFound
        confirmation.require()
        with transaction():
            changed = grants.turn(current_actor(), key, mine.customer_id, on=on)
    except Refusal as refusal:
        if refusal.status == NotFound.status:
            raise
        return show_again(refusal, form, lambda: overview(sso=form))
    if wants_json():
        return jsonify(single_sign_on=on)
    if changed:
        flash(gettext("Single Sign-On is on.") if on else gettext("Single Sign-On is off."), "success")
    return redirect(url_for("portal.security", account=number, _anchor="h-sso"), 303)


@portal.post("/security/sso/<id:grant_id>/revoke")
@signed_in
def revoke_grant(grant_id: int) -> ResponseReturnValue:
    """Take an application's access back."""
    form, key = SsoForm(), session_id()
    form.ended = grant_id
    try:
        confirmation.require()
        with transaction():
            grant = grants.revoke(current_actor(), key, grant_id)
    except Refusal as refusal:
        if refusal.status == NotFound.status:
            raise
        return show_again(refusal, form, lambda: overview(sso=form))
    if wants_json():
        return jsonify(revoked=grant_id)
    flash(gettext("%(name)s no longer has access.", name=grant.application.name), "success")
    return redirect(url_for("portal.security", account=request.form.get("account"), _anchor="h-sso"), 303)


def _payload() -> dict[str, Any] | None:
    accounts = own_accounts()
    mine = chosen(accounts) if accounts else None
    state = state_for(mine)
    if mine is None or state is None:
        return None
    return {
        "account": mine.customer.number,
        "on": state.switch is not None,
        "since": local_time(state.switch.switched_on_at) if state.switch else None,
        "may_turn": state.may_turn,
        "grants": [_grant(one) for one in state.grants],
    }


def _grant(one: SsoGrant) -> dict[str, Any]:
    return {
        "id": one.id,
        "application": one.application.name,
        "person": one.person.name,
        "scopes": one.scopes,
        "granted_at": local_time(one.granted_at),
        "used_at": local_time(one.used_at),
    }
