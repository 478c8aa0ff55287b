"""Quotes: the list, the page of one, and the form that sends one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from console.billing.issuing.quotes import can_bill
from console.billing.quotes import service
from console.billing.quotes.models import Quote, QuoteState
from console.billing.quotes.queries import find_quote
from console.billing.service import today
from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.customers.models import Customer
from console.customers.queries import opened_rights
from console.customers.rights import Right
from console.hosting.queries import products_on_sale
from console.staff.roles import Permission
from console.views.billing.quote_drafts import DRAFTS, QuoteChanges
from console.views.billing.quote_form import QuoteForm, read_customer, read_data, show
from console.views.billing.quote_lines import ROWS, Row, typed_rows
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, CustomerNumber
from console.views.shared.labels.states import Label
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

VALID = timedelta(days=14)
STATE = {
    QuoteState.DRAFT: Label(lazy_pgettext("quote", "draft"), "pencil"),
    QuoteState.SENT: Label(lazy_pgettext("quote", "waiting for an answer"), "clock", "warn"),
    QuoteState.ACCEPTED: Label(lazy_pgettext("quote", "accepted"), "ok", "ok"),
    QuoteState.DECLINED: Label(lazy_pgettext("quote", "declined"), "x", "danger"),
    QuoteState.WITHDRAWN: Label(lazy_pgettext("quote", "withdrawn"), "ban", "void"),
    QuoteState.EXPIRED: Label(lazy_pgettext("quote", "expired"), "clock", "void"),
}


STORED = tuple(state for state in QuoteState if state is not QuoteState.EXPIRED)


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [QuoteList()]


def _state(_view: Any, _context: Any, row: Quote, _name: str) -> Markup:
    return STATE[row.state_on(today())].status()


class QuoteList(QuoteChanges, BaseModelView):
    """Every quote."""

    # A page opens under a verification too, so the list needs another permission than the page.
    permissions = {
        "index_view": Permission.READ_DOCUMENTS,
        "send": Permission.MANAGE_QUOTES,
        "withdraw": Permission.MANAGE_QUOTES,
    } | DRAFTS
    group = "billing"
    list_template = "admin/billing/quotes.html"

    column_list = ("number", "customer", "state", "sent_at", "valid_until", "total")
    column_labels = {
        "number": lazy_gettext("Number"),
        "customer": lazy_gettext("Customer"),
        "state": lazy_gettext("State"),
        "sent_at": lazy_gettext("Sent"),
        "valid_until": lazy_gettext("Valid until"),
        "total": lazy_gettext("Amount"),
    }
    column_formatters = {
        "customer": formatters.customer,
        "state": _state,
        "sent_at": formatters.ago,
        "valid_until": formatters.day,
        "total": formatters.amount,
    }
    column_options = (joinedload(Quote.customer).load_only(Customer.name),)
    list_filters = (
        Choice("state", lazy_gettext("State"), Quote.state, {key.value: STATE[key].text for key in STORED}),
        CustomerNumber("customer", lazy_gettext("Customer number"), Quote.customer_id),
    )
    lead = lazy_gettext("Customers see quotes in the portal and accept or decline them there.")
    empty_icon = "file"
    empty_title = lazy_gettext("No quotes yet")
    empty_text = lazy_gettext("Send one when a customer asks what something would cost.")

    def __init__(self) -> None:
        super().__init__(Quote, name=lazy_gettext("Quotes"), endpoint="quotes", url="quotes", menu_icon_value="note")

    def is_visible(self) -> bool:
        return current_actor().may(Permission.READ_DOCUMENTS)

    @property
    def may_send(self) -> bool:
        """Return whether this person may send quotes."""
        return current_actor().may(Permission.MANAGE_QUOTES)

    def row_link(self, row: Any) -> str:
        return str(self.get_url(".quote", number=row.number))

    def row_state(self, row: Any) -> str:
        return "is-void" if row.state_on(today()) in (QuoteState.WITHDRAWN, QuoteState.EXPIRED) else ""

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {
            "customer": row.customer.number,
            "state": row.state_on(today()).value,
            "currency": row.currency,
        }

    @expose("/new", methods=("GET", "POST"))
    def send(self) -> ResponseReturnValue:
        """Show the form, or send a quote."""
        form = QuoteForm()
        rows = typed_rows()
        if request.method == "GET":
            form.customer.data = request.args.get("customer", "")
            form.valid_until.data = today() + VALID
            form.idempotency_key.data = uuid4().hex
            return self.quote_form(form, rows)
        try:
            answer = _send(form, rows)
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            show(form, refusal)
            form.idempotency_key.data = uuid4().hex
            return Response(self.quote_form(form, rows, refusal), refusal.status)
        if wants_json():
            return jsonify(quote=answer), 201
        saved = answer["state"] == QuoteState.DRAFT.value
        flash(
            gettext("The draft was saved. The customer does not see it.")
            if saved
            else gettext("The quote was sent. The customer was notified by e-mail."),
            "success",
        )
        return redirect(self.get_url(".quote", number=answer["number"]), 303)

    @expose("/<number>")
    def quote(self, number: str) -> ResponseReturnValue:
        """Show one quote."""
        found = _readable(number)
        if wants_json():
            return jsonify(quote=_json(found))
        return self.render(
            "admin/billing/quote.html",
            quote=found,
            label=STATE[found.state_on(today())],
            may_withdraw=self.may_send and found.state_on(today()) is QuoteState.SENT,
            may_change=self.may_send and found.state is QuoteState.DRAFT,
            may_bill=current_actor().may(Permission.ISSUE_DOCUMENTS) and can_bill(found),
        )

    @expose("/<number>/withdraw", methods=("POST",))
    def withdraw(self, number: str) -> ResponseReturnValue:
        """Take a quote back."""
        found = _readable(number)
        with transaction():
            service.withdraw_quote(current_actor(), found.id)
        if wants_json():
            return jsonify(quote=_json(_readable(number)))
        flash(gettext("The quote was withdrawn. The customer no longer sees it."), "success")
        return redirect(self.get_url(".quote", number=number), 303)

    def quote_form(
        self, form: QuoteForm, rows: list[Row], refusal: Refusal | None = None, *, draft: Quote | None = None
    ) -> str:
        """Draw the form of a new quote or of a draft."""
        page: str = self.render(
            "admin/billing/quote_new.html",
            form=form,
            rows=rows + [Row()] * (ROWS - len(rows)),
            refusal=refusal,
            products=products_on_sale(),
            draft=draft,
        )
        return page


def _readable(number: str) -> Quote:
    """Return a quote that the role, or a live verification of someone who sees quotes, opens."""
    found = find_quote(number)
    actor = current_actor()
    if found is None:
        raise NotFound
    if not actor.may(Permission.READ_DOCUMENTS) and Right.QUOTES not in opened_rights(actor, found.customer_id):
        raise NotFound(code="not_allowed")
    return found


def _send(form: QuoteForm, rows: list[Row]) -> dict[str, Any]:
    """Send what was typed, or store it as a draft where that button was pressed."""
    wrong: dict[str, list[Text]] = {}
    data = customer = None
    try:
        data = read_data(form, rows)
    except Invalid as refusal:
        wrong |= refusal.fields
    try:
        customer = read_customer(form)
    except Invalid as refusal:
        wrong |= refusal.fields
    if data is None or customer is None:
        raise Invalid(fields=wrong)
    verb = service.save_draft if "draft" in request.form else service.send_quote
    with transaction():
        return verb(current_actor(), customer, data, form.idempotency_key.data or "")


def _json(found: Quote) -> dict[str, Any]:
    names = ("number", "currency", "net", "tax", "total", "note")
    return {name: getattr(found, name) for name in names} | {
        "customer": found.customer.number,
        "state": found.state_on(today()).value,
        "valid_until": found.valid_until.isoformat(),
        "answer": found.answer,
        "proforma": None if found.proforma is None else found.proforma.number,
        "lines": [
            {name: getattr(line, name) for name in ("position", "description", "quantity", "net", "tax", "total")}
            for line in found.lines
        ],
    }
