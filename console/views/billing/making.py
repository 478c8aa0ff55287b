"""Making a pro-forma by hand: whom for, its lines, a preview of the document as it will be, then issued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.billing.issuing.data import MAX_LINES, ItemData, ProformaData
from console.billing.issuing.quotes import usual_due_on
from console.billing.issuing.service import make_proforma, preview
from console.billing.ledger.queries import credit_of
from console.billing.models import Proforma
from console.core.errors import Invalid, Refusal, Text
from console.core.forms import Form, refuse_spoiled
from console.core.money import CURRENCIES
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerStatus
from console.customers.queries import find_account
from console.hosting.models import Service
from console.staff.roles import Permission
from console.views.billing.proforma_lines import (
    CHARGE,
    COLUMNS,
    RENEW,
    ROWS,
    Row,
    choices_for,
    read_json,
    read_rows,
    services_for,
    typed_rows,
)
from console.views.shared.base import Page
from console.web.answers import is_htmx, refuse, wants_json
from console.web.identity import current_actor

CLOSED = lazy_gettext("The account is closed.")
KEYS = [("Ctrl Enter", lazy_gettext("Issue the pro-forma")), ("Alt N", lazy_gettext("Add a line"))]


def views() -> list[BaseView]:
    """Return the form."""
    return [NewProforma(name=lazy_gettext("New pro-forma"), endpoint="proforma_new", url="/console/proformas/new")]


class ProformaForm(Form):
    """A pro-forma without its lines, which are rows of ``COLUMNS``, or JSON in ``lines``."""

    customer = StringField(lazy_gettext("Customer"))
    currency = SelectField(
        lazy_gettext("Currency"), choices=[SelectChoice(one, one) for one in CURRENCIES], validate_choice=False
    )
    due_on = DateField(lazy_gettext("Due"))
    note = TextAreaField(lazy_gettext("Note"))
    quiet = BooleanField(lazy_gettext("Do not send it by e-mail"))
    idempotency_key = HiddenField()

    def to_data(self, items: tuple[ItemData, ...]) -> ProformaData:
        """Return what was typed.

        Raises:
            Invalid: no due date.
        """
        if self.due_on.data is None:
            raise Invalid(fields={"due_on": [lazy_gettext("Enter a day from today on, within a year.")]})
        return ProformaData(self.currency.data or "", self.due_on.data, items, self.note.data or "")

    def show(self, refusal: Refusal) -> None:
        """Put what was refused at its fields."""
        for name, texts in refusal.fields.items():
            if name in self:
                self[name].errors = [str(text) for text in texts]


@dataclass(frozen=True)
class Sheet:
    """What a preview shows: the document, or why there is none yet."""

    document: Proforma | None
    problems: list[Text]


class NewProforma(Page):
    """Makes a pro-forma."""

    permission = Permission.ISSUE_DOCUMENTS
    parent = "proformas"
    command = lazy_gettext("New pro-forma")

    def __init__(self, **options: Any) -> None:
        super().__init__(menu_icon_value="file-plus", **options)

    @expose("/", methods=("GET", "POST"))
    @expose("", methods=("GET", "POST"))  # its address in links
    def index(self) -> ResponseReturnValue:
        """Show the form, or issue what it says."""
        form = ProformaForm()
        if request.method == "POST":
            return self._issue(form)
        number = request.args.get("customer", "").strip()
        customer = find_account(number) if number else None
        if customer is None:
            return self._choose(number)
        form.customer.data, form.currency.data = customer.number, customer.currency
        form.due_on.data, form.idempotency_key.data = usual_due_on(), uuid4().hex
        return self._page(form, customer, [])

    @expose("/preview", methods=("POST",))
    def preview(self) -> ResponseReturnValue:
        """Show the document as it would be issued now; with ``more``, the form with further lines."""
        form, rows = ProformaForm(), typed_rows()
        customer = find_account(form.customer.data or "")
        if customer is None:
            return self._choose(form.customer.data or "")
        services = services_for(customer, rows)
        sheet = _sheet(form, rows, customer, services)
        if is_htmx():
            return self.render("admin/billing/sheet.html", sheet=sheet, customer=customer)
        more = [Row()] * 2 if "more" in request.form else []
        return self._page(form, customer, rows + more, services=services, sheet=sheet)

    def _issue(self, form: ProformaForm) -> ResponseReturnValue:
        rows = [] if "lines" in request.form else typed_rows()
        customer = find_account(form.customer.data or "")
        try:
            form.refuse_spoiled()
            refuse_spoiled(*COLUMNS, "lines")
            if customer is None:
                raise Invalid(fields={"customer": [lazy_gettext("Account not found.")]})
            answer = _make(form, rows, customer)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            if customer is None:
                return self._choose(form.customer.data or "")
            form.show(refusal)
            form.idempotency_key.data = uuid4().hex
            return Response(self._page(form, customer, rows, refusal), refusal.status)
        if wants_json():
            return jsonify(proforma=answer), 201
        flash(issued_message(answer["number"], quiet=bool(form.quiet.data)), "success")
        return redirect(self.get_url("proformas.document", number=answer["number"]), 303)

    def _choose(self, typed: str) -> ResponseReturnValue:
        page = self.render("admin/billing/proforma_customer.html", typed=typed)
        return Response(page, 404 if typed else 200)

    def _page(
        self,
        form: ProformaForm,
        customer: Customer,
        rows: list[Row],
        refusal: Refusal | None = None,
        *,
        services: list[Service] | None = None,
        sheet: Sheet | None = None,
    ) -> str:
        page: str = self.render(
            "admin/billing/proforma_new.html",
            refusal=refusal,
            sheet=sheet or Sheet(None, [CLOSED] if customer.status is CustomerStatus.CLOSED else []),
            **form_context(form, customer, rows, services),
        )
        return page


def form_context(
    form: ProformaForm, customer: Customer, rows: list[Row], services: list[Service] | None = None
) -> dict[str, Any]:
    """Return what every form of a pro-forma's lines needs: a new one's, and a corrected copy's."""
    services = services_for(customer, rows) if services is None else services
    rows = rows + [Row()] * (ROWS - len(rows))
    return {
        "form": form,
        "customer": customer,
        "rows": rows,
        "most": MAX_LINES,
        "choices": choices_for(rows, services),
        "renew": RENEW,
        "charge": CHARGE,
        "credit": credit_of(customer.id),
        "page_keys": KEYS,
    }


def issued_message(number: str, *, quiet: bool) -> str:
    """Say that a document was issued, and whether it was mailed."""
    if quiet:
        return gettext("Pro-forma %(number)s was issued. No e-mail was sent.", number=number)
    return gettext("Pro-forma %(number)s was issued and sent by e-mail.", number=number)


def _make(form: ProformaForm, rows: list[Row], customer: Customer) -> dict[str, Any]:
    if "lines" in request.form:
        items = read_json(request.form["lines"])
    else:
        items = read_rows(rows, customer, services_for(customer, rows))
    data = form.to_data(items)
    with transaction():
        return make_proforma(current_actor(), customer, data, form.idempotency_key.data or "", mail=not form.quiet.data)


def _sheet(form: ProformaForm, rows: list[Row], customer: Customer, services: list[Service]) -> Sheet:
    if all(row.is_empty for row in rows):
        return Sheet(None, [])
    try:
        return Sheet(preview(customer, form.to_data(read_rows(rows, customer, services))), [])
    except Refusal as refusal:
        texts = [text for found in refusal.fields.values() for text in found]
        return Sheet(None, texts or [refusal.message])
