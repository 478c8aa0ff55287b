"""Quotes in the portal, "Dostupne ponude": seen, accepted, declined."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField

from console.billing.quotes import service as verbs
from console.billing.quotes.models import Quote, QuoteState
from console.billing.quotes.queries import find_quote, list_quotes
from console.billing.service import today
from console.core.errors import NotFound, Refusal
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor

PAGE_SIZE = 25


class AnswerForm(PortalForm):
    """An answer to a quote. ``reason``: of a decline, if they want to say so."""

    reason = TextAreaField(lazy_gettext("Reason (optional)"))


@portal.get("/quotes/")
@signed_in
def quotes() -> ResponseReturnValue:
    """List the quotes of the chosen account, the newest first."""
    accounts = own_accounts(Right.QUOTES)
    mine = chosen(accounts)
    before = read_key(request.args.get("next"))
    found = list_quotes(mine.customer_id, before=before, limit=PAGE_SIZE + 1)
    rows, cursor = found[:PAGE_SIZE], str(found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_facts(row) for row in rows], next=cursor)
    return render_template(
        "portal/quotes/list.html",
        accounts=accounts,
        mine=mine,
        rows=[(row, row.state_on(today()).value) for row in rows],
        next=cursor,
        first=before is None,
    )


@portal.get("/quotes/<quote_number>")
@signed_in
def quote(quote_number: str) -> ResponseReturnValue:
    """Show one quote."""
    accounts, mine, found = _find(quote_number)
    if wants_json():
        return jsonify(quote=_facts(found) | {"lines": [_item(line) for line in found.lines], "note": found.note})
    return _page(accounts, mine, found, AnswerForm(formdata=None))


@portal.post("/quotes/<quote_number>/accept")
@signed_in
def quote_accept(quote_number: str) -> ResponseReturnValue:
    """Accept a quote: it becomes the work of its department."""
    return _answer(quote_number, lambda key, _reason: verbs.accept_quote(current_actor(), key), accepts=True)


@portal.post("/quotes/<quote_number>/decline")
@signed_in
def quote_decline(quote_number: str) -> ResponseReturnValue:
    """Decline a quote."""
    return _answer(quote_number, lambda key, reason: verbs.decline_quote(current_actor(), key, reason), accepts=False)


def _answer(number: str, verb: Any, *, accepts: bool) -> ResponseReturnValue:
    accounts, mine, found = _find(number)
    form = AnswerForm()
    try:
        form.require()
        with transaction():
            found = verb(found.id, form.reason.data or "")
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return show_again(refusal, form, lambda: _page(accounts, mine, found, form))
    if wants_json():
        return jsonify(quote=_facts(found))
    text = (
        gettext("The quote is accepted. We will send you a pro-forma.")
        if accepts
        else gettext("The quote is declined.")
    )
    flash(text, "success")
    return redirect(url_for("portal.quote", quote_number=found.number), 303)


def _find(number: str) -> tuple[list[Membership], Membership, Quote]:
    accounts = list(own_accounts(Right.QUOTES))
    found = find_quote(number, [one.customer_id for one in accounts])
    if found is None:
        raise NotFound
    return accounts, next(one for one in accounts if one.customer_id == found.customer_id), found


def _page(accounts: list[Membership], mine: Membership, found: Quote, form: AnswerForm) -> str:
    state = found.state_on(today())
    return render_template(
        "portal/quotes/quote.html",
        accounts=accounts,
        mine=mine,
        quote=found,
        state=state.value,
        is_open=state is QuoteState.SENT,
        may_accept=Right.ORDERS in mine.held_rights(),
        form=form,
    )


def _facts(row: Quote) -> dict[str, Any]:
    names = ("number", "currency", "net", "tax", "total")
    return {name: getattr(row, name) for name in names} | {
        "state": row.state_on(today()).value,
        "valid_until": row.valid_until.isoformat(),
        "sent_at": local_time(row.sent_at),
    }


def _item(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("position", "description", "quantity", "net", "tax", "total")}
