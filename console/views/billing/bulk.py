"""Bulk actions on pro-formas: a preview of what will become of each, then what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.actions import action
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import HiddenField, StringField

from console.billing.bulk import BulkAction, plan, run
from console.billing.models import Proforma
from console.billing.payments.forms import read_amount
from console.core.db import db
from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.views.billing.quote_form import show
from console.views.shared.base import MAX_SELECTED
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

TITLES: dict[BulkAction, Text] = {
    BulkAction.SEND: lazy_gettext("Send again by e-mail"),
    BulkAction.REMIND: lazy_gettext("Send reminders"),
    BulkAction.STORNO: lazy_gettext("Cancel by storno"),
}
ICONS = {BulkAction.SEND: "send", BulkAction.REMIND: "bell", BulkAction.STORNO: "file-x"}
BULK = dict.fromkeys(("action_view", "bulk"), Permission.ISSUE_DOCUMENTS)


class BulkForm(Form):
    """Which action, and for a storno its reason.

    The documents are ``rowid``, repeated; what the preview showed as paid on each is ``paid``, ``<rowid>:<amount>``.
    """

    action = HiddenField()
    reason = StringField(lazy_gettext("Reason"))
    idempotency_key = HiddenField()


class BulkActions:
    """Sends, reminds, cancels several: a part of the list of pro-formas."""

    if TYPE_CHECKING:
        render: Callable[..., Any]
        get_url: Callable[..., str]
        return_url: Callable[[], str]

    @action("send", TITLES[BulkAction.SEND])
    def action_send(self, ids: Sequence[str]) -> Response:
        """Show whom the selected ones would be sent to."""
        return self._preview(BulkAction.SEND, ids)

    @action("remind", TITLES[BulkAction.REMIND])
    def action_remind(self, ids: Sequence[str]) -> Response:
        """Show who would be reminded of what."""
        return self._preview(BulkAction.REMIND, ids)

    @action("storno", TITLES[BulkAction.STORNO])
    def action_storno(self, ids: Sequence[str]) -> Response:
        """Show what would be cancelled."""
        return self._preview(BulkAction.STORNO, ids)

    @expose("/bulk", methods=("POST",))
    def bulk(self) -> ResponseReturnValue:
        """Do it, and show what became of each."""
        form, ids = BulkForm(), request.form.getlist("rowid")
        if form.action.data not in list(BulkAction):
            raise NotFound
        chosen = BulkAction(form.action.data)
        try:
            form.refuse_spoiled()
            if not form.idempotency_key.data:
                raise Invalid(code="key_missing")
            keys = _keys(ids)
            key, reason = form.idempotency_key.data, form.reason.data or ""
            outcomes = run(current_actor(), chosen, keys, key, reason=reason, paid=_paid())
        except Refusal as refusal:
            if wants_json() or not refusal.fields:
                return refuse(refusal)
            show(form, refusal)
            return self._preview(chosen, ids, form, refusal.status)
        if wants_json():
            return jsonify(
                results=[
                    {"number": one.number, "done": one.why_not is None, "storno": one.storno or None}
                    | ({"reason": str(one.why_not)} if one.why_not is not None else {})
                    for one in outcomes
                ]
            )
        page: str = self.render(
            "admin/billing/bulk_done.html", title=TITLES[chosen], outcomes=outcomes, return_url=self.return_url()
        )
        return page

    def _preview(
        self, chosen: BulkAction, ids: Sequence[str], form: BulkForm | None = None, status: int = 200
    ) -> Response:
        form = form or BulkForm()
        form.action.data, form.idempotency_key.data = chosen.value, uuid4().hex
        query = select(Proforma).options(joinedload(Proforma.customer)).where(Proforma.id.in_(_keys(ids)))
        effects = plan(chosen, db.session.scalars(query.order_by(Proforma.id)).all())
        page = self.render(
            "admin/billing/bulk.html",
            title=TITLES[chosen],
            icon_name=ICONS[chosen],
            chosen=chosen.value,
            effects=effects,
            possible=sum(one.why_not is None for one in effects),
            form=form,
            return_url=self.return_url(),
        )
        return make_response(page, status)


def _paid() -> dict[int, int]:
    found = {}
    for text in request.form.getlist("paid")[:MAX_SELECTED]:
        proforma_id, _colon, amount = text.partition(":")
        key, paid = read_key(proforma_id), read_amount(amount)
        if key is not None and paid is not None:
            found[key] = paid
    return found


def _keys(ids: Sequence[str]) -> list[int]:
    return [key for key in map(read_key, ids[:MAX_SELECTED]) if key is not None]
