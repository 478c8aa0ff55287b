"""Tax documents that payments make due: the queue, ticking by number, and each duty's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from flask import flash, jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import joinedload
from wtforms import TextAreaField

from console.billing.duties import service
from console.billing.duties.labels import KIND, WHY
from console.billing.duties.models import Duty, DutyState
from console.billing.duties.queries import (
    DONE,
    LATER,
    OPEN,
    OVERDUE,
    TODAY,
    WITHDRAWN,
    correction_of_duty,
    count_duties,
    due_condition,
    duties_beside,
    find_duty,
)
from console.billing.models import Proforma
from console.billing.payments.models import Payment
from console.core import clock
from console.core.context import settings
from console.core.errors import Invalid, Refusal, Text
from console.core.forms import Form, refuse_spoiled
from console.core.ids import read_key
from console.core.money import CURRENCIES
from console.core.periods import add_months
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerKind
from console.settings.duties import DUTIES
from console.settings.sections import value_of
from console.staff.roles import Permission
from console.views.shared import formatters, menu
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, CustomerNumber, ListFilter
from console.views.shared.labels.duties import LATE, NOW, STATE, label_of
from console.views.shared.labels.periods import month_name
from console.views.shared.labels.states import Label, today
from console.web.answers import reason, refuse, wants_json
from console.web.filters import day, language
from console.web.identity import current_actor

PREFIX = "number-"
MONTHS_BACK, MONTHS_AHEAD = 13, 13  # that the filter offers; any other can be typed into the address
WHEN: dict[str, Text] = {
    OPEN: lazy_pgettext("duties", "All open"),
    OVERDUE: lazy_pgettext("duties", "Overdue"),
    TODAY: lazy_pgettext("duties", "Due today"),
    LATER: lazy_pgettext("duties", "Later"),
    DONE: lazy_pgettext("duties", "Issued"),
    WITHDRAWN: lazy_pgettext("duties", "Withdrawn"),
}
_DUE = select(Duty.id).where(Duty.state == DutyState.OPEN, Duty.due_on <= bindparam("duty_day", callable_=today))
_BADGE = select(func.count()).select_from(_DUE.limit(menu.BADGE_LIMIT + 1).subquery())


def views() -> list[BaseModelView]:
    """Return the queue with its pages."""
    return [DutyList()]


@dataclass(frozen=True)
class When(ListFilter):
    """A part of the queue: the page draws it as tabs."""

    kind: ClassVar[str] = "view"

    def read(self, text: str) -> str:
        if text not in WHEN:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(due_condition(value, today()))

    def show(self, value: str) -> str:
        return str(WHEN[value])


@dataclass(frozen=True)
class Month(ListFilter):
    """The month that documents are dated in, which is the accountant's: ``2026-11``."""

    column: Any
    kind: ClassVar[str] = "choice"
    groups: ClassVar[None] = None

    @property
    def choices(self) -> Mapping[str, str]:
        """Return the months around this one, the latest first."""
        now = clock.now()
        months = [
            add_months(now, step, settings().zone).date().replace(day=1)
            for step in range(MONTHS_AHEAD, -MONTHS_BACK - 1, -1)
        ]
        return {f"{one:%Y-%m}": month_name(one) for one in months}

    def read(self, text: str) -> str:
        date.fromisoformat(f"{text}-01")
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        first = date.fromisoformat(f"{value}-01")
        following = (first + timedelta(days=31)).replace(day=1) if first < date(9999, 12, 1) else date.max
        return query.where(self.column >= first, self.column < following)

    def show(self, value: str) -> str:
        return month_name(date.fromisoformat(f"{value}-01"))


class ReopenForm(Form):
    """Why a tick is taken back."""

    reason = TextAreaField(lazy_gettext("Reason"))


def _due(_view: Any, _context: Any, row: Duty, _name: str) -> Markup:
    label = label_of(row)
    return Label(f"{day(row.due_on)}", label.icon, label.role).status() + Markup(
        ' <span class="sr-only">{}</span>'
    ).format(label.text)


def _kind(_view: Any, _context: Any, row: Duty, _name: str) -> str:
    return str(KIND[row.kind])


def _document(_view: Any, _context: Any, row: Duty, _name: str) -> Markup:
    if row.proforma is None:
        return Markup('<span class="muted">{}</span>').format(gettext("on credit"))
    return Markup('<a class="ref plain" href="{}">{}</a>').format(menu.document_url(row.proforma), row.proforma.number)


