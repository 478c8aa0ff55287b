"""The support PIN, one's own and those an owner hands out; one's own sign-ins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core import clock
from console.core.errors import NotFound
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers import labels, signin
from console.customers.account import disputes
from console.customers.models import Membership
from console.customers.queries import members_of, sessions_of
from console.customers.verification.pins import current_pin, pin_at, pin_lifetime, renew_pin, require_holder
from console.portal.accounts import chosen, in_account, own_accounts
from console.portal.blueprint import portal, signed_in
from console.web.answers import local_time, wants_json
from console.web.devices import device
from console.web.identity import current_actor, current_person

MINUTE = 60


@dataclass(frozen=True)
class PinCard:
    """One PIN as it is shown."""

    member: Membership
    pin: str
    expires_at: datetime

    @property
    def groups(self) -> tuple[str, str]:
        return self.pin[:3], self.pin[3:]

    @property
    def spoken(self) -> str:
        """Return the PIN so that a screen reader says each digit."""
        return ", ".join(" ".join(group) for group in self.groups)

    @property
    def minutes(self) -> int:
        """Return how long the whole lifetime is."""
        return int(pin_lifetime(self.member).total_seconds()) // MINUTE

    @property
    def left(self) -> int:
        return max(0, -int((clock.now() - self.expires_at).total_seconds()) // MINUTE)


@portal.get("/pin")
@signed_in
def pin() -> ResponseReturnValue:
    """Show one's own PIN on an account (``account``), or one that its owner hands out (``member``)."""
    mine, member = _whose(request.args.get("member"))
    if wants_json():
        return _answer(pin_card(member))
    if member.id == mine.id:
        return redirect(url_for("portal.home", account=mine.customer.number))
    return render_template(
        "portal/pin.html",
        accounts=own_accounts(),
        mine=mine,
        card=pin_card(member),
        # Without their own use in the portal: whether a contact has a sign-in is not for others to learn.
        uses=[use for use in disputes.last_uses(member) if use.staff is not None],
        labels=labels,
    )


@portal.post("/pin/new")
@signed_in
def new_pin() -> ResponseReturnValue:
    """Create a new PIN: the old one, verifications by it and a lock end at once."""
    mine, member = _whose(request.form.get("member"))
    with transaction():
        code, expires_at = renew_pin(current_actor(), member)
    if wants_json():
        return _answer(PinCard(member, code, expires_at))
    flash(gettext("The new PIN is valid now. The old one no longer works."), "success")
    if member.id == mine.id:
        return redirect(url_for("portal.home", account=mine.customer.number), 303)
    return redirect(url_for("portal.pin", account=mine.customer.number, member=member.id), 303)


@portal.post("/pin/deny/<id:verification_id>")
@signed_in
def deny_verification(verification_id: int) -> ResponseReturnValue:
    """Dispute a verification: it ends, the PIN is renewed, and supervisors are notified."""
    with transaction():
        verification = disputes.deny(current_actor(), verification_id)
    if wants_json():
        return jsonify(denied=True)
    flash(
        gettext("The verification has ended, your PIN was replaced, and our supervisors will look into what happened."),
        "success",
    )
    return redirect(url_for("portal.home", account=verification.customer.number), 303)


@portal.get("/sessions")
@signed_in
def sessions() -> ResponseReturnValue:
    """Show where the person is signed in. The account, where one is chosen, is for the way back alone."""
    accounts = own_accounts()
    live = [(row, device(row.user_agent)) for row in sessions_of(current_person().id)]
    return render_template(
        "portal/sessions.html",
        accounts=accounts,
        mine=chosen(accounts) if accounts else None,
        sessions=live,
        current=current_user.row.id,
    )


@portal.post("/sessions/<id:session_id>/revoke")
@signed_in
def revoke(session_id: int) -> ResponseReturnValue:
    """End one session of the person."""
    with transaction():
        signin.revoke_session(current_actor(), session_id)
    if wants_json():
        return jsonify(revoked=1)
    flash(gettext("That session was signed out."), "success")
    return redirect(in_account("portal.sessions"), 303)


@portal.post("/sessions/revoke")
@signed_in
def revoke_others() -> ResponseReturnValue:
    """End all other sessions of the person."""
    with transaction():
        count = signin.revoke_others(current_actor(), current_user.row.id)
    if wants_json():
        return jsonify(revoked=count)
    flash(gettext("Signed out everywhere else."), "success")
    return redirect(in_account("portal.sessions"), 303)


def _whose(member: str | None) -> tuple[Membership, Membership]:
    """Return one's own membership of the account, and the one whose PIN is asked for."""
    mine = chosen(own_accounts())
    if not member:
        return mine, mine
    found = next((m for m in members_of(mine.customer_id) if str(m.id) == member), None)
    if found is None:
        raise NotFound
    require_holder(current_actor(), found)
    return mine, found


def pin_card(member: Membership) -> PinCard:
    """Return the PIN, made now where the last is over: only then is anything written."""
    code = pin_at(member)
    if code is not None and member.pin_expires_at is not None:
        return PinCard(member, code, member.pin_expires_at)
    with transaction():
        code, expires_at = current_pin(member)
    return PinCard(member, code, expires_at)


def _answer(card: PinCard) -> ResponseReturnValue:
    return jsonify(pin=card.pin, expires_at=local_time(card.expires_at), account=card.member.customer.number)
