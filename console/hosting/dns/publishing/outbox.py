"""Publishing what was saved: the work of a worker (the job ``dns.publish``), of as many as there are.

A worker takes one zone by a lease, reads its newest version, speaks to the name server with no transaction open, and
writes down how that went. The lease is the zone's: two versions of it are never on their way at once, and a zone whose
worker was killed is free again when the lease runs out. What fails is tried again, later each time, without an end.
"""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Update, and_, case, or_, select, update

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.hosting.dns.models import MAX_ERROR, Publication, Zone
from console.hosting.dns.publishing.folder import ZoneFolder
from console.hosting.dns.publishing.powerdns import PowerDns
from console.hosting.dns.publishing.snapshot import Publisher, PublishingFailed, Snapshot
from console.hosting.dns.queries import all_records, authority
from console.mail.relay import pause

log = get_logger(__name__)

LEASE = timedelta(minutes=2)  # more than the requests of one zone may take together
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)


def publish_due() -> int:
    """Publish every zone that is due; return how many were."""
    publish = publisher()
    me = f"{socket.gethostname()[:22]}:{token_hex(8)}"
    done = 0
    while (zone_id := _claim(me)) is not None:
        snapshot = _read(zone_id)
        try:
            publish(snapshot)
        except PublishingFailed as failure:
            _note_failure(zone_id, me, failure.words)
            log.warning("zone not published", zone=snapshot.name, version=snapshot.version, answer=failure.words)
            if failure.is_down:
                return done
        except Exception as error:
            _note_failure(zone_id, me, type(error).__name__)  # its words are for the log: they may hold a secret
            log.exception("zone not published", zone=snapshot.name, version=snapshot.version)
        else:
            _note_success(zone_id, me, snapshot)
            log.info("zone published", zone=snapshot.name, version=snapshot.version, serial=snapshot.serial)
            done += 1
    return done


def publisher() -> Publisher:
    """Return the way that this installation publishes."""
    now = settings()
    return PowerDns.from_setting(now.dns_url).publish if now.dns_url else ZoneFolder(now.zone_folder).publish


def _claim(me: str) -> int | None:
    """Take the zone that has waited longest."""
    now = clock.now()
    due = and_(Publication.due_at <= now, or_(Publication.leased_until.is_(None), Publication.leased_until <= now))
    if db.session.scalar(select(Publication.zone_id).where(due).limit(1)) is None:  # most runs: no need to write
        return None
    oldest = select(Publication.zone_id).where(due).order_by(Publication.due_at).limit(1)
    with transaction() as session:
        zone_id = session.scalar(oldest.with_for_update(skip_locked=True))
        if zone_id is not None:
            values = {"lease": me, "leased_until": now + LEASE}
            session.execute(update(Publication).where(Publication.zone_id == zone_id).values(values))
    return zone_id


def _read(zone_id: int) -> Snapshot:
    """Return the newest version; the zone is held still, so that its number is that of its records."""
    with transaction() as session:
        zone = session.get_one(Zone, zone_id, with_for_update={"read": True}, populate_existing=True)
        records = tuple(one for _key, one in all_records(zone))
        return Snapshot(zone.domain.name, zone.version, zone.serial, records, authority())


def _note_success(zone_id: int, me: str, snapshot: Snapshot) -> None:
    now = clock.now()
    newest = Publication.version <= snapshot.version
    values = {
        "published_version": snapshot.version,
        "published_at": now,
        "due_at": case((newest, None), else_=now),
        "failures": 0,
        "failing_since": None,
        "last_error": "",
        "lease": None,
        "leased_until": None,
    }
    with transaction() as session:
        session.execute(_mine(zone_id, me).values(values))


def _note_failure(zone_id: int, me: str, words: str) -> None:
    now: datetime = clock.now()
    with transaction() as session:
        query = select(Publication).where(Publication.zone_id == zone_id, Publication.lease == me).with_for_update()
        row = session.scalar(query.execution_options(populate_existing=True))
        if row is None:  # the lease ran out, and another worker has it
            return
        row.failures += 1
        row.failing_since = row.failing_since or now
        row.due_at = now + pause(row.failures, FIRST_PAUSE, LONGEST_PAUSE)
        row.last_error = words[:MAX_ERROR]
        row.lease = row.leased_until = None


def _mine(zone_id: int, me: str) -> Update:
    whose = update(Publication).where(Publication.zone_id == zone_id, Publication.lease == me)
    return whose.execution_options(synchronize_session=False)
