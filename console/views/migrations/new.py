"""Requesting a migration for the account of a verified person."""

from __future__ import annotations

from uuid import uuid4

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.billing import migration as migrate
from console.billing.forms import MigrationRequestForm
from console.billing.migration.obstacles import REASONS, service_obstacles
from console.billing.migration.queries import find_migration, held_back, movable_services
from console.billing.models import Migration
from console.core.context import settings
from console.core.errors import Invalid, NotFound, Refusal
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Customer, Verification, VerificationKind
from console.customers.queries import customer_by_number, live_verification, live_verifications
from console.customers.rights import Right
from console.hosting.links import groups
from console.hosting.models import Service
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.labels.migrations import migration_url
from console.web.answers import wants_json
from console.web.identity import current_actor


def views() -> list[BaseView]:
    """Return the form."""
    return [NewMigration(name=lazy_gettext("New migration"), endpoint="migration_new", url="/console/migrations/new")]


class NewMigration(Page):
    """Requests a migration under a live verification."""

    permission = Permission.REQUEST_MIGRATION
    parent = "migrations"

    @expose("/", methods=("GET", "POST"))
    @expose("", methods=("GET", "POST"))  # its address in links
    def index(self) -> ResponseReturnValue:
        """Show the request for one verified account, or send it."""
        form = MigrationRequestForm()
        if request.method == "POST":
            return self._send_request(form)
        number = request.args.get("customer", "")
        if not number:
            return self._choose_account()
        customer = customer_by_number(number)
        verification = live_verification(current_actor(), customer.id)
        form.service.data = [key for key in map(read_key, request.args.getlist("service")) if key is not None]
        form.idempotency_key.data = uuid4().hex
        form.reverses.data = request.args.get("reverses", "")
        return self._request_page(form, customer, verification)

    def _send_request(self, form: MigrationRequestForm) -> ResponseReturnValue:
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            migration_request = migrate.Request(
                services=tuple(form.service.data or ()),
                leave=tuple(form.leave.data or ()),
                to_customer=form.to_customer.data or "",
                verification=form.verification.data or 0,
                reason=form.reason.data or "",
                reverses=form.reverses.data or "",
            )
            with transaction():
                answer = migrate.request_migration(current_actor(), migration_request, form.idempotency_key.data or "")
        except Refusal as error:
            if wants_json():
                raise
            return self._show_refused(form, error)
        if wants_json():
            return jsonify(migration=answer), 201
        flash(gettext("Requested. Billing can see it now; the owner was notified by e-mail."), "success")
        return redirect(migration_url(answer["ref"]), 303)

    def _show_refused(self, form: MigrationRequestForm, error: Refusal) -> ResponseReturnValue:
        """Show the form as it was typed, with its errors."""
        verification = _own_verification(form.verification.data)
        if verification is None:
            raise error
        form.idempotency_key.data = uuid4().hex
        page = self._request_page(form, verification.customer, verification, error)
        return page, error.status

    def _request_page(
        self,
        form: MigrationRequestForm,
        customer: Customer,
        verification: Verification | None,
        error: Refusal | None = None,
    ) -> str:
        """Draw the request; without a verification that gives the right, only what it needs."""
        rights = verification.opened_rights() if verification else frozenset()
        allowed = verification is not None and verification.kind is VerificationKind.PIN and Right.TRANSFER in rights
        if allowed and verification is not None:
            form.verification.data = verification.id
        services = movable_services(customer.id) if allowed else []
        reverses = _reversed(form.reverses.data, customer) if allowed and form.reverses.data else None
        if reverses is not None:
            moved = {item.service_id for item in reverses.items}
            services = [service for service in services if service.id in moved]
        return str(
            self.render(
                "admin/migrations/new.html",
                form=form,
                customer=customer,
                verification=verification,
                allowed=allowed,
                services=services,
                groups=groups(services),
                holds=_holds(services),
                named=Right.PRODUCTS in rights,
                error=error,
                reverses=reverses,
                acceptance=settings().migration_acceptance,
            )
        )

    def _choose_account(self) -> ResponseReturnValue:
        """Without an account: those whose verified person may transfer services."""
        usable = [
            verification
            for verification in live_verifications(current_actor())
            if verification.kind is VerificationKind.PIN and Right.TRANSFER in verification.opened_rights()
        ]
        return self.render("admin/migrations/customer.html", verifications=usable)


def _own_verification(key: int | None) -> Verification | None:
    """Return the live verification ``key`` of the reader."""
    found = [verification for verification in live_verifications(current_actor()) if verification.id == key]
    return found[0] if found else None


def _reversed(ref: str, customer: Customer) -> Migration:
    """Return the migration that is to be reversed, where this account has its services.

    Raises:
        NotFound: it is none of this account's.
    """
    migration = find_migration(ref)
    if migration.to_customer_id != customer.id:
        raise NotFound
    return migration


def _holds(services: list[Service]) -> dict[str, str]:
    """Return, by service number, why it cannot be chosen."""
    if not services:
        return {}
    in_migration = held_back([service.id for service in services])
    codes = {service.number: "in_migration" for service in services if service.id in in_migration}
    for obstacle in service_obstacles(services, services[0].customer_id):
        codes |= dict.fromkeys(obstacle.concerns, obstacle.code)
    return {number: str(REASONS[code]) for number, code in codes.items()}
