"""An account's pro-formas and stornos, for its people who may see and pay them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaLine, Storno
from console.billing.pay_links import service as pay_links
from console.billing.payments import labels
from console.billing.payments.queries import payments_of
from console.billing.pdf import statement as statements
from console.billing.pdf.files import pdf_of
from console.billing.pdf.instructions import instructions_for
from console.billing.queries import (
    DocumentFilter,
    amounts_due,
    find_own_proforma,
    find_own_storno,
    list_proformas,
    related_documents,
)
from console.billing.service import today
from console.core.errors import NotFound
from console.core.ids import read_key
from console.core.texts import gettext, of_reader
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.portal.pay import picture_of
from console.web.answers import wants_json
from console.web.documents import chosen_language, pdf_answer
from console.web.identity import current_actor

PAGE_SIZE = 25


@portal.get("/documents/")
@signed_in
def documents() -> ResponseReturnValue:
    """List the pro-formas of the chosen account, the newest first."""
    accounts = own_accounts(Right.INVOICES)
    mine = chosen(accounts)
    filters = {one.value: one for one in DocumentFilter}
    view = filters.get(request.args.get("state", ""), DocumentFilter.ALL)
    before = read_key(request.args.get("next"))
    found = list_proformas(mine.customer_id, view, before=before, limit=PAGE_SIZE + 1)
    rows, cursor = found[:PAGE_SIZE], str(found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_line(row) for row in rows], next=cursor)
    return render_template(
        "portal/documents/list.html",
        accounts=accounts,
        mine=mine,
        rows=rows,
        due=amounts_due(mine.customer_id),
        view=view.value,
        next=cursor,
        first=before is None,
        today=today(),
    )


@portal.get("/documents/statement.pdf")
@signed_in
def statement_pdf() -> ResponseReturnValue:
    """Answer the statement of the chosen account as PDF: ``currency``, ``since``, ``until``."""
    customer = chosen(own_accounts(Right.INVOICES)).customer
    period = statements.read_period(request.args, customer)
    content = statements.statement_pdf(customer, period, chosen_language() or of_reader().language)
    return pdf_answer(f"{customer.number}-{period.until}", content)


@portal.get("/documents/<path:number>")
@signed_in
def document(number: str) -> ResponseReturnValue:
    """Show one pro-forma: what is to be paid, how, and what became of it."""
    accounts = own_accounts(Right.INVOICES)
    found = find_own_proforma(number, _ids(accounts))
    if found is None:
        raise NotFound
    related = related_documents(found)
    waits = found.status in ACTIVE_STATUSES
    how = instructions_for(found, found.owed) if waits else None
    if wants_json():
        return jsonify(
            proforma=_line(found)
            | {
                "lines": [_item(line) for line in found.lines],
                "account": found.issuer.get("account"),
                "source": None if related.source is None else related.source.number,
                "replaced_by": [one.number for one in related.replacements],
            }
        )
    return render_template(
        "portal/documents/proforma.html",
        accounts=accounts,
        mine=_mine(accounts, found.customer_id),
        document=found,
        related=related,
        waits=waits,
        how=how,
        picture=picture_of(how) if how is not None else None,
        link=pay_links.shared_address(current_actor(), found),
        payments=payments_of(found),
        words=labels,
        today=today(),
    )


@portal.get("/documents/<path:number>/pdf")
@signed_in
def document_pdf(number: str) -> ResponseReturnValue:
    """Answer one pro-forma as PDF."""
    found = _own_proforma(number)
    return pdf_answer(found.number, pdf_of(found, chosen_language()))


@portal.post("/documents/<path:number>/pay-link")
@signed_in
def create_pay_link(number: str) -> ResponseReturnValue:
    """Make the link that lets another person pay."""
    found = _own_proforma(number)
    with transaction():
        link = pay_links.create_link(current_actor(), found)
    if wants_json():
        return jsonify(url=pay_links.address_of(link)), 201
    flash(gettext("The link is ready. Anyone who has it can see what is owed and pay it."), "success")
    return redirect(url_for("portal.document", number=number, _anchor="h-share"), 303)


@portal.post("/documents/<path:number>/pay-link/revoke")
@signed_in
def revoke_pay_link(number: str) -> ResponseReturnValue:
    """Make that link void."""
    found = _own_proforma(number)
    with transaction():
        pay_links.revoke_link(current_actor(), found)
    if wants_json():
        return jsonify(revoked=True)
    flash(gettext("The link no longer works."), "success")
    return redirect(url_for("portal.document", number=number), 303)


@portal.get("/documents/storno/<path:storno_number>/pdf")
@signed_in
def storno_pdf(storno_number: str) -> ResponseReturnValue:
    """Answer one storno as PDF."""
    found = find_own_storno(storno_number, _ids(own_accounts(Right.INVOICES)))
    if found is None:
        raise NotFound
    return pdf_answer(found.number, pdf_of(found, chosen_language()))


@portal.get("/documents/storno/<path:storno_number>")
@signed_in
def storno(storno_number: str) -> ResponseReturnValue:
    """Show one storno and what it cancelled."""
    accounts = own_accounts(Right.INVOICES)
    found = find_own_storno(storno_number, _ids(accounts))
    if found is None:
        raise NotFound
    if wants_json():
        return jsonify(storno=_facts(found) | {"proforma": found.proforma.number, "reason": found.reason})
    return render_template(
        "portal/documents/storno.html", accounts=accounts, mine=_mine(accounts, found.customer_id), document=found
    )


def _own_proforma(number: str) -> Proforma:
    found = find_own_proforma(number, _ids(own_accounts(Right.INVOICES)))
    if found is None:
        raise NotFound
    return found


def _ids(accounts: Sequence[Membership]) -> list[int]:
    return [one.customer_id for one in accounts]


def _mine(accounts: Sequence[Membership], customer_id: int) -> Membership:
    return next(one for one in accounts if one.customer_id == customer_id)


def _facts(document: Proforma | Storno) -> dict[str, Any]:
    names = ("number", "currency", "net", "tax", "total")
    return {name: getattr(document, name) for name in names} | {"issued_on": document.issued_on.isoformat()}


def _line(row: Proforma) -> dict[str, Any]:
    return _facts(row) | {
        "state": row.status.value,
        "due_on": row.due_on.isoformat(),
        "overdue": row.status in ACTIVE_STATUSES and row.due_on < today(),
        "paid": row.paid,
        "owed": row.owed,
        "reference": row.reference,
        "storno": None if row.storno is None else row.storno.number,
    }


def _item(line: ProformaLine) -> dict[str, Any]:
    names = ("position", "description", "quantity", "net", "tax", "total")
    return {name: getattr(line, name) for name in names} | {
        "service": None if line.service is None else line.service.number
    }
