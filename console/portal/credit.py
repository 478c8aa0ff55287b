"""An account's payments and credit, for its people who may see and pay pro-formas."""

from __future__ import annotations

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.billing.ledger.queries import credit_of, currencies_of, statement
from console.billing.payments import labels
from console.billing.payments.service import set_credit_first
from console.billing.service import today
from console.core.money import CURRENCIES
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.rights import Right
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor


@portal.get("/credit/")
@signed_in
def credit() -> ResponseReturnValue:
    """Show what came and what is on credit."""
    accounts = own_accounts(Right.INVOICES)
    mine = chosen(accounts)
    moved = currencies_of(mine.customer_id)
    currency = request.args.get("currency", "")
    if currency not in CURRENCIES:
        currency = next(iter(moved), mine.customer.currency)
    found = statement(mine.customer_id, currency, None, today())
    left = credit_of(mine.customer_id)
    if wants_json():
        return jsonify(
            credit=left,
            credit_first=mine.customer.credit_first,
            items=[
                {
                    "at": local_time(row.at),
                    "kind": row.kind.value,
                    "proforma": row.proforma,
                    "debit": row.debit,
                    "credit": row.credit,
                    "balance": row.balance,
                }
                for row in found.rows
            ],
        )
    return render_template(
        "portal/documents/credit.html",
        accounts=accounts,
        mine=mine,
        statement=found,
        credit=left,
        moved=moved,
        words=labels,
    )


@portal.post("/credit/")
@signed_in
def credit_preference() -> ResponseReturnValue:
    """Choose whether credit pays new pro-formas first."""
    mine = chosen(own_accounts(Right.INVOICES))
    first = request.form.get("credit_first") == "1"
    number, customer_id = mine.customer.number, mine.customer_id
    with transaction():
        set_credit_first(current_actor(), customer_id, first)
    if wants_json():
        return jsonify(credit_first=first)
    flash(gettext("Saved."), "success")
    return redirect(url_for("portal.credit", account=number), 303)
