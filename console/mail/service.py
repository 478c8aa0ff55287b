"""Queueing mail in the transaction that causes it; sending it again, and stopping it from being sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import make_msgid
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import ColumnElement, false, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.mail import limits, links
from console.mail.compose import BY_HAND
from console.mail.models import MAX_ERROR, Mail, MailState
from console.mail.receiving import stops
from console.mail.templates import render

# Which roles may is said in console.staff.roles, which lies above.
RESEND = "mail.resend"
KNOWN = "known"
_rules: dict[str, Callable[[Actor], ColumnElement[bool]]] = {}


class Recipient(Protocol):
    """A person with an address: a customer's, or one of the staff."""

    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str | None: ...


@runtime_checkable
class Leaver(Protocol):
    """A recipient who may turn some kinds of mail off."""

    def leaves(self, template: str) -> str | None:
        """Return what they would turn off, for ``List-Unsubscribe``; ``None`` where they cannot."""
        ...


@dataclass(frozen=True)
class NoRecipient:
    """A recipient for work that is rolled back: its time must not tell whether there is such a person."""

    email: str = "nobody@example.invalid"
    name: str = ""
    language: str | None = None


class Account(Protocol):
    """The customer's account that a mail is about."""

    @property
    def id(self) -> int: ...
    @property
    def language(self) -> str: ...


def queue(
    template: str,
    /,
    *,
    to_address: str,
    to_name: str = "",
    language: str | None = None,
    customer_id: int | None = None,
    about: str | None = None,
    send_after: datetime | None = None,
    in_reply_to: str | None = None,
    references: str | None = None,
    reply_to: str | None = None,
    from_address: str | None = None,
    shown_to: str | None = None,
    cc: Sequence[str] = (),
    leaves: str | None = None,
    attachments: Sequence[dict[str, Any]] = (),
    caused_by: Actor | None = None,
    **values: Any,
) -> Mail:
    """Write one mail to be sent after the commit. The only way a mail comes to be, but for a copy sent by hand.

    Args:
        template: a name under ``templates/mail``.
        language: ``sr_Latn`` or ``en``; the installation's own when unknown.
        customer_id: the account it is about.
        about: the thing it is about, as ``ticket:418``.
        send_after: not to leave before; at once when not given.
        in_reply_to, references: Message-IDs of the thread (RFC 5322, 3.6.4).
        reply_to: where answers go, if not to the sender's address.
        from_address: an address of ours that it comes from, if not ``CONSOLE_MAIL_FROM``.
        shown_to, cc: the addresses in the headers of a copy; in its To is ``to_address`` when not given.
        leaves: what its receiver may turn off by one click: see :mod:`console.mail.unsubscribing`.
        attachments: files of the store: ``name``, ``type``, ``size``, ``digest``; or what is made when it is sent,
            see :mod:`console.mail.attachments`.
        caused_by: who causes it, where strangers can cause this kind of mail too.
        values: what the template shows. Never a PIN, password or code; what opens something as a
            :class:`~console.mail.links.SecretLink`.

    Raises:
        TooMany: strangers can cause it, and the address got enough of that: see :mod:`console.mail.limits`.
    """
    counted_as = limits.count(template, to_address, caused_by)
    if counted_as is not None and not limits.is_proven(to_address):
        to_name = ""  # a stranger chose it
    language = language or settings().locale
    now = clock.now()
    rendered = render(template, language, brand=settings().brand, base_url=settings().base_url, **values)
    text, html, sealed = links.put_away(rendered.text, rendered.html, values.values())
    mail = Mail(
        message_id=_new_message_id(),
        template=template,
        language=language,
        to_address=to_address,
        to_name=to_name,
        subject=rendered.subject,
        text=text,
        html=html,
        customer_id=customer_id,
        created_at=now,
        send_after=send_after or now,
        subject_ref=about,
        in_reply_to=in_reply_to,
        references=references,
        reply_to=reply_to,
        from_address=from_address,
        shown_to=shown_to,
        cc=list(cc),
        leaves=leaves,
        attachments=list(attachments),
        private=sealed is not None,
        sealed_links=sealed,
        counted_as=counted_as,
    )
    _keep_back(mail)
    db.session.add(mail)
    db.session.flush()
    return mail


def _keep_back(mail: Mail) -> None:
    """Fail automatic mail to an address that permanently rejected one at once, so that staff see it and can send it.

    What a person of ours wrote goes out, and so does what its receiver asked for to sign in.
    """
    if mail.template in BY_HAND or limits.CAUSES[mail.template] is limits.Cause.SIGN_IN:
        return
    refused = stops.stopped(mail.to_address)
    if refused is not None:
        mail.state, mail.failed_at = MailState.FAILED, mail.created_at
        mail.last_error = f"not sent: the address refused an earlier e-mail. {refused.diagnostic}".strip()[:MAX_ERROR]


def write_to(
    person: Recipient,
    account: Account | None,
    template: str,
    /,
    *,
    about: str | None = None,
    send_after: datetime | None = None,
    attachments: Sequence[dict[str, Any]] = (),
    **values: Any,
) -> Mail:
    """Queue a mail to a person we know: to their address, in their language or the account's.

    Args:
        person: the template knows them as ``name``.
        about: the subject, as ``migration:M-12``.
        send_after: not to leave before.
        attachments: as in :func:`queue`.
    """
    return queue(
        template,
        to_address=person.email,
        to_name=person.name,
        language=person.language or (account.language if account else None),
        customer_id=account.id if account else None,
        about=about,
        send_after=send_after,
        attachments=attachments,
        leaves=person.leaves(template) if isinstance(person, Leaver) else None,
        name=person.name,
        **values,
    )


