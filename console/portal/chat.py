"""The chat widget: its loader for any site, its frame, its files, and a plain form where no script or socket works.

Nothing here reads a cookie: the frame stands in other people's pages, where ours would not come along. A chat is
opened by its token, a file by its own address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from flask import Blueprint, Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms import EmailField, HiddenField, SelectField, StringField, TextAreaField

from console.chat import queries, serializers, tokens
from console.chat.service import attachments
from console.chat.service.settings import announcement
from console.core import clock
from console.core.addresses import source
from console.core.context import settings
from console.core.emails import normal_email
from console.core.errors import Invalid, NotFound, Refusal, Reused, Text
from console.core.forms import Form
from console.core.idempotency import once
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.customers.models import PersonSession
from console.customers.visitors import visitor_actor
from console.extensions import csrf
from console.portal.private_pages import speaking
from console.tickets.service.web_form import Question, public_departments
from console.tickets.service.web_form import ask as ask_by_ticket
from console.web import limits
from console.web.answers import problem, refuse, wants_json
from console.web.downloads import download_kept
from console.web.filters import language as page_language
from console.web.limits import Limit
from console.web.pins import pin_choice
from console.web.script_texts.widget import launcher_texts
from console.web.security import csp_nonce

blueprint = Blueprint("chat", __name__, url_prefix="/chat")

QUESTIONS = Limit("chat-asked", 10, 60 * limits.MINUTE)  # of one e-mail address behind one network address
ASKED_BY_ADDRESS = Limit("chat-asked-address", 60, 60 * limits.MINUTE, shared=True)
UPLOADED = Limit("chat-uploaded", 60, 15 * limits.MINUTE)  # in one chat
UPLOADED_BY_ADDRESS = Limit("chat-uploaded-address", 300, 15 * limits.MINUTE, shared=True)
FRAME = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self' {socket}; form-action 'self'; base-uri 'none'; frame-ancestors 'self' {sites}"
)


NO_TOKEN = {"csrf": False}  # there is no session to ride on


class QuestionForm(Form):
    """A question without a conversation."""

    name = StringField(lazy_gettext("Name"))
    email = EmailField(lazy_gettext("E-mail for the answer"))
    department = SelectField(lazy_gettext("What is it about?"), validate_choice=False, choices=[])
    question = TextAreaField(lazy_gettext("Question"))
    website = StringField()  # a honeypot: people do not see it
    client_id = HiddenField()


@blueprint.get("/")
def page() -> ResponseReturnValue:
    """Show the widget on a page of our own."""
    with speaking(None):
        return render_template("widget/page.html")


@blueprint.get("/widget.js")
def loader() -> ResponseReturnValue:
    """Return the script that any site loads: a button, and behind it our frame."""
    with speaking(request.args.get("lang")):
        words = json.dumps(launcher_texts(), ensure_ascii=False)
    color, ink = _colors()
    script = render_template("widget/widget.js", words=words, color=color, ink=ink)
    return Response(
        script,
        mimetype="text/javascript",
        headers={"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"},
    )


@blueprint.get("/frame")
def frame() -> ResponseReturnValue:
    """Return the frame's page."""
    with speaking(request.args.get("lang")):
        response = Response(_frame(QuestionForm(formdata=None, meta=NO_TOKEN)))
    return _in_frame(response)


@blueprint.get("/state")
def state() -> ResponseReturnValue:
    """Return whether the chat is open, and what is announced."""
    return jsonify(_state())


@blueprint.get("/theme.css")
def theme() -> ResponseReturnValue:
    """Return the brand's colour, where one is set."""
    color, ink = _colors()
    css = f":root, :root[data-theme] {{ --accent: {color}; --on-accent: {ink}; }}\n" if settings().widget_color else ""
    return Response(css, mimetype="text/css", headers={"Cache-Control": "public, max-age=300"})


@blueprint.post("/ask")
@csrf.exempt  # reads no cookie: a forged request could do no more than its sender
def ask() -> ResponseReturnValue:
    """Turn a question into a ticket, for browsers without scripts or sockets."""
    form = QuestionForm(meta=NO_TOKEN)
    with speaking(request.args.get("lang")):
        try:
            number = _ticket(form)
        except Refusal as refusal:
            refusal.fields = _by_field(refusal.fields)
            if wants_json():
                return refuse(refusal)
            if isinstance(refusal, Reused):
                form.client_id.data = None
            for name, texts in refusal.fields.items() if not isinstance(refusal, PinLike) else ():  # asked beside it
                if name in form:
                    form[name].errors = [str(text) for text in texts]
            return _in_frame(Response(_frame(form, refusal=refusal), refusal.status))
        if wants_json():
            return jsonify(ticket=number)
        return _in_frame(Response(_frame(form, ticket=number)))


