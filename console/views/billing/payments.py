"""Payments: the list, the page of one, recording by hand or by a program, and what becomes of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from console.billing.models import Proforma
from console.billing.payments import labels
from console.billing.payments.forms import PaymentForm, ResolveForm, TypedPaymentForm, UndoForm
from console.billing.payments.models import Payment, PaymentSource, PaymentState, UnmatchedReason
from console.billing.payments.queries import (
    documents_of,
    find_payment,
    find_unmatched,
    next_unmatched,
    renewals_of,
    steps_of,
)
from console.billing.payments.service import IncomingPayment, receive, resolve, undo
from console.billing.payments.service.resolving import to_payload
from console.billing.references import MAX_KEY, reference_key
from console.billing.service import today
from console.core import money
from console.core.db import db
from console.core.errors import NotFound, Refusal
from console.core.idempotency import once
from console.core.ids import read_key
from console.core.money import CURRENCIES
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Customer
from console.staff.roles import Permission
from console.views.billing.unmatched_queue import TEMPLATE, queue_context
from console.views.shared import formatters
from console.views.shared.base import BaseModelView, json_value
from console.views.shared.filters import Choice, CustomerNumber, Day, Exact
from console.views.shared.labels.payments import PAYMENT_STATE
from console.views.shared.menu import document_url
from console.web.answers import refuse, wants_json
from console.web.catalog import language
from console.web.identity import current_actor


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [PaymentList()]


class ReferenceFilter(Exact):
    """The payment's reference, however it is written."""

    def read(self, text: str) -> str:
        value = reference_key(super().read(text))
        if not value or len(value) > MAX_KEY:
            raise ValueError(text)
        return value


def _number(_view: Any, _context: Any, row: Payment, _name: str) -> str:
    return row.number


def _reference(_view: Any, _context: Any, row: Payment, _name: str) -> Markup:
    return Markup('<span class="ref nowrap">{}</span>').format(row.reference)


def _state(_view: Any, _context: Any, row: Payment, _name: str) -> Markup:
    label = PAYMENT_STATE[row.state].status()
    if row.state is not PaymentState.UNMATCHED or row.unmatched_reason is None:
        return label
    return Markup('{} <small class="muted">{}</small>').format(label, labels.REASONS[row.unmatched_reason])


def _target(view: Any, context: Any, row: Payment, name: str) -> Markup | str:
    if row.customer is None:
        return ""
    if row.proforma is None:
        return Markup("{} <small class='muted'>{}</small>").format(
            formatters.customer(view, context, row, name), gettext("on credit")
        )
    return Markup('<a class="ref plain" href="{}">{}</a> {}').format(
        document_url(row.proforma), row.proforma.number, formatters.customer(view, context, row, name)
    )


