"""Requests to suspend services that are not paid: a list in which staff decide, one or many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response, flash, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from flask_admin.base import BaseView
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload
from wtforms import StringField

from console.billing.models import Proforma
from console.billing.renewals import suspensions
from console.billing.renewals.models import SuspensionRequest, SuspensionState
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, Refusal, Text
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.labels import SUSPENSION
from console.hosting.models import Service, SuspensionReason
from console.staff.models import Staff
from console.staff.roles import Permission
from console.views.shared import formatters, menu
from console.views.shared.base import MAX_SELECTED, BaseModelView
from console.views.shared.filters import Choice
from console.views.shared.labels.states import Label, today
from console.views.shared.menu import customer_url, document_url
from console.web.answers import local_time, refuse, wants_json
from console.web.identity import current_actor

STATE = {
    SuspensionState.OPEN: Label(lazy_pgettext("suspension", "waiting for a decision"), "clock", "warn"),
    SuspensionState.DONE: Label(lazy_pgettext("suspension", "suspended"), "pause", "danger"),
    SuspensionState.DECLINED: Label(lazy_pgettext("suspension", "left active"), "x", "void"),
}
MOST_OTHERS = 5  # services suspended without a request that the list shows above it
_WAITING = select(SuspensionRequest.id).where(SuspensionRequest.state == SuspensionState.OPEN)
_BADGE = select(func.count()).select_from(_WAITING.limit(menu.BADGE_LIMIT + 1).subquery())


def views() -> list[BaseView]:
    """Return the list."""
    return [SuspensionList()]


class ReasonForm(Form):
    """Why services stay active, or are active again."""

    reason = StringField(lazy_gettext("Reason"))


def _service(_view: Any, _context: Any, row: SuspensionRequest, _name: str) -> Markup:
    return Markup('{} <span class="muted ref">{}</span>').format(row.service.label, row.service.number)


def _customer(_view: Any, _context: Any, row: SuspensionRequest, _name: str) -> Markup:
    account = row.service.customer
    return Markup('<a class="plain" href="{}">{}</a> <span class="muted ref">{}</span>').format(
        customer_url(account.number), account.name, account.number
    )


def _proforma(_view: Any, _context: Any, row: SuspensionRequest, _name: str) -> Markup:
    late = (today() - row.proforma.due_on).days
    words = ngettext("%(num)d day late", "%(num)d days late", late) if late > 0 else ""
    return Markup('<a class="ref plain" href="{}">{}</a><br><small class="muted num">{}</small>').format(
        document_url(row.proforma), row.proforma.number, words
    )


def _state(_view: Any, _context: Any, row: SuspensionRequest, _name: str) -> Markup:
    label = STATE[row.state].status()
    reason = _reason(row)
    if not reason:
        return label
    by = f"{row.decided_by.name}: " if row.decided_by else ""
    return Markup('{}<br><small class="muted">{}{}</small>').format(label, by, reason)


def _reason(row: SuspensionRequest) -> str:
    """Return why a service stayed active; where no person decided, in the reader's language."""
    if row.state is SuspensionState.DECLINED and row.decided_by_id is None:
        return gettext("No longer needed.")
    return row.reason


