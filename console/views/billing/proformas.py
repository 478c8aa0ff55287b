"""Pro-formas: the list for those who read documents by role, and each one's page."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from flask import flash, jsonify, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, and_, case
from sqlalchemy.orm import defer, joinedload, selectinload

from console.billing.ledger.queries import credit_of
from console.billing.models import ACTIVE_STATUSES, PROFORMA_SEARCH, Proforma, ProformaLine, ProformaStatus
from console.billing.pay_links import service as pay_links
from console.billing.payments import labels
from console.billing.payments.queries import payments_of
from console.billing.pdf.files import pdf_of
from console.core.actor import Actor
from console.core.errors import Text
from console.core.money import CURRENCIES
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import service_number
from console.staff.roles import Permission
from console.views.billing import documents
from console.views.billing.bulk import BULK, BulkActions
from console.views.billing.changes import CHANGES, ProformaChanges
from console.views.billing.proforma_filters import Age, Owed, tiles
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.export import Number, amount_cell
from console.views.shared.filters import Choice, CustomerNumber, Day, Flag
from console.views.shared.labels.states import PROFORMA_STATUS, is_overdue, proforma_amount, proforma_label, today
from console.views.shared.menu import document_url
from console.web.answers import wants_json
from console.web.documents import chosen_language, pdf_answer
from console.web.filters import day
from console.web.identity import current_actor


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [ProformaList()]


def _status(_view: Any, _context: Any, row: Proforma, _name: str) -> Markup:
    return proforma_label(row).status()


def _amount(_view: Any, _context: Any, row: Proforma, _name: str) -> Markup:
    return proforma_amount(row)


def _due(_view: Any, _context: Any, row: Proforma, _name: str) -> Markup:
    if not is_overdue(row):
        return Markup('<span class="num">{}</span>').format(day(row.due_on))
    late = (today() - row.due_on).days
    words = ngettext("%(num)d day late", "%(num)d days late", late)
    return Markup('<span class="num">{}</span><br><small class="muted num">{}</small>').format(day(row.due_on), words)


_OF_THE_DOCUMENT = ("number", "external_id", "issued_on", "due_on", "currency", "reference", "tax_note")


def _usable_credit(actor: Actor, proforma: Proforma) -> int:
    """Return how much of its account's credit could pay a document now."""
    if proforma.status not in ACTIVE_STATUSES or not actor.may(Permission.RECORD_PAYMENTS):
        return 0
    return min(credit_of(proforma.customer_id).get(proforma.currency, 0), proforma.owed)


def _line_cells(line: ProformaLine) -> dict[str, Any]:
    return {
        "description": line.description,
        "service": "" if line.service_id is None else service_number(line.service_id),
        "quantity": line.quantity,
        "net": amount_cell(line.net),
        "tax_rate": Number(f"{line.tax_bp / 100:g}"),
        "tax": amount_cell(line.tax),
        "line_total": amount_cell(line.total),
    }


# Of a document that waits for money; nothing is owed on any other.
_OWED = case((Proforma.status.in_(ACTIVE_STATUSES), Proforma.total - Proforma.paid), else_=0)


