"""The domains of an account, and the records of one: listed, added, changed, deleted."""

from __future__ import annotations

from collections.abc import Callable

from flask import jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from console.customers.models import Membership
from console.customers.rights import Right
from console.hosting.dns import queries, service
from console.hosting.dns.forms import RecordForm
from console.hosting.dns.names import to_unicode
from console.hosting.dns.queries import RecordFilter, ZoneState
from console.hosting.dns.rules import RecordData
from console.hosting.dns.saving import Change
from console.hosting.dns.serializers import change_payload, record_payload
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.portal.dns.zones import (
    change_zone,
    changeable_zone,
    draw,
    own_zone,
    records_url,
    state_payload,
)
from console.web.answers import save_version, wants_json
from console.web.identity import current_actor


@portal.get("/domains/")
@signed_in
def domains() -> ResponseReturnValue:
    """List the domains of the chosen account, and until when they are registered."""
    return _domains_page("portal/dns/domains.html")


@portal.get("/domains/dns")
@signed_in
def dns_zones() -> ResponseReturnValue:
    """List the domains whose zones can be managed."""
    return _domains_page("portal/dns/zones.html")


@portal.get("/domains/<domain>/records")
@signed_in
def dns_records(domain: str) -> ResponseReturnValue:
    """List the records of a domain, a page at a time; for programs all of them."""
    mine, state = own_zone(domain)
    if wants_json():
        found = [record_payload(key, one) for key, one in queries.all_records(state.zone)]
        return jsonify(records=found, **state_payload(state))
    return _records_page(mine, state, RecordForm(formdata=None))


@portal.post("/domains/<domain>/records")
@signed_in
def add_dns_record(domain: str) -> ResponseReturnValue:
    """Add a record."""
    mine, state = changeable_zone(domain)
    form = RecordForm()
    return _save(
        state,
        form,
        lambda version: service.add_record(current_actor(), state.domain.id, form.typed(), version),
        lambda now: _records_page(mine, now, form, is_adding=True),
    )


@portal.get("/domains/<domain>/records/<id:record_id>")
@signed_in
def dns_record(domain: str, record_id: int) -> ResponseReturnValue:
    """Show one record in its form."""
    mine, state = own_zone(domain)
    record = queries.find_record(state.zone, record_id)
    if wants_json():
        return jsonify(record=record_payload(record.id, record), version=state.version)
    data = RecordData(record.name, record.type, record.ttl, record.value)
    return _record_page(mine, state, RecordForm.of(data), record_id)


@portal.post("/domains/<domain>/records/<id:record_id>")
@signed_in
def change_dns_record(domain: str, record_id: int) -> ResponseReturnValue:
    """Save a record."""
    mine, state = changeable_zone(domain)
    form = RecordForm()
    return _save(
        state,
        form,
        lambda version: service.change_record(current_actor(), state.domain.id, record_id, form.typed(), version),
        lambda now: _record_page(mine, now, form, record_id),
    )


@portal.post("/domains/<domain>/records/<id:record_id>/delete")
@signed_in
def delete_dns_record(domain: str, record_id: int) -> ResponseReturnValue:
    """Delete a record; the list that follows offers to undo it."""
    _mine, state = changeable_zone(domain)
    return change_zone(
        state,
        lambda version: service.delete_record(current_actor(), state.domain.id, record_id, version),
        deleted=record_id,
    )


def _save(
    state: ZoneState, form: RecordForm, verb: Callable[[int], Change], page: Callable[[ZoneState], str]
) -> ResponseReturnValue:
    """Carry out a verb on one record; where it is refused, show what was typed on the zone as it is now."""

    def done(change: Change) -> ResponseReturnValue:
        if wants_json():
            return jsonify(change_payload(change))
        return redirect(records_url(state, change.version), 303)

    return save_version(form, verb, page=lambda: page(own_zone(state.domain.name)[1]), done=done)


def _domains_page(template: str) -> ResponseReturnValue:
    accounts = own_accounts(Right.DOMAINS)
    mine = chosen(accounts)
    text = request.args.get("q", "").strip()[: queries.MAX_FILTER]
    zones = queries.list_zones(mine.customer_id, text)
    if wants_json():
        items = [state_payload(one) | {"expires_on": one.domain.expires_on.isoformat()} for one in zones]
        return jsonify(items=items, next=None)
    return render_template(
        template,
        accounts=accounts,
        mine=mine,
        zones=zones,
        text=text,
        most=queries.MAX_DOMAINS,
        to_unicode=to_unicode,
    )


def _records_page(mine: Membership, state: ZoneState, form: RecordForm, *, is_adding: bool = False) -> str:
    record_filter = RecordFilter.of(request.args)
    return draw(
        "portal/dns/records.html",
        mine,
        state,
        form=form,
        page=queries.list_records(state.zone, record_filter.text, record_filter.kind, record_filter.page),
        text=record_filter.text,
        kind=record_filter.kind,
        is_adding=is_adding,
        saved=queries.find_saved(state, request.args.get("saved")),
    )


def _record_page(mine: Membership, state: ZoneState, form: RecordForm, record_id: int) -> str:
    return draw("portal/dns/record.html", mine, state, form=form, record_id=record_id)
