"""A lost device: asked for in the second step of a sign-in, finished or stopped by mailed links."""

from __future__ import annotations

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core import clock
from console.core.errors import Conflict, NotFound, Refusal
from console.core.ids import read_key
from console.core.texts import gettext
from console.core.transaction import transaction
from console.identity.models import DeviceRecovery
from console.identity.service import recovery
from console.identity.service.signin import actor_of, lock_pending
from console.portal import confirmation, second_step
from console.portal.accounts import in_account
from console.portal.answers import link_gone, show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm, RecoveryForm
from console.portal.security import overview, session_id
from console.web import limits
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor
from console.web.limits import Limit
from console.web.security import keep_private

LOST = Limit("portal-lost", 5, 24 * 60 * limits.MINUTE)  # of one person: each begins with mail to many


@portal.get("/login/lost")
def lost() -> ResponseReturnValue:
    """Say what will happen before anything does."""
    if second_step.person() is None:
        return redirect(url_for("portal.login"))
    return render_template("portal/security_lost.html", form=PortalForm(formdata=None))


@portal.post("/login/lost")
def ask_recovery() -> ResponseReturnValue:
    """Begin the wait of 24 hours, and mail its links."""
    pending = second_step.read()
    person = second_step.person()
    if pending is None or person is None:
        if wants_json():
            raise Conflict(code="sign_in_again")
        return redirect(url_for("portal.login"), 303)
    form, email = PortalForm(), person.email
    try:
        limits.count(LOST, str(person.id))
        with transaction():
            locked = lock_pending(pending)
            row = recovery.ask(actor_of(locked, request.remote_addr), locked)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: render_template("portal/security_lost.html", form=form))
    if wants_json():
        return jsonify(waiting=True, until=local_time(row.ready_at))
    return render_template("portal/security_lost_asked.html", recovery=row, email=email)


@portal.get("/recovery/<secret:recovery_token>")
def recovery_link(recovery_token: str) -> ResponseReturnValue:
    """Show how long it takes yet, or the button that removes the second factors."""
    try:
        row = recovery.recovery_behind(recovery_token, recovery.REMOVE)
    except NotFound:
        return link_gone("portal/security_recovery_gone.html")
    if wants_json():
        return jsonify(ready=row.is_ready(clock.now()))
    return _link_page(row, PortalForm(formdata=None))


@portal.post("/recovery/<secret:recovery_token>")
def finish_recovery(recovery_token: str) -> ResponseReturnValue:
    """Remove the second factors. It signs no one in."""
    form = PortalForm()
    try:
        row = recovery.recovery_behind(recovery_token, recovery.REMOVE)
        with transaction():
            recovery.finish(recovery_token, request.remote_addr)
    except NotFound:
        return link_gone("portal/security_recovery_gone.html")
    except Refusal as refusal:
        return keep_private(show_again(refusal, form, lambda: _link_page(row, form)))
    if wants_json():
        return jsonify(removed=True)
    return redirect(url_for("portal.login", removed=1), 303)


@portal.get("/recovery/stop/<secret:recovery_stop_token>")
def recovery_stop_link(recovery_stop_token: str) -> ResponseReturnValue:
    """Ask before stopping: mail scanners look first."""
    try:
        row = recovery.recovery_behind(recovery_stop_token, recovery.CANCEL)
    except NotFound:
        return link_gone("portal/security_recovery_gone.html")
    if wants_json():
        return jsonify(open=True)
    return _render("portal/security_recovery_stop.html", recovery=row)


@portal.post("/recovery/stop/<secret:recovery_stop_token>")
def stop_recovery(recovery_stop_token: str) -> ResponseReturnValue:
    """Stop the wait: nothing is removed."""
    try:
        with transaction():
            recovery.cancel(recovery_stop_token, request.remote_addr)
    except NotFound:
        return link_gone("portal/security_recovery_gone.html")
    if wants_json():
        return jsonify(stopped=True)
    return _render("portal/security_recovery_stopped.html")


@portal.post("/security/recovery/stop")
@signed_in
def stop_own_recovery() -> ResponseReturnValue:
    """Stop the person's own recovery in this session, or the one that the form names, if it is theirs to stop."""
    form, key = RecoveryForm(), session_id()
    try:
        confirmation.require()
        with transaction():
            recovery.stop(current_actor(), key, _named(form))
    except Refusal as refusal:
        if refusal.status == NotFound.status:
            raise
        return show_again(refusal, form, lambda: overview(stop=form))
    if wants_json():
        return jsonify(stopped=True)
    flash(gettext("It was stopped"), "success")
    return redirect(in_account("portal.security"), 303)


def _named(form: RecoveryForm) -> int | None:
    if not form.recovery.data:
        return None
    key = read_key(form.recovery.data)
    if key is None:
        raise NotFound
    return key


def _link_page(row: DeviceRecovery, form: PortalForm) -> Response:
    ready = row.is_ready(clock.now())
    return _render("portal/security_recovery.html", recovery=row, ready=ready, form=form)


def _render(template: str, **values: object) -> Response:
    return keep_private(make_response(render_template(template, **values)))
