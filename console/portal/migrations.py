"""Service transfers in the portal: asked for, previewed, followed, withdrawn; and those that come to an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField

from console.billing import migration as migrate
from console.billing.migration.acceptance import may_accept
from console.billing.migration.obstacles import REASONS, service_obstacles
from console.billing.migration.obstacles import refusal as refusal_of
from console.billing.migration.plan_data import migration_id
from console.billing.migration.portal import (
    OwnPreview,
    find_own_migration,
    is_open,
    list_migrations,
    may_withdraw,
    own_documents,
    preview_request,
)
from console.billing.migration.queries import documents_of, held_back, left_behind, movable_services
from console.billing.migration.registry import tasks_of
from console.billing.migration.requests import MAX_REASON, MAX_TARGET
from console.billing.migration.reversal import reversal_of, reversible_until
from console.billing.models import OPEN_STATES, Migration, MigrationState
from console.billing.pdf.files import record_of
from console.billing.pdf.models import Side
from console.core import clock
from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.ids import read_key, to_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.hosting.links import groups
from console.hosting.models import Service
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.portal.transfer_offer import AcceptForm, DeclineForm, offer_values
from console.portal.transfer_reasons import OWN_REASONS, WRONG_PIN, find_transfer, in_own_words, side_of
from console.portal.transfer_story import TASK_NAMES, by_domain, steps
from console.web.answers import local_time, wants_json
from console.web.documents import chosen_language, pdf_answer
from console.web.identity import current_actor

PAGE_SIZE = 25


class TransferForm(PortalForm):
    """A request. The services and what stays were chosen on the step before; the PIN is never written back."""

    service = SelectMultipleField(coerce=to_key, validate_choice=False)
    leave = SelectMultipleField(coerce=to_key, validate_choice=False)
    to_customer = StringField(lazy_gettext("New owner"))
    reason = TextAreaField(lazy_gettext("Reason"))
    pin = StringField(lazy_gettext("Support PIN"))
    idempotency_key = HiddenField()


class WithdrawForm(PortalForm):
    """Why a request is taken back, if they want to say so."""

    reason = TextAreaField(lazy_gettext("Reason"))


@portal.get("/migrations/")
@signed_in
def migrations() -> ResponseReturnValue:
    """List the transfers from and to the chosen account, the newest first."""
    accounts = own_accounts(Right.TRANSFER)
    mine = chosen(accounts)
    before = read_key(request.args.get("next"))
    found = list_migrations(mine.customer_id, before=before, limit=PAGE_SIZE + 1)
    rows, cursor = found[:PAGE_SIZE], str(found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_line(row, mine) for row in rows], next=cursor)
    return render_template(
        "portal/migrations/list.html", accounts=accounts, mine=mine, rows=rows, next=cursor, first=before is None
    )


@portal.get("/migrations/new")
@signed_in
def migration_new() -> ResponseReturnValue:
    """Let the services be chosen; with ``service``, show what would happen and ask for the rest."""
    mine = chosen(own_accounts(Right.TRANSFER))
    form = TransferForm(formdata=None)
    form.service.data = _keys("service")
    form.leave.data = _keys("leave")
    if form.service.data:
        try:
            return _request_page(mine, form)
        except Refusal as refusal:
            return show_again(in_own_words(refusal), form, lambda: _choose_page(mine, form))
    return _choose_page(mine, form)


@portal.post("/migrations/new")
@signed_in
def migration_request() -> ResponseReturnValue:
    """Ask for the transfer, with a fresh sign-in and the support PIN."""
    mine, form = chosen(own_accounts(Right.TRANSFER)), TransferForm()
    pin, form.pin.data = form.pin.data or "", ""
    try:
        form.require()
        _check(form)
        confirmation.require()
        answer = _send(mine, form, pin)
    except Refusal as refusal:
        if not form.service.data:
            return show_again(in_own_words(refusal), form, lambda: _choose_page(mine, form))
        return show_again(in_own_words(refusal), form, lambda: _refused_page(mine, form))
    if wants_json():
        return jsonify(migration=answer), 201
    flash(gettext("The transfer is requested. We will write to you when it is decided."), "success")
    return redirect(url_for("portal.migration", ref=answer["ref"]), 303)


@portal.get("/migrations/<ref>")
@signed_in
def migration(ref: str) -> ResponseReturnValue:
    """Show one transfer: its state, and what it does or did on one's own side."""
    accounts, mine, found = find_transfer(ref)
    if wants_json():
        return jsonify(migration=_line(found, mine))
    return _page(accounts, mine, found, WithdrawForm(formdata=None))


