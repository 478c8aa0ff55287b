"""What the pages share on which an agent changes an account for a verified caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, redirect
from flask.typing import ResponseReturnValue

from console.core.errors import Refusal
from console.customers import labels
from console.customers.access import require_right, rights_of
from console.customers.models import Customer
from console.customers.people.forms import VerbForm
from console.customers.queries import customer_by_number, live_verification
from console.customers.rights import Right
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.menu import customer_url
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor


class ActingPage(Page):
    """A page about one account, there only under a live verification of a person with the right."""

    permission = Permission.VERIFY
    parent = "customers"

    def account(self, number: str, right: Right) -> Customer:
        """Return the account, if the verified caller holds ``right``.

        Raises:
            NotFound: no such account, or nothing of the kind was verified.
        """
        customer = customer_by_number(number)
        require_right(current_actor(), customer.id, right)
        return customer

    def draw(self, template: str, customer: Customer, form: VerbForm, **values: Any) -> str:
        """Draw a form with what all of them show: whose account, for whom."""
        actor = current_actor()
        own = rights_of(actor, customer.id)
        rendered: str = self.render(
            template,
            customer=customer,
            form=form,
            own=own,
            shut=[right.value for right in Right if right not in own],
            verification=live_verification(actor, customer.id),
            labels=labels,
            confirm=False,
            **values,
        )
        return rendered

    def answer(self, refusal: Refusal, form: VerbForm, page: Callable[[], str]) -> ResponseReturnValue:
        """Show a refused form again, or tell a program."""
        if wants_json() or refusal.status == 404:
            return refuse(refusal)
        form.show(refusal)
        return Response(page(), refusal.status)

    def back(self, customer: Customer, tab: str | None = None) -> ResponseReturnValue:
        """Lead back to the account's page."""
        address = customer_url(customer.number)
        return redirect(f"{address}?tab={tab}" if tab else address, 303)
