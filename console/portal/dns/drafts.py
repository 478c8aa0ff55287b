"""The whole zone at once: edited as text, imported, exported, filled in from a template. A preview comes first."""

from __future__ import annotations

from dataclasses import dataclass

from flask import jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue

from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.forms import refuse_spoiled
from console.core.text import clean
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.hosting.dns import presets, queries, service, zone_files
from console.hosting.dns.forms import read_version
from console.hosting.dns.names import BadName
from console.hosting.dns.presets import Preset
from console.hosting.dns.queries import ZoneState
from console.hosting.dns.rules import RecordData
from console.hosting.dns.saving import Difference
from console.portal.blueprint import portal, signed_in
from console.portal.dns.zones import changeable_zone, draw, own_zone, records_url
from console.web.answers import refuse, wants_json
from console.web.downloads import download
from console.web.identity import current_actor


@dataclass(frozen=True)
class Draft:
    """A zone that was typed or chosen, and how it is to be taken.

    Args:
        mode: ``replace`` or ``add``.
        imported: it comes from elsewhere; then its name servers (NS of the domain itself) may be left out.
    """

    text: str
    mode: str = "replace"
    imported: bool = False
    without_servers: bool = False


@portal.get("/domains/<domain>/export")
@signed_in
def dns_export(domain: str) -> ResponseReturnValue:
    """Download the zone as a file."""
    _mine, state = own_zone(domain)
    records = [one for _key, one in queries.all_records(state.zone)]
    text = zone_files.write(state.domain.name, state.serial, records, queries.authority())
    return download(f"{state.domain.name}.zone", text.encode())


@portal.get("/domains/<domain>/draft")
@signed_in
def dns_draft(domain: str) -> ResponseReturnValue:
    """Show the whole zone as text, from a template where one is chosen; or the empty form of an import."""
    mine, state = changeable_zone(domain)
    if request.args.get("import"):
        return _page(mine, state, Draft("", imported=True, without_servers=True))
    records = [one for _key, one in queries.all_records(state.zone)]
    chosen, wrong = request.args.get("template", ""), ""
    if chosen in set(Preset):
        try:
            records = presets.fill(Preset(chosen), records, state.domain.name, request.args.get("address", ""))
        except BadName as error:
            wrong = str(error.message)
    ordered = sorted(records, key=lambda one: (one.name != "@", one))
    text = "".join(f"{zone_files.line(one)}\n" for one in ordered)
    return _page(mine, state, Draft(text), wrong_address=wrong, status=422 if wrong else 200)


@portal.post("/domains/<domain>/draft")
@signed_in
def save_dns_draft(domain: str) -> ResponseReturnValue:
    """Show what a draft would change; with ``apply`` do it."""
    mine, state = changeable_zone(domain)
    draft, difference = Draft(""), None
    try:
        draft = _read()
        version = read_version(request.form.get("version"))
        records = _records(draft, state)
        if not request.form.get("apply"):
            difference = service.preview(current_actor(), state, records)
            _require_present(state, version)
        else:
            with transaction():
                change = service.replace_zone(
                    current_actor(), state.domain.id, records, version, imported=draft.imported
                )
            if wants_json():
                return jsonify(version=change.version, **_counts(change.difference))
            return redirect(records_url(state, change.version), 303)
    except Refusal as refusal:
        if wants_json() or refusal.status == 404:
            return refuse(refusal)
        return _page(mine, state, draft, refusal=refusal, status=refusal.status)
    if wants_json():
        return jsonify(version=state.version, **_counts(difference))
    return draw("portal/dns/preview.html", mine, state, draft=draft, difference=difference)


def _read() -> Draft:
    """Return the draft of a request: a chosen file comes before what is in the field.

    Raises:
        Invalid: the file is no text.
    """
    refuse_spoiled("text")
    text, file = request.form.get("text", ""), request.files.get("file")
    if file is not None and file.filename:
        content = file.read(zone_files.MAX_CHARACTERS + 1)
        try:
            text = clean(content.decode())
        except UnicodeDecodeError as error:
            raise Invalid(fields={"text": [lazy_gettext("This file is not UTF-8 text.")]}) from error
    mode = "add" if request.form.get("mode") == "add" else "replace"
    return Draft(text, mode, bool(request.form.get("imported")), bool(request.form.get("without_servers")))


def _records(draft: Draft, state: ZoneState) -> list[RecordData]:
    servers = () if draft.without_servers else queries.authority().servers
    records = zone_files.read(draft.text, state.domain.name, without_servers=servers)
    if draft.mode == "add":
        present = [one for _key, one in queries.all_records(state.zone)]
        known = {one.key for one in present}
        records = [*present, *(one for one in records if one.key not in known)]
    return records


def _require_present(state: ZoneState, version: int) -> None:
    if version != state.version:
        raise Conflict(
            lazy_gettext(
                "The zone was changed while you were editing it. Check your draft against the records it has now."
            ),
            code="version",
            details={"version": state.version},
        )


def _counts(difference: Difference | None) -> dict[str, list[str]]:
    if difference is None:
        return {}
    return {
        "added": [zone_files.line(one) for one in difference.added],
        "removed": [zone_files.line(one) for one in difference.removed],
    }


def _page(
    mine: Membership,
    state: ZoneState,
    draft: Draft,
    *,
    refusal: Refusal | None = None,
    wrong_address: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    errors: list[Text] = [text for texts in refusal.fields.values() for text in texts] if refusal else []
    if refusal is not None and not errors:
        errors = [refusal.message]
    title = gettext("Import a zone file") if draft.imported else gettext("Edit the whole zone")
    page = draw(
        "portal/dns/draft.html", mine, state, draft=draft, errors=errors, wrong_address=wrong_address, title=title
    )
    response = make_response(page)
    response.status_code = status
    return response
