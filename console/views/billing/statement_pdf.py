"""The statement of one account as PDF: what came in, and how it was used."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.billing.pdf.statement import read_period, statement_pdf
from console.core.texts import lazy_gettext, of_reader
from console.customers.queries import customer_by_number
from console.staff.roles import Permission
from console.views.billing import documents
from console.views.shared.base import Page
from console.web.documents import chosen_language, pdf_answer
from console.web.identity import current_actor


def views() -> list[BaseView]:
    """Return the page."""
    return [
        StatementPdf(
            name=lazy_gettext("Account statement"),
            endpoint="statement_pdf",
            url="/console/customers/<number>/statement.pdf",
        )
    ]


class StatementPdf(Page):
    """One file. Who may read the account's documents may read it."""

    permission = Permission.FIND_CUSTOMERS
    parent = "customers"

    @expose("/")
    @expose("")  # its address in links
    def index(self, number: str) -> ResponseReturnValue:
        """Answer the statement in one currency: ``currency``, ``since``, ``until``."""
        customer = customer_by_number(number)
        documents.require_reading(current_actor(), customer.id)
        period = read_period(request.args, customer)
        language = chosen_language() or of_reader().language
        return pdf_answer(f"{customer.number}-{period.until}", statement_pdf(customer, period, language))
