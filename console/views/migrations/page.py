"""One migration: its history, what it will do or did, and the decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.billing import migration as migrate
from console.billing.forms import EndForm, PlanForm
from console.billing.migration.obstacles import four_eyes_obstacle, refusal
from console.billing.migration.queries import (
    documents_of,
    find_migration,
    left_behind,
    may_read_reasons,
    staff_names,
)
from console.billing.models import OPEN_STATES, Migration, MigrationState
from console.billing.pdf.files import record_of
from console.billing.pdf.models import Side
from console.core.errors import Invalid, Refusal
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.customers.queries import opened_rights
from console.customers.rights import Right
from console.hosting.models import service_number
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
from console.views.shared.base import Page
from console.views.shared.labels.migrations import migration_url
from console.views.shared.labels.states import MIGRATION_STATE, TAX_STATUS
from console.web.answers import wants_json
from console.web.documents import chosen_language, pdf_answer
from console.web.identity import current_actor


def views() -> list[BaseView]:
    """Return the page of one migration; the list is ``console.views.migrations.list``."""
    return [MigrationPage(name=lazy_gettext("Migrations"), endpoint="migration", url="/console/migrations/<ref>")]


class MigrationPage(Page):
    """One migration. Those who see documents see the preview; billing decides."""

    permission = Permission.SEE_MIGRATIONS
    permissions = {
        "preview": Permission.PREVIEW_MIGRATION,
        "pdf": Permission.PREVIEW_MIGRATION,
        "approve": Permission.DECIDE_MIGRATION,
        "execute": Permission.DECIDE_MIGRATION,
        "reject": Permission.DECIDE_MIGRATION,
        "withdraw": Permission.REQUEST_MIGRATION,
    }
    parent = "migrations"

    @expose("/")
    @expose("")  # its address in links
    def index(self, ref: str) -> ResponseReturnValue:
        """Show the state of a migration and what it will do, or did."""
        migration = find_migration(ref)
        if wants_json():
            may_read = may_read_reasons(current_actor(), migration)
            reasons = {name: getattr(migration, name) if may_read else None for name in ("reason", "end_reason")}
            return jsonify(migration=migration_json(migration) | reasons)
        return self._page(migration)

    @expose("/preview")
    def preview(self, ref: str) -> ResponseReturnValue:
        """Show what executing it now would do."""
        migration = find_migration(ref)
        if not wants_json():
            return redirect(migration_url(migration.ref))
        if migration.state not in OPEN_STATES:
            raise refusal("wrong_state")
        plan = migrate.plan_for(migration)
        return jsonify(
            migration=migration_json(migration),
            four_eyes=four_eyes_obstacle(current_actor(), migration, plan.totals()),
            **plan_json(plan),
        )

    @expose("/approve", methods=("POST",))
    def approve(self, ref: str) -> ResponseReturnValue:
        """Approve it as previewed."""
        return self._decide(ref, migrate.approve, gettext("Approved. Waiting for execution."))

    @expose("/execute", methods=("POST",))
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
            return self._page(find_migration(ref), error), error.status
        if wants_json():
            return jsonify(answer)
        flash(message, "success")
        return redirect(migration_url(ref), 303)

    @expose("/reject", methods=("POST",))
    def reject(self, ref: str) -> ResponseReturnValue:
        """Reject it."""
        return self._end(ref, migrate.reject, gettext("Rejected. The owner was notified by e-mail."))

    @expose("/withdraw", methods=("POST",))
    def withdraw(self, ref: str) -> ResponseReturnValue:
        """Withdraw it."""
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
            return self._page(find_migration(ref), error, end_form=form), error.status
        if wants_json():
            return jsonify(migration=migration_json(find_migration(ref)))
        flash(message, "success")
        return redirect(migration_url(ref), 303)

    @expose("/pdf")
    def pdf(self, ref: str) -> ResponseReturnValue:
        """Answer the record of an executed migration as one side has it: ``side=old`` or ``new``."""
        migration = find_migration(ref)
        side = Side.NEW if request.args.get("side") == Side.NEW else Side.OLD
        return pdf_answer(migration.ref, record_of(migration, side, chosen_language()))

    def _page(self, migration: Migration, error: Refusal | None = None, end_form: EndForm | None = None) -> str:
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


def _title(migration: Migration) -> str:
    count = len(migration.items)
    return ngettext("Transfer of %(num)d service", "Transfer of %(num)d services", count)


def migration_json(migration: Migration) -> dict[str, Any]:
    return {
        "ref": migration.ref,
        "state": migration.state.value,
        "from": migration.from_customer.number,
        "to": migration.to_customer.number,
        "services": [item.service.number for item in migration.items],
        "along": [item.service.number for item in migration.items if item.along],
        "left_behind": [service_number(key) for key in migration.left_behind],
        "origin": "portal" if migration.from_portal else "staff",
    }
