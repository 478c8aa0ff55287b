"""The chat desk: three panes. The page is a frame: the socket fills it, and the side column comes from here."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Select, func, select

from console.chat import queries
from console.chat.models import Chat, ChatStatus
from console.chat.service import attachments
from console.chat.service import verification as chat_verification
from console.chat.service.blocking import MOST_DAYS
from console.chat.service.messages import MOST_FILES
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, Text
from console.core.text import fold
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import labels
from console.customers.models import Verification, VerificationCard
from console.customers.rights import Right
from console.customers.verification.cards import latest_card
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.canned.queries import NOT_VERIFIED, Conversation, offers
from console.tickets.canned.serializers import to_payload
from console.tickets.service.attachments import MAX_SIZE
from console.views.shared import menu
from console.views.shared.base import Page
from console.views.shared.customer_data import FIRST_RIGHTS, CustomerPage, load_group
from console.views.shared.labels.states import SERVICE_STATUS, proforma_label
from console.views.shared.labels.tickets import status_label, ticket_url
from console.web.answers import wants_json
from console.web.downloads import download_kept
from console.web.filters import language
from console.web.identity import current_actor

KEYS: tuple[tuple[str, Text], ...] = (
    ("C", lazy_gettext("Take the open chat, or the one waiting longest")),
    ("J K", lazy_gettext("Next, previous chat")),
    ("Enter", lazy_gettext("Open the chat; while writing, send")),
    ("R", lazy_gettext("Write a reply")),
    ("N", lazy_gettext("Write a note")),
    ("/", lazy_gettext("Canned replies")),
    ("V", lazy_gettext("Ask for verification")),
    ("T", lazy_gettext("Transfer the chat")),
    ("E", lazy_gettext("End the chat")),
    ("A", lazy_gettext("Become available")),
    ("Shift ↵", lazy_gettext("A new line")),
    ("Ctrl ↵", lazy_gettext("Send and go to the next waiting chat")),
)
# What a verification may open here: the key of the group, its label, and the rights of which one is enough.
GROUPS: tuple[tuple[str, Text, tuple[Right, ...]], ...] = (
    ("services", lazy_gettext("Services and domains"), (Right.PRODUCTS, Right.DOMAINS)),
    ("documents", lazy_gettext("Open pro-formas"), (Right.INVOICES,)),
    ("tickets", lazy_gettext("The account’s tickets"), (Right.TICKETS,)),
)


def views() -> list[Page]:
    """Return the page."""
    return [DeskPage(name=lazy_gettext("Live chat"), endpoint="desk", url="desk", menu_icon_value="chat")]


@lru_cache(maxsize=256)  # one select a reader: it is on every page
def _waiting(actor: Actor) -> Select[int]:
    waiting = select(Chat.id).where(Chat.status == ChatStatus.QUEUED, queries.visible(actor))
    return select(func.count()).select_from(waiting.limit(menu.BADGE_LIMIT + 1).subquery())


class DeskPage(Page):
    """The desk, for all who answer chats."""

    permission = Permission.CHAT
    group = "work"
    letter = "l"

    def badge_query(self) -> Select[int]:
        """Count for the sidebar: the queue."""
        return _waiting(current_actor())

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the desk."""
        return self._page("")

    @expose("/<number>")
    def chat(self, number: str) -> ResponseReturnValue:
        """Show the desk with one chat open; a chat that has ended, too."""
        return self._page(queries.find_chat(current_actor(), number).number)

    @expose("/<number>/side")
    def side(self, number: str) -> ResponseReturnValue:
        """Show who is verified in a chat, and what that opens: nothing else is read."""
        actor, chat = current_actor(), queries.find_chat(current_actor(), number)
        live = chat_verification.live_for(actor, chat)
        rights = live.opened_rights() if live is not None else frozenset()
        page: str = self.render(
            "admin/chat/sidebar.html",
            chat=chat,
            mine=chat.status is ChatStatus.ACTIVE and chat.assignee_id == actor.id,
            live=live,
            rights=rights,
            card=None if live is not None else _card(chat),
            other=live is None and chat.verified_until is not None and chat.verified_until > clock.now(),
            groups=[(key, name, _opened(live, key, rights_of), rights_of[0]) for key, name, rights_of in GROUPS],
            past=None if live is None else _past(chat, live),
            channel=chat_verification.channel(chat),
            may_migrate=live is not None and Right.TRANSFER in rights and actor.may(Permission.REQUEST_MIGRATION),
            first_rights=[right for right in FIRST_RIGHTS if right in rights],
            more_rights=len(rights.difference(FIRST_RIGHTS)),
            labels=labels,
            service_labels=SERVICE_STATUS,
            proforma_label=proforma_label,
            status_label=status_label,
            ticket_url=ticket_url,
            Right=Right,
        )
        return page

    @expose("/<number>/replies")
    def replies(self, number: str) -> ResponseReturnValue:
        """Answer the canned replies that ``q`` finds, filled in for the chat; shut ones without a text."""
        actor, chat = current_actor(), queries.find_chat(current_actor(), number)
        shut = None if chat_verification.live_for(actor, chat) is not None else NOT_VERIFIED
        place = Conversation(chat.number, chat.name, chat.language, chat.department, shut)
        found = offers(actor, fold(request.args.get("q", "")), place)
        return jsonify(items=[to_payload(offer, language()) for offer in found])

    @expose("/<number>/files", methods=["POST"])
    def upload(self, number: str) -> ResponseReturnValue:
        """Keep a file for the message that is being written; until it is sent it is its uploader's alone."""
        actor, upload = current_actor(), request.files.get("file")
        queries.find_chat(actor, number)
        if upload is None or not upload.filename:
            raise Invalid(fields={"file": [lazy_gettext("Choose a file.")]})
        content = upload.read()
        with transaction():
            file = attachments.attach(queries.lock_chat(actor, number), upload.filename, content, staff_id=actor.id)
            payload = {"id": file.id, "name": file.name, "size": file.size}
        return jsonify(file=payload)

    @expose("/<number>/files/<id:key>")
    def file(self, number: str, key: int) -> ResponseReturnValue:
        """Download a file of a chat."""
        chat = queries.find_chat(current_actor(), number)
        found = attachments.find_for_staff(chat, key, current_actor().id)
        return download_kept(found.name, found.digest)

    def _page(self, number: str) -> ResponseReturnValue:
        actor = current_actor()
        rules = queries.desk_settings()
        if wants_json():
            chats = queries.live_chats(actor)
            return jsonify(items=[{"chat": chat.number, "status": chat.status.value} for chat in chats], next=None)
        page: str = self.render(
            "admin/chat/desk.html",
            opened=number,
            leads=actor.may(Permission.LEAD_CHAT),
            departments=_departments(),
            rules=rules,
            page_keys=KEYS,
            most_days=MOST_DAYS,
            most_files=MOST_FILES,
            max_size=MAX_SIZE,
        )
        return page


def _departments() -> list[dict[str, Any]]:
    rows = db.session.scalars(
        select(Department).where(Department.active.is_(True)).order_by(Department.position, Department.id)
    )
    return [{"id": row.id, "name": row.name(language())} for row in rows]


def _card(chat: Chat) -> VerificationCard | None:
    """Return the newest card of the chat while the chat is live."""
    return latest_card(chat_verification.channel(chat)) if chat.is_live else None


def _opened(live: Verification | None, key: str, rights: tuple[Right, ...]) -> CustomerPage | None:
    """Read one group if the verification opens it."""
    if live is None or not live.opened_rights().intersection(rights):
        return None
    return load_group(current_actor(), live, key)


def _past(chat: Chat, live: Verification) -> list[Chat] | None:
    """Return earlier chats of the person verified, and of the whole account where the rights open its conversations."""
    person = live.membership.person_id if live.membership is not None else None
    account = live.customer_id if Right.TICKETS in live.opened_rights() else None
    if person is None and account is None:
        return None
    return queries.earlier_chats(current_actor(), chat, customer_id=account, person_id=person)
