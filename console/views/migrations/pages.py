"""Service migrations: the list, the request, and a page for each with its whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload

from console.billing import migration as migrate
from console.billing.forms import EndForm, MigrationRequestForm, PlanForm
from console.billing.migration import four_eyes
from console.billing.migration.plan_data import service_obstacles
from console.billing.migration.queries import (
    documents_of,
    find_migration,
    held_back,
    left_behind,
    may_read_reasons,
    movable_services,
    staff_names,
)
from console.billing.migration.refusals import REASONS, refusal
from console.billing.models import OPEN_STATES, Migration, MigrationItem, MigrationState
from console.core.errors import Invalid, Refusal
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.customers.models import Customer, Verification, VerificationKind
from console.customers.queries import customer_by_number, live_verification, live_verifications, opened_rights
from console.customers.rights import Right
from console.hosting.links import groups
from console.hosting.models import Service, service_number
from console.staff.roles import Permission
from console.views.migrations.story import (
    TAX_NOTES,
    barred,
    executed_bands,
    notices,
    plan_json,
    planned_bands,
    stages,
)
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, CustomerNumber
from console.views.shared.labels.states import MIGRATION_STATE, TAX_STATUS
from console.views.shared.menu import customer_url
from console.web.answers import wants_json
from console.web.identity import current_actor


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [MigrationList()]


def _party(customer: Customer) -> Markup:
    return Markup('<a class="plain" href="{}">{}</a> <span class="muted ref">{}</span>').format(
        customer_url(customer.number), customer.name, customer.number
    )


class MigrationList(BaseModelView):
    """Every migration. Who sees documents sees the preview; billing decides."""

    permission = Permission.SEE_MIGRATIONS
    permissions = {
        "new": Permission.REQUEST_MIGRATION,
        "preview": Permission.PREVIEW_MIGRATION,
        "approve": Permission.DECIDE_MIGRATION,
        "execute": Permission.DECIDE_MIGRATION,
        "reject": Permission.DECIDE_MIGRATION,
        "withdraw": Permission.REQUEST_MIGRATION,
    }
    group = "billing"
    letter = "m"
    list_template = "admin/migrations/list.html"

    column_list = ("ref", "state", "from_customer", "to_customer", "services", "requested_at")
    column_labels = {
        "ref": lazy_gettext("Number"),
        "state": lazy_gettext("State"),
        "from_customer": lazy_gettext("Old owner"),
        "to_customer": lazy_gettext("New owner"),
        "services": lazy_gettext("Services"),
        "requested_at": lazy_gettext("Requested"),
    }
    column_formatters = {
        "state": formatters.state(MIGRATION_STATE),
        "from_customer": lambda _v, _c, row, _n: _party(row.from_customer),
        "to_customer": lambda _v, _c, row, _n: _party(row.to_customer),
        "services": lambda _v, _c, row, _n: str(len(row.items)),
        "requested_at": formatters.ago,
    }
    column_options = (
        joinedload(Migration.from_customer).load_only(Customer.name),
        joinedload(Migration.to_customer).load_only(Customer.name),
        selectinload(Migration.items).load_only(MigrationItem.id),
    )
    list_filters = (
        Choice("state", lazy_gettext("State"), Migration.state, {k.value: v.text for k, v in MIGRATION_STATE.items()}),
        CustomerNumber("from", lazy_gettext("Old owner's number"), Migration.from_customer_id),
        CustomerNumber("to", lazy_gettext("New owner's number"), Migration.to_customer_id),
    )
    lead = lazy_gettext("A service and its open pro-formas always move together.")
    empty_icon = "migrate"
    empty_title = lazy_gettext("No migrations yet")
    empty_text = lazy_gettext("Start one from the page of a verified customer.")

    def __init__(self) -> None:
        super().__init__(
            Migration,
            name=lazy_gettext("Migrations"),
            endpoint="migrations",
            url="migrations",
            menu_icon_value="migrate",
        )

    @property
    def may_request(self) -> bool:
        """Tell whether this person may request migrations."""
        return current_actor().may(Permission.REQUEST_MIGRATION)

    def row_link(self, row: Any) -> str:
        return story_url(row.ref)

    def row_name(self, row: Any) -> str:
        return str(row.ref)

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {
            "from_customer": row.from_customer.number,
            "to_customer": row.to_customer.number,
            "services": len(row.items),
        }

    # The request ---------------------------------------------------------

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
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
            )
            with transaction():
                answer = migrate.request_migration(current_actor(), migration_request, form.idempotency_key.data or "")
        except Refusal as error:
            if wants_json():
                raise
            return self._request_again(form, error)
        if wants_json():
            return jsonify(migration=answer), 201
        flash(gettext("Requested. Billing can see it now; the owner was notified by e-mail."), "success")
        return redirect(story_url(answer["ref"]), 303)

    def _request_again(self, form: MigrationRequestForm, error: Refusal) -> ResponseReturnValue:
        """Show the form as it was typed, with what was wrong."""
        verification = own_verification(form.verification.data)
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
        """Draw the request; without a verification that gives the right, only what is missing."""
        rights = verification.opened_rights() if verification else frozenset()
        allowed = verification is not None and verification.kind is VerificationKind.PIN and Right.TRANSFER in rights
        if allowed and verification is not None:
            form.verification.data = verification.id
        services = movable_services(customer.id) if allowed else []
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

    # One migration -------------------------------------------------------

    @expose("/<ref>")
    def story(self, ref: str) -> ResponseReturnValue:
        """Show the state of a migration and what it will do, or did."""
        migration = find_migration(ref)
        if wants_json():
            may_read = may_read_reasons(current_actor(), migration)
            reasons = {name: getattr(migration, name) if may_read else None for name in ("reason", "end_reason")}
            return jsonify(migration=_summary(migration) | reasons)
        return self._story(migration)

    @expose("/<ref>/preview")
    def preview(self, ref: str) -> ResponseReturnValue:
        """Show what executing it now would do."""
        migration = find_migration(ref)
        if not wants_json():
            return redirect(story_url(migration.ref))
        if migration.state not in OPEN_STATES:
            raise refusal("wrong_state")
        plan = migrate.plan_for(migration)
        return jsonify(
            migration=_summary(migration),
            four_eyes=four_eyes.obstacle(current_actor(), migration, plan),
            **plan_json(plan),
        )

    @expose("/<ref>/approve", methods=("POST",))
    def approve(self, ref: str) -> ResponseReturnValue:
        """Approve it as previewed."""
        return self._decide(ref, migrate.approve, gettext("Approved. Waiting for execution."))

    @expose("/<ref>/execute", methods=("POST",))
    def execute(self, ref: str) -> ResponseReturnValue:
        """Execute it as previewed."""
        return self._decide(ref, migrate.execute, gettext("Executed. Both owners were notified by e-mail."))

    def _decide(self, ref: str, verb: Callable[..., dict[str, Any]], message: str) -> ResponseReturnValue:
        form = PlanForm()
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            with transaction():
                answer = verb(
                    current_actor(),
                    ref,
                    form.plan.data,
                    form.idempotency_key.data,
                    lose_exemption=form.lose_exemption.data,
                )
        except Refusal as error:
            if wants_json() or error.status == 404:
                raise
            return self._story(find_migration(ref), error), error.status
        if wants_json():
            return jsonify(answer)
        flash(message, "success")
        return redirect(story_url(ref), 303)

    @expose("/<ref>/reject", methods=("POST",))
    def reject(self, ref: str) -> ResponseReturnValue:
        """Turn it down."""
        return self._end(ref, migrate.reject, gettext("Rejected. The owner was notified by e-mail."))

    @expose("/<ref>/withdraw", methods=("POST",))
    def withdraw(self, ref: str) -> ResponseReturnValue:
        """Take it back."""
        return self._end(ref, migrate.withdraw, gettext("Withdrawn."))

    def _end(self, ref: str, verb: Callable[..., Migration], message: str) -> ResponseReturnValue:
        form = EndForm()
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            with transaction():
                verb(current_actor(), ref, form.reason.data or "")
        except Refusal as error:
            if wants_json() or error.status == 404:
                raise
            return self._story(find_migration(ref), error, end_form=form), error.status
        if wants_json():
            return jsonify(migration=_summary(find_migration(ref)))
        flash(message, "success")
        return redirect(story_url(ref), 303)

    def _story(self, migration: Migration, error: Refusal | None = None, end_form: EndForm | None = None) -> str:
        actor = current_actor()
        sees_documents = actor.may(Permission.PREVIEW_MIGRATION)
        plan = migrate.plan_for(migration) if sees_documents and migration.state in OPEN_STATES else None
        bands = []
        if plan is not None:
            bands = planned_bands(plan)
        elif sees_documents and migration.state is MigrationState.EXECUTED:
            bands = executed_bands(migration, *documents_of(migration))
        mine = migration.requested_by_id == actor.id
        return str(
            self.render(
                "admin/migrations/page.html",
                migration=migration,
                label=MIGRATION_STATE[migration.state],
                stages=stages(migration, staff_names(migration)),
                title=_title(migration),
                plan=plan,
                bands=bands,
                sums=plan.sums() if plan else [],
                nothing=0,  # a literal would be written once, in whatever language compiled the template
                notices=notices(plan) if plan else [],
                tax_notes=TAX_NOTES,
                tax_statuses={status.value: text for status, text in TAX_STATUS.items()},
                left_behind=left_behind(migration),
                reasons=may_read_reasons(actor, migration),
                named=sees_documents or Right.PRODUCTS in opened_rights(actor, migration.from_customer_id),
                sees_documents=sees_documents,
                is_open=migration.state in OPEN_STATES,
                may_decide=actor.may(Permission.DECIDE_MIGRATION),
                may_withdraw=mine or actor.may(Permission.DECIDE_MIGRATION),
                barred=barred(actor, migration, plan) if plan and actor.may(Permission.DECIDE_MIGRATION) else None,
                plan_form=PlanForm(formdata=None, plan=plan.digest if plan else "", idempotency_key=uuid4().hex),
                end_form=end_form or EndForm(formdata=None),
                error=error,
            )
        )


def story_url(ref: str) -> str:
    """Return the address of a migration's page."""
    return url_for("migrations.story", ref=ref)


