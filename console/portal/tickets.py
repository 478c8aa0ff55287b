"""Tickets in Moj Mint: the list, a new one, one to read, answer, close and rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, MultipleFileField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.core.addresses import source
from console.core.errors import Conflict, Invalid, Refusal, TooMany
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, pgettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.hosting.queries import services_of
from console.portal import conversation
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.portal.conversation import AnswerForm, Place, RateForm
from console.tickets.account_queries import ListQuery, TicketLine, list_tickets
from console.tickets.models import MAX_BODY, MAX_SUBJECT, Ticket, TicketStatus
from console.tickets.service import account, ratings, requester
from console.tickets.service.account import AccountQuestion, AccountTicket
from console.tickets.service.requester import Conversation
from console.tickets.service.web_form import public_departments
from console.web import limits
from console.web.answers import local_time, refuse, wants_json
from console.web.downloads import download_kept
from console.web.filters import language as page_language
from console.web.identity import current_actor, current_person
from console.web.limits import Limit
from console.web.pins import message_key, pin_choice

PAGE_SIZE = 20
MAX_SEARCH = 100
OPENED = Limit("portal-tickets", 10, 60 * limits.MINUTE)  # of one person
WRITTEN = Limit("portal-ticket-answers", 30, 15 * limits.MINUTE)
BY_ADDRESS = Limit("portal-tickets-address", 120, 15 * limits.MINUTE, shared=True)
ENDPOINTS = {
    "answer": "portal.answer_ticket", "solved": "portal.solve_ticket", "rate": "portal.rate_ticket",
    "mask": "portal.mask_ticket", "file": "portal.ticket_file",
}  # fmt: skip


class NewTicketForm(Form):
    """A new ticket of the account."""

    department = SelectField(lazy_gettext("Department"), validate_choice=False, choices=[])
    service = SelectField(lazy_gettext("What is it about?"), validate_choice=False, choices=[])
    subject = StringField(lazy_gettext("Subject"))
    body = TextAreaField(lazy_gettext("Your message"))
    files = MultipleFileField(lazy_gettext("Files"))
    client_id = HiddenField()


@portal.get("/tickets/")
@signed_in
def tickets() -> ResponseReturnValue:
    """List the tickets of the chosen account that the reader may read."""
    accounts = own_accounts()
    mine = chosen(accounts)
    query = ListQuery(
        state=request.args.get("state", ""),
        search=request.args.get("search", "")[:MAX_SEARCH].strip(),
        before=read_key(request.args.get("before") or request.args.get("next")),
        limit=PAGE_SIZE + 1,
    )
    found = list_tickets(mine, query)
    lines, older = found[:PAGE_SIZE], found[PAGE_SIZE - 1].ticket.id if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_line(one) for one in lines], next=None if older is None else str(older))
    return render_template(
        "portal/tickets/list.html",
        accounts=accounts,
        mine=mine,
        lines=lines,
        query=query,
        older=older,
        may_open=Right.TICKETS in mine.held_rights(),
        states={
            "": pgettext("tickets", "All"),
            "open": pgettext("tickets", "Open"),
            "solved": pgettext("tickets", "Solved"),
        },
        state_of=_status,
    )


@portal.get("/tickets/new")
@signed_in
def new_ticket() -> ResponseReturnValue:
    """Show the form of a new ticket, filled with what the link to it names."""
    mine = chosen(own_accounts(Right.TICKETS))
    names = ("department", "service", "subject")
    form = NewTicketForm(formdata=None, data={name: request.args.get(name, "")[:MAX_SUBJECT] for name in names})
    form.client_id.data = conversation.new_form_id()
    return _new_page(mine, form, None)


@portal.post("/tickets/new")
@signed_in
def open_ticket() -> ResponseReturnValue:
    """Open a ticket; a form sent twice opens one."""
    mine, form = chosen(own_accounts(Right.TICKETS)), NewTicketForm()
    try:
        _count(OPENED)
        question = _question(form)
        with transaction():
            number = account.open_for_account(current_actor(), mine.customer, question)
    except (Invalid, TooMany, Conflict) as refusal:
        refusal.fields = {"files" if name == "file" else name: texts for name, texts in refusal.fields.items()}
        if wants_json():
            return refuse(refusal)
        conversation.show_errors(refusal, form)
        conversation.renew_form_id(refusal, form.client_id)
        return conversation.refused(_new_page(mine, form, refusal), refusal)
    if wants_json():
        return jsonify(number=number)
    flash(gettext("We have received your question and will reply here and by e-mail."), "success")
    return redirect(url_for("portal.ticket", ticket_number=number, _anchor="messages"), 303)


@portal.get("/tickets/<ticket_number>")
@signed_in
def ticket(ticket_number: str) -> ResponseReturnValue:
    """Show the conversation."""
    found = account.find(current_actor(), ticket_number)
    talk = found.conversation()
    _note_reading(talk)
    if wants_json():
        return jsonify(ticket=_line(TicketLine(talk.ticket, unread=False)) | conversation.to_payload(talk))
    return _page(found, talk, conversation.fresh_answer())


@portal.post("/tickets/<ticket_number>")
@signed_in
def answer_ticket(ticket_number: str) -> ResponseReturnValue:
    """Store an answer; a form sent twice is stored once."""
    found, form = account.find(current_actor(), ticket_number), AnswerForm()

    def store() -> ResponseReturnValue:
        sent = conversation.read_answer(form)
        with transaction():
            message = account.answer(
                current_actor(), ticket_number, sent.body, client_id=sent.client_id, files=sent.files, pins=pin_choice()
            )
            target, moved = message.ticket.number, message.seq == 1
        if wants_json():
            return jsonify(number=target, at=local_time(message.created_at), masked=message.data.get("masked", 0))
        return _done(target, conversation.received(target, moved=moved))

    return _attempt(found, form, store)


@portal.post("/tickets/<ticket_number>/solved")
@signed_in
def solve_ticket(ticket_number: str) -> ResponseReturnValue:
    """Take their word that it is solved."""
    found = account.find(current_actor(), ticket_number)

    def settle() -> ResponseReturnValue:
        with transaction():
            account.say_solved(current_actor(), ticket_number)
        return _done(ticket_number, gettext("Thank you. The question is marked as solved."))

    return _attempt(found, conversation.fresh_answer(), settle)


@portal.post("/tickets/<ticket_number>/rate")
@signed_in
def rate_ticket(ticket_number: str) -> ResponseReturnValue:
    """Store how content they were, once."""
    found, form = account.find(current_actor(), ticket_number), RateForm()

    def store() -> ResponseReturnValue:
        form.refuse_spoiled()
        score = ratings.read_score(form.score.data, written=True)
        with transaction():
            account.rate(current_actor(), ticket_number, score, form.comment.data or "")
        return _done(ticket_number, gettext("Thank you for your rating."))

    return _attempt(found, conversation.fresh_answer(), store, rate=form)


@portal.post("/tickets/<ticket_number>/mask")
@signed_in
def mask_ticket(ticket_number: str) -> ResponseReturnValue:
    """Mask a number that was declared not to be a PIN."""
    found = account.find(current_actor(), ticket_number)

    def store() -> ResponseReturnValue:
        with transaction():
            account.mask(current_actor(), ticket_number, message_key(), request.form.get("token") or None)
        return _done(ticket_number, gettext("The number is masked."))

    return _attempt(found, conversation.fresh_answer(), store)


@portal.get("/tickets/<ticket_number>/files/<id:attachment_id>")
@signed_in
def ticket_file(ticket_number: str, attachment_id: int) -> ResponseReturnValue:
    """Send a file of a message that the reader may read."""
    found = account.find(current_actor(), ticket_number)
    file = requester.find_file(found.ticket, attachment_id, found.account)
    return download_kept(file.name, file.digest)


def _question(form: NewTicketForm) -> AccountQuestion:
    form.refuse_spoiled()
    service = read_key(form.service.data) if form.service.data else None
    if form.service.data and service is None:
        raise Invalid(fields={"service": [lazy_gettext("This service is not on the account.")]})
    return AccountQuestion(
        department=form.department.data or "",
        subject=form.subject.data or "",
        text=form.body.data or "",
        client_id=conversation.read_form_id(form.client_id.data),
        language=page_language(),
        service_id=service,
        files=conversation.uploaded_files(),
        pins=pin_choice(),
    )


def _new_page(mine: Membership, form: NewTicketForm, refusal: Refusal | None) -> str:
    services = services_of(mine.customer_id, mine.held_rights().__contains__) or ()
    form.department.choices = [SelectChoice(one.key, one.name(page_language())) for one in public_departments()]
    form.service.choices = [
        SelectChoice("", gettext("Nothing in particular")),
        *(SelectChoice(str(one.id), f"{one.label} · {one.product.name}") for one in services),
    ]
    return render_template(
        "portal/tickets/new.html",
        accounts=own_accounts(Right.TICKETS),
        mine=mine,
        form=form,
        refusal=refusal,
        max_body=MAX_BODY,
        max_subject=MAX_SUBJECT,
    )


def _attempt(
    found: AccountTicket,
    form: AnswerForm,
    deed: Callable[[], ResponseReturnValue],
    *,
    rate: RateForm | None = None,
) -> ResponseReturnValue:
    def count_and_do() -> ResponseReturnValue:
        _count(WRITTEN)
        return deed()

    def page(refusal: Refusal, rate: RateForm | None) -> str:
        return _page(found, found.conversation(), form, refusal, rate)

    return conversation.attempt(count_and_do, form, page, rate=rate)


def _page(
    found: AccountTicket,
    talk: Conversation,
    form: AnswerForm,
    refusal: Refusal | None = None,
    rate: RateForm | None = None,
) -> str:
    place = Place(ENDPOINTS, {"ticket_number": found.ticket.number})
    values = conversation.page_values(talk, form, place, refusal, rate)
    later = requester.goes_on_in(talk.ticket) if values["closed"] else None
    return render_template(
        "portal/tickets/ticket.html",
        accounts=found.memberships,
        all_accounts=found.memberships,
        mine=found.mine,
        continued=None if later is None else url_for("portal.ticket", ticket_number=later.number),
        colleague=found.account is not None,
        may_write=found.account is None or not talk.apart,
        **values,
    )


def _done(number: str, text: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(done=True)
    flash(text, "success")
    return redirect(url_for("portal.ticket", ticket_number=number, _anchor="messages"), 303)


def _count(limit: Limit) -> None:
    limits.count(limit, str(current_person().id))
    limits.count(BY_ADDRESS, source(request.remote_addr))


def _note_reading(talk: Conversation) -> None:
    """Record how far the requester has read; HEAD requests do not count."""
    reader, row = current_person().id, talk.ticket
    seq = max((one.seq for one in talk.messages if one.ticket_id == row.id), default=0)
    if request.method == "GET" and not account.has_read(reader, row.id, seq):
        with transaction():
            account.mark_read(reader, row.id, seq)


def _status(one: Ticket) -> tuple[str, str, str]:
    """Return how a ticket stands in the list: icon, role, words."""
    return {
        TicketStatus.OPEN: ("circle", "info", pgettext("own ticket", "open")),
        TicketStatus.WAITING: ("reply", "warn", pgettext("own ticket", "waiting for you")),
        TicketStatus.HOLD: ("clock", "", pgettext("own ticket", "in progress")),
        TicketStatus.SOLVED: ("ok", "ok", pgettext("own ticket", "solved")),
        TicketStatus.CLOSED: ("lock", "void", pgettext("own ticket", "closed")),
    }[one.status]


def _line(line: TicketLine) -> dict[str, Any]:
    row = line.ticket
    return {
        "number": row.number,
        "subject": row.subject,
        "status": row.status.value,
        "department": row.department.name(page_language()),
        "asked_by": row.requester_name,
        "unread": line.unread,
        "created_at": local_time(row.created_at),
        "updated_at": local_time(row.updated_at),
    }