def rewrite(about: str, change: Callable[[str], str]) -> None:
    """Change a text in all mails about something, sent ones too: what has left stays out there, but not here.

    Args:
        about: the thing, as ``ticket:418``.
        change: returns a text as it is to be.
    """
    for mail in db.session.scalars(select(Mail).where(Mail.subject_ref == about).with_for_update(of=Mail)):
        mail.subject, mail.text, mail.html = change(mail.subject), change(mail.text), change(mail.html)


def cancel(mail_id: int) -> bool:
    """Keep a queued mail from being sent; tell whether it was in time. One that is being sent is on its way."""
    mail = _lock(mail_id)
    if mail is None or mail.state is not MailState.QUEUED or _leaving(mail):
        return False
    mail.state = MailState.CANCELLED
    mail.sealed_links = None
    mail.lease = mail.leased_until = None
    db.session.flush()
    return True


def resend(actor: Actor, mail_id: int) -> Mail:
    """Resend a mail by hand.

    A failed one is queued again as the same message, and so is one that waits for
    its next try. One that was sent goes out as a new message, a copy of it.

    Returns:
        The mail that will be sent.

    Raises:
        NotFound: no such mail, or ``actor`` may not.
        Conflict: ``waiting`` (it will be sent anyway, or a copy of it), ``withdrawn``, ``link_gone``.
    """
    mail = _lock_for(actor, mail_id)
    if mail.state is MailState.CANCELLED:
        raise Conflict(lazy_gettext("This e-mail was withdrawn before it was sent."), code="withdrawn")
    if mail.state is MailState.QUEUED and (mail.attempts == 0 or _leaving(mail)):
        raise Conflict(lazy_gettext("This e-mail is already waiting to be sent."), code="waiting")
    again = _copy(mail) if mail.state is MailState.SENT else _requeue(mail)
    db.session.flush()
    record(actor, "mail.resent", _named(mail), customer_id=mail.customer_id, template=mail.template, sent_as=again.id)
    return again


def withdraw(actor: Actor, mail_id: int) -> Mail:
    """Keep a queued mail from being sent, by hand.

    Raises:
        NotFound: no such mail, or ``actor`` may not.
        Conflict: ``gone``: it is on its way, was sent, has failed or was withdrawn.
    """
    mail = _lock_for(actor, mail_id)
    if not cancel(mail_id):
        raise Conflict(lazy_gettext("This e-mail is no longer queued and cannot be withdrawn."), code="gone")
    record(actor, "mail.withdrawn", _named(mail), customer_id=mail.customer_id, template=mail.template)
    return mail


def decided_by(rule: Callable[[Actor], ColumnElement[bool]]) -> None:
    """Register the condition "this person may know that the mail was sent": mail knows no tickets and no accounts.

    Without one it is refused.
    """
    _rules[KNOWN] = rule


def _lock_for(actor: Actor, mail_id: int) -> Mail:
    """Return a mail that ``actor`` may send again or withdraw, locked.

    Raises:
        NotFound: no such mail, or none that they may know of, or do this to.
    """
    actor.require(RESEND)
    known = _rules[KNOWN](actor) if KNOWN in _rules else false()
    if db.session.scalar(select(Mail.id).where(Mail.id == mail_id, known)) is None:
        raise NotFound
    mail = _lock(mail_id)
    if mail is None:
        raise NotFound
    return mail


def _lock(mail_id: int) -> Mail | None:
    return db.session.get(Mail, mail_id, with_for_update=True, populate_existing=True)


def _leaving(mail: Mail) -> bool:
    """Return whether a worker is sending it. A lease that ran out holds nothing: its worker is gone."""
    return mail.leased_until is not None and mail.leased_until > clock.now()


def _named(mail: Mail) -> str:
    return f"mail:{mail.id}"


def _requeue(mail: Mail) -> Mail:
    mail.state = MailState.QUEUED
    mail.send_after = clock.now()
    mail.attempts = 0
    mail.first_try_at = mail.failed_at = mail.lease = mail.leased_until = None
    mail.last_error = ""
    return mail


def _copy(mail: Mail) -> Mail:
    """Queue a new message that says the same."""
    waiting = db.session.scalar(select(Mail.id).where(Mail.copy_of_id == mail.id, Mail.state == MailState.QUEUED))
    if waiting is not None:
        raise Conflict(lazy_gettext("This e-mail is already waiting to be sent."), code="waiting")
    try:
        sealed = links.sealed_for(mail)
    except links.LinkGone:
        raise Conflict(
            lazy_gettext("The link in this e-mail was for single use and was not stored. Request a new one instead."),
            code="link_gone",
        ) from None
    now = clock.now()
    copy = Mail(
        message_id=_new_message_id(),
        template=mail.template,
        language=mail.language,
        to_address=mail.to_address,
        to_name=mail.to_name,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        customer_id=mail.customer_id,
        created_at=now,
        send_after=now,
        subject_ref=mail.subject_ref,
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        reply_to=mail.reply_to,
        from_address=mail.from_address,
        shown_to=mail.shown_to,
        cc=list(mail.cc),
        leaves=mail.leaves,
        attachments=list(mail.attachments),
        private=mail.private,
        sealed_links=sealed,
        copy_of_id=mail.id,
    )
    db.session.add(copy)
    return copy


def _new_message_id() -> str:
    return make_msgid(domain=Address(addr_spec=settings().mail_from).domain)