def _number(_view: Any, _context: Any, row: Duty, _name: str) -> Markup:
    if row.state is not DutyState.OPEN:
        return Markup('<span class="ref">{}</span>').format(row.number or "—")
    if not current_actor().may(Permission.RECORD_PAYMENTS):
        return Markup("—")
    label = gettext("Number of %(document)s, %(customer)s", document=KIND[row.kind], customer=row.customer.name)
    name = f"{PREFIX}{row.id}"
    return Markup(
        '<input class="form-control duty-number" form="numbers" name="{}" value="{}" maxlength="{}" autocomplete="off" '
        'spellcheck="false" aria-label="{}" data-number data-kind="{}">'
    ).format(name, request.form.get(name, ""), service.MAX_NUMBER, label, row.kind.value)


class DutyList(BaseModelView):
    """Every tax document that a payment made due, the first due on top."""

    permission = Permission.READ_DOCUMENTS
    permissions = dict.fromkeys(("tick", "tick_one", "reopen"), Permission.RECORD_PAYMENTS)
    group = "billing"
    letter = "i"
    menu_query = {"when": OPEN, "sort": "due_on"}
    can_export = True
    list_template = "admin/billing/duties.html"

    column_list = ("kind", "customer", "document", "dated_on", "due_on", "amount", "number")
    column_export_list = (
        "kind", "state", "number", "dated_on", "due_on", "customer", "buyer", "pib", "proforma", "payment", "paid_on",
        "currency", "amount", "done_at",
    )  # fmt: skip
    column_labels = {
        "kind": lazy_gettext("Document"),
        "customer": lazy_gettext("Customer"),
        "document": lazy_gettext("Pro-forma"),
        "proforma": lazy_gettext("Pro-forma"),
        "payment": lazy_gettext("Payment"),
        "paid_on": lazy_gettext("Paid"),
        "dated_on": lazy_gettext("Dated"),
        "due_on": lazy_gettext("Issue by"),
        "currency": lazy_gettext("Currency"),
        "amount": lazy_gettext("Amount"),
        "number": lazy_gettext("Number issued"),
        "state": lazy_gettext("State"),
        "buyer": lazy_gettext("Buyer"),
        "pib": lazy_gettext("PIB"),
        "done_at": lazy_gettext("Ticked"),
    }
    column_formatters = {
        "kind": _kind,
        "customer": formatters.customer,
        "document": _document,
        "dated_on": formatters.day,
        "due_on": _due,
        "amount": formatters.amount,
        "number": _number,
    }
    amount_columns = ("amount",)
    state_columns = {"kind": KIND, "state": STATE}
    column_options = (
        joinedload(Duty.customer).load_only(Customer.name, Customer.kind, Customer.pib),
        joinedload(Duty.proforma).load_only(Proforma.number),
        joinedload(Duty.payment).load_only(Payment.paid_on),
    )
    sort_columns = {"due_on": Duty.due_on, "dated_on": Duty.dated_on}
    list_filters = (
        When("when", lazy_gettext("Due")),
        Choice("kind", lazy_gettext("Document"), Duty.kind, {kind.value: text for kind, text in KIND.items()}),
        Month("month", lazy_gettext("Month"), Duty.dated_on),
        Choice("currency", lazy_gettext("Currency"), Duty.currency, {code: code for code in CURRENCIES}),
        CustomerNumber("customer", lazy_gettext("Customer number"), Duty.customer_id),
    )
    lead = lazy_gettext("What payments make due. Issue each elsewhere, then enter its number here.")
    empty_icon = "ok"
    empty_title = lazy_gettext("No tax documents are due")
    empty_text = lazy_gettext("They appear here when a payment is matched.")

    def __init__(self) -> None:
        super().__init__(
            Duty, name=lazy_gettext("Tax documents"), endpoint="duties", url="duties", menu_icon_value="note"
        )

    def badge_query(self) -> Select[int] | None:
        """Count for the sidebar: what is due today or overdue."""
        return _BADGE if current_actor().may(Permission.RECORD_PAYMENTS) else None

    def row_link(self, row: Any) -> str:
        return duty_url(row)

    def row_name(self, row: Any) -> str:
        return f"{KIND[row.kind]}, {row.customer.name}"

    def row_state(self, row: Any) -> str:
        if row.state is DutyState.WITHDRAWN:
            return "is-void"
        return "is-late" if label_of(row) is LATE else "is-risk" if label_of(row) is NOW else ""

    def list_context(self, list_query: Any, _page: Any) -> dict[str, Any]:
        chosen = next((one.value for one in list_query.filters if one.filter.name == "when"), "")
        others = list_query.without("when")
        return {
            "counts": count_duties(today()),
            "tabs": [(key, text, others | {"when": key}) for key, text in WHEN.items()],
            "chosen": chosen,
            "everything": others,
            "may_tick": self.may("tick"),
            "rules": _rules(),
        }

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | duty_json(row)

    def export_cell(self, row: Any, name: str) -> Any:
        proforma, payment = row.proforma, row.payment
        own = {
            "customer": row.customer.number,
            "buyer": row.customer.name,
            "pib": row.customer.pib if row.customer.kind is CustomerKind.COMPANY else None,
            "proforma": None if proforma is None else proforma.number,
            "payment": None if payment is None else payment.number,
            "paid_on": None if payment is None else payment.paid_on,
        }
        return own[name] if name in own else super().export_cell(row, name)

    @expose("/", methods=("POST",))
    def tick(self) -> ResponseReturnValue:
        """Tick those duties whose numbers were entered (``number-<duty>``); the address is the list's."""
        try:
            numbers = _numbers()
            with transaction():
                duties = service.tick(current_actor(), numbers)
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            flash(_said(refusal), "danger")
            return make_response(super().index_view(), refusal.status)  # with what was typed
        if wants_json():
            return jsonify(done=[duty_json(find_duty(duty.id)) for duty in duties])
        flash(ngettext("%(num)d document was ticked.", "%(num)d documents were ticked.", len(duties)), "success")
        list_query = self.read_list_query()
        return redirect(self.get_url(".index_view", _anchor="numbers", **list_query.query()), 303)

    @expose("/<id:key>")
    def duty(self, key: int) -> ResponseReturnValue:
        """Show one duty: why it is due, of which payment, and the way to tick it."""
        found = find_duty(key)
        return jsonify(duty=duty_json(found)) if wants_json() else self._page(found)

    @expose("/<id:key>", methods=("POST",))
    def tick_one(self, key: int) -> ResponseReturnValue:
        """Tick one duty, from its page."""
        found = find_duty(key)
        try:
            refuse_spoiled("number")
            with transaction():
                service.tick(current_actor(), {found.id: request.form.get("number", "")})
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            return make_response(self._page(find_duty(key), refusal=refusal), refusal.status)
        if wants_json():
            return jsonify(duty=duty_json(find_duty(key)))
        flash(gettext("The document was ticked."), "success")
        return redirect(duty_url(found), 303)

    @expose("/<id:key>/reopen", methods=("POST",))
    def reopen(self, key: int) -> ResponseReturnValue:
        """Take a tick back, for a reason."""
        form = ReopenForm()
        found = find_duty(key)
        try:
            form.refuse_spoiled()
            with transaction():
                service.reopen(current_actor(), found.id, form.reason.data or "")
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            form.reason.errors = [str(text) for text in refusal.fields.get("reason", ())]
            return make_response(self._page(find_duty(key), form, refusal), refusal.status)
        if wants_json():
            return jsonify(duty=duty_json(find_duty(key)))
        flash(gettext("The tick was undone. The document is due again."), "success")
        return redirect(duty_url(found), 303)

    def _page(self, found: Duty, form: Any = None, refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/billing/duty.html",
            duty=found,
            title=KIND[found.kind],
            why=WHY[found.kind],
            label=label_of(found),
            correction=correction_of_duty(found),
            beside=duties_beside(found),
            kinds=KIND,
            label_of=label_of,
            duty_url=duty_url,
            form=form or ReopenForm(),
            refusal=refusal,
            may_tick=self.may("tick"),
            typed=request.form.get("number", ""),
            wrong=_said(refusal) if refusal is not None else "",
            longest=service.MAX_NUMBER,
        )
        return page