class WaitsBecause(Choice):
    """Why a payment waits in the queue of unmatched ones. One that has left it keeps its reason, but waits no more."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return super().apply(query, value).where(Payment.state == PaymentState.UNMATCHED)


class PaymentList(BaseModelView):
    """Every payment."""

    permissions = {
        "index_view": Permission.READ_DOCUMENTS,
        "payment": Permission.READ_DOCUMENTS,
        "export": Permission.READ_DOCUMENTS,
        "record": Permission.RECORD_PAYMENTS,
        "new": Permission.RECORD_PAYMENTS,
        "record_typed": Permission.RECORD_PAYMENTS,
        "resolve": Permission.RECORD_PAYMENTS,
        "undo": Permission.RECORD_PAYMENTS,
    }
    group = "billing"
    can_export = True
    list_template = "admin/billing/payments.html"

    column_list = ("number", "paid_on", "state", "payer", "reference", "target", "amount")
    column_export_list = (
        "number", "paid_on", "state", "unmatched_reason", "payer", "payer_account", "purpose", "reference", "proforma",
        "customer", "currency", "amount", "recorded_at",
    )  # fmt: skip
    column_labels = {
        "number": lazy_gettext("Number"),
        "paid_on": lazy_gettext("Paid on"),
        "state": lazy_gettext("State"),
        "unmatched_reason": lazy_gettext("Why unmatched"),
        "payer": lazy_gettext("Payer"),
        "payer_account": lazy_gettext("Payer’s account"),
        "purpose": lazy_gettext("Purpose"),
        "reference": lazy_gettext("Payment reference"),
        "target": lazy_gettext("For"),
        "proforma": lazy_gettext("Pro-forma"),
        "customer": lazy_gettext("Customer"),
        "currency": lazy_gettext("Currency"),
        "amount": lazy_gettext("Amount"),
        "recorded_at": lazy_gettext("Recorded"),
    }
    column_formatters = {
        "number": _number,
        "paid_on": formatters.day,
        "reference": _reference,
        "state": _state,
        "target": _target,
        "amount": formatters.amount,
    }
    amount_columns = ("amount",)
    state_columns = {"state": PAYMENT_STATE, "unmatched_reason": labels.REASONS}
    column_options = (
        joinedload(Payment.proforma).load_only(Proforma.number),
        joinedload(Payment.customer).load_only(Customer.name),
    )
    sort_columns = {"paid_on": Payment.paid_on}
    list_filters = (
        Choice("state", lazy_gettext("State"), Payment.state, {k.value: v.text for k, v in PAYMENT_STATE.items()}),
        WaitsBecause(
            "reason",
            lazy_gettext("Why unmatched"),
            Payment.unmatched_reason,
            {key.value: text for key, text in labels.REASONS.items()},
        ),
        Choice(
            "source", lazy_gettext("Source"), Payment.source, {key.value: text for key, text in labels.SOURCES.items()}
        ),
        Choice("currency", lazy_gettext("Currency"), Payment.currency, {code: code for code in CURRENCIES}),
        ReferenceFilter("reference", lazy_gettext("Payment reference"), Payment.reference_key),
        CustomerNumber("customer", lazy_gettext("Customer number"), Payment.customer_id),
        Day("paid_from", lazy_gettext("Paid from"), Payment.paid_on, compare="from"),
        Day("paid_until", lazy_gettext("Paid until"), Payment.paid_on, compare="until"),
    )
    lead = lazy_gettext("A payment is never deleted. What was done with it can be undone, with a reason.")
    empty_icon = "wallet"
    empty_title = lazy_gettext("No payments yet")
    empty_text = lazy_gettext("Record one by hand, or import a bank statement.")

    def __init__(self) -> None:
        super().__init__(
            Payment, name=lazy_gettext("Payments"), endpoint="payments", url="payments", menu_icon_value="wallet"
        )

    def is_visible(self) -> bool:
        return current_actor().may(Permission.READ_DOCUMENTS)

    @property
    def may_record(self) -> bool:
        """Return whether this person may record payments."""
        return current_actor().may(Permission.RECORD_PAYMENTS)

    def row_link(self, row: Any) -> str:
        return self.get_url(".payment", payment_id=row.id)

    def row_state(self, row: Any) -> str:
        return "is-void" if row.state in (PaymentState.VOID, PaymentState.RETURNED) else ""

    def as_json(self, row: Any) -> dict[str, Any]:
        return _json(row)

    def export_cell(self, row: Any, name: str) -> Any:
        if name == "proforma":
            return "" if row.proforma is None else row.proforma.number
        if name == "customer":
            return "" if row.customer is None else row.customer.number
        if name == "unmatched_reason" and (row.state is not PaymentState.UNMATCHED or row.unmatched_reason is None):
            return ""
        return row.number if name == "number" else super().export_cell(row, name)

    @expose("/", methods=("POST",))
    def record(self) -> ResponseReturnValue:
        """Record a payment as a program sends it."""
        form = PaymentForm()
        payment = _receive(form.incoming(), form.idempotency_key.data or "")
        if wants_json():
            return jsonify(payment=payment), 201
        return redirect(self.get_url(".payment", payment_id=payment["id"]), 303)

    @expose("/new")
    def new(self) -> ResponseReturnValue:
        """Show the form, filled in from a pro-forma where one is named."""
        form = TypedPaymentForm(formdata=None, paid_on=today(), currency="RSD", idempotency_key=uuid4().hex)
        named = _named_document()
        if named is not None:
            form.reference.data, form.currency.data = named.reference, named.currency
            form.amount.data = money.write(named.owed, locale=language())
            form.payer.data = named.buyer["name"]
        return self._form(form, named)

    @expose("/new", methods=("POST",))
    def record_typed(self) -> ResponseReturnValue:
        """Record a payment as a person typed it."""
        form = TypedPaymentForm()
        try:
            payment = _receive(_by_number(form.incoming()), form.idempotency_key.data or "")
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            for name, texts in refusal.fields.items():
                if name in form:
                    form[name].errors = [str(text) for text in texts]
            return Response(self._form(form, _named_document(), refusal), refusal.status)
        if wants_json():
            return jsonify(payment=payment), 201
        matched = payment["state"] == PaymentState.MATCHED.value
        text = gettext("The payment was recorded.") if matched else gettext("The payment was recorded as unmatched.")
        another = Markup('<a href="{}">{}</a>').format(self.get_url(".new"), gettext("Record another"))
        flash(Markup("{} {}").format(text, another), "success" if matched else "warning")
        return redirect(self.get_url(".payment", payment_id=payment["id"]), 303)

    def _form(self, form: TypedPaymentForm, named: Proforma | None, refusal: Refusal | None = None) -> str:
        page: str = self.render("admin/billing/payment_new.html", form=form, document=named, refusal=refusal)
        return page

    @expose("/<id:payment_id>")
    def payment(self, payment_id: int) -> ResponseReturnValue:
        """Show one payment: what it is, what it did, and how to undo it."""
        found = find_payment(payment_id)
        if found is None:
            raise NotFound
        if wants_json():
            return jsonify(payment=_json(found))
        documents = documents_of(found)
        renewals = renewals_of([document.id for document in documents])
        return self.render(
            "admin/billing/payment.html",
            payment=found,
            label=PAYMENT_STATE[found.state],
            steps=steps_of(found),
            documents=documents,
            renewals=[one for document in documents for one in renewals.get(document.id, ())],
            may_undo=self.may_record and _may_undo(found),
            form=UndoForm(formdata=None),
            words=labels,
        )

    @expose("/<id:payment_id>/resolve", methods=("POST",))
    def resolve(self, payment_id: int) -> ResponseReturnValue:
        """Decide where an unmatched payment goes."""
        form = ResolveForm()
        try:
            answer = _resolve(payment_id, form)
        except Refusal as refusal:
            if not wants_json() and refusal.code == "resolved":  # a colleague was faster
                flash(str(refusal.message), "warning")
                return redirect(self.get_url("unmatched.index", payment=next_unmatched(payment_id)), 303)
            if wants_json() or find_unmatched(payment_id) is None:
                raise
            page = self.render(TEMPLATE, **queue_context(payment_id, form, refusal))
            return Response(page, refusal.status)
        if wants_json():
            return jsonify(answer)
        link = Markup('<a href="{}">{}</a>').format(
            self.get_url(".payment", payment_id=payment_id), gettext("View or undo")
        )
        done = gettext("Resolved: %(number)s.", number=answer["payment"]["number"])
        flash(Markup("{} {}").format(done, link), "success")
        return redirect(self.get_url("unmatched.index", payment=next_unmatched(payment_id)), 303)

    @expose("/<id:payment_id>/undo", methods=("POST",))
    def undo(self, payment_id: int) -> ResponseReturnValue:
        """Take back what became of a payment."""
        form = UndoForm()
        form.refuse_spoiled()
        try:
            answer = _undo(payment_id, form)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                raise
            flash(str(next(iter(refusal.fields.get("reason", [])), refusal.message)), "danger")
            return redirect(self.get_url(".payment", payment_id=payment_id), 303)
        if wants_json():
            return jsonify(payment=answer)
        flash(gettext("Undone."), "success")
        return redirect(self.get_url(".payment", payment_id=payment_id), 303)


def _receive(incoming: IncomingPayment, key: str) -> dict[str, Any]:
    """Record one payment under the caller's key."""
    content = {
        "reference": incoming.reference,
        "amount": incoming.amount,
        "currency": incoming.currency,
        "paid_on": incoming.paid_on.isoformat(),
        "payer": incoming.payer,
    }

    def work() -> dict[str, Any]:
        (payment,) = receive(current_actor(), [incoming], by_person=True)
        return to_payload(payment)

    actor = current_actor()
    actor.require(Permission.RECORD_PAYMENTS)
    with transaction():
        return once(f"payment.record:{actor.id}", key, content, work)


