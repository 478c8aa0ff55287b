"""Copies of someone's data: asked for, prepared by a worker, downloaded once, deleted after their time.

The link in the mail works once and is not enough: the person must be signed in to download.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import IO

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import files as store
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound, TooMany
from console.core.files import DamagedFile
from console.core.leases import claim
from console.core.logging import get_logger
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import holds, signin
from console.customers.access import membership_behind
from console.customers.models import Customer, Membership, Person
from console.mail.links import SecretLink
from console.mail.service import write_to
from console.privacy.models import DataExport, ExportState
from console.privacy.parts import Part
from console.privacy.registry import SOURCES
from console.tokens import service as tokens

log = get_logger(__name__)

PURPOSE = "privacy.export"
LEASE = timedelta(minutes=10)
MOST_TRIES = 3
MOST_A_DAY = 3
LISTED = 5
IN_MEMORY = 8 * 1024 * 1024


def request_export(actor: Actor, customer: Customer | None = None) -> DataExport:
    """Ask for a copy of one's data, with the accounts one owns; or of one such account alone.

    Args:
        actor: the person themselves; or staff under a live verification of the account's owner.
        customer: the account; staff always name one.

    Raises:
        NotFound: it is not their account.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
        Conflict: ``waiting``: one is being prepared; or ``held``.
        TooMany: three were asked for within a day.
    """
    person = _owner_behind(actor, customer)
    signin.require_confirmed(actor)
    db.session.get_one(Person, person.id, with_for_update=True)
    holds.require_none(person)  # who took a mailbox over does not take everything along
    recent = [row for row in exports_of(person) if row.requested_at > clock.now() - timedelta(days=1)]
    if any(row.state is ExportState.QUEUED for row in recent):
        raise Conflict(lazy_gettext("A copy is being prepared. We will e-mail you when it is ready."), code="waiting")
    if len(recent) >= MOST_A_DAY:
        wait = recent[MOST_A_DAY - 1].requested_at + timedelta(days=1) - clock.now()
        raise TooMany(
            lazy_gettext("You can ask for three copies a day."), retry_after=max(1, round(wait.total_seconds()))
        )
    row = DataExport(
        person_id=person.id,
        customer_id=customer.id if customer is not None else None,
        staff_id=actor.id if actor.kind == "staff" else None,
        requested_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    _record(actor, "export.requested", row)
    return row


def exports_of(person: Person) -> Sequence[DataExport]:
    """Return the last copies that were asked for, newest first."""
    query = select(DataExport).where(DataExport.person_id == person.id).order_by(DataExport.id.desc()).limit(LISTED)
    return db.session.scalars(query).all()


def export_behind(actor: Actor, token: str) -> DataExport:
    """Return the copy that a link leads to. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: it was used, is too old, or is another person's.
    """
    subject = tokens.subject_of(PURPOSE, token)
    row = db.session.get(DataExport, int(subject.partition(":")[2])) if subject else None
    if row is None or row.state is not ExportState.READY or actor.kind != "person" or actor.id != row.person_id:
        raise tokens.gone()
    return row


def download(actor: Actor, token: str) -> bytes:
    """Use the link up and return the archive.

    Raises:
        NotFound: as in :func:`export_behind`.
    """
    row = export_behind(actor, token)
    if tokens.use(PURPOSE, token) != _subject(row):
        raise tokens.gone()
    try:
        content = store().get(row.digest or "")
    except (FileNotFoundError, DamagedFile, ValueError) as error:
        raise tokens.gone() from error
    row.downloaded_at = clock.now()
    db.session.flush()
    _record(actor, "export.downloaded", row)
    return content


# --- the worker


def prepare_due() -> int:
    """Prepare what was asked for, one at a time; return how many became ready."""
    made = 0
    while (claimed := _claim()) is not None:
        key, lease = claimed
        try:
            made += _prepare(key, lease)
        except Exception:
            log.exception("an export failed", export=key)
            with transaction():
                _give_up(key, lease)
    return made


def clear() -> None:
    """Delete the archives whose time is over, and those of a person who has been erased."""
    with transaction() as session:
        over = select(DataExport).where(DataExport.state == ExportState.READY, DataExport.expires_at < clock.now())
        for row in session.scalars(over.with_for_update(skip_locked=True)).all():
            discard(row)


def discard(row: DataExport) -> None:
    """Delete one archive; its link is void."""
    tokens.revoke(PURPOSE, _subject(row))
    if row.digest is not None:
        store().remove(row.digest)  # no other row has it: an archive says when it was made
    row.state, row.digest = ExportState.DELETED, None
    db.session.flush()
    _record(SYSTEM, "export.deleted", row)


def _claim() -> tuple[int, str] | None:
    return claim(DataExport, DataExport.state == ExportState.QUEUED, LEASE, attempts=DataExport.attempts + 1)


def _prepare(key: int, lease: str) -> bool:
    row = db.session.get_one(DataExport, key, populate_existing=True)
    if row.customer is not None and not _owns(row.person, row.customer):  # handed over since
        with transaction():
            _fail(key, lease)
        return False
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        write_archive(file, row.person, row.customer)
        file.seek(0)
        content = file.read()
    digest = store().put(content)
    with transaction() as session:
        row = session.get_one(DataExport, key, with_for_update=True, populate_existing=True)
        if row.lease != lease or row.state is not ExportState.QUEUED:
            store().remove(digest)
            return False
        lasts = timedelta(days=settings().export_keep_days)
        row.state, row.digest, row.size = ExportState.READY, digest, len(content)
        row.ready_at, row.expires_at, row.lease, row.leased_until = clock.now(), clock.now() + lasts, None, None
        session.flush()
        token = tokens.issue(PURPOSE, _subject(row), lasts)
        write_to(
            row.person,
            None,
            "export_ready",
            link=SecretLink(f"{settings().base_url}/moj/export/", token),
            until=row.expires_at,
            portal=settings().portal_brand,
        )
        _record(SYSTEM, "export.ready", row)
    return True


def _give_up(key: int, lease: str) -> None:
    if db.session.get_one(DataExport, key, populate_existing=True).attempts >= MOST_TRIES:
        _fail(key, lease)


def _fail(key: int, lease: str) -> None:
    row = db.session.get_one(DataExport, key, with_for_update=True, populate_existing=True)
    if row.lease == lease:
        row.state, row.lease, row.leased_until = ExportState.FAILED, None, None


def _owns(person: Person, customer: Customer) -> bool:
    query = select(Membership.id).where(
        Membership.customer_id == customer.id, Membership.person_id == person.id, Membership.is_owner
    )
    return db.session.scalar(query) is not None


# --- the archive


def write_archive(file: IO[bytes], person: Person, customer: Customer | None) -> None:
    """Write everything of a person and of the accounts they own; or of one account alone."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        names: list[str] = []
        for part in _parts(person, customer):
            names.append(f"{part.name}.json")
            archive.writestr(names[-1], json.dumps(part.data, ensure_ascii=False, indent=1))
            names += _write_files(archive, part)
        about = {"made_at": _local(clock.now()), "person": person.email, "files": names}
        if customer is not None:
            about["account"] = customer.number
        archive.writestr("index.json", json.dumps(about, ensure_ascii=False, indent=1))