def duty_url(duty: Duty) -> str:
    """Return the address of a duty's page."""
    return f"{menu.link('duties')}{duty.id}"


def duty_json(row: Duty) -> dict[str, Any]:
    """Return a duty for programs."""
    return {
        "id": row.id,
        "kind": row.kind.value,
        "state": row.state.value,
        "customer": row.customer.number,
        "proforma": row.proforma.number if row.proforma else None,
        "payment": row.payment_id,
        "currency": row.currency,
        "amount": row.amount,
        "dated_on": row.dated_on.isoformat(),
        "due_on": row.due_on.isoformat(),
        "overdue": label_of(row) is LATE,
        "number": row.number or None,
        "done_by": row.done_by_id,
        "document": str(KIND[row.kind]),
    }


def _rules() -> list[tuple[Text, Text, Text]]:
    """Return the rules in force: what each decides, how, and who says so."""
    now = settings()
    return [(one.label, one.kind.say(value_of(now, one.name), language()), one.help) for one in DUTIES.settings]


def _numbers() -> dict[int, str]:
    names = [name for name in request.form if name.startswith(PREFIX)]
    refuse_spoiled(*names)
    found: dict[int, str] = {}
    for name in names:
        key = read_key(name.removeprefix(PREFIX))
        if key is None:
            raise Invalid(code="number")
        if request.form[name].strip():
            found[key] = request.form[name]
    return found


def _said(refusal: Refusal) -> str:
    texts = [str(text) for texts in refusal.fields.values() for text in texts]
    return texts[0] if texts else reason(refusal)
