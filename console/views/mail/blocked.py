"""Senders whose mail is spam, and addresses that automatic mail does not go to: both lists, and what ends them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.core.errors import Invalid, Refusal
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.mail.receiving import stops
from console.mail.receiving.models import BlockedSender, StoppedAddress
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.paging import page_count
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

SIZE = 100  # rows of a list on a page


def views() -> list[BaseView]:
    """Return the page."""
    return [BlockedPage(name=lazy_gettext("Blocked senders"), endpoint="mail_blocked", url="/console/mail/blocked")]


class BlockedPage(Page):
    """Whom we take no mail from, and whom we send none to automatically."""

    permission = Permission.READ_TICKETS
    permissions = dict.fromkeys(("block", "unblock", "lift"), Permission.WORK_TICKETS)
    parent = "incoming"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show both lists."""
        if not wants_json():
            return self._draw()
        senders, addresses = _senders(), _addresses()
        return jsonify(
            senders=[{"id": one.id, "sender": one.pattern} for one in senders.rows],
            senders_pages=senders.pages,
            stopped=[{"address": one.address, "status": one.status} for one in addresses.rows],
            stopped_pages=addresses.pages,
        )

    @expose("/add", methods=["POST"])
    def block(self) -> ResponseReturnValue:
        """Block an address or a domain."""
        try:
            with transaction():
                pattern = stops.block(current_actor(), request.form.get("sender", ""))
        except Refusal as refusal:
            if wants_json() or refusal.status != 422:
                return refuse(refusal)
            return Response(self._draw(request.form.get("sender", ""), refusal.fields.get("sender", ())), 422)
        return _done(gettext("%(sender)s is blocked.", sender=pattern))

    @expose("/remove", methods=["POST"])
    def unblock(self) -> ResponseReturnValue:
        """Take a sender off the list."""
        key = read_key(request.form.get("sender"))
        if key is None:
            raise Invalid(fields={"sender": [lazy_gettext("Invalid input.")]})
        with transaction():
            pattern = stops.unblock(current_actor(), key)
        return _done(gettext("%(sender)s is no longer blocked.", sender=pattern))

    @expose("/lift", methods=["POST"])
    def lift(self) -> ResponseReturnValue:
        """Let automatic mail go to an address again."""
        address = request.form.get("address", "")
        if not address:
            raise Invalid(fields={"address": [lazy_gettext("Invalid input.")]})
        with transaction():
            stops.lift(current_actor(), address)
        return _done(gettext("Automatic e-mails go to %(address)s again.", address=address))

    def _draw(self, typed: str = "", errors: Sequence[object] = ()) -> str:
        page: str = self.render(
            "admin/mail/blocked.html",
            senders=_senders(),
            addresses=_addresses(),
            here=request.full_path if request.method == "GET" else "",
            typed=typed,
            errors=errors,
            works=current_actor().may(Permission.WORK_TICKETS),
        )
        return page


@dataclass(frozen=True)
class _Part:
    """The rows of one page of a list."""

    rows: Sequence[Any]
    page: int
    pages: int


def _senders() -> _Part:
    return _part("senders", BlockedSender, stops.blocked_senders)


def _addresses() -> _Part:
    return _part("stopped", StoppedAddress, stops.stopped_addresses)


def _part(
    name: str, model: type[BlockedSender | StoppedAddress], read: Callable[[int, int], Sequence[object]]
) -> _Part:
    """Read the page of a list that the address names; of a page that is no more the last one."""
    pages = page_count(stops.count(model), SIZE)
    page = max(1, min(request.args.get(name, 1, type=int), pages))
    return _Part(read(SIZE, (page - 1) * SIZE), page, pages)


def _done(message: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(done=True, message=message)
    flash(message, "success")
    back = request.form.get("url", "")
    return redirect(back if back.startswith("/console/") else url_for("mail_blocked.index"), 303)
