"""The link by which a new owner accepts a transfer or declines it, without signing in: it came to their address."""

from __future__ import annotations

from flask import Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, TextAreaField

from console.billing import migration as migrate
from console.billing.migration.acceptance import migration_behind, terms_json
from console.billing.models import Migration
from console.core.errors import NotFound, Refusal
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.portal.answers import show_again
from console.portal.blueprint import portal
from console.portal.forms import PortalForm
from console.web.answers import wants_json
from console.web.security import keep_private


class AcceptForm(PortalForm):
    """What was looked at."""

    terms = HiddenField()


class DeclineForm(PortalForm):
    """Why not."""

    reason = TextAreaField(lazy_gettext("Reason"))


@portal.get("/transfer/<secret:offer_token>")
def transfer_offer(offer_token: str) -> ResponseReturnValue:
    """Show what is offered. Looking uses nothing up: mail scanners look first."""
    try:
        found = migration_behind(offer_token)
    except NotFound:
        return _gone()
    if wants_json():
        return jsonify(open=True, **offer_json(found))
    return _page(offer_token, found, DeclineForm(formdata=None))


@portal.post("/transfer/<secret:offer_token>")
def accept_transfer_offer(offer_token: str) -> ResponseReturnValue:
    """Accept the offer that was shown."""
    form = AcceptForm()
    try:
        found = migration_behind(offer_token)
        form.require()
        with transaction():
            found = migrate.accept_by_link(offer_token, request.remote_addr, terms=form.terms.data or "")
    except NotFound:
        return _gone()
    except Refusal as refusal:
        blank = DeclineForm(formdata=None)
        return show_again(refusal, blank, lambda: _page(offer_token, found, blank))
    return _answered(found)


@portal.post("/transfer/<secret:offer_token>/decline")
def decline_transfer_offer(offer_token: str) -> ResponseReturnValue:
    """Decline it, with a reason that both sides read."""
    form = DeclineForm()
    try:
        found = migration_behind(offer_token)
        form.require()
        with transaction():
            found = migrate.decline_by_link(offer_token, form.reason.data or "", request.remote_addr)
    except NotFound:
        return _gone()
    except Refusal as refusal:
        refusal.fields = refusal.fields or {"reason": [refusal.message]}
        return show_again(refusal, form, lambda: _page(offer_token, found, form))
    return _answered(found)


def offer_json(migration: Migration) -> dict[str, object]:
    """Return what the new owner takes over, for programs; of the old owner nothing."""
    plan = migrate.plan_for(migration)
    return {
        "ref": migration.ref,
        "services": [{"number": one.number, "label": one.label, "product": one.product} for one in plan.services],
        "documents": terms_json(plan.new_documents),
        "totals": plan.new_totals(),
        "terms": plan.terms_digest,
    }


def offer_values(migration: Migration) -> dict[str, object]:
    """Return the same for a page."""
    plan = migrate.plan_for(migration)
    return {
        "documents": plan.new_documents,
        "totals": plan.new_totals(),
        "terms": plan.terms_digest,
        "domains": [domain.readable_name for domain in migration.rnids_domains],
    }


def _page(token: str, found: Migration, form: DeclineForm) -> Response:
    page = render_template(
        "portal/migrations/offer.html", token=token, migration=found, form=form, **offer_values(found)
    )
    return keep_private(make_response(page))


def _answered(migration: Migration) -> ResponseReturnValue:
    if wants_json():
        return jsonify(migration={"ref": migration.ref, "state": migration.state.value})
    return keep_private(make_response(render_template("portal/migrations/answered.html", migration=migration)))


def _gone() -> ResponseReturnValue:
    if wants_json():
        raise NotFound(code="link_gone")
    return keep_private(make_response(render_template("portal/link_gone.html"), NotFound.status))
