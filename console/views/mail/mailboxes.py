"""The mailboxes that are read, for administrators: how each does, its form, a test, messages that cannot be fetched."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice

from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, Refusal
from console.core.forms import Form
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.mail.mailboxes import labels as words
from console.mail.mailboxes import probing, queries, service
from console.mail.mailboxes.access import ImapFailed
from console.mail.mailboxes.models import ImapTls, Mailbox, SignIn
from console.mail.mailboxes.oauth2 import PRESETS
from console.mail.mailboxes.queries import MailboxRow
from console.mail.mailboxes.service import MailboxData
from console.staff.models import Department
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.labels import mailboxes as labels
from console.views.shared.labels.messages import file_size
from console.web.answers import local_time, refuse, wants_json
from console.web.catalog import language
from console.web.identity import current_actor
from console.web.locale import LANGUAGES

_SECRET = {"autocomplete": "new-password", "spellcheck": "false"}


def views() -> list[Page]:
    """Return the page."""
    return [
        MailboxesPage(
            name=lazy_gettext("Mailboxes"), endpoint="mailboxes", url="/console/mail/mailboxes",
            menu_icon_value="inbox",
        )
    ]  # fmt: skip


class MailboxForm(Form):
    """A mailbox. Secrets are never shown again; left empty they stay."""

    name = StringField(lazy_gettext("Name"), description=lazy_gettext("As your team knows it, for example Support."))
    address = StringField(
        lazy_gettext("Address"), description=lazy_gettext("Replies to its messages are sent from this address.")
    )
    department = SelectField(
        lazy_gettext("Department"), description=lazy_gettext("New tickets from this mailbox go there."), coerce=str
    )
    mail_language = SelectField(
        lazy_gettext("Language"),
        description=lazy_gettext("Of the confirmation, where the message does not show its language."),
    )
    signature = TextAreaField(lazy_gettext("Signature"), description=lazy_gettext("Below replies to its messages."))
    host = StringField(lazy_gettext("IMAP server"))
    port = IntegerField(lazy_gettext("Port"), default=993)
    tls = SelectField(
        lazy_gettext("Encryption"), choices=[SelectChoice(one.value, label) for one, label in words.TLS.items()]
    )
    user = StringField(lazy_gettext("User name"), description=lazy_gettext("Often the whole address."))
    folder = StringField(lazy_gettext("Folder"), default="INBOX")
    sign_in = RadioField(
        lazy_gettext("Sign-in"), choices=[SelectChoice(one.value, label) for one, label in words.SIGN_IN.items()],
        default=SignIn.PASSWORD.value,
    )  # fmt: skip
    password = PasswordField(lazy_gettext("Password"), render_kw=_SECRET)
    token_url = StringField(lazy_gettext("Token address"))
    client_id = StringField(lazy_gettext("Client ID"))
    client_secret = PasswordField(lazy_gettext("Client secret"), render_kw=_SECRET)
    refresh_token = PasswordField(lazy_gettext("Refresh token"), render_kw=_SECRET)
    leave_older = BooleanField(
        lazy_gettext("Leave the messages that are already there"),
        default=True,
        description=lazy_gettext("Otherwise each of them becomes a ticket."),
    )
    active = BooleanField(lazy_gettext("Read this mailbox"), default=True)
    seen = HiddenField()

    def mailbox_data(self) -> MailboxData:
        """Return what was filled in.

        Raises:
            Invalid: a choice is none.
        """
        self.refuse_spoiled()
        try:
            tls, sign_in = ImapTls(self.tls.data or ImapTls.WHOLE), SignIn(self.sign_in.data or SignIn.PASSWORD)
        except ValueError as error:
            raise Invalid from error
        department = {str(one.id): one.id for one in _departments()}.get(self.department.data or "")
        texts = {name: self[name].data or "" for name in _TEXTS}
        return MailboxData(
            **texts, port=self.port.data or 0, tls=tls, sign_in=sign_in, department_id=department,
            language=self.mail_language.data if self.mail_language.data in LANGUAGES else "",
            active=bool(self.active.data), leave_older=bool(self.leave_older.data),
        )  # fmt: skip


_TEXTS = (
    "name", "address", "signature", "host", "user", "folder", "password", "token_url", "client_id", "client_secret",
    "refresh_token",
)  # fmt: skip


class MailboxesPage(Page):
    """The mailboxes, how each does, and what of them cannot be fetched."""

    permission = Permission.MANAGE_SETTINGS
    group = "system"
    parent = "settings"
    settings_group = "desk"
    settings_lead = lazy_gettext("Mailboxes whose messages become tickets.")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List them."""
        rows, unread = queries.list_mailboxes(), queries.list_unread()
        if wants_json():
            return jsonify(items=[_as_json(row) for row in rows], next=None, unread=len(unread))
        departments = {one.id: one.name(language()) for one in _departments()}
        page: str = self.render(
            "admin/mail/mailboxes.html", rows=rows, unread=unread, labels=labels, words=words, departments=departments,
            file_size=file_size, server=settings().imap,
        )  # fmt: skip
        return page

    @expose("/new")
    def new(self) -> ResponseReturnValue:
        """Show the form of another one, filled in for a large provider where one is named."""
        if wants_json():
            return jsonify(presets=sorted(PRESETS))
        filled: dict[str, Any] = {"tls": ImapTls.WHOLE.value}
        preset = PRESETS.get(request.args.get("preset", ""))
        if preset is not None:
            filled |= {"host": preset[0], "token_url": preset[1], "sign_in": SignIn.OAUTH2.value}
        return self._form(MailboxForm(formdata=None, **filled), None)

    @expose("/new", methods=["POST"])
    def add(self) -> ResponseReturnValue:
        """Add one."""
        form = MailboxForm()
        try:
            with transaction():
                mailbox = service.add_mailbox(current_actor(), form.mailbox_data())
        except Invalid as refusal:
            return self._form(form, None, refusal)
        return self._done(gettext("%(name)s is read from now on.", name=mailbox.name), mailbox.id)

    @expose("/<id:key>")
    def mailbox(self, key: int) -> ResponseReturnValue:
        """Show one in its form."""
        mailbox = queries.find_mailbox(key)
        if wants_json():
            return jsonify(mailbox=_as_json(MailboxRow(mailbox, mailbox.account, None)))
        return self._form(_filled_in(mailbox), mailbox)

    @expose("/<id:key>", methods=["POST"])
    def change(self, key: int) -> ResponseReturnValue:
        """Save one."""
        form = MailboxForm()
        try:
            with transaction():
                service.change_mailbox(current_actor(), key, form.mailbox_data(), seen=form.seen.data)
        except Refusal as refusal:
            if refusal.status not in (409, 422):
                raise
            return self._form(form, queries.find_mailbox(key), refusal)
        return self._done(gettext("Saved."), key)

    @expose("/test", methods=["POST"])
    def test(self) -> ResponseReturnValue:
        """Try what a form has, and say what was found."""
        return self._test(None)

    @expose("/<id:key>/test", methods=["POST"])
    def test_again(self, key: int) -> ResponseReturnValue:
        """Try what the form of a mailbox has; secrets that are not typed are its own."""
        return self._test(queries.find_mailbox(key))

    @expose("/<id:key>/switch", methods=["POST"])
    def switch(self, key: int) -> ResponseReturnValue:
        """Read a mailbox, or read it no more."""
        active = request.form.get("active") == "1"
        with transaction():
            service.switch_mailbox(current_actor(), key, active=active)
        return self._done(gettext("The mailbox is read again.") if active else gettext("The mailbox is off."), key)

    @expose("/<id:key>/delete", methods=["POST"])
    def delete(self, key: int) -> ResponseReturnValue:
        """Delete one; its tickets stay."""
        with transaction():
            name = service.delete_mailbox(current_actor(), key)
        return self._done(gettext("%(name)s was deleted. Its tickets stay.", name=name), key)

    @expose("/unread/<id:key>/retry", methods=["POST"])
    def retry(self, key: int) -> ResponseReturnValue:
        """Try again to fetch a message."""
        with transaction():
            service.retry_message(current_actor(), key)
        return self._done(gettext("The message is fetched again in a moment."), key)

    @expose("/unread/<id:key>/dismiss", methods=["POST"])
    def dismiss(self, key: int) -> ResponseReturnValue:
        """Take a message off the list."""
        with transaction():
            service.dismiss_message(current_actor(), key)
        return self._done(gettext("Removed from the list. The message stays on the server."), key)

    def _test(self, mailbox: Mailbox | None) -> ResponseReturnValue:
        try:
            access = probing.access_of_form(MailboxForm().mailbox_data(), mailbox.account if mailbox else None)
            db.session.rollback()  # nothing stays open while the server is spoken to
            found = probing.probe(access)
        except ImapFailed as failure:
            if wants_json():
                return jsonify(works=False, problem=failure.problem)
            return self._tested(failure=failure)
        except Invalid as refusal:
            return refuse(refusal) if wants_json() else self._tested(refusal=refusal, form=MailboxForm(formdata=None))
        if wants_json():
            return jsonify(works=True, messages=found.messages, idle=found.tells)
        return self._tested(found=found)

    def _tested(self, **values: Any) -> str:
        page: str = self.render("admin/mail/mailbox_tested.html", words=words, **values)
        return page

    def _done(self, message: str, key: int) -> ResponseReturnValue:
        if wants_json():
            return jsonify(done=True, id=key, message=message)
        flash(message, "success")
        return redirect(self.get_url(".index"), 303)

    def _form(self, form: MailboxForm, mailbox: Mailbox | None, refusal: Refusal | None = None) -> ResponseReturnValue:
        if refusal is not None and wants_json():
            return refuse(refusal)
        form.department.choices = [
            SelectChoice("", gettext("First public department")),
            *(SelectChoice(str(one.id), one.name(language())) for one in _departments()),
        ]
        form.mail_language.choices = [
            SelectChoice("", gettext("Default language")),
            *(SelectChoice(key, name) for key, name in LANGUAGES.items()),
        ]
        for name, texts in (refusal.fields if refusal else {}).items():
            form["mail_language" if name == "language" else name].errors = [str(text) for text in texts]
        if mailbox is not None and refusal is None:
            form.seen.data = service.mark(mailbox)
        page = self.render(
            "admin/mail/mailbox.html", form=form, mailbox=mailbox, refusal=refusal, presets=PRESETS, labels=labels
        )
        return Response(page, refusal.status if refusal else 200)