@portal.get("/migrations/<ref>/pdf")
@signed_in
def migration_pdf(ref: str) -> ResponseReturnValue:
    """Answer the record of an executed transfer, for those who see the account's documents: its own side alone."""
    accounts = own_accounts(Right.INVOICES)
    found = find_own_migration(migration_id(ref), [one.customer_id for one in accounts])
    if found is None:
        raise NotFound
    side = Side.OLD if side_of(accounts, found).customer_id == found.from_customer_id else Side.NEW
    return pdf_answer(found.ref, record_of(found, side, chosen_language()))


@portal.post("/migrations/<ref>/withdraw")
@signed_in
def migration_withdraw(ref: str) -> ResponseReturnValue:
    """Withdraw the person's own request."""
    accounts, mine, found = find_transfer(ref)
    form = WithdrawForm()
    try:
        form.require()
        with transaction():
            found = migrate.withdraw_in_portal(current_actor(), ref, (form.reason.data or "")[:MAX_REASON])
    except NotFound:
        raise
    except Refusal as refusal:
        return show_again(in_own_words(refusal), form, lambda: _page(accounts, mine, found, form))
    if wants_json():
        return jsonify(migration=_line(found, mine))
    flash(gettext("The transfer was withdrawn. Nothing has moved."), "success")
    return redirect(url_for("portal.migration", ref=found.ref), 303)


@portal.post("/migrations/<ref>/accept")
@signed_in
def migration_accept(ref: str) -> ResponseReturnValue:
    """Accept a transfer that comes to the account."""
    return _answer(ref, AcceptForm(), lambda form: migrate.accept(current_actor(), ref, terms=form.terms.data or ""))


@portal.post("/migrations/<ref>/decline")
@signed_in
def migration_decline(ref: str) -> ResponseReturnValue:
    """Decline one, with a reason that both sides read."""
    return _answer(ref, DeclineForm(), lambda form: migrate.decline(current_actor(), ref, form.reason.data or ""))


def _answer(ref: str, form: Any, verb: Callable[[Any], Migration]) -> ResponseReturnValue:
    accounts, mine, found = find_transfer(ref, receiving=True)
    try:
        if found.to_customer_id != mine.customer_id:
            raise refusal_of("wrong_state")
        form.require()
        with transaction():
            found = verb(form)
    except NotFound:
        raise
    except Refusal as refusal:
        if refusal.code == "no_decline_reason":
            refusal.fields = {"reason": [refusal.message]}
        decline_form = form if isinstance(form, DeclineForm) else DeclineForm(formdata=None)
        return show_again(
            in_own_words(refusal),
            decline_form,
            lambda: _page(accounts, mine, found, WithdrawForm(formdata=None), decline_form),
        )
    if wants_json():
        return jsonify(migration=_line(found, mine))
    accepted = found.state is MigrationState.ACCEPTED
    flash(
        gettext("You have accepted the transfer.") if accepted else gettext("You have declined the transfer."),
        "success",
    )
    account = mine.customer.number if len(accounts) > 1 else None
    return redirect(url_for("portal.migration", ref=found.ref, account=account), 303)


def _send(mine: Membership, form: TransferForm, pin: str) -> dict[str, Any]:
    transfer = migrate.Request(
        services=tuple(form.service.data or ()),
        leave=tuple(form.leave.data or ()),
        to_customer=form.to_customer.data or "",
        verification=0,
        reason=form.reason.data or "",
    )
    with transaction():
        answer = migrate.request_in_portal(
            current_actor(), mine.customer, transfer, pin, form.idempotency_key.data or ""
        )
    if answer is None:  # stored: the attempt counts
        raise Invalid(fields={"pin": [WRONG_PIN]})
    return answer


def _check(form: TransferForm) -> None:
    """Refuse what is missing, each at its field."""
    wrong: dict[str, list[Text]] = {}
    target, reason = form.to_customer.data or "", form.reason.data or ""
    if not form.service.data:
        wrong["service"] = [REASONS["no_service"]]
    if not target.strip() or len(target) > MAX_TARGET:
        wrong["to_customer"] = [lazy_gettext("Enter the new owner.")]
    if not reason.strip():
        wrong["reason"] = [lazy_gettext("Enter the reason for the transfer.")]
    if len(reason) > MAX_REASON:
        wrong["reason"] = [lazy_gettext("This is too long.")]
    if wrong:
        raise Invalid(fields=wrong)


def _keys(name: str) -> list[int]:
    return [key for key in map(read_key, request.args.getlist(name)) if key is not None]


