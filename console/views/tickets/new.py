"""A new ticket, opened by an agent for a person who called, wrote or came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.customers.models import Customer, Membership, Verification
from console.customers.queries import find_customer, live_verification, members_of
from console.customers.rights import Right
from console.hosting.models import Product, ProductKind, Service
from console.staff.roles import Permission
from console.tickets.models import MAX_BODY, MAX_SUBJECT, Priority, Ticket, TicketSource
from console.tickets.queries import find_ticket, visible
from console.tickets.service.attachments import MOST as MOST_FILES
from console.tickets.service.follow_ups import follow_up
from console.tickets.service.opening import NewTicket, open_ticket
from console.views.shared.base import Page
from console.views.shared.choices import departments
from console.views.shared.labels.tickets import PRIORITY, STATUS, ticket_url
from console.web.answers import wants_json
from console.web.identity import current_actor
from console.web.locale import LANGUAGES
from console.web.pins import pin_choice

QUESTION, REPLY = "question", "reply"
MAX_DUPLICATES = 5
MAX_SERVICES = 200


def views() -> list[Page]:
    """Return the form."""
    return [
        NewTicketPage(
            name=lazy_gettext("New ticket"), endpoint="ticket_new", url="/console/tickets/new", menu_icon_value="plus"
        )
    ]


class TicketForm(Form):
    """The fields of a new ticket. The verb checks them; lengths are here so that a browser stops in time."""

    customer = StringField(lazy_gettext("Customer"), [Length(max=40)])
    service = SelectField(lazy_gettext("Service"), validate_choice=False)
    requester_email = EmailField(lazy_gettext("Requester’s e-mail"), [Length(max=254)])
    requester_name = StringField(lazy_gettext("Requester’s name"), [Length(max=120)])
    language = SelectField(lazy_gettext("Language"), validate_choice=False)
    department = SelectField(lazy_gettext("Department"), validate_choice=False)
    priority = SelectField(lazy_gettext("Priority"), default=str(int(Priority.NORMAL)), validate_choice=False)
    subject = StringField(lazy_gettext("Subject"), [Length(max=MAX_SUBJECT)])
    body = TextAreaField(lazy_gettext("Message"), [Length(max=MAX_BODY)])
    first = RadioField(
        lazy_gettext("The message is"),
        default=QUESTION,
        choices=[
            SelectChoice(QUESTION, lazy_gettext("from the requester; they get a confirmation")),
            SelectChoice(REPLY, lazy_gettext("from us; it is sent by e-mail")),
        ],
        validate_choice=False,
    )
    tags = StringField(lazy_gettext("Tags"), [Length(max=400)])
    take = BooleanField(lazy_gettext("Assign to me"))
    files = MultipleFileField(lazy_gettext("Files"))
    follows = HiddenField()  # the number of a ticket that is over, which this one continues


@dataclass
class About:
    """What the form knows of an account, as far as it is opened to this reader."""

    customer: Customer
    verification: Verification | None = None
    people: Sequence[Membership] = ()
    services: Sequence[Service] = field(default_factory=list)


class NewTicketPage(Page):
    """Opens a ticket on behalf of a customer, or of someone who is none."""

    permission = Permission.WORK_TICKETS
    parent = "tickets"
    command = lazy_gettext("New ticket")

    @expose("", methods=("GET", "POST"))
    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """Show the form, or open the ticket."""
        if request.method == "GET":
            form = TicketForm(formdata=None)
            _continue(form, request.args.get("follows", ""))
            for name in ("customer", "requester_email", "requester_name", "subject"):
                form[name].data = request.args.get(name, form[name].data or "")[:MAX_SUBJECT]
            return self._form(form)
        form = TicketForm()
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            opened = _open(form)
        except (Invalid, Conflict) as refusal:
            if wants_json():
                raise
            _mark(form, refusal)
            return self._form(form, refusal), refusal.status
        if wants_json():
            return jsonify(ticket=opened), 201
        flash(gettext("%(number)s was created.", number=opened["number"]), "success")
        return redirect(ticket_url(opened["number"]), 303)

    @expose("/about")
    def about(self) -> ResponseReturnValue:
        """Tell the form's script about an account, and which open tickets an address has already."""
        customer = find_customer(request.args.get("customer", ""))
        found = None if customer is None else _about(customer)
        return jsonify(
            customer=None if found is None else _about_json(found),
            duplicates=[
                {
                    "number": row.number,
                    "subject": row.subject,
                    "url": ticket_url(row.number),
                    "status": str(STATUS[row.status].text),
                }
                for row in _duplicates(request.args.get("email", ""))
            ],
        )

    def _form(self, form: TicketForm, refusal: Refusal | None = None) -> str:
        customer = find_customer(form.customer.data or "")
        found = None if customer is None else _about(customer)
        form.department.choices = [SelectChoice(key, name) for key, name in departments().items()]
        form.priority.choices = [SelectChoice(str(int(key)), label.text) for key, label in PRIORITY.items()]
        form.language.choices = [SelectChoice(code, name) for code, name in LANGUAGES.items()]
        form.service.choices = [SelectChoice("", gettext("none"))]
        if found is not None:
            form.service.choices += [SelectChoice(str(row.id), row.label) for row in found.services]
            form.language.data = form.language.data or found.customer.language
        form.language.data = form.language.data or settings().locale
        page: str = self.render(
            "admin/tickets/new.html",
            form=form,
            refusal=refusal,
            about=found,
            duplicates=_duplicates(form.requester_email.data or ""),
            states=STATUS,
            ticket_url=ticket_url,
            most_files=MOST_FILES,
        )
        return page