def own_verification(key: int | None) -> Verification | None:
    """Return the live verification ``key`` of the reader."""
    found = [verification for verification in live_verifications(current_actor()) if verification.id == key]
    return found[0] if found else None


def _title(migration: Migration) -> str:
    count = len(migration.items)
    return ngettext("Transfer of %(num)d service", "Transfer of %(num)d services", count)


def _summary(migration: Migration) -> dict[str, Any]:
    return {
        "ref": migration.ref,
        "state": migration.state.value,
        "from": migration.from_customer.number,
        "to": migration.to_customer.number,
        "services": [item.service.number for item in migration.items],
        "along": [item.service.number for item in migration.items if item.along],
        "left_behind": [service_number(key) for key in migration.left_behind],
    }


def _holds(services: list[Service]) -> dict[str, str]:
    """Return, by service number, why it cannot be chosen."""
    if not services:
        return {}
    in_migration, part_paid = held_back([service.id for service in services])
    codes = {service.number: "in_migration" for service in services if service.id in in_migration}
    for obstacle in service_obstacles(services, services[0].customer_id):
        codes |= dict.fromkeys(obstacle.concerns, obstacle.code)
    for service in services:
        if service.id in part_paid:
            codes.setdefault(service.number, "part_paid")
    return {number: str(REASONS[code]) for number, code in codes.items()}
