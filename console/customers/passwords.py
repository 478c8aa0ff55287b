"""A person's password: changed by its owner, or replaced through a link in a mail, once and for an hour.

Answer and work are the same for every address, so that they do not tell who is a customer. A request takes nothing
away: the password, the sessions and links that were sent before go on until a link is used. A password that was
replaced through a mailbox begins a security hold: the mailbox may have changed hands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.customers import holds
from console.customers.models import Person, PersonSession
from console.customers.signin import PasswordProof
from console.mail import limits
from console.mail.links import SecretLink
from console.mail.service import NoRecipient, write_to
from console.tokens import service as tokens

RESET = "person.password"  # what a token that changes a password is for
LASTS = timedelta(hours=1)
# As long as so many links of one person serve no further one is mailed, so that no mailbox is flooded. A request in
# another's name does not lock them out: one of these links is in their mailbox.
MOST_LINKS = 3
_replaced: dict[str, Callable[[Person], None]] = {}


def register_replaced(name: str, listener: Callable[[Person], None]) -> None:
    """Register what ends with a person's other sessions where their password is another one, in its transaction."""
    _replaced[name] = listener


def change_password(actor: Actor, proof: PasswordProof, password_hash: str, *, keep_session: int) -> None:
    """Change the person's password; every other session ends.

    Args:
        proof: that the present password was shown.

    Raises:
        NotFound: it is another person's.
        Conflict: ``changed``: the password was changed since it was compared.
    """
    person = _lock(proof.person_id)
    if actor.kind != "person" or actor.id != person.id:
        raise NotFound
    if person.password_hash != proof.password_hash:
        raise Conflict(lazy_gettext("The password was changed in the meantime. Sign in again."), code="changed")
    _put(actor, person, password_hash, keep_session=keep_session)


def ask(email: str, address: str | None) -> None:
    """Mail a link to the person who signs in with ``email``; to no one else."""
    query = select(Person).where(Person.email == normal_email(email)).with_for_update()
    person = db.session.scalar(query.execution_options(populate_existing=True))
    if person is not None and person.password_hash is None:
        person = None  # a contact, who has no sign-in
    subject = _subject(person.id if person else 0)
    sent = person is not None and tokens.count_live(RESET, subject) < MOST_LINKS
    with db.session.begin_nested() as savepoint:
        token = tokens.issue(RESET, subject, LASTS)
        link = SecretLink(f"{settings().base_url}/moj/reset/", token)
        write_to(
            person or NoRecipient(),
            None,
            "person_password_reset",
            link=link,
            until=clock.now() + LASTS,
            portal=settings().portal_brand,
        )
        if not sent:
            savepoint.rollback()
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "person.reset_asked", f"person:{person.id}" if person else "unknown", sent=sent)


def person_behind(token: str) -> Person:
    """Return whose password the link changes. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: the link was used, is too old, or never was.
    """
    subject = tokens.subject_of(RESET, token)
    person = db.session.get(Person, int(subject.partition(":")[2])) if subject else None
    if person is None or person.password_hash is None:
        raise tokens.gone()
    return person


def reset(token: str, password_hash: str, address: str | None) -> Person:
    """Use the link up: the password is a new one, every session ends, every other link is void, the hold begins.

    Raises:
        NotFound: as in :func:`person_behind`.
    """
    person = _lock(person_behind(token).id)
    if tokens.use(RESET, token) != _subject(person.id):
        raise tokens.gone()
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    record(actor, "person.password_reset", _subject(person.id))
    _put(actor, person, password_hash, held=True)
    limits.prove(person.email)
    return person


def void_links(person: Person) -> None:
    """Make the links void that would replace a person's password, as part of another verb."""
    tokens.revoke(RESET, _subject(person.id))


def _put(
    actor: Actor, person: Person, password_hash: str, *, keep_session: int | None = None, held: bool = False
) -> None:
    person.password_hash = password_hash
    db.session.flush()
    ended = update(PersonSession).where(PersonSession.person_id == person.id, PersonSession.revoked_at.is_(None))
    if keep_session is not None:
        ended = ended.where(PersonSession.id != keep_session)
    db.session.execute(ended.values(revoked_at=clock.now()))
    void_links(person)
    for listener in _replaced.values():
        listener(person)
    until = holds.begin(actor, person, "password_reset") if held else None
    write_to(person, None, "person_password_changed", at=clock.now(), until=until, portal=settings().portal_brand)
    record(actor, "person.password_set", _subject(person.id))


def _lock(person_id: int) -> Person:
    person = db.session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound
    return person


def _subject(person_id: int) -> str:
    return f"person:{person_id}"
