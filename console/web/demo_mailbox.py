"""The demo's mailbox: what would have been sent, for a newcomer to open and follow the links.

Only where ``ENV=demo`` and nothing is sent at all. Elsewhere it is not there: it shows all mail to any visitor.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import FileGone, NotFound
from console.core.ids import read_key
from console.mail import reading
from console.mail.attachments import NotMade, located
from console.mail.models import Mail
from console.mail.queries import receivers, sent_out
from console.web.answers import local_time, wants_json
from console.web.downloads import download_kept
from console.web.frames import framing, letter

blueprint = Blueprint("demo", __name__, url_prefix="/demo")
MAX_MAILS = 100
RECEIVERS = 200


def is_there() -> bool:
    """Return whether there is a mailbox to look into."""
    return settings().demo and not settings().smtp_url


@blueprint.before_request
def only_in_a_demo() -> None:
    """Hide all of it where mail really leaves."""
    if not is_there():
        raise NotFound


@blueprint.get("/mailbox")
def mailbox() -> ResponseReturnValue:
    """List what was "sent", newest first, to all or to one address; open one of it."""
    address = normal_email(request.args.get("to", ""))[:254]
    mails = sent_out(to_address=address, limit=MAX_MAILS)
    if wants_json():
        return jsonify(items=[_line(one) for one in mails])
    chosen = read_key(request.args.get("mail"))
    open_one = _find(chosen) if chosen else mails[0] if mails else None
    page = render_template(
        "demo/mailbox.html",
        mails=mails,
        beginning=reading.beginning,
        open=open_one,
        text="" if open_one is None else reading.whole(open_one).text,
        chosen=bool(chosen),  # on a phone the list comes first
        address=address,
        receivers=receivers(limit=RECEIVERS),
        files=[] if open_one is None else _files(open_one),
        sender=settings().mail_from,
    )
    return framing(page)


@blueprint.get("/mailbox/<id:key>/html")
def html(key: int) -> Response:
    """Answer the HTML part, for the frame: whole: its reader here is the receiver."""
    return letter(reading.whole(_find(key)).html)


@blueprint.get("/mailbox/<id:key>/files/<int(max=99):place>")
def file(key: int, place: int) -> Response:
    """Send a file that came with the mail."""
    mail = _find(key)
    if place >= len(mail.attachments):
        raise NotFound
    try:
        one = located(mail.attachments[place], mail.language)
    except NotMade as error:
        raise FileGone from error
    return download_kept(str(one["name"]), str(one["digest"]))


def _find(key: int) -> Mail:
    if not 0 < key < 2**31:
        raise NotFound
    mail = db.session.get(Mail, key)
    if mail is None:
        raise NotFound
    return mail


def _files(mail: Mail) -> list[tuple[str, str]]:
    return [
        (str(one["name"]), url_for("demo.file", key=mail.id, place=place)) for place, one in enumerate(mail.attachments)
    ]


def _line(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "subject": mail.subject,
        "to": mail.to_address,
        "at": local_time(mail.send_after),
    }