def _departments() -> list[Department]:
    return list(db.session.scalars(select(Department).where(Department.active).order_by(Department.position)))


def _filled_in(mailbox: Mailbox) -> MailboxForm:
    account = mailbox.account
    assert account is not None  # noqa: S101  queries.find_mailbox finds none without
    return MailboxForm(
        formdata=None, name=mailbox.name, address=mailbox.address, signature=mailbox.signature,
        department=str(mailbox.department_id or ""), mail_language=mailbox.language, active=mailbox.active,
        host=account.host, port=account.port, tls=account.tls.value, user=account.user, folder=account.folder,
        sign_in=account.sign_in.value, token_url=account.token_url, client_id=account.client_id,
    )  # fmt: skip


def _as_json(row: MailboxRow) -> dict[str, Any]:
    mailbox, state = row.mailbox, row.state
    payload: dict[str, Any] = {
        "id": mailbox.id, "name": mailbox.name, "address": mailbox.from_address, "active": mailbox.active,
        "of_settings": row.of_settings,
    }  # fmt: skip
    if row.account is not None:
        payload |= {"host": row.account.host, "port": row.account.port, "folder": row.account.folder}
    if state is not None:
        payload |= {
            "waiting": state.waiting, "problem": state.problem or None,
            "checked_at": local_time(state.checked_at) if state.checked_at else None,
            "failing_since": local_time(state.failing_since) if state.failing_since else None,
        }  # fmt: skip
    return payload
