"""An account's statement: what came, what it was used for, and what is on credit; refunds and corrections."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.audit.service import record
from console.billing.ledger.queries import Statement, StatementRow, credit_of, currencies_of, statement
from console.billing.payments import labels
from console.billing.payments.forms import CreditForm
from console.billing.payments.models import payment_number
from console.billing.payments.service import correct_credit, refund_credit, set_credit_first
from console.billing.service import today
from console.core.errors import NotFound, Refusal
from console.core.money import CURRENCIES
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.customers.models import Customer
from console.customers.queries import customer_by_number
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.export import amount_cell, export_table
from console.web.answers import local_time, refuse, wants_json
from console.web.identity import current_actor

TITLES = (
    lazy_gettext("Date"),
    lazy_gettext("What"),
    lazy_gettext("Pro-forma"),
    lazy_gettext("Payment"),
    lazy_gettext("Paid on"),
    lazy_gettext("Migration"),
    lazy_gettext("Reason"),
    lazy_gettext("Currency"),
    lazy_gettext("Debit"),
    lazy_pgettext("statement column", "Credit"),
    lazy_gettext("Balance"),
)


def views() -> list[Page]:
    """Return the page of one account."""
    return [
        AccountPage(
            name=lazy_gettext("Account statement"),
            endpoint="customer_account",
            url="/console/customers/<number>/account",
        )
    ]


class AccountPage(Page):
    """Credit and payments of one customer."""

    permission = Permission.READ_DOCUMENTS
    permissions = {"change": Permission.RECORD_PAYMENTS, "prefer": Permission.RECORD_PAYMENTS}

    @expose("/")
    @expose("")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the statement in one currency."""
        customer = customer_by_number(number)
        found = read_statement(customer)
        if wants_json():
            return jsonify(statement=statement_json(found), credit=credit_of(customer.id))
        return self._page(customer, found, _form())

    @expose("/", methods=("POST",))
    @expose("", methods=("POST",))
    def change(self, number: str) -> ResponseReturnValue:
        """Note a refund, or correct the credit."""
        customer, form = customer_by_number(number), CreditForm()
        try:
            answer = _change(customer, form)
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            for name, texts in refusal.fields.items():
                if name in form:
                    form[name].errors = [str(text) for text in texts]
            customer = customer_by_number(number)
            return Response(self._page(customer, read_statement(customer), form, refusal), refusal.status)
        if wants_json():
            return jsonify(answer)
        flash(gettext("Saved."), "success")
        return redirect(self.get_url(".index", number=number, currency=form.currency.data), 303)

    @expose("/export/<export_type>/")
    def export(self, number: str, export_type: str) -> ResponseReturnValue:
        """Answer the statement as CSV or XLSX."""
        if export_type not in ("csv", "xlsx"):
            raise NotFound
        customer = customer_by_number(number)
        found = read_statement(customer)
        with transaction():
            period = {"currency": found.currency, "until": found.until.isoformat()}
            period |= {"since": found.since.isoformat()} if found.since else {}
            actor, what = current_actor(), str(self.endpoint)
            record(actor, "list.exported", what, customer_id=customer.id, filters=period, searched=False)
        rows = [_row_cells(row, found.currency) for row in found.rows]
        titles = [str(title) for title in TITLES]
        return export_table(f"{customer.number}-{found.currency}", str(self.name), titles, rows, export_type)

    @expose("/prefer", methods=("POST",))
    def prefer(self, number: str) -> ResponseReturnValue:
        """Choose whether credit is used first."""
        first = request.form.get("credit_first") == "1"
        with transaction():
            set_credit_first(current_actor(), customer_by_number(number).id, first)
        if wants_json():
            return jsonify(credit_first=first)
        flash(gettext("Saved."), "success")
        return redirect(self.get_url(".index", number=number), 303)

    def _page(self, customer: Customer, found: Statement, form: CreditForm, refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/billing/account.html",
            customer=customer,
            statement=found,
            credit=credit_of(customer.id),
            currencies=CURRENCIES,
            form=form,
            refusal=refusal,
            words=labels,
            may_change=current_actor().may(Permission.RECORD_PAYMENTS),
            payment_number=payment_number,
        )
        return page


def read_statement(customer: Customer) -> Statement:
    """Return the statement that this request asks for; where it names no currency, the one in which anything moved."""
    currency = request.args.get("currency", "")
    if currency not in CURRENCIES:
        currency = next(iter(currencies_of(customer.id)), customer.currency)
    return statement(customer.id, currency, _day("since"), _day("until") or today())


def statement_json(found: Statement) -> dict[str, Any]:
    """Return a statement for programs."""
    return {
        "currency": found.currency,
        "opening": found.opening,
        "closing": found.closing,
        "rows": [_row_json(row) for row in found.rows],
    }


def _row_cells(row: StatementRow, currency: str) -> list[Any]:
    return [
        row.at,
        str(labels.ENTRIES[row.kind]),
        row.proforma,
        None if row.payment_id is None else payment_number(row.payment_id),
        row.paid_on,
        row.migration,
        row.reason,
        currency,
        amount_cell(row.debit),
        amount_cell(row.credit),
        amount_cell(row.balance),
    ]


def _row_json(row: StatementRow) -> dict[str, Any]:
    names = ("debit", "credit", "balance", "proforma", "reason", "migration")
    return {name: getattr(row, name) for name in names} | {
        "at": local_time(row.at),
        "kind": row.kind.value,
        "payment": row.payment_id,
    }


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _form() -> CreditForm:
    return CreditForm(formdata=None, idempotency_key=uuid4().hex)


def _change(customer: Customer, form: CreditForm) -> dict[str, Any]:
    amount, currency = form.amount_of(), form.currency.data or ""
    reason, key = form.reason.data or "", form.idempotency_key.data or ""
    customer_id = customer.id
    with transaction():
        if form.kind.data == "refund":
            return refund_credit(current_actor(), customer_id, currency, amount, reason, key)
        signed = -amount if form.kind.data == "take" else amount
        return correct_credit(current_actor(), customer_id, currency, signed, reason, key)
