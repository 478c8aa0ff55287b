"""What customers want corrected of who the holder of an account is: confirmed or refused, the oldest first."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.errors import Refusal
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.account import corrections
from console.customers.account.forms import AnswerForm, ConfirmForm
from console.customers.account.models import Correction
from console.customers.labels import TAX_STATUS
from console.customers.service import tax_status_in
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.web.answers import local_time, refuse, wants_json
from console.web.identity import current_actor


def views() -> list[Page]:
    """Return the queue."""
    return [
        CorrectionsPage(
            name=lazy_gettext("Corrections"), endpoint="corrections", url="corrections", menu_icon_value="pencil"
        )
    ]


class CorrectionsPage(Page):
    """The queue of corrections, each with both values and the reason."""

    permission = Permission.DECIDE_CORRECTIONS
    group = "customers"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List what waits."""
        found = corrections.open_corrections(current_actor())
        if wants_json():
            return jsonify(items=[_payload(one) for one in found], next=None)
        return self._page()

    @expose("/<id:correction_id>/confirm", methods=["POST"])
    def confirm(self, correction_id: int) -> ResponseReturnValue:
        """Put the corrected data on the account, with the tax status that was chosen for another country."""
        form = ConfirmForm()
        try:
            with transaction():
                correction = corrections.confirm(current_actor(), correction_id, form.status())
        except Refusal as refusal:
            return self._refused(refusal, correction_id)
        return self._done(correction, gettext("The account data was corrected. The owner was notified."))

    @expose("/<id:correction_id>/refuse", methods=["POST"])
    def refuse(self, correction_id: int) -> ResponseReturnValue:
        """Leave the data as they are, with a reason."""
        form = AnswerForm()
        try:
            form.refuse_spoiled()
            with transaction():
                correction = corrections.refuse(current_actor(), correction_id, form.reason.data or "")
        except Refusal as refusal:
            return self._refused(refusal, correction_id, form.reason.data or "")
        return self._done(correction, gettext("The correction was refused. The owner was sent the reason."))

    def _done(self, correction: Correction, message: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(correction=_payload(correction))
        flash(message, "success")
        return redirect(self.get_url(".index"), 303)

    def _refused(self, refusal: Refusal, correction_id: int, reason: str = "") -> ResponseReturnValue:
        if wants_json() or refusal.status == 404:
            return refuse(refusal)
        return Response(self._page(refusal, correction_id, reason), refusal.status)

    def _page(self, refusal: Refusal | None = None, about: int | None = None, reason: str = "") -> str:
        rendered: str = self.render(
            "admin/customers/corrections.html",
            corrections=corrections.open_corrections(current_actor()),
            refusal=refusal,
            about=about,
            reason=reason,
            tax_labels=TAX_STATUS,
            tax_status_in=tax_status_in,
        )
        return rendered


def _payload(correction: Correction) -> dict[str, Any]:
    return {
        "id": correction.id,
        "customer": correction.customer.number,
        "state": correction.state.value,
        "before": correction.before,
        "after": correction.after,
        "reason": correction.reason,
        "requested_at": local_time(correction.requested_at),
    }
