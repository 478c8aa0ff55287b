"""What is done with one issued pro-forma: storno, corrected copy, reminder, sending it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import BooleanField, HiddenField, StringField

from console.billing.issuing import cancelling
from console.billing.issuing.quotes import usual_due_on
from console.billing.issuing.service import preview
from console.billing.models import ACTIVE_STATUSES, Proforma
from console.billing.payments.forms import read_amount
from console.billing.payments.service import apply_credit
from console.billing.renewals import reminders
from console.billing.service import today
from console.core import money
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Refusal
from console.core.forms import Form, refuse_spoiled
from console.core.idempotency import once
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.views.billing import documents
from console.views.billing.making import ProformaForm, Sheet, form_context
from console.views.billing.proforma_lines import COLUMNS, Row, read_json, read_rows, rows_of, services_for, typed_rows
from console.views.shared.menu import document_url
from console.web.answers import is_htmx, refuse, wants_json
from console.web.catalog import language
from console.web.identity import current_actor


class StornoForm(Form):
    """Why a pro-forma is cancelled."""

    reason = StringField(lazy_gettext("Reason"))
    quiet = BooleanField(lazy_gettext("Do not send it by e-mail"))
    paid = HiddenField()  # as the page showed it
    idempotency_key = HiddenField()


class CorrectionForm(ProformaForm):
    """A corrected copy, and why it is one."""

    reason = StringField(lazy_gettext("Reason"))


class CreditForm(Form):
    """How much of the account's credit pays the document, in minor units."""

    amount = HiddenField()
    idempotency_key = HiddenField()


CHANGES = dict.fromkeys(("storno", "correct", "correct_preview", "send", "remind"), Permission.ISSUE_DOCUMENTS)
CHANGES |= {"use_credit": Permission.RECORD_PAYMENTS}


