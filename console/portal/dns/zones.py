"""What the pages of a zone share: whose it is, what its reader may do, and how it is drawn and told to programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.context import settings
from console.core.errors import Refusal
from console.core.transaction import transaction
from console.customers.access import require_right
from console.customers.models import Membership
from console.customers.rights import Right
from console.hosting.dns import labels, presets
from console.hosting.dns.forms import read_version
from console.hosting.dns.models import RecordType
from console.hosting.dns.names import to_unicode
from console.hosting.dns.queries import ZoneState, find_zone
from console.hosting.dns.rules import HINTS, to_display
from console.hosting.dns.saving import Change
from console.portal.accounts import own_accounts
from console.web.answers import local_time, send_back, wants_json
from console.web.identity import current_actor


def own_zone(domain: str) -> tuple[Membership, ZoneState]:
    """Return one's own membership of the account that a domain belongs to, and the domain with its zone.

    Raises:
        NotFound: there is no such domain on an account whose domains one may see.
    """
    accounts = {one.customer_id: one for one in own_accounts(Right.DOMAINS)}
    state = find_zone(domain, accounts)
    return accounts[state.customer_id], state


def changeable_zone(domain: str) -> tuple[Membership, ZoneState]:
    """Return one's own membership and a domain whose zone one may change, asked before anything that was sent is read.

    Raises:
        NotFound: there is none, or one may only see it.
    """
    mine, state = own_zone(domain)
    require_right(current_actor(), state.customer_id, Right.MANAGE_DOMAINS)
    return mine, state


def draw(template: str, mine: Membership, state: ZoneState, **values: Any) -> str:
    """Draw a page of a zone."""
    return render_template(
        template,
        accounts=[mine],
        mine=mine,
        state=state,
        domain=to_unicode(state.domain.name),
        may_change=Right.MANAGE_DOMAINS in mine.held_rights(),
        cause_of=labels.cause_of,
        cause_icons=labels.CAUSE_ICONS,
        preset_names=presets.NAMES,
        hints=HINTS,
        types=list(RecordType),
        to_display=to_display,
        to_unicode=to_unicode,
        name_servers=settings().dns_servers,
        **values,
    )


def change_zone(state: ZoneState, verb: Callable[[int], Change], **payload: Any) -> ResponseReturnValue:
    """Carry out a verb on the version that was seen; the list that follows offers to undo it, or says why not.

    Args:
        payload: what programs are told besides the new version.
    """
    try:
        with transaction():
            change = verb(read_version(request.form.get("version")))
    except Refusal as refusal:
        return send_back(refusal, records_url(state))
    if wants_json():
        return jsonify(version=change.version, **payload)
    return redirect(records_url(state, change.version), 303)


def records_url(state: ZoneState, saved: int | None = None) -> str:
    """Return the address of a zone's records."""
    return url_for("portal.dns_records", domain=state.domain.name, saved=saved)


def state_payload(state: ZoneState) -> dict[str, Any]:
    """Return for programs where a zone stands."""
    publication = state.publication
    return {
        "domain": state.domain.name,
        "version": state.version,
        "serial": state.serial,
        "published": publication.published_version if publication else 0,
        "published_at": local_time(publication.published_at) if publication else None,
        "failing_since": local_time(state.failing_since),
    }
