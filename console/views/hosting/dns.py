"""The DNS records of a customer's domain, for an agent: read as far as it is opened, changed for a verified caller.

The same verbs as in the portal: what the caller may not do is not done for them, and the owner is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.core.errors import NotFound, Refusal
from console.core.ids import read_count, read_key
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Customer, Verification, VerificationKind
from console.customers.queries import customer_by_number, live_verification
from console.customers.rights import Right
from console.hosting.dns import labels, queries, service
from console.hosting.dns.forms import RecordForm, read_version
from console.hosting.dns.models import RecordType
from console.hosting.dns.names import to_unicode
from console.hosting.dns.queries import RecordFilter, ZoneState
from console.hosting.dns.rules import HINTS, RecordData, to_display
from console.hosting.dns.saving import Change
from console.hosting.dns.serializers import change_payload, record_payload
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.per_request import cached_per_request
from console.web.answers import save_version, send_back, wants_json
from console.web.identity import current_actor


def views() -> list[BaseView]:
    """Return the page."""
    url = "/console/customers/<number>/dns/<domain>"
    return [CustomerDns(name=lazy_gettext("DNS records"), endpoint="customer_dns", url=url)]


class CustomerDns(Page):
    """One domain of an account."""

    permission = Permission.FIND_CUSTOMERS
    parent = "customers"

    @expose("")
    @expose("/")
    def index(self, number: str, domain: str) -> ResponseReturnValue:
        """List the records, a page at a time; for programs all of them."""
        customer, state = _zone(number, domain)
        if wants_json():
            found = [record_payload(key, one) for key, one in queries.all_records(state.zone)]
            return jsonify(records=found, version=state.version)
        return self._list(customer, state, RecordForm(formdata=None))

    @expose("/records", methods=["POST"])
    def add(self, number: str, domain: str) -> ResponseReturnValue:
        """Add a record."""
        customer, state = _zone(number, domain)
        form = RecordForm()
        return self._save(
            customer,
            state,
            form,
            lambda version: service.add_record(current_actor(), state.domain.id, form.typed(), version),
            lambda now: self._list(customer, now, form, is_adding=True),
        )

    @expose("/records/<id:record_id>")
    def record(self, number: str, domain: str, record_id: int) -> ResponseReturnValue:
        """Show one record in its form."""
        customer, state = _zone(number, domain)
        record = queries.find_record(state.zone, record_id)
        if wants_json():
            return jsonify(record=record_payload(record.id, record), version=state.version)
        data = RecordData(record.name, record.type, record.ttl, record.value)
        return self._form(customer, state, RecordForm.of(data), record_id)

    @expose("/records/<id:record_id>", methods=["POST"])
    def change(self, number: str, domain: str, record_id: int) -> ResponseReturnValue:
        """Save a record."""
        customer, state = _zone(number, domain)
        form = RecordForm()
        return self._save(
            customer,
            state,
            form,
            lambda version: service.change_record(current_actor(), state.domain.id, record_id, form.typed(), version),
            lambda now: self._form(customer, now, form, record_id),
        )

    @expose("/records/<id:record_id>/delete", methods=["POST"])
    def delete(self, number: str, domain: str, record_id: int) -> ResponseReturnValue:
        """Delete a record; the list that follows offers to undo it."""
        customer, state = _zone(number, domain)
        return self._do(
            customer,
            state,
            lambda version: service.delete_record(current_actor(), state.domain.id, record_id, version),
        )

    @expose("/history")
    def history(self, number: str, domain: str) -> ResponseReturnValue:
        """List the versions, newest first."""
        customer, state = _zone(number, domain)
        found = queries.list_versions(state.zone, read_key(request.args.get("before")))
        rows = found[: queries.HISTORY_SIZE]
        older = rows[-1].number if len(found) > queries.HISTORY_SIZE else None
        return self._draw("admin/hosting/dns_history.html", customer, state, versions=rows, older=older)

    @expose("/history/<id:version>")
    def version(self, number: str, domain: str, version: int) -> ResponseReturnValue:
        """Show what one version changed, and what putting it back would change now."""
        customer, state = _zone(number, domain)
        found = queries.find_version(state.zone, version)
        difference = service.difference_to(state, version) if version < state.version else None
        added, removed = ([queries.to_record(one) for one in values] for values in (found.added, found.removed))
        return self._draw(
            "admin/hosting/dns_version.html",
            customer,
            state,
            version=found,
            added=added,
            removed=removed,
            difference=difference,
        )

    @expose("/history/<version>/restore", methods=["POST"])
    def restore(self, number: str, domain: str, version: str) -> ResponseReturnValue:
        """Put a version back, as a new one."""
        customer, state = _zone(number, domain)
        key = read_count(version)
        if key is None:
            raise NotFound
        return self._do(
            customer, state, lambda seen: service.restore_version(current_actor(), state.domain.id, key, seen)
        )

    def _save(
        self,
        customer: Customer,
        state: ZoneState,
        form: RecordForm,
        verb: Callable[[int], Change],
        page: Callable[[ZoneState], str],
    ) -> ResponseReturnValue:
        """Carry out a verb on one record; where it is refused, show what was typed on the zone as it is now."""

        def done(change: Change) -> ResponseReturnValue:
            if wants_json():
                return jsonify(change_payload(change))
            return redirect(_url(customer, state, change.version), 303)

        return save_version(form, verb, page=lambda: page(_zone(customer.number, state.domain.name)[1]), done=done)

    def _do(self, customer: Customer, state: ZoneState, verb: Callable[[int], Change]) -> ResponseReturnValue:
        try:
            with transaction():
                change = verb(read_version(request.form.get("version")))
        except Refusal as refusal:
            return send_back(refusal, _url(customer, state))
        if wants_json():
            return jsonify(version=change.version)
        return redirect(_url(customer, state, change.version), 303)

    def _list(self, customer: Customer, state: ZoneState, form: RecordForm, *, is_adding: bool = False) -> str:
        record_filter = RecordFilter.of(request.args)
        return self._draw(
            "admin/hosting/dns.html",
            customer,
            state,
            form=form,
            page=queries.list_records(state.zone, record_filter.text, record_filter.kind, record_filter.page),
            text=record_filter.text,
            kind=record_filter.kind,
            is_adding=is_adding,
            saved=queries.find_saved(state, request.args.get("saved")),
        )

    def _form(self, customer: Customer, state: ZoneState, form: RecordForm, record_id: int) -> str:
        return self._draw("admin/hosting/dns_record.html", customer, state, form=form, record_id=record_id)

    def _draw(self, template: str, customer: Customer, state: ZoneState, **values: Any) -> str:
        rendered: str = self.render(
            template,
            customer=customer,
            state=state,
            domain=to_unicode(state.domain.name),
            may_change=_may_change(customer.id),
            cause_of=labels.cause_of,
            cause_icons=labels.CAUSE_ICONS,
            hints=HINTS,
            types=list(RecordType),
            to_display=to_display,
            to_unicode=to_unicode,
            **values,
        )
        return rendered


@cached_per_request
def _verification(customer_id: int) -> Verification | None:
    return live_verification(current_actor(), customer_id)


def _may_change(customer_id: int) -> bool:
    """Return whether the page offers changes; the verbs ask again, by ``console.customers.access``."""
    verification = _verification(customer_id)
    if verification is None or verification.kind is not VerificationKind.PIN:
        return False
    return Right.MANAGE_DOMAINS in verification.opened_rights()


def _zone(number: str, domain: str) -> tuple[Customer, ZoneState]:
    """Return an account and one of its domains, if its domains are opened for the reader.

    Raises:
        NotFound: they are not, or it has no such domain.
    """
    customer = customer_by_number(number)
    verification = _verification(customer.id)
    is_opened = verification is not None and Right.DOMAINS in verification.opened_rights()
    if not is_opened and not current_actor().may(Permission.READ_DOCUMENTS):
        raise NotFound
    return customer, queries.find_zone(domain, [customer.id])


def _url(customer: Customer, state: ZoneState, saved: int | None = None) -> str:
    return url_for("customer_dns.index", number=customer.number, domain=state.domain.name, saved=saved)
