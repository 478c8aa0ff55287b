"""Suspending, closing and reopening an account: by role, with a reason that its owner reads."""

from __future__ import annotations

from flask import Response, flash, jsonify, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.errors import Invalid, Refusal
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.account.forms import AccountStateForm
from console.customers.models import CustomerStatus
from console.customers.queries import customer_by_number, load_account
from console.customers.service import MAX_REASON, close_customer, reopen_customer, suspend_customer
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.customer_data import load
from console.views.shared.menu import badge_queries, customer_url
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

VERBS = {
    CustomerStatus.SUSPENDED.value: suspend_customer,
    CustomerStatus.CLOSED.value: close_customer,
    CustomerStatus.ACTIVE.value: reopen_customer,
}
DONE = {
    CustomerStatus.SUSPENDED.value: lazy_gettext("The account was suspended. The owner was e-mailed the reason."),
    CustomerStatus.CLOSED.value: lazy_gettext("The account was closed. The owner was e-mailed the reason."),
    CustomerStatus.ACTIVE.value: lazy_gettext("The account is open again. The owner was e-mailed the reason."),
}


def views() -> list[Page]:
    """Return the page."""
    return [
        AccountStatePage(
            name=lazy_gettext("State of the account"),
            endpoint="customer_state",
            url="/console/customers/<number>/state",
        )
    ]


class AccountStatePage(Page):
    """What an account can become from the state it is in, each with what that means."""

    permission = Permission.SET_ACCOUNT_STATE
    parent = "customers"

    @expose("/")
    @expose("")
    def index(self, number: str) -> ResponseReturnValue:
        """Show what the account can become."""
        return self._page(number, AccountStateForm(formdata=None))

    @expose("/", methods=["POST"])
    @expose("", methods=["POST"])
    def change(self, number: str) -> ResponseReturnValue:
        """Change the state; the owner is e-mailed the reason."""
        form = AccountStateForm()
        state = form.state.data or ""
        try:
            form.refuse_spoiled()
            if state not in VERBS:
                raise Invalid(fields={"state": [gettext("Choose what the account becomes.")]})
            if state == CustomerStatus.CLOSED.value and not form.confirmed.data:
                raise Invalid(fields={"confirmed": [gettext("Tick the box to close the account.")]})
            with transaction():
                customer = customer_by_number(number)
                VERBS[state](current_actor(), customer, form.reason.data or "")
        except Refusal as refusal:
            if wants_json():
                return refuse(refusal)
            form.show(refusal)
            return Response(self._page(number, form), refusal.status)
        if wants_json():
            return jsonify(customer={"number": customer.number, "status": customer.status.value})
        flash(str(DONE[state]), "success")
        return redirect(customer_url(number), 303)

    def _page(self, number: str, form: AccountStateForm) -> str:
        account = load_account(current_actor(), number, scalars=badge_queries())
        rendered: str = self.render(
            "admin/customers/state.html",
            customer=account.customer,
            page=load(current_actor(), account),
            badge_counts=account.scalars,
            form=form,
            max_reason=MAX_REASON,
        )
        return rendered