class SuspensionList(BaseModelView):
    """Every request, the open ones first by the menu's filter."""

    permission = Permission.MANAGE_SERVICES
    group = "billing"
    menu_query = {"state": SuspensionState.OPEN.value}
    can_act = True
    list_template = "admin/billing/suspensions.html"

    column_list = ("service", "customer", "proforma", "requested_at", "state")
    column_labels = {
        "service": lazy_gettext("Service"),
        "customer": lazy_gettext("Customer"),
        "proforma": lazy_gettext("Unpaid pro-forma"),
        "requested_at": lazy_gettext("Requested"),
        "state": lazy_gettext("State"),
    }
    column_formatters = {
        "service": _service,
        "customer": _customer,
        "proforma": _proforma,
        "requested_at": formatters.ago,
        "state": _state,
    }
    column_options = (
        joinedload(SuspensionRequest.service)
        .load_only(Service.label, Service.status)
        .joinedload(Service.customer)
        .load_only(Customer.name),
        joinedload(SuspensionRequest.proforma).load_only(Proforma.number, Proforma.due_on),
        joinedload(SuspensionRequest.decided_by).load_only(Staff.name),
    )
    list_filters = (
        Choice(
            "state",
            lazy_gettext("State"),
            SuspensionRequest.state,
            {key.value: label.text for key, label in STATE.items()},
        ),
    )
    lead = lazy_gettext(
        "Services whose pro-forma is overdue. They stay active until you suspend them. Paying restores them,"
        " and you can too."
    )
    empty_icon = "ok"
    empty_title = lazy_gettext("No suspension requests")
    empty_text = lazy_gettext(
        "A request appears when a service’s pro-forma is overdue for as long as the settings say."
    )

    def __init__(self) -> None:
        super().__init__(
            SuspensionRequest,
            name=lazy_gettext("Suspension requests"),
            endpoint="suspensions",
            url="suspensions",
            menu_icon_value="pause",
        )

    def without_request(self) -> list[Service]:
        """Return the services that are suspended although no request asked for it."""
        return suspensions.suspended_without_request(MOST_OTHERS)

    def badge_query(self) -> Select[int] | None:
        """Count for the sidebar: requests that wait for a decision."""
        return _BADGE

    @property
    def suspension_labels(self) -> Mapping[SuspensionReason, Text]:
        """Return why services are suspended, in words."""
        return SUSPENSION

    def row_name(self, row: SuspensionRequest) -> str:
        return row.service.number

    def row_state(self, row: SuspensionRequest) -> str:
        return "" if row.state is SuspensionState.OPEN else "is-void"

    def as_json(self, row: SuspensionRequest) -> dict[str, Any]:
        return {
            "id": row.id,
            "service": row.service.number,
            "customer": row.service.customer.number,
            "proforma": row.proforma.number,
            "state": row.state.value,
            "reason": _reason(row),
            "decided_at": local_time(row.decided_at),
            "decided_by": row.decided_by.name if row.decided_by_id and row.decided_by else None,
        }

    @action(
        "suspend",
        lazy_gettext("Suspend"),
        lazy_gettext("The selected services stop working until they are paid. Their owners are not asked again."),
    )
    def action_suspend(self, ids: Sequence[str]) -> Response:
        """Suspend the services of the selected requests."""
        done, problems = _each(ids, suspensions.carry_out)
        if done:
            flash(ngettext("%(num)d service was suspended.", "%(num)d services were suspended.", done), "success")
        return self._answer(done, problems)

    @action("decline", lazy_gettext("Leave active"))
    def action_decline(self, ids: Sequence[str]) -> Response:
        """Ask why the services of the selected requests stay active."""
        return self._ask(ReasonForm(), ids)

    @action("restore", lazy_pgettext("suspension", "Restore"))
    def action_restore(self, ids: Sequence[str]) -> Response:
        """Ask why services that were suspended are active again."""
        return self._ask(ReasonForm(), ids, restores=True)

    @expose("/decline", methods=("POST",))
    def decline(self) -> ResponseReturnValue:
        """Leave the services of the selected requests active."""
        return self._decide(restores=False)

    @expose("/restore", methods=("POST",))
    def restore(self) -> ResponseReturnValue:
        """Let the services of the selected requests work again."""
        return self._decide(restores=True)

    def _decide(self, *, restores: bool) -> ResponseReturnValue:
        form, ids = ReasonForm(), request.form.getlist("rowid")
        try:
            form.refuse_spoiled()
            reason = suspensions.check_reason(form.reason.data or "")
        except Invalid as refusal:
            if wants_json():
                return refuse(refusal)
            form.reason.errors = [str(text) for text in refusal.fields.get("reason", [])]
            return self._ask(form, ids, refusal.status, restores=restores)
        verb = suspensions.restore if restores else suspensions.decline
        done, problems = _each(ids, lambda actor, key: verb(actor, key, reason))
        if done and restores:
            flash(ngettext("%(num)d service works again.", "%(num)d services work again.", done), "success")
        elif done:
            flash(ngettext("%(num)d service stays active.", "%(num)d services stay active.", done), "success")
        return self._answer(done, problems)

    def _ask(self, form: ReasonForm, ids: Sequence[str], status: int = 200, *, restores: bool = False) -> Response:
        page = self.render(
            "admin/billing/suspensions_reason.html",
            form=form,
            rows=self.read_rows(self.select_rows().where(SuspensionRequest.id.in_(_keys(ids)))),
            restores=restores,
            return_url=self.return_url(),
        )
        return make_response(page, status)

    def _answer(self, done: int, problems: list[str]) -> Response:
        if wants_json():
            return jsonify(done=done, problems=problems)
        for problem in problems[:5]:
            flash(problem, "warning")
        return make_response(redirect(self.return_url(), 303))


def _keys(ids: Sequence[str]) -> list[int]:
    return [key for key in map(read_key, ids[:MAX_SELECTED]) if key is not None]


def _each(ids: Sequence[str], verb: Callable[[Actor, int], SuspensionRequest]) -> tuple[int, list[str]]:
    """Decide each in its own transaction; return how many were, and why others were not."""
    done, problems = 0, []
    names = dict(
        iter(
            db.session.execute(
                select(SuspensionRequest.id, Service.label)
                .join(SuspensionRequest.service)
                .where(SuspensionRequest.id.in_(_keys(ids)))
            ).all()
        )
    )
    for key, name in sorted(names.items()):
        try:
            with transaction():
                verb(current_actor(), key)
            done += 1
        except Refusal as refusal:
            problems.append(gettext("%(service)s: %(problem)s", service=name, problem=refusal.message))
    return done, problems
