"""One ticket: its timeline, the composer, and every address below it.

The page answers here what is read and written in the timeline; ``context`` has what it is drawn with. Each other method
calls the module of its subject: ``sidebar``, ``properties``, ``requests``, ``merging``, ``verification``, ``revoking``,
``review``.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.core.errors import Invalid, Refusal
from console.core.ids import read_count, read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets import page_queries
from console.tickets.mail_in.service import participants
from console.tickets.models import MessageKind, Ticket
from console.tickets.queries import find_ticket
from console.tickets.service import attachments, drafts, mentions
from console.tickets.service import messages as ticket_messages
from console.tickets.service.property_forms import ME
from console.tickets.service.stored_masking import mask_message
from console.views.shared import choices
from console.views.shared.base import Page
from console.views.shared.labels.tickets import ticket_url
from console.views.tickets.page import (
    composer,
    forwarding,
    merging,
    properties,
    requests,
    review,
    revoking,
    sidebar,
    verification,
)
from console.views.tickets.page.answers import answer_done
from console.views.tickets.page.composer import Composed, WriteForm
from console.views.tickets.page.context import open_ticket, page_context, timeline_context
from console.views.tickets.page.serializers import draft_json, file_json, message_json, ticket_json
from console.web.answers import refuse, wants_json
from console.web.downloads import download_kept
from console.web.identity import current_actor
from console.web.pins import message_key


def views() -> list[BaseView]:
    """Return the page of one ticket; the list is ``console.views.tickets.list.page``."""
    return [TicketPage(name=lazy_gettext("Ticket"), endpoint="ticket", url="/console/tickets/<number>")]


class TicketPage(Page):
    """A ticket, for those who may see its department."""

    permission = Permission.READ_TICKETS
    permissions = {
        **dict.fromkeys(
            (
                "reply",
                "note",
                "take_back",
                "mask",
                "draft",
                "upload",
                "remove_file",
                "colleagues",
                "end_request",
                "add_participant",
                "remove_participant",
                "forward",
            ),
            Permission.WORK_TICKETS,
        ),
        **dict.fromkeys(
            ("property_forms", "set_property", "take", "set_status", "assignees", "watch", "unwatch"),
            Permission.WORK_TICKETS,
        ),
        **dict.fromkeys(
            ("merge", "undo_merge", "split", "link", "unlink", "revoke_links"),
            Permission.WORK_TICKETS,
        ),
        **dict.fromkeys(("ask_verification", "withdraw_verification", "unlocked"), Permission.VERIFY),
        "review": Permission.REVIEW,
    }
    parent = "tickets"

    # Timeline ------------------------------------------------------------

    @expose("")
    @expose("/")
    def index(self, number: str) -> ResponseReturnValue:
        """Show the ticket: its newest entries, or with ``before`` those before one of them."""
        opened, badge_counts = open_ticket(number)
        before = read_key(request.args.get("before"))
        if not wants_json():
            return self._page(page_context(opened, badge_counts, Composed(), before=before))
        part = page_queries.read_timeline(opened.ticket.id, before=before)
        return jsonify(
            ticket=ticket_json(opened.ticket),
            messages=[message_json(entry) for entry in part.entries],
            earlier=part.entries[0].message.id if part.earlier else None,
        )

    @expose("/entries")
    def entries(self, number: str) -> ResponseReturnValue:
        """Answer entries as they are drawn: those after ``after`` with the ticket's state, or before ``before``."""
        ticket = _find(number)
        before, after = read_key(request.args.get("before")), read_count(request.args.get("after")) or 0
        part = page_queries.read_timeline(ticket.id, before=before, after=after)
        context = timeline_context(ticket, part)
        return jsonify(
            html=self.render("admin/tickets/page/entries.html", **context),
            head=self.render("admin/tickets/page/head.html", **context),
            last=part.last,
            earlier=part.entries[0].message.id if part.earlier else None,
            counts=part.counts._asdict() | {"all": part.counts.all} if part.entries else None,
            seq=ticket.last_seq,
            status=ticket.status.value,
            assignee=ticket.assignee_id,
        )

    @expose("/seen", methods=["POST"])
    def seen(self, number: str) -> ResponseReturnValue:
        """Store how far the reader has read: up to entry ``seq`` of the ticket, or all of it."""
        ticket = _find(number)
        with transaction():
            drafts.read_up_to(current_actor(), ticket, read_count(request.form.get("seq")))
        return answer_done(number, gettext("Marked as read."))

    @expose("/mask", methods=["POST"])
    def mask(self, number: str) -> ResponseReturnValue:
        """Mask a number in an entry: one that its writer said is no PIN, or ``token``."""
        ticket = _find(number)
        with transaction():
            message = mask_message(current_actor(), ticket.id, message_key(), request.form.get("token") or None)
            payload = {"id": message.id, "body": message.body}
        return jsonify(message=payload) if wants_json() else answer_done(number, gettext("The number is masked."))

    # Composer ------------------------------------------------------------

    @expose("/reply", methods=["POST"])
    def reply(self, number: str) -> ResponseReturnValue:
        """Answer the requester; the mail waits ten seconds."""
        return self._write(number, MessageKind.REPLY, ticket_messages.reply)

    @expose("/note", methods=["POST"])
    def note(self, number: str) -> ResponseReturnValue:
        """Write a note to colleagues."""
        return self._write(number, MessageKind.NOTE, ticket_messages.note)

    @expose("/take-back", methods=["POST"])
    def take_back(self, number: str) -> ResponseReturnValue:
        """Undo one's reply before it is sent."""
        ticket, key = _find(number), read_key(request.form.get("message"))
        if key is None:
            raise Invalid(fields={"message": [lazy_gettext("Invalid input.")]})
        with transaction():
            message = ticket_messages.take_back(current_actor(), ticket.id, key)
        if not wants_json():
            return answer_done(number, gettext("The reply was undone; its text is back in your draft."))
        opened = page_queries.load_ticket(current_actor(), number)
        draft = opened.drafts.get(MessageKind.REPLY)
        return jsonify(
            draft=draft_json(draft) if draft else None,
            files=[file_json(file) for file in opened.uploads],
            cc=message.data.get("cc", []),
            bcc=message.data.get("bcc", []),
        )

    @expose("/draft", methods=["POST"])
    def draft(self, number: str) -> ResponseReturnValue:
        """Save the draft; an empty text deletes it."""
        ticket = _find(number)
        kind = {"reply": MessageKind.REPLY, "note": MessageKind.NOTE}.get(request.form.get("kind", ""))
        based_on = read_count(request.form.get("based_on", "0"))
        if kind is None or based_on is None:
            raise Invalid(fields={"kind" if kind is None else "based_on": [lazy_gettext("Invalid input.")]})
        with transaction():
            draft = drafts.save_draft(
                current_actor(),
                ticket,
                kind,
                request.form.get("body", ""),
                based_on=based_on,
                composition=request.form.get("client_id", "")[: ticket_messages.MAX_CLIENT_ID],
            )
            payload = None if draft is None else draft_json(draft)
        return jsonify(draft=payload) if wants_json() else answer_done(number, gettext("Saved."))

    @expose("/colleagues")
    def colleagues(self, number: str) -> ResponseReturnValue:
        """Answer the colleagues that a note can name, and how."""
        _find(number)
        return jsonify(
            items=[{"name": name, "handle": mentions.handle(name)} for name in choices.colleagues().values()]
        )

    @expose("/files", methods=["POST"])
    def upload(self, number: str) -> ResponseReturnValue:
        """Upload a file for the message being written; until that is sent, only its uploader sees it."""
        ticket, upload = _find(number), request.files.get("file")
        if upload is None:
            raise Invalid(fields={"file": [lazy_gettext("Choose a file.")]})
        content = upload.read()
        with transaction():
            payload = file_json(attachments.attach(current_actor(), ticket, upload.filename or "", content))
        return jsonify(file=payload) if wants_json() else answer_done(number, gettext("Saved."))

    @expose("/files/<id:key>/remove", methods=["POST"])
    def remove_file(self, number: str, key: int) -> ResponseReturnValue:
        """Remove a file that was uploaded and not sent."""
        ticket = _find(number)
        with transaction():
            attachments.drop(current_actor(), ticket, key)
        return answer_done(number, gettext("The file was removed."))

    @expose("/files/<id:key>")
    def file(self, number: str, key: int) -> ResponseReturnValue:
        """Download a file of this ticket."""
        found = attachments.find_attachment(_find(number).id, key, current_actor())
        return download_kept(found.name, found.digest)

    # Sidebar and properties ----------------------------------------------

    @expose("/side")
    def sidebar(self, number: str) -> ResponseReturnValue:
        """Answer the sidebar, the header's actions and the subject as they are now."""
        return sidebar.render_now(_find(number))

    @expose("/facts")
    def property_forms(self, number: str) -> ResponseReturnValue:
        """Show the forms of all properties, or of one."""
        return properties.show_forms(self, _find(number))

    @expose("/set/<property_name>", methods=["POST"])
    def set_property(self, number: str, property_name: str) -> ResponseReturnValue:
        """Set one property."""
        return properties.submit(self, _find(number), property_name)

    @expose("/assign", methods=["POST"])
    def take(self, number: str) -> ResponseReturnValue:
        """Assign the ticket to oneself."""
        return properties.set_property(self, _find(number), "assignee", ME)

    @expose("/status", methods=["POST"])
    def set_status(self, number: str) -> ResponseReturnValue:
        """Set the status."""
        return properties.set_property(self, _find(number), "status", request.form.get("status", ""))

    @expose("/give")
    def assignees(self, number: str) -> ResponseReturnValue:
        """Show the agents to whom the ticket can be assigned."""
        return properties.show_assignees(self, _find(number))

    @expose("/watch", methods=["POST"])
    def watch(self, number: str) -> ResponseReturnValue:
        """Watch the ticket."""
        return properties.watch(_find(number))

    @expose("/unwatch", methods=["POST"])
    def unwatch(self, number: str) -> ResponseReturnValue:
        """Stop watching the ticket."""
        return properties.unwatch(_find(number))

    @expose("/request/<outcome>", methods=["POST"])
    def end_request(self, number: str, outcome: str) -> ResponseReturnValue:
        """Say that what the customer asks for is ``done``, or ``refused`` with a reason."""
        return requests.end(_find(number), outcome)

    @expose("/participants/add", methods=["POST"])
    def add_participant(self, number: str) -> ResponseReturnValue:
        """Let someone take part: their mail enters the ticket, and they get copies of replies."""
        ticket = _find(number)
        with transaction():
            address = participants.add(current_actor(), ticket.id, request.form.get("address", "")[:500]).address
        return answer_done(number, gettext("%(address)s takes part in this ticket.", address=address))

    @expose("/participants/remove", methods=["POST"])
    def remove_participant(self, number: str) -> ResponseReturnValue:
        """Let someone take part no more."""
        ticket = _find(number)
        with transaction():
            participants.remove(current_actor(), ticket.id, request.form.get("address", ""))
        return answer_done(number, gettext("They get no more copies, and their e-mails are no longer added here."))

    @expose("/forward", methods=["GET", "POST"])
    def forward(self, number: str) -> ResponseReturnValue:
        """Forward the ticket, or one message, to an outside address."""
        return forwarding.forward(self, _find(number))

    # Verification --------------------------------------------------------

    @expose("/ask-verification", methods=["POST"])
    def ask_verification(self, number: str) -> ResponseReturnValue:
        """Mail the requester a link to verify with."""
        return verification.ask_requester(_find(number))

    @expose("/withdraw-verification", methods=["POST"])
    def withdraw_verification(self, number: str) -> ResponseReturnValue:
        """Revoke that link."""
        return verification.withdraw(_find(number))

    @expose("/opened/<group>")
    def unlocked(self, number: str, group: str) -> ResponseReturnValue:
        """Show one group of what the verification opens."""
        return verification.show_group(self, _find(number), group)

    # Merge, split, link --------------------------------------------------

    @expose("/merge", methods=["GET", "POST"])
    def merge(self, number: str) -> ResponseReturnValue:
        """Merge with another ticket."""
        return merging.merge(self, _find(number))

    @expose("/part", methods=["POST"])
    def undo_merge(self, number: str) -> ResponseReturnValue:
        """Undo the merge of this ticket into another."""
        return merging.undo_merge(_find(number))

    @expose("/split", methods=["GET", "POST"])
    def split(self, number: str) -> ResponseReturnValue:
        """Split messages off into a ticket of their own."""
        return merging.split(self, _find(number))

    @expose("/link", methods=["GET", "POST"])
    def link(self, number: str) -> ResponseReturnValue:
        """Link a related ticket."""
        return merging.link(self, _find(number))

    @expose("/unlink", methods=["POST"])
    def unlink(self, number: str) -> ResponseReturnValue:
        """Remove a link."""
        return merging.unlink(_find(number))

    # Menu ----------------------------------------------------------------

    @expose("/void", methods=["GET", "POST"])
    def revoke_links(self, number: str) -> ResponseReturnValue:
        """Revoke the requester's links."""
        return revoking.revoke_links(self, _find(number))

    @expose("/review", methods=["GET", "POST"])
    def review(self, number: str) -> ResponseReturnValue:
        """Send the ticket for quality review."""
        return review.send_for_review(self, _find(number))

    def _write(self, number: str, kind: MessageKind, verb: composer.Verb) -> ResponseReturnValue:
        ticket, form = _find(number), WriteForm()
        try:
            payload = composer.send(ticket, form, verb)
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                return refuse(refusal)
            composed = composer.refused(kind, form, refusal)
            return Response(self._page(page_context(*open_ticket(number), composed)), refusal.status)
        if wants_json():
            return jsonify(message=payload)
        return redirect(f"{ticket_url(number)}#m{payload['id']}", 303)

    def _page(self, context: dict[str, Any]) -> str:
        rendered: str = self.render("admin/tickets/page/page.html", **context)
        return rendered


def _find(number: str) -> Ticket:
    return find_ticket(current_actor(), number)
