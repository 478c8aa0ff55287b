"""Pro-formas: the list for those who read documents by role, and each one's page."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import and_
from sqlalchemy.orm import defer, joinedload

from console.billing.models import ACTIVE_STATUSES, PROFORMA_SEARCH, Proforma, ProformaStatus
from console.core.money import CURRENCIES
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.staff.roles import Permission
from console.views import documents, formatters
from console.views.base import BaseModelView
from console.views.filtering import Choice, CustomerNumber, Day, Flag
from console.views.labels import PROFORMA_STATUS, is_overdue, proforma_amount, proforma_label, today
from console.views.menu import document_url
from console.web.answers import wants_json
from console.web.identity import current_actor


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [ProformaList()]


def _status(_view: Any, _context: Any, row: Proforma, _name: str) -> Markup:
    return proforma_label(row).status()


def _amount(_view: Any, _context: Any, row: Proforma, _name: str) -> Markup:
    return proforma_amount(row)


class ProformaList(BaseModelView):
    """Every pro-forma."""

    # A page opens under a verification too, so the list asks for more than the page.
    permissions = {"index_view": Permission.READ_DOCUMENTS, "export": Permission.READ_DOCUMENTS}
    group = "billing"
    letter = "p"
    can_export = True

    column_list = ("number", "customer", "status", "issued_on", "due_on", "total")
    column_export_list = (
        "number", "customer", "status", "issued_on", "due_on", "currency", "net", "tax", "total", "paid", "owed",
        "overdue", "reference",
    )  # fmt: skip
    column_labels = {
        "number": lazy_gettext("Number"),
        "customer": lazy_gettext("Customer"),
        "status": lazy_gettext("State"),
        "issued_on": lazy_gettext("Issued"),
        "due_on": lazy_gettext("Due"),
        "currency": lazy_gettext("Currency"),
        "net": lazy_gettext("Without PDV"),
        "tax": lazy_gettext("PDV"),
        "total": lazy_gettext("Amount"),
        "paid": lazy_gettext("Paid"),
        "owed": lazy_gettext("Left"),
        "overdue": lazy_gettext("Overdue"),
        "reference": lazy_gettext("Payment reference"),
    }
    column_formatters = {
        "customer": formatters.customer,
        "status": _status,
        "issued_on": formatters.day,
        "due_on": formatters.day,
        "total": _amount,
    }
    amount_columns = ("net", "tax", "total", "paid", "owed")
    column_options = (
        joinedload(Proforma.customer).load_only(Customer.name),
        defer(Proforma.buyer),  # frozen texts of two companies a row
        defer(Proforma.issuer),
    )
    search_index = PROFORMA_SEARCH
    search_hint = lazy_gettext("Number, payment reference or buyer")
    sort_columns = {"due_on": Proforma.due_on}
    list_filters = (
        Choice("status", lazy_gettext("State"), Proforma.status, {k.value: v.text for k, v in PROFORMA_STATUS.items()}),
        Choice("currency", lazy_gettext("Currency"), Proforma.currency, {code: code for code in CURRENCIES}),
        CustomerNumber("customer", lazy_gettext("Customer number"), Proforma.customer_id),
        Day("due_from", lazy_gettext("Due from"), Proforma.due_on, compare="from"),
        Day("due_until", lazy_gettext("Due until"), Proforma.due_on, compare="until"),
        Flag(
            "overdue",
            lazy_gettext("Overdue only"),
            lambda: and_(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on < today()),
        ),
    )
    lead = lazy_gettext("An issued document is not changed and not deleted; a storno corrects it.")
    empty_icon = "file"
    empty_title = lazy_gettext("No pro-formas yet")
    empty_text = lazy_gettext("They come with an import or with the first order.")

    def __init__(self) -> None:
        super().__init__(
            Proforma, name=lazy_gettext("Pro-formas"), endpoint="proformas", url="proformas", menu_icon_value="file"
        )

    def is_visible(self) -> bool:
        return current_actor().may(Permission.READ_DOCUMENTS)

    def row_link(self, row: Any) -> str:
        return document_url(row)

    def row_state(self, row: Any) -> str:
        if row.status is ProformaStatus.CANCELLED:
            return "is-void"
        return "is-late" if is_overdue(row) else ""

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {
            "customer": row.customer.number,
            "currency": row.currency,
            "paid": row.paid,
            "owed": row.owed,
            "overdue": is_overdue(row),
        }

    def export_cell(self, row: Any, name: str) -> Any:
        if name == "overdue":
            return is_overdue(row)
        return row.customer.number if name == "customer" else super().export_cell(row, name)

    @expose("/<path:number>")
    def document(self, number: str) -> ResponseReturnValue:
        """Show one pro-forma as the document it is."""
        actor = current_actor()
        proforma = documents.find_proforma(number)
        documents.require_reading(actor, proforma.customer_id)
        if wants_json():
            return jsonify(proforma=self._json(proforma))
        return self.render(
            "admin/proforma.html",
            document=proforma,
            label=proforma_label(proforma),
            source=documents.readable(actor, proforma.source),
            replacements=documents.replacements(actor, proforma),
            migration=documents.migration_ref(proforma),
        )

    def _json(self, proforma: Proforma) -> dict[str, Any]:
        return documents.document_json(proforma) | {
            "status": proforma.status.value,
            "due_on": proforma.due_on.isoformat(),
            "paid": proforma.paid,
            "owed": proforma.owed,
            "overdue": is_overdue(proforma),
            "reference": proforma.reference,
            "lines": [documents.line_json(line) for line in proforma.lines],
            "storno": None if proforma.storno is None else proforma.storno.number,
        }