def _choose_page(mine: Membership, form: TransferForm) -> str:
    services = movable_services(mine.customer_id)
    return render_template(
        "portal/migrations/choose.html",
        accounts=own_accounts(Right.TRANSFER),
        mine=mine,
        form=form,
        groups=groups(services),
        held=_held(services),
    )


def _refused_page(mine: Membership, form: TransferForm) -> str:
    form.idempotency_key.data = uuid4().hex
    try:
        return _request_page(mine, form)
    except Refusal:  # the services are not theirs, or are gone
        return _choose_page(mine, form)


def _request_page(mine: Membership, form: TransferForm) -> str:
    preview = preview_request(mine.customer, form.service.data or (), form.leave.data or ())
    form.idempotency_key.data = form.idempotency_key.data or uuid4().hex
    return render_template(
        "portal/migrations/request.html",
        accounts=own_accounts(Right.TRANSFER),
        mine=mine,
        form=form,
        preview=preview,
        barred=_barred(preview),
        confirm=confirmation.is_needed(),
    )


def _barred(preview: OwnPreview) -> list[tuple[Text, tuple[str, ...]]]:
    """Return why these services cannot be transferred now, in the customer's words, and which it concerns."""
    found = [(OWN_REASONS.get(one.code, one.message), one.concerns) for one in preview.obstacles]
    if preview.taken:
        found.append((OWN_REASONS["in_migration"], tuple(service.number for service in preview.taken)))
    return found


def _held(services: list[Service]) -> dict[int, Text]:
    """Return, by the service's key, why it cannot be chosen."""
    if not services:
        return {}
    codes = dict.fromkeys(held_back([service.id for service in services]), "in_migration")
    keys = {service.number: service.id for service in services}
    for obstacle in service_obstacles(services, services[0].customer_id):
        codes |= {keys[number]: obstacle.code for number in obstacle.concerns}
    return {key: OWN_REASONS[code] for key, code in codes.items()}


def _page(
    accounts: list[Membership],
    mine: Membership,
    found: Migration,
    form: WithdrawForm,
    decline_form: DeclineForm | None = None,
) -> str:
    outgoing = found.from_customer_id == mine.customer_id
    plan = migrate.plan_for(found) if outgoing and is_open(found) else None
    stornos, issued = documents_of(found) if found.state is MigrationState.EXECUTED else ([], [])
    reads = Right.INVOICES in mine.held_rights()
    offered = not outgoing and found.needs_acceptance and found.state in OPEN_STATES
    waits = not outgoing and may_accept(current_actor(), found)
    reversal = reversal_of(found) if found.state is MigrationState.EXECUTED else None
    until = reversible_until(found)
    return render_template(
        "portal/migrations/migration.html",
        accounts=accounts,
        mine=mine,
        migration=found,
        outgoing=outgoing,
        documents=own_documents(plan) if plan is not None and reads else [],
        obstacles=[OWN_REASONS.get(one.code, one.message) for one in plan.obstacles] if plan else [],
        stays=left_behind(found) if outgoing else [],
        stornos=[one for one in stornos if reads and one.customer_id == mine.customer_id],
        issued=[one for one in issued if reads and one.customer_id == mine.customer_id],
        has_record=reads and found.state is MigrationState.EXECUTED,
        is_open=is_open(found),
        may_withdraw=outgoing and is_open(found) and may_withdraw(current_actor(), found),
        form=form,
        decline_form=decline_form or DeclineForm(formdata=None),
        may_answer=waits,
        may_decline=waits or (offered and found.state is MigrationState.ACCEPTED),
        offer=offer_values(found) if offered else None,
        tasks=by_domain(tasks_of(found)) if found.state is MigrationState.EXECUTED else [],
        task_names=TASK_NAMES,
        reversal=reversal,
        reversible_until=until if until is not None and until > clock.now() and reversal is None else None,
        scheduled=found.scheduled_for if found.state is MigrationState.APPROVED else None,
        steps=steps(found, outgoing=outgoing),
    )


def _line(row: Migration, mine: Membership) -> dict[str, Any]:
    """Return a transfer as its reader's side may know it: who sends a service is not told to who receives it."""
    outgoing = row.from_customer_id == mine.customer_id
    facts = {
        "ref": row.ref,
        "state": row.state.value,
        "direction": "out" if outgoing else "in",
        "services": [item.service.number for item in row.items],
        "requested_at": local_time(row.requested_at),
        "ended_at": local_time(row.ended_at),
        "expiry_reason": row.expiry_reason,
        "scheduled_for": local_time(row.scheduled_for),
        "waits_for_you": not outgoing and row.waits_for_new_owner,
    }
    known = outgoing and row.reverses_id is None  # whose it was, who received it is not told
    return facts | ({"to": row.to_customer.number} if known else {})