def _resolve(payment_id: int, form: ResolveForm) -> dict[str, Any]:
    way, target, owed = form.decision()
    with transaction():
        return resolve(
            current_actor(),
            payment_id,
            way,
            target,
            reason=form.reason.data or "",
            key=form.idempotency_key.data or "",
            owed=owed,
        )


def _undo(payment_id: int, form: UndoForm) -> dict[str, Any]:
    """Take back what the page showed, once however often the button is pressed."""
    actor, reason, seen = current_actor(), form.reason.data or "", read_key(form.seen.data)
    actor.require(Permission.RECORD_PAYMENTS)

    def work() -> dict[str, Any]:
        return to_payload(undo(actor, payment_id, reason, seen=seen))

    with transaction():
        return work() if seen is None else once(f"payment.undo:{payment_id}", str(seen), {"reason": reason}, work)


def _by_number(incoming: IncomingPayment) -> IncomingPayment:
    """Return the payment with the reference of the pro-forma, where a person typed its number instead."""
    number = Proforma.number == incoming.reference.upper()
    reference = db.session.scalar(select(Proforma.reference).where(number)) if "-" in incoming.reference else None
    return incoming if reference is None else replace(incoming, reference=reference)


def _named_document() -> Proforma | None:
    number = request.values.get("proforma", "")
    if not number:
        return None
    return db.session.scalar(select(Proforma).where(Proforma.number == number))


def _may_undo(payment: Payment) -> bool:
    if payment.state is PaymentState.UNMATCHED:
        return payment.source is PaymentSource.MANUAL
    return payment.state is not PaymentState.VOID


def _json(row: Payment) -> dict[str, Any]:
    names = ("id", "number", "reference", "amount", "currency", "paid_on", "payer", "purpose")
    reason: UnmatchedReason | None = row.unmatched_reason if row.state is PaymentState.UNMATCHED else None
    return {name: json_value(getattr(row, name)) for name in names} | {
        "state": row.state.value,
        "recorded_by": row.recorded_by_id,
        "reason": None if reason is None else reason.value,
        "proforma": None if row.proforma is None else row.proforma.number,
        "customer": None if row.customer is None else row.customer.number,
    }
