"""Verification: the page where staff type what a caller says."""

from __future__ import annotations

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.errors import Invalid, TooMany
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.forms import SPOKEN_CHANNELS, VerifyForm
from console.customers.models import Verification
from console.customers.queries import find_customer
from console.customers.verification import service as verifications
from console.staff.roles import Permission
from console.tickets.models import ticket_number
from console.tickets.service.verification import ticket_in
from console.views.customers.page import render_customer
from console.views.customers.serializers import verification_json
from console.views.shared.base import Page
from console.views.shared.labels.tickets import ticket_url
from console.views.shared.menu import customer_url
from console.web.answers import answer_event, is_htmx, refuse, wants_json
from console.web.identity import current_actor


def views() -> list[Page]:
    """Return the page."""
    return [VerifyPage(name=lazy_gettext("Verification"), endpoint="verify", url="verify", menu_icon_value="shield")]


class VerifyPage(Page):
    """The form for e-mail and PIN, and ending a verification."""

    permission = Permission.VERIFY
    group = "customers"
    letter = "v"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the empty form. The channel may come with the address: ``?channel=ticket:T-19877``."""
        form = VerifyForm(formdata=None, channel=request.args.get("channel", "phone")[:60])
        return self._page(form)

    @expose("/", methods=["POST"])
    def check(self) -> ResponseReturnValue:
        """Check what was typed. A failure is an answer like any other: 200, without the reason."""
        form = VerifyForm()
        try:
            form.refuse_spoiled()
            with transaction():
                verification = verifications.verify(
                    current_actor(),
                    email=form.email.data or "",
                    pin=form.pin.data or "",
                    channel=form.channel.data or "",
                )
        except Invalid as refusal:
            if wants_json():
                return refuse(refusal)
            for name, texts in refusal.fields.items():
                form[name].errors = texts
            return Response(self._page(form), 422)
        except TooMany as refusal:
            if wants_json():
                return refuse(refusal)
            page = self._page(form, slowed=True)
            return Response(page, 429, headers={"Retry-After": str(refusal.retry_after)})
        if verification is None:
            return jsonify(verified=False) if wants_json() else self._page(form, failed=True)
        return self._opened(form, verification)

    @expose("/<id:verification_id>/end", methods=["POST"])
    def end(self, verification_id: int) -> ResponseReturnValue:
        """End one's own verification before its time."""
        with transaction():
            verification = verifications.end(current_actor(), verification_id)
            number, ticket = verification.customer.number, _ticket(verification.channel)
        message = gettext("The verification has ended. The account is locked again.")
        if wants_json():
            return jsonify(ended=True, message=message, verification={"id": verification_id, "customer": number})
        if is_htmx():
            return answer_event("done", {"message": message}, status=204)
        flash(message, "success")
        back = ticket_url(ticket) if ticket and request.form.get("back") == "ticket" else customer_url(number)
        return redirect(back, 303)

    def _opened(self, form: VerifyForm, verification: Verification) -> ResponseReturnValue:
        if wants_json():
            return jsonify(verified=True, verification=verification_json(verification))
        number, ticket = verification.customer.number, _ticket(verification.channel)
        if ticket is not None:
            flash(gettext("Verified for this ticket."), "success")
            return redirect(ticket_url(ticket), 303)
        if form.customer.data and form.customer.data != number:
            flash(
                gettext("This PIN belongs to account %(number)s, so that account was opened.", number=number), "warning"
            )
        return redirect(customer_url(number), 303)

    def _page(self, form: VerifyForm, *, failed: bool = False, slowed: bool = False) -> str:
        """Show the form again: on the customer's page if it was typed there."""
        customer = find_customer(form.customer.data) if form.customer.data else None
        if customer is not None:
            return render_customer(self, customer.number, form=form, failed=failed, slowed=slowed)
        rendered: str = self.render(
            "admin/customers/verification.html",
            form=form,
            failed=failed,
            slowed=slowed,
            channels=SPOKEN_CHANNELS,
            ticket=_ticket(form.channel.data or ""),
            ticket_url=ticket_url,
        )
        return rendered


def _ticket(channel: str) -> str | None:
    """Return the number of the ticket that a channel names."""
    key = ticket_in(channel)
    return None if key is None else ticket_number(key)
