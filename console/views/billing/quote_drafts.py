"""What is done with one quote: a draft is changed, sent or deleted; an accepted one becomes a pro-forma."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import BooleanField, DateField, HiddenField

from console.billing.issuing.quotes import bill_quote, can_bill, to_data, usual_due_on
from console.billing.issuing.service import preview
from console.billing.quotes import service
from console.billing.quotes.models import Quote, QuoteState
from console.billing.quotes.queries import find_quote
from console.core.errors import Invalid, NotFound, Refusal
from console.core.forms import Form
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.views.billing.making import issued_message
from console.views.billing.quote_form import QuoteForm, read_data, rows_of, show
from console.views.billing.quote_lines import Row, typed_rows
from console.web.answers import refuse, send_back, wants_json
from console.web.identity import current_actor

DRAFTS = dict.fromkeys(("edit", "send_draft", "discard"), Permission.MANAGE_QUOTES) | {
    "bill": Permission.ISSUE_DOCUMENTS
}


class BillForm(Form):
    """When the pro-forma of a quote is due."""

    due_on = DateField(lazy_gettext("Due"))
    quiet = BooleanField(lazy_gettext("Do not send it by e-mail"))
    idempotency_key = HiddenField()


class QuoteChanges:
    """Changes, sends, deletes, bills: a part of the list of quotes, whose addresses these are."""

    if TYPE_CHECKING:
        render: Callable[..., Any]
        get_url: Callable[..., str]
        quote_form: Callable[..., str]

    @expose("/<number>/edit", methods=("GET", "POST"))
    def edit(self, number: str) -> ResponseReturnValue:
        """Show a draft in its form; or save it, and send it where that button was pressed."""
        quote, form = _found(number), QuoteForm()
        if quote.state is not QuoteState.DRAFT:
            return redirect(self.get_url("quotes.quote", number=number))
        if request.method == "GET":
            form.customer.data, form.currency.data = quote.customer.number, quote.currency
            form.valid_until.data, form.note.data = quote.valid_until, quote.note
            form.seen.data = service.mark_draft(quote)
            return self.quote_form(form, rows_of(quote), draft=quote)
        rows, sends = typed_rows(), "draft" not in request.form
        try:
            data = read_data(form, rows)
            with transaction():
                service.change_draft(current_actor(), quote.id, data, seen=form.seen.data or None)
                if sends:
                    service.send_draft(current_actor(), quote.id)
        except Refusal as refusal:
            return self._refused(number, form, rows, refusal)
        if wants_json():
            return jsonify(quote={"number": number, "state": _found(number).state.value})
        flash(_message(sends=sends), "success")
        return redirect(self.get_url("quotes.quote", number=number), 303)

    def _refused(self, number: str, form: QuoteForm, rows: list[Row], refusal: Refusal) -> ResponseReturnValue:
        if wants_json() or refusal.status == 404:
            return refuse(refusal)
        show(form, refusal)
        quote = _found(number)
        form.seen.data = service.mark_draft(quote)  # after a conflict the form shows it, so saving again is meant
        return Response(self.quote_form(form, rows, refusal, draft=quote), refusal.status)

    @expose("/<number>/send", methods=("POST",))
    def send_draft(self, number: str) -> ResponseReturnValue:
        """Send a draft as it is."""
        return self._act(number, service.send_draft, _message(sends=True), self.get_url("quotes.quote", number=number))

    @expose("/<number>/discard", methods=("POST",))
    def discard(self, number: str) -> ResponseReturnValue:
        """Delete a draft."""
        return self._act(
            number, service.discard_draft, gettext("The draft was deleted."), self.get_url("quotes.index_view")
        )

    def _act(self, number: str, verb: Callable[[Any, int], Any], message: str, address: str) -> ResponseReturnValue:
        quote = _found(number)
        try:
            with transaction():
                verb(current_actor(), quote.id)
        except (Invalid, NotFound) as refusal:
            return send_back(refusal, self.get_url("quotes.edit", number=number))
        if wants_json():
            return jsonify(quote={"number": number})
        flash(message, "success")
        return redirect(address, 303)

    @expose("/<number>/bill", methods=("GET", "POST"))
    def bill(self, number: str) -> ResponseReturnValue:
        """Show the pro-forma that an accepted quote becomes, or issue it."""
        quote, form = _found(number), BillForm()
        if request.method == "GET":
            form.due_on.data, form.idempotency_key.data = usual_due_on(), uuid4().hex
            return self._bill_page(quote, form)
        try:
            form.refuse_spoiled()
            if form.due_on.data is None:
                raise Invalid(fields={"due_on": [lazy_gettext("Enter a day from today on, within a year.")]})
            with transaction():
                key = form.idempotency_key.data or ""
                answer = bill_quote(current_actor(), quote.id, form.due_on.data, key, mail=not form.quiet.data)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            show(form, refusal)
            form.idempotency_key.data = uuid4().hex
            return Response(self._bill_page(_found(number), form, refusal), refusal.status)
        if wants_json():
            return jsonify(proforma=answer), 201
        flash(issued_message(answer["number"], quiet=bool(form.quiet.data)), "success")
        return redirect(self.get_url("proformas.document", number=answer["number"]), 303)

    def _bill_page(self, quote: Quote, form: BillForm, refusal: Refusal | None = None) -> str:
        document = None
        if can_bill(quote):
            try:
                document = preview(quote.customer, to_data(quote, form.due_on.data or usual_due_on()))
            except Invalid:  # the due date; it is said at its field
                document = preview(quote.customer, to_data(quote, usual_due_on()))
            except Refusal as problem:
                refusal = refusal or problem
        page: str = self.render(
            "admin/billing/quote_bill.html", quote=quote, form=form, document=document, refusal=refusal
        )
        return page


def _message(*, sends: bool) -> str:
    if sends:
        return gettext("The quote was sent. The customer was notified by e-mail.")
    return gettext("The draft was saved. The customer does not see it.")


def _found(number: str) -> Quote:
    quote = find_quote(number)
    if quote is None:
        raise NotFound
    return quote