def _by_field(fields: Mapping[str, list[Text]]) -> dict[str, list[Text]]:
    """Return what a ticket's verb refused under the names of this form; of one field only once."""
    names = {"body": "question", "subject": "question", "requester_email": "email", "requester_name": "name"}
    named: dict[str, list[Text]] = {}
    for name, texts in fields.items():
        named.setdefault(names.get(name, name), texts)
    return named


@blueprint.post("/files")
@csrf.exempt  # opened by the chat's token, not by a cookie
def upload() -> ResponseReturnValue:
    """Keep a file for a message that is being written."""
    try:
        limits.count(UPLOADED_BY_ADDRESS, source(request.remote_addr))
        chat = tokens.chat_of(request.headers.get("X-Chat-Token"))
        if chat is None:
            raise NotFound
        limits.count(UPLOADED, str(chat.id))
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            raise Invalid(fields={"file": [lazy_gettext("Choose a file.")]})
        content = sent.read()
        key = chat.id
        with transaction():
            file = attachments.attach(queries.lock_by_key(key), sent.filename, content)
            answer = {"id": file.id, "name": file.name, "size": file.size}
    except Refusal as refusal:
        response = jsonify(problem(refusal))
        response.status_code = refusal.status
        return response
    return jsonify(file=answer)


@blueprint.get("/files/<id:key>/<secret:proof>")
def file(key: int, proof: str) -> ResponseReturnValue:
    """Download a file."""
    found = attachments.find_for_visitor(key, proof)
    return download_kept(found.name, found.digest)


def _ticket(form: QuestionForm) -> str:
    address = source(request.remote_addr)
    limits.count(ASKED_BY_ADDRESS, address)
    limits.count(QUESTIONS, address, normal_email(form.email.data or ""))
    form.refuse_spoiled()
    if form.website.data:
        raise Invalid
    question = Question(
        name=form.name.data or "",
        email=form.email.data or "",
        text=paragraphs(form.question.data or ""),
        department=form.department.data or "",
        language=page_language(),
        pins=pin_choice(),
    )

    def open_once() -> dict[str, Any]:
        visitor = visitor_actor(question.name, request.remote_addr)
        return {"ticket": ask_by_ticket(visitor, question).number}

    with transaction():
        client_id = form.client_id.data or uuid4().hex
        return str(once("chat.ask", client_id, asdict(question), open_once)["ticket"])


def _frame(form: QuestionForm, *, ticket: str | None = None, refusal: Refusal | None = None) -> str:
    choices = public_departments()
    form.department.choices = [(place.key, place.name(page_language())) for place in choices]
    form.client_id.data = form.client_id.data or uuid4().hex
    return render_template(
        "widget/frame.html",
        form=form,
        ticket=ticket,
        refusal=refusal,
        state=_state() | {"visitor": tokens.new_visitor()},
        keep_months=settings().chat_keep_months,
    )


def _state() -> dict[str, Any]:
    row = queries.desk_settings()
    now = clock.now()
    here = queries.available(now, row.grace_seconds)
    return {
        "hours": serializers.hours_shape(),
        "announcement": announcement(row, now),
        "anybody": bool(here),
        "wait_minutes": row.wait_minutes,
        "notice_minutes": row.notice_minutes,
    }


def _in_frame(response: Response) -> Response:
    """Let only the named sites put the frame into their pages."""
    socket = settings().base_url.replace("http", "ws", 1)
    sites = " ".join(settings().allowed_origins)
    policy = FRAME.format(nonce=csp_nonce(), socket=socket, sites=sites)
    response.headers["Content-Security-Policy"] = policy.strip()
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers.setdefault("Cross-Origin-Opener-Policy", "unsafe-none")
    return response


def _colors() -> tuple[str, str]:
    """Return the widget's colour, and black or white, whichever is read better on it (WCAG 2.2, 1.4.3)."""
    color = settings().widget_color or "#0a6c61"
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return color, "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _identity() -> str:
    """Return the token of who is signed in to the portal, for the widget on its pages; nothing for anybody else."""
    session = current_user.row if current_user.is_authenticated else None
    return tokens.person_token(session) if isinstance(session, PersonSession) else ""


def init_app(app: Flask) -> None:
    """Register the widget's pages."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["chat_identity"] = _identity
