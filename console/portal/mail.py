"""The mail that was sent about an account, for its people who may read it.

A link that opens something stands only in the mail of the person it was sent to: a colleague with the right to
the account's mail reads the rest of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import and_, true

from console.core.errors import NotFound
from console.core.ids import read_key
from console.customers.models import Membership
from console.customers.rights import Right
from console.mail import reading
from console.mail.models import Mail
from console.mail.queries import Stage, find_of_account, left_us, matching, of_account, stage_of
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.web.answers import local_time, wants_json
from console.web.frames import framing, letter
from console.web.identity import current_person

PAGE_SIZE = 20
MAX_SEARCH = 100


@portal.get("/mails/")
@signed_in
def mails() -> ResponseReturnValue:
    """List what was sent about the chosen account, newest first."""
    accounts = own_accounts(Right.EMAILS)
    mine = chosen(accounts)
    before = read_key(request.args.get("before") or request.args.get("next"))
    search = request.args.get("search", "")[:MAX_SEARCH].strip()
    hit = matching(search, readable=true())
    only = left_us() if hit is None else and_(left_us(), hit)
    found = of_account(mine.customer_id, before=before, limit=PAGE_SIZE + 1, only=only)
    rows, older = found[:PAGE_SIZE], found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_line(one) for one in rows], next=None if older is None else str(older))
    return render_template(
        "portal/mails.html",
        accounts=accounts,
        mine=mine,
        mails=[(one, _state(one)) for one in rows],
        older=older,
        before=before,
        search=search,
    )


@portal.get("/mails/<id:key>")
@signed_in
def mail(key: int) -> ResponseReturnValue:
    """Show one mail."""
    accounts = own_accounts(Right.EMAILS)
    found, content = _read(accounts, key)
    if wants_json():
        return jsonify(mail=_line(found) | {"text": content.text, "links_taken_out": content.taken})
    page = render_template(
        "portal/mail.html",
        accounts=accounts,
        mine=next(one for one in accounts if one.customer_id == found.customer_id),
        mail=found,
        state=_state(found),
        content=content,
        own=_own(found),
    )
    return framing(page)


@portal.get("/mails/<id:key>/html")
@signed_in
def mail_html(key: int) -> ResponseReturnValue:
    """Answer the HTML part, for the frame on the page."""
    _found, content = _read(own_accounts(Right.EMAILS), key)
    return letter(content.html)


@portal.get("/mail")
@portal.get("/mail/<id:key>")
@signed_in
def moved_mail(key: int | None = None) -> ResponseReturnValue:
    """Lead from the address that mails and bookmarks may still have."""
    if key is not None:
        return redirect(url_for("portal.mail", key=key), 301)
    return redirect(url_for("portal.mails", account=request.args.get("account")), 301)


def _read(accounts: Sequence[Membership], key: int) -> tuple[Mail, reading.Content]:
    found = find_of_account(key, [one.customer_id for one in accounts])
    if found is None:
        raise NotFound
    return found, reading.whole(found) if _own(found) else reading.without_links(found)


def _own(found: Mail) -> bool:
    """Return whether it was sent to the person who reads it."""
    return found.to_address.lower() == current_person().email.lower()


def _state(found: Mail) -> str:
    """Return ``sent``, ``failed`` or ``waits``: how we try is none of a customer's concern."""
    stage = stage_of(found)
    return stage.value if stage in (Stage.SENT, Stage.FAILED) else "waits"


def _line(found: Mail) -> dict[str, Any]:
    return {
        "id": found.id,
        "subject": found.subject,
        "to": found.to_address,
        "state": _state(found),
        "at": local_time(found.sent_at or found.created_at),
    }
