"""Letting one suspended service work again, with a reason; also one that an import brought as suspended."""

from __future__ import annotations

from flask import Response, flash, jsonify, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from sqlalchemy.orm import joinedload

from console.billing.renewals import suspensions
from console.core.db import db
from console.core.errors import NotFound, Refusal
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.hosting.labels import SUSPENSION
from console.hosting.models import Service, ServiceStatus
from console.staff.roles import Permission
from console.views.billing.suspensions import ReasonForm
from console.views.shared.base import Page
from console.views.shared.menu import customer_url
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor


def views() -> list[BaseView]:
    """Return the page."""
    name = lazy_gettext("Restore a service")
    return [RestoreService(name=name, endpoint="service_restore", url="/console/services/<id:service_id>/restore")]


class RestoreService(Page):
    """Asks why; who may depends on why it was suspended."""

    permission = Permission.READ_DOCUMENTS
    parent = "services"

    @expose("/")
    @expose("")
    def index(self, service_id: int) -> ResponseReturnValue:
        """Ask for the reason."""
        service = _find(service_id)
        if service.status is not ServiceStatus.SUSPENDED:
            return redirect(customer_url(service.customer.number))
        return self._page(service, ReasonForm(formdata=None))

    @expose("/", methods=("POST",))
    @expose("", methods=("POST",))
    def restore(self, service_id: int) -> ResponseReturnValue:
        """Let it work again."""
        form, service = ReasonForm(), _find(service_id)
        try:
            form.refuse_spoiled()
            with transaction():
                service = suspensions.restore_service(current_actor(), service_id, form.reason.data or "")
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            form.reason.errors = [str(text) for text in refusal.fields.get("reason", [])]
            return Response(self._page(_find(service_id), form, refusal), refusal.status)
        if wants_json():
            return jsonify(service={"number": service.number, "status": service.status.value})
        flash(gettext("%(service)s works again.", service=service.label), "success")
        return redirect(customer_url(service.customer.number), 303)

    def _page(self, service: Service, form: ReasonForm, refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/billing/service_restore.html",
            service=service,
            why=SUSPENSION[service.suspension] if service.suspension is not None else "",
            form=form,
            refusal=refusal,
        )
        return page


def _find(service_id: int) -> Service:
    """Return a service that this person may restore, or that is not suspended any more.

    Raises:
        NotFound: there is none, or another role decides.
    """
    service = db.session.get(Service, service_id, options=[joinedload(Service.customer)])
    if service is None or not suspensions.may_see_restoring(current_actor(), service):
        raise NotFound
    return service
