"""One ticket: what was said, what was done, and the answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from flask_babel import gettext, lazy_gettext
from wtforms import HiddenField, IntegerField, StringField, TextAreaField

from console.core.context import files
from console.core.errors import Invalid, Refusal
from console.core.forms import Form
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets import writing
from console.tickets.attachments import find_attachment
from console.tickets.models import Ticket, TicketMessage
from console.tickets.queries import find_ticket, timeline
from console.views.base import Page
from console.views.ticket_events import sentence
from console.views.ticket_labels import SOURCE, STATUS, status_label, ticket_url
from console.views.ticket_side import TicketSide, done, read_status, side_context
from console.web.answers import refuse, wants_json
from console.web.downloads import download
from console.web.identity import current_actor


def views() -> list[BaseView]:
    """Return the page of one ticket; the list is ``console.views.tickets``."""
    return [TicketPage(name=lazy_gettext("Ticket"), endpoint="ticket", url="/console/tickets/<number>")]


class WriteForm(Form):
    """What is written: a reply or a note."""

    body = TextAreaField(lazy_gettext("Message"))
    client_id = HiddenField()
    based_on = IntegerField()
    then = StringField()


class TicketPage(TicketSide, Page):
    """A ticket, for whoever may see its department."""

    permission = Permission.READ_TICKETS
    permissions = dict.fromkeys(("reply", "note", "take_back"), Permission.WORK_TICKETS) | TicketSide.side_permissions
    parent = "tickets"

    @expose("")
    @expose("/")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the ticket."""
        ticket = find_ticket(current_actor(), number)
        if wants_json():
            return jsonify(ticket=_json(ticket), messages=[_message(one) for one in timeline(ticket.id)])
        return self._page(ticket, WriteForm(formdata=None))

    @expose("/reply", methods=["POST"])
    def reply(self, number: str) -> ResponseReturnValue:
        """Answer the requester; the mail waits ten seconds."""
        return self._write(number, writing.reply)

    @expose("/note", methods=["POST"])
    def note(self, number: str) -> ResponseReturnValue:
        """Write among ourselves."""
        return self._write(number, writing.note)

    @expose("/take-back", methods=["POST"])
    def take_back(self, number: str) -> ResponseReturnValue:
        """Take one's reply back before it leaves."""
        ticket = find_ticket(current_actor(), number)
        key = request.form.get("message", type=int)
        if key is None:
            raise Invalid(fields={"message": [lazy_gettext("Invalid input.")]})
        with transaction():
            writing.take_back(current_actor(), ticket.id, key)
        return done(number, gettext("The reply was taken back; its text is your draft."))

    @expose("/files/<int:key>")
    def file(self, number: str, key: int) -> ResponseReturnValue:
        """Download a file of this ticket."""
        ticket = find_ticket(current_actor(), number)
        found = find_attachment(ticket.id, key, current_actor())
        return download(found.name, files().get(found.digest))

    def _write(self, number: str, verb: Any) -> ResponseReturnValue:
        ticket, form = find_ticket(current_actor(), number), WriteForm()
        try:
            with transaction():
                message = verb(
                    current_actor(),
                    ticket.id,
                    writing.Writing(
                        body=form.body.data or "",
                        client_id=form.client_id.data or "",
                        based_on=form.based_on.data or 0,
                        then=read_status(form.then.data or ""),
                    ),
                )
                sent = message.id
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            form.body.errors = refusal.fields.get("body") or [refusal.message]
            return Response(self._page(find_ticket(current_actor(), number), form), refusal.status)
        if wants_json():
            return jsonify(message={"id": sent})
        return redirect(ticket_url(number), 303)

    def _page(self, ticket: Ticket, form: WriteForm) -> str:
        entries = timeline(ticket.id)
        form.client_id.data = form.client_id.data or uuid4().hex
        form.based_on.data = entries[-1].id if entries else 0
        rendered: str = self.render(
            "admin/ticket.html",
            ticket=ticket,
            entries=entries,
            form=form,
            label=status_label(ticket),
            source=SOURCE[ticket.source],
            states=STATUS,
            sentence=sentence,
            works=current_actor().may(Permission.WORK_TICKETS),
            **side_context(current_actor(), ticket),
        )
        return rendered


def _json(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority.name.lower(),
        "department": ticket.department.key,
        "assignee": ticket.assignee.name if ticket.assignee else None,
        "requester": {"name": ticket.requester_name, "email": ticket.requester_email},
        "customer": ticket.customer.number if ticket.customer else None,
        "tags": ticket.tags,
    }


def _message(message: TicketMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "seq": message.seq,
        "kind": message.kind.value,
        "name": message.name,
        "body": message.body,
        "event": message.event,
        "files": [{"id": file.id, "name": file.name, "size": file.size} for file in message.attachments],
    }
