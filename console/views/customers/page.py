"""The customer page: locked until the system has verified a person, then open as far as that person's rights go."""

from __future__ import annotations

from functools import partial

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from sqlalchemy import select

from console.billing.renewals.suspensions import may_restore
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers import labels
from console.customers.forms import SPOKEN_CHANNELS, OverrideForm, UnlockForm, VerifyForm
from console.customers.labels import TAX_STATUS
from console.customers.models import Customer, Membership
from console.customers.queries import customer_by_number, load_account
from console.customers.rights import Right
from console.customers.verification.supervision import override, unlock
from console.hosting.labels import SUSPENSION
from console.identity.forms import ReviewRecoveryForm
from console.identity.service import recovery
from console.privacy.service import erasure, exports
from console.staff.roles import Permission
from console.views.customers.serializers import as_json, verification_json
from console.views.shared.base import Page
from console.views.shared.customer_data import Group, load
from console.views.shared.labels import chats as chat_labels
from console.views.shared.labels import mail as mail_labels
from console.views.shared.labels.audit import action_icon, action_name
from console.views.shared.labels.states import SERVICE_STATUS, proforma_label
from console.views.shared.labels.tickets import status_label, ticket_url
from console.views.shared.menu import badge_queries, customer_url
from console.web.answers import local_time, refuse, wants_json
from console.web.identity import current_actor

TABS: dict[str, Text] = {
    "overview": lazy_gettext("Overview"),
    "people": lazy_gettext("People and permissions"),
    "services": lazy_gettext("Services"),
    "documents": lazy_gettext("Documents"),
    "tickets": lazy_gettext("Tickets"),
    "mail": lazy_gettext("E-mails"),
    "history": lazy_gettext("History"),
}


# What each tab shows beside people, services and pro-formas.
TAB_GROUPS: dict[str, frozenset[Group]] = {
    "overview": frozenset({Group.WAITING, Group.REGISTRY, Group.PAST}),
    "people": frozenset({Group.INVITATIONS}),
    "services": frozenset({Group.REGISTRY}),
    "documents": frozenset({Group.STORNOS}),
    "tickets": frozenset({Group.TICKETS}),
    "mail": frozenset({Group.MAILS}),
    "history": frozenset({Group.HISTORY, Group.PAST}),
}


def views() -> list[BaseView]:
    """Return the page of one account; the list is ``console.views.customers.list``."""
    return [
        CustomerPageView(name=lazy_gettext("Customer"), endpoint="customer", url="/console/customers/<number>"),
    ]