class ProformaList(ProformaChanges, BulkActions, BaseModelView):
    """Every pro-forma."""

    # A page opens under a verification too, so the list needs another permission than the page.
    permissions = {"index_view": Permission.READ_DOCUMENTS, "export": Permission.READ_DOCUMENTS} | CHANGES | BULK
    group = "billing"
    letter = "p"
    can_export = True
    can_act = True
    list_template = "admin/billing/proformas.html"

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
        "owed": lazy_gettext("Outstanding"),
        "overdue": lazy_gettext("Overdue"),
        "reference": lazy_gettext("Payment reference"),
    }
    column_formatters = {
        "customer": formatters.customer,
        "status": _status,
        "issued_on": formatters.day,
        "due_on": _due,
        "total": _amount,
    }
    # The lines, as `console import --proformas` reads them: a row a line, what is the document's in each.
    export_types = ("csv", "xlsx", "lines")
    more_exports = {"lines": lazy_gettext("Lines as CSV")}
    line_labels: ClassVar[dict[str, Text]] = {
        "number": lazy_gettext("Number"),
        "external_id": lazy_gettext("External id"),
        "customer": lazy_gettext("Customer"),
        "issued_on": lazy_gettext("Issued"),
        "due_on": lazy_gettext("Due"),
        "currency": lazy_gettext("Currency"),
        "status": lazy_gettext("State"),
        "total": lazy_gettext("Amount"),
        "paid": lazy_gettext("Paid"),
        "reference": lazy_gettext("Payment reference"),
        "tax_note": lazy_gettext("PDV exemption"),
        "description": lazy_gettext("Description"),
        "service": lazy_gettext("Service"),
        "quantity": lazy_gettext("Quantity"),
        "net": lazy_gettext("Without PDV"),
        "tax_rate": lazy_gettext("PDV rate"),
        "tax": lazy_gettext("PDV"),
        "line_total": lazy_gettext("Line total"),
    }
    amount_columns = ("net", "tax", "total", "paid", "owed")
    state_columns = {"status": PROFORMA_STATUS}
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
        Flag("unpaid", lazy_gettext("Unpaid only"), lambda: Proforma.status.in_(ACTIVE_STATUSES)),
        Age("age", lazy_gettext("Overdue by")),
        Owed("owed_from", lazy_gettext("Owed from"), _OWED),
        Owed("owed_until", lazy_gettext("Owed up to"), _OWED, compare="until"),
        Day("due_from", lazy_gettext("Due from"), Proforma.due_on, compare="from"),
        Day("due_until", lazy_gettext("Due until"), Proforma.due_on, compare="until"),
        Flag(
            "overdue",
            lazy_gettext("Overdue only"),
            lambda: and_(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on < today()),
        ),
    )
    lead = lazy_gettext("Issued documents cannot be changed or deleted; they are corrected by a storno.")
    empty_icon = "file"
    empty_title = lazy_gettext("No pro-formas yet")
    empty_text = lazy_gettext("Customers appear after an import or their first order.")

    def __init__(self) -> None:
        super().__init__(
            Proforma, name=lazy_gettext("Pro-formas"), endpoint="proformas", url="proformas", menu_icon_value="file"
        )

    def is_visible(self) -> bool:
        return current_actor().may(Permission.READ_DOCUMENTS)

    def is_action_allowed(self, name: str) -> bool:
        return super().is_action_allowed(name) and current_actor().may(Permission.ISSUE_DOCUMENTS)

    @property
    def may_issue(self) -> bool:
        """Return whether this person may issue documents."""
        return current_actor().may(Permission.ISSUE_DOCUMENTS)

    def list_context(self, _list_query: Any, _page: Any) -> dict[str, Any]:
        return {"tiles": tiles()}

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

    def export_titles(self, export_type: str) -> list[str]:
        if export_type == "lines":
            return [str(label) for label in self.line_labels.values()]
        return super().export_titles(export_type)

    def export_query(self, query: Select[Any], export_type: str) -> Select[Any]:
        return query.options(selectinload(Proforma.lines)) if export_type == "lines" else query

    def export_rows(self, row: Any, export_type: str) -> list[list[Any]]:
        if export_type != "lines":
            return super().export_rows(row, export_type)
        document = {name: getattr(row, name) for name in _OF_THE_DOCUMENT}
        document |= {name: self.export_cell(row, name) for name in ("customer", "status", "total", "paid")}
        lines = [document | _line_cells(line) for line in row.lines]
        return [[line[name] for name in self.line_labels] for line in lines]

    @expose("/<path:number>")
    def document(self, number: str) -> ResponseReturnValue:
        """Show one pro-forma as the document it is."""
        actor = current_actor()
        proforma = documents.find_proforma(number)
        documents.require_reading(actor, proforma.customer_id)
        if wants_json():
            return jsonify(proforma=self._json(proforma))
        return self.render(
            "admin/billing/proforma.html",
            document=proforma,
            label=proforma_label(proforma),
            source=documents.readable(actor, proforma.source),
            replacements=documents.replacements(actor, proforma),
            payments=payments_of(proforma),
            may_record=actor.may(Permission.RECORD_PAYMENTS),
            usable=_usable_credit(actor, proforma),
            key=uuid4().hex,
            words=labels,
            migration=documents.migration_ref(proforma),
            may_issue=actor.may(Permission.ISSUE_DOCUMENTS),
            is_active=proforma.status in ACTIVE_STATUSES,
            shares=proforma.status in ACTIVE_STATUSES and pay_links.may_share(actor, proforma),
            link=pay_links.shared_address(actor, proforma),
        )

    @expose("/<path:number>/pdf")
    def pdf(self, number: str) -> ResponseReturnValue:
        """Answer one pro-forma as PDF, in its language or in the one asked for."""
        proforma = documents.find_proforma(number)
        documents.require_reading(current_actor(), proforma.customer_id)
        return pdf_answer(number, pdf_of(proforma, chosen_language()))

    @expose("/<path:number>/pay-link", methods=("POST",))
    def pay_link(self, number: str) -> ResponseReturnValue:
        """Make the link that lets another person pay."""
        proforma = documents.find_proforma(number)
        with transaction():
            link = pay_links.create_link(current_actor(), proforma)
        if wants_json():
            return jsonify(url=pay_links.address_of(link)), 201
        flash(gettext("The link is ready. Anyone who has it can see what is owed and pay it."), "success")
        return redirect(f"{document_url(proforma)}#h-share", 303)

    @expose("/<path:number>/pay-link/revoke", methods=("POST",))
    def revoke_pay_link(self, number: str) -> ResponseReturnValue:
        """Make that link void."""
        proforma = documents.find_proforma(number)
        with transaction():
            pay_links.revoke_link(current_actor(), proforma)
        if wants_json():
            return jsonify(revoked=True)
        flash(gettext("The link no longer works."), "success")
        return redirect(document_url(proforma), 303)

    def _json(self, proforma: Proforma) -> dict[str, Any]:
        return documents.document_json(proforma) | {
            "status": proforma.status.value,
            "due_on": proforma.due_on.isoformat(),
            "paid": proforma.paid,
            "owed": proforma.owed,
            "overdue": is_overdue(proforma),
            "reference": proforma.reference,
            "note": proforma.note,
            "lines": [documents.line_json(line) for line in proforma.lines],
            "storno": None if proforma.storno is None else proforma.storno.number,
        }
