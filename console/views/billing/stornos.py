"""Stornos: the list for those who read documents by role, and each one's page."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import defer, joinedload

from console.billing.models import Proforma, Storno
from console.billing.pdf.files import pdf_of
from console.core.money import CURRENCIES
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.staff.roles import Permission
from console.views.billing import documents
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, CustomerNumber, Day, Exact
from console.views.shared.menu import document_url
from console.web.answers import wants_json
from console.web.documents import chosen_language, pdf_answer
from console.web.identity import current_actor


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [StornoList()]


def _original(_view: Any, _context: Any, row: Storno, _name: str) -> Markup:
    return Markup('<a class="ref plain" href="{}">{}</a>').format(document_url(row.proforma), row.proforma.number)


class StornoList(BaseModelView):
    """Every cancellation, with the document it cancels."""

    permissions = {"index_view": Permission.READ_DOCUMENTS, "export": Permission.READ_DOCUMENTS}
    group = "billing"
    can_export = True

    column_list = ("number", "proforma", "customer", "issued_on", "total")
    column_export_list = ("number", "proforma", "customer", "issued_on", "currency", "net", "tax", "total", "reason")
    column_labels = {
        "number": lazy_gettext("Number"),
        "proforma": lazy_gettext("Cancels"),
        "customer": lazy_gettext("Customer"),
        "issued_on": lazy_gettext("Issued"),
        "currency": lazy_gettext("Currency"),
        "net": lazy_gettext("Without PDV"),
        "tax": lazy_gettext("PDV"),
        "total": lazy_gettext("Amount"),
        "reason": lazy_gettext("Reason"),
    }
    column_formatters = {
        "proforma": _original,
        "customer": formatters.customer,
        "issued_on": formatters.day,
        "total": formatters.amount,
    }
    amount_columns = ("net", "tax", "total")
    column_options = (
        joinedload(Storno.proforma).load_only(Proforma.number),
        joinedload(Storno.customer).load_only(Customer.name),
        defer(Storno.buyer),
        defer(Storno.issuer),
    )
    list_filters = (
        Exact("number", lazy_gettext("Number"), Storno.number, hint="ST-2026-000011"),
        Choice("currency", lazy_gettext("Currency"), Storno.currency, {code: code for code in CURRENCIES}),
        CustomerNumber("customer", lazy_gettext("Customer number"), Storno.customer_id),
        Day("issued_from", lazy_gettext("Issued from"), Storno.issued_on, compare="from"),
        Day("issued_until", lazy_gettext("Issued until"), Storno.issued_on, compare="until"),
    )
    lead = lazy_gettext("A storno cancels one pro-forma with a record of its own; nothing is deleted.")
    empty_icon = "file-x"
    empty_title = lazy_gettext("No stornos yet")
    empty_text = lazy_gettext("Created when a pro-forma is cancelled or its service is transferred.")

    def __init__(self) -> None:
        super().__init__(
            Storno, name=lazy_gettext("Stornos"), endpoint="stornos", url="stornos", menu_icon_value="file-x"
        )

    def is_visible(self) -> bool:
        return current_actor().may(Permission.READ_DOCUMENTS)

    def row_link(self, row: Any) -> str:
        return document_url(row)

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {
            "proforma": row.proforma.number,
            "customer": row.customer.number,
            "currency": row.currency,
        }

    def export_cell(self, row: Any, name: str) -> Any:
        if name == "proforma":
            return row.proforma.number
        return row.customer.number if name == "customer" else super().export_cell(row, name)

    @expose("/<path:number>")
    def document(self, number: str) -> ResponseReturnValue:
        """Show one storno as the document it is."""
        storno = documents.find_storno(number)
        documents.require_reading(current_actor(), storno.customer_id)
        if wants_json():
            return jsonify(storno=self._json(storno))
        return self.render("admin/billing/storno.html", document=storno, migration=documents.migration_ref(storno))

    @expose("/<path:number>/pdf")
    def pdf(self, number: str) -> ResponseReturnValue:
        """Answer one storno as PDF, in its language or in the one asked for."""
        storno = documents.find_storno(number)
        documents.require_reading(current_actor(), storno.customer_id)
        return pdf_answer(number, pdf_of(storno, chosen_language()))

    def _json(self, storno: Storno) -> dict[str, Any]:
        return documents.document_json(storno) | {"proforma": storno.proforma.number, "reason": storno.reason}
