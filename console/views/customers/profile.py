"""The holder's data, changed by an agent for a verified caller; and the handover of the account, for its owner."""

from __future__ import annotations

from flask import flash, jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.account import corrections, profile
from console.customers.account import handover as handovers
from console.customers.account.corrections import open_correction
from console.customers.account.forms import HandoverForm, ProfileForm
from console.customers.models import Customer, CustomerKind
from console.customers.rights import Right
from console.views.customers.acting import ActingPage
from console.web.answers import wants_json
from console.web.identity import current_actor


def views() -> list[ActingPage]:
    """Return both pages."""
    return [
        ProfilePage(
            name=lazy_gettext("Account data"),
            endpoint="customer_profile",
            url="/console/customers/<number>/profile",
        ),
        HandoverPage(
            name=lazy_gettext("Handover of the account"),
            endpoint="customer_handover",
            url="/console/customers/<number>/handover",
        ),
    ]


class ProfilePage(ActingPage):
    """The same form and verb as in the portal, in the caller's name."""

    @expose("/")
    @expose("")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the form."""
        customer = self.account(number, Right.PROFILE)
        return self._page(customer, ProfileForm(formdata=None, customer=customer))

    @expose("/", methods=["POST"])
    @expose("", methods=["POST"])
    def save(self, number: str) -> ResponseReturnValue:
        """Save the data; the owner is told. A correction waits for a colleague."""
        customer = self.account(number, Right.PROFILE)
        form = ProfileForm(customer=customer)
        reason = form.reason.data or ""
        try:
            form.require()
            with transaction():
                saved = profile.save_profile(
                    current_actor(), customer.id, form.data_of(), correction=reason if reason.strip() else None
                )
        except Invalid as refusal:
            at_fields = Invalid(refusal.message, fields=form.show_at_fields(refusal.fields), code=refusal.code)
            return self.answer(at_fields, form, lambda: self._page(customer, form))
        except Conflict as refusal:
            return self.answer(refusal, form, lambda: self._page(customer, form))
        if wants_json():
            return jsonify(changed=list(saved.changed), correction=saved.correction and saved.correction.id)
        if saved.correction is not None:
            flash(gettext("Saved. The correction of the holder waits for a colleague to confirm it."), "success")
        elif saved.changed:
            flash(gettext("Changes saved. The owner was notified by e-mail."), "success")
        else:
            flash(gettext("Changes saved."), "success")
        return self.back(customer)

    @expose("/corrections/<id:correction_id>/withdraw", methods=["POST"])
    def withdraw(self, number: str, correction_id: int) -> ResponseReturnValue:
        """Withdraw the correction that waits, for the caller; the owner is told."""
        customer = self.account(number, Right.PROFILE)
        waiting = open_correction(customer.id)
        if waiting is None or waiting.id != correction_id:
            raise NotFound
        with transaction():
            correction = corrections.withdraw(current_actor(), correction_id)
        if wants_json():
            return jsonify(correction={"id": correction.id, "state": correction.state.value})
        flash(gettext("The correction was withdrawn. The owner was notified by e-mail."), "success")
        return self.back(customer)

    def _page(self, customer: Customer, form: ProfileForm) -> str:
        return self.draw(
            "admin/customers/profile.html",
            customer,
            form,
            company=customer.kind is CustomerKind.COMPANY,
            correction=open_correction(customer.id),
        )


class HandoverPage(ActingPage):
    """A handover begun for the owner, who was verified; the new holder accepts by mail."""

    @expose("/")
    @expose("")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the form, or the handover that waits."""
        customer = self.account(number, Right.TRANSFER)
        return self._page(customer, HandoverForm(formdata=None))

    @expose("/", methods=["POST"])
    @expose("", methods=["POST"])
    def start(self, number: str) -> ResponseReturnValue:
        """Send the offer."""
        customer, form = self.account(number, Right.TRANSFER), HandoverForm()
        try:
            form.require()
            with transaction():
                handover = handovers.start(current_actor(), customer.id, form.data_of())
        except Refusal as refusal:
            return self.answer(refusal, form, lambda: self._page(customer, form))
        if wants_json():
            return jsonify(handover={"id": handover.id, "state": handover.state.value})
        flash(gettext("The offer to %(email)s is on its way.", email=handover.email), "success")
        return self.back(customer)

    @expose("/<id:handover_id>/withdraw", methods=["POST"])
    def withdraw(self, number: str, handover_id: int) -> ResponseReturnValue:
        """Take the offer back, for its owner."""
        customer = self.account(number, Right.TRANSFER)
        with transaction():
            handover = handovers.withdraw(current_actor(), handover_id)
        if wants_json():
            return jsonify(handover={"id": handover.id, "state": handover.state.value})
        flash(gettext("The handover was withdrawn."), "success")
        return self.back(customer)

    def _page(self, customer: Customer, form: HandoverForm) -> str:
        waiting = handovers.open_handover(customer.id)
        return self.draw("admin/customers/handover.html", customer, form, handover=waiting)
