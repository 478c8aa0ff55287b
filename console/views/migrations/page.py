"""One migration: its history, what it will do or did, and the decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.billing import migration as migrate
from console.billing.forms import EndForm, NoteForm, PlanForm, ScheduleForm
from console.billing.migration import registry
from console.billing.migration.models import RegistryTask
from console.billing.migration.obstacles import REASONS, four_eyes_obstacle, refusal
from console.billing.migration.queries import (
    access_to,
    documents_of,
    find_migration,
    left_behind,
    load_migration,
)
from console.billing.migration.reversal import is_reversible
from console.billing.migration.scheduling import AT_HOUR, MOST_DAYS
from console.billing.models import OPEN_STATES, Migration, MigrationState
from console.billing.pdf.files import record_of
from console.billing.pdf.models import Side
from console.billing.service import today
from console.core.actor import Actor
from console.core.errors import Invalid, NotFound, Refusal
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.customers.labels import TAX_STATUS
from console.hosting.models import service_number
from console.staff.roles import Permission
from console.views.migrations.registry import by_domain, task_json
from console.views.migrations.story import (
    TAX_NOTES,
    barred,
    executed_bands,
    expiry_text,
    next_step,
    notices,
    plan_json,
    planned_bands,
    stages,
)
from console.views.shared.base import Page
from console.views.shared.labels.migrations import migration_url, origin_of
from console.views.shared.labels.states import migration_label
from console.views.shared.menu import badge_queries
from console.web.answers import local_time, wants_json
from console.web.documents import chosen_language, pdf_answer
from console.web.filters import day as day_text
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
        "schedule": Permission.DECIDE_MIGRATION,
        "unschedule": Permission.DECIDE_MIGRATION,
        "ask_again": Permission.DECIDE_MIGRATION,
        "withdraw": Permission.REQUEST_MIGRATION,
        "tick": Permission.REQUEST_MIGRATION,
        "untick": Permission.REQUEST_MIGRATION,
    }
    parent = "migrations"

    @expose("/")
    @expose("")  # its address in links
    def index(self, ref: str) -> ResponseReturnValue:
        """Show the state of a migration and what it will do, or did."""
        if wants_json():
            migration = find_migration(ref)
            may_read = access_to(current_actor(), migration).reasons
            reasons = {name: getattr(migration, name) if may_read else None for name in ("reason", "end_reason")}
            return jsonify(migration=migration_json(migration) | reasons)
        return self._page(ref)

    @expose("/preview")
    def preview(self, ref: str) -> ResponseReturnValue:
        """Show what executing it now would do."""
        migration = find_migration(ref)
        if not wants_json():
            return redirect(migration_url(migration.ref))
        if migration.state not in OPEN_STATES:
            raise refusal("wrong_state")
        day = _chosen_day()
        plan = migrate.plan_for(migration, day)
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

    @expose("/schedule", methods=("POST",))
    def schedule(self, ref: str) -> ResponseReturnValue:
        """Let it be executed on a day, as previewed for that day."""
        form = ScheduleForm()
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            with transaction():
                answer = migrate.schedule(
                    current_actor(),
                    ref,
                    form.plan.data or "",
                    form.on.data or today(),
                    form.idempotency_key.data or "",
                    lose_exemption=form.lose_exemption.data,
                )
        except Refusal as error:
            if wants_json() or error.status == 404:
                raise
            return self._page(ref, error, day=form.on.data), error.status
        if wants_json():
            return jsonify(answer)
        flash(
            gettext("Scheduled for %(day)s. Both owners were notified by e-mail.", day=day_text(form.on.data)),
            "success",
        )
        return redirect(migration_url(ref), 303)

    @expose("/unschedule", methods=("POST",))
    def unschedule(self, ref: str) -> ResponseReturnValue:
        """Take the chosen day back."""
        return self._simply(
            ref, migrate.unschedule, gettext("The schedule was cancelled. The migration stays approved.")
        )

    @expose("/ask", methods=("POST",))
    def ask_again(self, ref: str) -> ResponseReturnValue:
        """Ask the new owner again."""
        return self._simply(ref, migrate.ask_again, gettext("The new owner got another link by e-mail."))

    def _simply(self, ref: str, verb: Callable[[Actor, str], Migration], message: str) -> ResponseReturnValue:
        try:
            with transaction():
                verb(current_actor(), ref)
        except Refusal as error:
            if wants_json() or error.status == 404:
                raise
            return self._page(ref, error), error.status
        if wants_json():
            return jsonify(migration=migration_json(find_migration(ref)))
        flash(message, "success")
        return redirect(migration_url(ref), 303)

    @expose("/tasks/<id:task_id>", methods=("POST",))
    def tick(self, ref: str, task_id: int) -> ResponseReturnValue:
        """Note that a task at the registry is done."""
        form = NoteForm()
        form.refuse_spoiled()
        note = form.note.data or ""
        return self._task(ref, task_id, lambda actor: registry.tick(actor, task_id, note))

    @expose("/tasks/<id:task_id>/undo", methods=("POST",))
    def untick(self, ref: str, task_id: int) -> ResponseReturnValue:
        """Undo that."""
        return self._task(ref, task_id, lambda actor: registry.untick(actor, task_id))

    def _task(self, ref: str, task_id: int, work: Callable[[Actor], RegistryTask]) -> ResponseReturnValue:
        migration = find_migration(ref)
        if task_id not in {task.id for task in registry.tasks_of(migration)}:
            raise NotFound
        try:
            with transaction():
                task = work(current_actor())
        except Refusal as error:
            if wants_json() or error.status == 404:
                raise
            return self._page(ref, error), error.status
        if wants_json():
            return jsonify(task=task_json(task, named=access_to(current_actor(), migration).names))
        return redirect(f"{migration_url(ref)}#h-registry", 303)

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
            return self._page(ref, error), error.status
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
            return self._page(ref, error, end_form=form), error.status
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

    def _page(
        self,
        ref: str,
        error: Refusal | None = None,
        end_form: EndForm | None = None,
        day: date | None = None,
    ) -> str:
        actor = current_actor()
        view = load_migration(ref, scalars=badge_queries())
        migration, reversal = view.migration, view.reversal
        access = access_to(actor, migration)
        executed = migration.state is MigrationState.EXECUTED
        day = (day or _chosen_day()) if migration.state is MigrationState.APPROVED else None
        sees_documents = actor.may(Permission.PREVIEW_MIGRATION)
        plan = migrate.plan_for(migration, day) if sees_documents and migration.is_open else None
        tasks = registry.tasks_of(migration) if executed else []  # they are opened with the execution
        tasks_open = sum(task.ended_at is None for task in tasks)
        bands = []
        if plan is not None:
            bands = planned_bands(plan)
        elif sees_documents and executed:
            bands = executed_bands(migration, *documents_of(migration))
        mine = migration.requested_by_id == actor.id
        return str(
            self.render(
                "admin/migrations/page.html",
                migration=migration,
                label=migration_label(migration),
                badge_counts=view.scalars,
                stages=stages(migration, view.staff_names, view.accepted_by),
                next_step=next_step(migration, tasks_open),
                tasks=by_domain(tasks),
                tasks_open=tasks_open,
                at_registry=[domain.readable_name for domain in migration.rnids_domains],
                may_tick=actor.may(Permission.REQUEST_MIGRATION),
                reversal=reversal,
                reversed=reversal is not None and reversal.state is MigrationState.EXECUTED,
                may_reverse=executed and actor.may(Permission.REQUEST_MIGRATION) and is_reversible(migration, reversal),
                stopped=REASONS.get(migration.stopped_code or ""),
                expired=expiry_text(migration),
                day=day,
                first_day=today() + timedelta(days=1),
                last_day=today() + timedelta(days=MOST_DAYS),
                at_hour=AT_HOUR,
                title=_title(migration),
                plan=plan,
                bands=bands,
                sums=plan.sums() if plan else [],
                nothing=0,  # a literal would be written once, in whatever language compiled the template
                notices=notices(plan) if plan else [],
                tax_notes=TAX_NOTES,
                tax_statuses={status.value: text for status, text in TAX_STATUS.items()},
                left_behind=left_behind(migration),
                reasons=access.reasons,
                named=access.names,
                sees_documents=sees_documents,
                is_open=migration.is_open,
                may_decide=actor.may(Permission.DECIDE_MIGRATION),
                may_withdraw=mine or actor.may(Permission.DECIDE_MIGRATION),
                barred=barred(actor, migration, plan) if plan and actor.may(Permission.DECIDE_MIGRATION) else None,
                plan_form=PlanForm(formdata=None, plan=plan.digest if plan else "", idempotency_key=uuid4().hex),
                end_form=end_form or EndForm(formdata=None),
                error=error,
            )
        )


def _chosen_day() -> date | None:
    """Return the day whose preview is asked for (``?on=2026-12-05``), ``None`` for now or where it is none."""
    try:
        day = date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        return None
    return day if today() < day <= today() + timedelta(days=MOST_DAYS) else None


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
        "origin": origin_of(migration),
        "needs_acceptance": migration.needs_acceptance,
        "scheduled_for": local_time(migration.scheduled_for),
        "stopped": migration.stopped_code,
        "expiry_reason": migration.expiry_reason,
        "reverses": migration.reverses.ref if migration.reverses is not None else None,
    }