class CustomerPageView(Page):
    """One account. Its number is no secret among staff; the rest must be opened."""

    permission = Permission.FIND_CUSTOMERS
    permissions = {
        "open_with_reason": Permission.OVERRIDE,
        "unlock_pin": Permission.UNLOCK_PIN,
        "review_recovery": Permission.REVIEW_RECOVERY,
        "ask_export": Permission.VERIFY,
        "ask_erasure": Permission.VERIFY,
    }

    @expose("")
    @expose("/")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the account as far as it is opened for this reader."""
        if wants_json():
            account = load_account(current_actor(), number)
            before = request.args.get("before", "")
            return jsonify(as_json(load(current_actor(), account, groups=frozenset(Group), before=before)))
        return render_customer(self, number)

    @expose("/override", methods=["POST"])
    def open_with_reason(self, number: str) -> ResponseReturnValue:
        """Open the account for reading; the owner gets a mail."""
        form = OverrideForm()
        try:
            form.refuse_spoiled()
            with transaction():
                verification = override(current_actor(), customer_by_number(number), form.reason.data or "")
        except Invalid as refusal:
            if wants_json():
                return refuse(refusal)
            form.reason.errors = refusal.fields.get("reason", ())
            return Response(render_customer(self, number, override_form=form), 422)
        if wants_json():
            return jsonify(verification=verification_json(verification))
        return redirect(customer_url(number), 303)

    @expose("/unlock", methods=["POST"])
    def unlock_pin(self, number: str) -> ResponseReturnValue:
        """Let a locked person of this account be verified again."""
        form = UnlockForm()
        with transaction():
            unlock(current_actor(), _member(customer_by_number(number), form.membership.data))
        if wants_json():
            return jsonify(unlocked=True)
        flash(gettext("Unlocked. The person can be verified again."), "success")
        return redirect(customer_url(number), 303)

    @expose("/recovery", methods=["POST"])
    def review_recovery(self, number: str) -> ResponseReturnValue:
        """Refuse a lost device that waits, or let it go on: the wait takes no shorter for that."""
        form = ReviewRecoveryForm()
        if not form.validate():
            raise Invalid(fields={name: list(errors) for name, errors in form.errors.items() if name})
        refused = form.decision.data == "refuse"
        with transaction():
            customer = customer_by_number(number)
            recovery.review(current_actor(), form.recovery.data or 0, customer.id, refuse=refused)
        if wants_json():
            return jsonify(refused=refused)
        text = (
            gettext("Refused. The person was notified.")
            if refused
            else gettext("Allowed. It continues after the 24 hours.")
        )
        flash(text, "success")
        to_list = form.back.data == "list"
        return redirect(url_for("recoveries.index") if to_list else customer_url(number), 303)

    @expose("/export", methods=["POST"])
    def ask_export(self, number: str) -> ResponseReturnValue:
        """Ask for a copy of the account's data for its owner, who is verified; the link goes to them alone."""
        with transaction():
            row = exports.request_export(current_actor(), customer_by_number(number))
        if wants_json():
            return jsonify(export=row.id)
        flash(gettext("The copy is being prepared. The owner gets an e-mail with the link."), "success")
        return redirect(customer_url(number), 303)

    @expose("/erase", methods=["POST"])
    def ask_erasure(self, number: str) -> ResponseReturnValue:
        """Begin the erasure of the owner, who is verified."""
        with transaction():
            row = erasure.request_erasure(current_actor(), customer_by_number(number))
        if wants_json():
            return jsonify(due_at=local_time(row.due_at))
        flash(gettext("The erasure was requested. The owner was e-mailed and can cancel it in the portal."), "success")
        return redirect(customer_url(number), 303)


def render_customer(
    view: BaseView,
    number: str,
    *,
    form: VerifyForm | None = None,
    failed: bool = False,
    slowed: bool = False,
    override_form: OverrideForm | None = None,
) -> str:
    """Draw the page, also after a failed try that was made on it.

    Raises:
        NotFound: there is no account of this number.
    """
    actor = current_actor()
    account = load_account(actor, number, scalars=badge_queries())
    tab = request.args.get("tab", "")
    tab = tab if tab in TABS else "overview"
    before = request.args.get("before", "")
    rendered: str = view.render(
        "admin/customers/page.html",
        page=load(actor, account, groups=TAB_GROUPS[tab], before=before),
        customer=account.customer,
        badge_counts=account.scalars,
        tabs=TABS,
        tab=tab,
        form=form or VerifyForm(formdata=None, customer=account.customer.number),
        failed=failed,
        slowed=slowed,
        override_form=override_form or OverrideForm(formdata=None),
        channels=SPOKEN_CHANNELS,
        labels=labels,
        Right=Right,
        service_labels=SERVICE_STATUS,
        suspension_labels=SUSPENSION,
        proforma_label=proforma_label,
        tax_labels=TAX_STATUS,
        mail_names={category.value: name for category, name in labels.MAIL_NAMES.items()},
        action_name=action_name,
        action_icon=action_icon,
        ticket_url=ticket_url,
        status_label=status_label,
        mail_labels=mail_labels,
        chat_labels=chat_labels,
        sees_all_mail=actor.may(Permission.RESEND_MAIL),
        before=before,
        may_restore=partial(may_restore, actor),
        may_issue=actor.may(Permission.ISSUE_DOCUMENTS),
        may_open_ticket=actor.may(Permission.WORK_TICKETS),
    )
    return rendered


def _member(customer: Customer, membership_id: int | None) -> Membership:
    member = db.session.scalar(
        select(Membership).where(Membership.id == (membership_id or 0), Membership.customer_id == customer.id)
    )
    if member is None:
        raise NotFound
    return member