def _open(form: TicketForm) -> dict[str, Any]:
    """Open the ticket the form describes; return its number, state and last entry.

    Raises:
        Invalid: by field, what is missing or wrong.
    """
    customer = _account(form)
    new = NewTicket(
        subject=form.subject.data or "",
        body=form.body.data or "",
        requester_email=form.requester_email.data or "",
        requester_name=form.requester_name.data or "",
        language=form.language.data if form.language.data in LANGUAGES else None,
        customer_id=None if customer is None else customer.id,
        service_id=_service(form),
        department_id=read_key(form.department.data) or 0,
        priority=_priority(form),
        source=TicketSource.AGENT,
        assignee_id=current_actor().id if form.take.data else None,
        tags=tuple((form.tags.data or "").split(",")),
        files=_files(form),
        as_reply=form.first.data == REPLY,
        pins=pin_choice(),
    )
    old = _followed(form.follows.data or "")
    with transaction():
        ticket = open_ticket(current_actor(), new) if old is None else follow_up(current_actor(), old.id, new)
        return {"number": ticket.number, "status": ticket.status.value, "seq": ticket.last_seq}


def _followed(number: str) -> Ticket | None:
    """Return the ticket that the new one continues.

    Raises:
        NotFound: it is none that this person sees.
    """
    return find_ticket(current_actor(), number) if number else None


def _continue(form: TicketForm, number: str) -> None:
    """Fill in what a ticket that is over says of its requester."""
    old = _followed(number)
    if old is None:
        return
    form.follows.data = old.number
    form.customer.data = old.customer.number if old.customer is not None else ""
    form.requester_email.data, form.requester_name.data = old.requester_email, old.requester_name
    form.language.data, form.subject.data = old.language, old.subject
    form.department.data, form.priority.data = str(old.department_id), str(int(old.priority))
    form.tags.data, form.first.data = ", ".join(old.tags), REPLY


def _account(form: TicketForm) -> Customer | None:
    typed = (form.customer.data or "").strip()
    if not typed:
        return None
    customer = find_customer(typed)
    if customer is None:
        raise _wrong("customer", lazy_gettext("Account not found. Enter its number, like K-10482."))
    return customer


def _service(form: TicketForm) -> int | None:
    """Return the key of the service chosen; one that cannot be read names none that there is."""
    return read_key(form.service.data) or 0 if form.service.data else None


def _priority(form: TicketForm) -> Priority:
    try:
        return Priority(int(form.priority.data or Priority.NORMAL))
    except ValueError as error:
        raise _wrong("priority", lazy_gettext("Not a valid choice.")) from error


def _files(form: TicketForm) -> tuple[tuple[str, bytes], ...]:
    sent = [one for one in form.files.data or () if getattr(one, "filename", "")]
    if len(sent) > MOST_FILES:
        raise _wrong("files", lazy_gettext("At most 10 files."))
    return tuple((one.filename, one.read()) for one in sent)


def _wrong(name: str, text: Text) -> Invalid:
    return Invalid(fields={name: [text]})


def _mark(form: TicketForm, refusal: Refusal) -> None:
    """Show the errors at their fields."""
    if isinstance(refusal, PinLike):
        return  # the question is next to the button
    if not refusal.fields:
        flash(str(refusal.message), "danger")
    for name, texts in refusal.fields.items():
        place = {"file": "files", "attachments": "files", "assignee": "take"}.get(name, name)
        if place in form:
            form[place].errors = [str(text) for text in texts]


def _about(customer: Customer) -> About:
    """Return what is opened of an account: people and services only under a live verification with that right."""
    actor = current_actor()
    verification = live_verification(actor, customer.id)
    rights = verification.opened_rights() if verification else frozenset()
    by_role = actor.may(Permission.READ_DOCUMENTS)
    about = About(customer, verification)
    if Right.CONTACTS in rights:
        about.people = members_of(customer.id)
    elif verification is not None and verification.membership is not None:
        about.people = [verification.membership]  # the caller
    products, domains = by_role or Right.PRODUCTS in rights, by_role or Right.DOMAINS in rights
    if products or domains:
        query = select(Service).where(Service.customer_id == customer.id).order_by(Service.status, Service.id)
        if not (products and domains):
            condition = Product.kind != ProductKind.DOMAIN if products else Product.kind == ProductKind.DOMAIN
            query = query.join(Service.product).where(condition)
        about.services = db.session.scalars(query.limit(MAX_SERVICES)).all()
    return about


def _about_json(about: About) -> dict[str, Any]:
    return {
        "number": about.customer.number,
        "name": about.customer.name,
        "language": about.customer.language,
        "verified": about.verification is not None,
        "people": [{"name": one.name, "email": one.person.email} for one in about.people],
        "services": [{"id": row.id, "label": row.label} for row in about.services],
    }


def _duplicates(email: str) -> Sequence[Ticket]:
    """Return the open tickets of an address that the reader may see, newest first."""
    email = normal_email(email)
    if "@" not in email:
        return ()
    query = (
        select(Ticket)
        .where(Ticket.requester_email == email, Ticket.is_open.is_(True), visible(current_actor()))
        .order_by(Ticket.id.desc())
        .limit(MAX_DUPLICATES)
    )
    return db.session.scalars(query).all()