def _parts(person: Person, customer: Customer | None) -> Iterator[Part]:
    owned = [customer] if customer is not None else [row.customer for row in person.memberships if row.is_owner]
    for source in SOURCES:
        if customer is None:
            yield from source.of_person(person)
        for account in owned:
            yield from source.of_account(account)


def _write_files(archive: zipfile.ZipFile, part: Part) -> Iterable[str]:
    for number, (name, digest) in enumerate(part.files, 1):
        try:
            content = store().get(digest)
        except (FileNotFoundError, DamagedFile):
            log.warning("a file is missing in an export: run `console doctor`", digest=digest)
            continue
        place = f"{PurePosixPath(part.name).parent}/files/{PurePosixPath(part.name).name}-{number}-{name}"
        archive.writestr(place, content)
        yield place


def _local(instant: datetime) -> str:
    return instant.astimezone(settings().zone).isoformat(timespec="seconds")


def _owner_behind(actor: Actor, customer: Customer | None) -> Person:
    """Return whose copy ``actor`` may ask for.

    Raises:
        NotFound: the account is not theirs, or its owner is not verified.
    """
    if customer is None:
        person = db.session.get(Person, actor.id) if actor.kind == "person" else None
        if person is None:
            raise NotFound
        return person
    member: Membership | None = membership_behind(actor, customer.id)
    if member is None or not member.is_owner:
        raise NotFound(code="not_allowed")
    return member.person


def _record(actor: Actor, action: str, row: DataExport) -> None:
    record(actor, action, f"person:{row.person_id}", customer_id=row.customer_id, export=row.id)


def _subject(row: DataExport) -> str:
    return f"export:{row.id}"