class ProformaChanges:
    """Cancels, corrects, reminds, sends again: a part of the list of pro-formas, whose addresses these are."""

    if TYPE_CHECKING:
        render: Callable[..., Any]
        get_url: Callable[..., str]

    @expose("/<path:number>/storno", methods=("GET", "POST"))
    def storno(self, number: str) -> ResponseReturnValue:
        """Show what a storno would say and do, or issue it."""
        form, proforma = StornoForm(), documents.find_proforma(number)
        if request.method == "GET":
            form.idempotency_key.data = uuid4().hex
            return self._storno_page(form, proforma)
        try:
            form.refuse_spoiled()
            with transaction():
                answer = cancelling.storno(
                    current_actor(),
                    proforma.id,
                    form.reason.data or "",
                    form.idempotency_key.data or "",
                    mail=not form.quiet.data,
                    paid=read_amount(form.paid.data or ""),
                )
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            _show(form, refusal)
            form.idempotency_key.data = uuid4().hex
            return Response(self._storno_page(form, documents.find_proforma(number), refusal), refusal.status)
        if wants_json():
            return jsonify(storno=answer), 201
        flash(
            gettext("%(number)s was cancelled by storno %(storno)s.", number=number, storno=answer["number"]), "success"
        )
        return redirect(document_url(documents.find_proforma(number)), 303)

    @expose("/<path:number>/correct", methods=("GET", "POST"))
    def correct(self, number: str) -> ResponseReturnValue:
        """Show the form of a corrected copy, filled in with the original; or issue it."""
        form, proforma = CorrectionForm(), documents.find_proforma(number)
        if proforma.status not in ACTIVE_STATUSES and request.method == "GET":
            return redirect(self.get_url("proformas.storno", number=number))
        if request.method == "GET":
            form.currency.data, form.note.data = proforma.currency, proforma.note
            form.due_on.data = max(proforma.due_on, today()) if proforma.due_on >= today() else usual_due_on()
            form.idempotency_key.data = uuid4().hex
            rows = rows_of(proforma)
            return self._correct_page(form, proforma, rows, sheet=_sheet(form, rows, proforma))
        rows = [] if "lines" in request.form else typed_rows()
        try:
            form.refuse_spoiled()
            refuse_spoiled(*COLUMNS, "lines")
            answer = _correct(form, rows, proforma)
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            _show(form, refusal)
            form.idempotency_key.data = uuid4().hex
            proforma = documents.find_proforma(number)
            page = self._correct_page(form, proforma, rows, refusal, sheet=_sheet(form, rows, proforma))
            return Response(page, refusal.status)
        if wants_json():
            return jsonify(proforma=answer), 201
        flash(gettext("%(number)s was issued in place of %(old)s.", number=answer["number"], old=number), "success")
        return redirect(self.get_url("proformas.document", number=answer["number"]), 303)

    @expose("/<path:number>/correct/preview", methods=("POST",))
    def correct_preview(self, number: str) -> ResponseReturnValue:
        """Show the corrected copy as it would be issued now; with ``more``, the form with further lines."""
        form, proforma, rows = CorrectionForm(), documents.find_proforma(number), typed_rows()
        sheet = _sheet(form, rows, proforma)
        if is_htmx():
            return self.render("admin/billing/sheet.html", sheet=sheet, customer=proforma.customer)
        return self._correct_page(form, proforma, rows + ([Row()] * 2 if "more" in request.form else []), sheet=sheet)

    @expose("/<path:number>/send", methods=("POST",))
    def send(self, number: str) -> ResponseReturnValue:
        """Mail the document again, once however often the button is pressed."""
        return self._mail(number, _send_once, gettext("The pro-forma was sent again by e-mail."))

    @expose("/<path:number>/remind", methods=("POST",))
    def remind(self, number: str) -> ResponseReturnValue:
        """Send a reminder now."""
        return self._mail(number, reminders.remind, gettext("The reminder was sent."))

    @expose("/<path:number>/use-credit", methods=("POST",))
    def use_credit(self, number: str) -> ResponseReturnValue:
        """Pay the document from its account's credit."""
        form, proforma = CreditForm(), documents.find_proforma(number)
        address = document_url(proforma)
        try:
            form.refuse_spoiled()
            amount, key = read_amount(form.amount.data or "") or 0, form.idempotency_key.data or ""
            with transaction():
                answer = apply_credit(current_actor(), proforma.id, amount, key)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            flash(str(refusal.message), "error")
            return redirect(address, 303)
        if wants_json():
            return jsonify(answer)
        flash(gettext("Paid from credit: %(amount)s.", amount=_words(answer)), "success")
        return redirect(address, 303)

    def _mail(self, number: str, verb: Callable[[Actor, int], Proforma], message: str) -> ResponseReturnValue:
        proforma = documents.find_proforma(number)
        address = document_url(proforma)
        try:
            with transaction():
                verb(current_actor(), proforma.id)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            flash(str(refusal.message), "error")
            return redirect(address, 303)
        if wants_json():
            return jsonify(proforma={"number": number})
        flash(message, "success")
        return redirect(address, 303)

    def _storno_page(self, form: StornoForm, proforma: Proforma, refusal: Refusal | None = None) -> str:
        form.paid.data = str(proforma.paid)
        page: str = self.render(
            "admin/billing/proforma_storno.html",
            form=form,
            document=proforma,
            negative={
                "net": -proforma.net, "tax": -proforma.tax, "total": -proforma.total, "currency": proforma.currency,
            },
            active=proforma.status in ACTIVE_STATUSES,
            periods=sum(line.period_from is not None for line in proforma.lines),
            today=today(),
            refusal=refusal,
        )  # fmt: skip
        return page

    def _correct_page(
        self,
        form: CorrectionForm,
        proforma: Proforma,
        rows: list[Row],
        refusal: Refusal | None = None,
        *,
        sheet: Sheet,
    ) -> str:
        context = form_context(form, proforma.customer, rows)
        page: str = self.render(
            "admin/billing/proforma_correct.html", document=proforma, refusal=refusal, sheet=sheet, **context
        )
        return page


def _words(answer: Mapping[str, Any]) -> str:
    return money.write(answer["used"], answer["currency"], language())


def _send_once(actor: Actor, proforma_id: int) -> Proforma:
    key = request.form.get("idempotency_key", "")
    if not key:
        return reminders.send_again(actor, proforma_id)
    scope = f"proforma.send:{actor.id}:{proforma_id}"
    once(scope, key, {}, lambda: {"number": reminders.send_again(actor, proforma_id).number})
    return db.session.get_one(Proforma, proforma_id)


def _show(form: Any, refusal: Refusal) -> None:
    for name, texts in refusal.fields.items():
        if name in form:
            form[name].errors = [str(text) for text in texts]


def _correct(form: CorrectionForm, rows: list[Row], proforma: Proforma) -> dict[str, Any]:
    if "lines" in request.form:
        items = read_json(request.form["lines"])
    else:
        items = read_rows(rows, proforma.customer, services_for(proforma.customer, rows))
    data = form.to_data(items)
    with transaction():
        return cancelling.correct(
            current_actor(),
            proforma.id,
            data,
            form.reason.data or "",
            form.idempotency_key.data or "",
            mail=not form.quiet.data,
        )


def _sheet(form: CorrectionForm, rows: list[Row], proforma: Proforma) -> Sheet:
    customer = proforma.customer
    try:
        items = read_rows(rows, customer, services_for(customer, rows))
        return Sheet(preview(customer, form.to_data(items), periods=cancelling.periods_of(proforma)), [])
    except Refusal as refusal:
        texts = [text for found in refusal.fields.values() for text in found]
        return Sheet(None, texts or [refusal.message])
