"""Work that no request waits for: periodic jobs, on one machine inside the server, else ``console worker``.

Several workers may run the same job at once: each job reads the truth from
tables, claims what it takes and does nothing twice. A domain adds a job by a
row in :data:`JOBS`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import gevent
from apscheduler.schedulers.gevent import GeventScheduler
from flask import Flask
from gevent.event import Event
from sqlalchemy import delete, or_

from console.audit import anchor
from console.billing.migration import execute_due, expire_due
from console.billing.migration.batches.work import work_due
from console.billing.payments.mails import send_due as mail_payers
from console.billing.pdf import jobs as document_files
from console.billing.renewals import jobs as renewals
from console.billing.statements import importing as statements
from console.chat.retention import delete_unsent
from console.chat.service.deadlines import sweep as chat_sweep
from console.core import clock
from console.core.context import settings
from console.core.db import db, update_statistics
from console.core.errors import Busy, NoSpace, Refusal, Unavailable
from console.core.hub import rest_the_collector
from console.core.idempotency import IdempotencyKey
from console.core.logging import get_logger
from console.core.metrics import JOBS as JOB_RUNS
from console.core.outages import as_refusal
from console.core.transaction import transaction
from console.customers import registration
from console.customers.account import emails, handover
from console.customers.models import Guard
from console.hosting.dns.publishing.outbox import publish_due
from console.identity.oidc import families, keys
from console.mail import limits, sending
from console.privacy import retention
from console.privacy.service import erasure, exports
from console.staff.models import StaffSession
from console.tickets.mail_in import watching
from console.tickets.mail_in.service.receiving import deliver_due
from console.tickets.reviews.jobs import gather as reviews_gather
from console.tickets.sla.jobs import update_targets as update_sla_targets
from console.tokens import service as tokens

log = get_logger(__name__)

KEEP_TOKENS = timedelta(days=7)  # expired ones: a late visitor learns that anyway
KEEP_PROVEN = timedelta(days=365)  # that an address is read by who opened a link there
KEEP_GUARDS = timedelta(days=1)  # windows and locks are minutes
KEEP_KEYS = timedelta(days=30)  # a caller that repeats does it sooner
KEEP_CODES = timedelta(days=1)  # of single sign-on, and its tokens; shown again, they are not known any more
FINISH_SECONDS = 5.0


@dataclass(frozen=True)
class Job:
    """Something done again and again, in an application context of its own."""

    name: str
    every: timedelta
    run: Callable[[], object]


def note_audit_end() -> None:
    """Note the audit chain's end outside the database."""
    anchor.advance(db.session(), settings().anchor_file)


def clear_old_rows() -> None:
    """Delete what has served: ended sessions, links and guards that serve no more, idempotency keys."""
    now = clock.now()
    with transaction() as session:
        ended = now - timedelta(days=settings().session_keep_days)
        over = or_(StaffSession.expires_at < ended, StaffSession.revoked_at < ended)
        session.execute(delete(StaffSession).where(over))
        tokens.clear(now - KEEP_TOKENS)
        limits.clear(now - KEEP_PROVEN)
        registration.clear(now)
        families.clear(now - KEEP_CODES)
        session.execute(delete(Guard).where(Guard.updated_at < now - KEEP_GUARDS))
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEEP_KEYS))


def expire_migrations() -> None:
    """End the migrations that were not decided in time, a batch at a time."""
    while True:
        with transaction():
            ended = expire_due()
        if ended == 0:
            return
        log.info("migrations expired", count=ended)


def refresh_statistics() -> None:
    """Let a SQLite database know how it is filled."""
    with transaction() as session:
        update_statistics(session)


def expire_account_requests() -> None:
    """End the handovers and new sign-in addresses that were not confirmed in time."""
    with transaction():
        handover.expire_due()
        emails.expire_due()


JOBS = (
    Job("audit.anchor", timedelta(minutes=1), note_audit_end),
    Job("migrations.expire", timedelta(minutes=1), expire_migrations),
    Job("migrations.execute", timedelta(minutes=1), execute_due),
    Job("migrations.batches", timedelta(seconds=2), work_due),
    Job("accounts.expire", timedelta(minutes=5), expire_account_requests),
    Job("documents.make", timedelta(seconds=20), document_files.make_recent),
    Job("payments.mail", timedelta(seconds=10), mail_payers),
    Job("billing.renewals", timedelta(minutes=5), renewals.run),
    Job("mail.send", timedelta(seconds=2), sending.send_due),
    Job("mail.read", timedelta(seconds=3), watching.read_due),
    Job("mail.deliver", timedelta(seconds=20), deliver_due),
    Job("dns.publish", timedelta(seconds=2), publish_due),
    Job("sla.watch", timedelta(seconds=30), update_sla_targets),
    Job("chat.sweep", timedelta(seconds=5), chat_sweep),
    Job("statements.import", timedelta(seconds=5), statements.import_due),
    Job("data.exports", timedelta(seconds=20), exports.prepare_due),
    Job("data.clear", timedelta(minutes=10), exports.clear),
    Job("data.erase", timedelta(minutes=10), erasure.perform_due),
    Job("data.delete", timedelta(hours=1), retention.delete_due),
    Job("chat.unsent", timedelta(minutes=5), delete_unsent),
    Job("reviews.gather", timedelta(minutes=5), reviews_gather),
    Job("rows.clear", timedelta(hours=1), clear_old_rows),
    Job("database.statistics", timedelta(hours=6), refresh_statistics),
    Job("sso.keys", timedelta(hours=1), keys.rotate_due),
)


def run_job(app: Flask, job: Job) -> bool:
    """Run ``job`` once and tell whether it went well. A failure is logged; the next run tries again."""
    with app.app_context():
        try:
            job.run()
        except Exception as error:
            if outage := _outage(error):
                log.warning("job put off", job=job.name, reason=outage.code)
            else:
                log.exception("job failed", job=job.name)
            JOB_RUNS.labels(job.name, "failed").inc()
            return False
    JOB_RUNS.labels(job.name, "done").inc()
    return True


def _outage(error: Exception) -> Refusal | None:
    """Return what the database or the disk refused, where that is it: no traceback every few seconds says more."""
    refusal = error if isinstance(error, Refusal) else as_refusal(error)
    return refusal if isinstance(refusal, Busy | NoSpace | Unavailable) else None


def start(app: Flask, *, after: timedelta = timedelta(0)) -> GeventScheduler:
    """Run every job, then again and again on greenlets of this process, until :func:`stop`.

    Args:
        after: how long from now; a process that also serves answers first those who have waited for it.
    """
    sending.resume()
    watching.resume()
    first = datetime.now(UTC) + after  # the machine's time: APScheduler knows no other
    scheduler = GeventScheduler(timezone=UTC)
    for job in JOBS:
        scheduler.add_job(
            run_job,
            "interval",
            args=(app, job),
            id=job.name,
            seconds=job.every.total_seconds(),
            next_run_time=first,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    scheduler.start()
    return scheduler


def stop(scheduler: GeventScheduler) -> None:
    """Start no job any more, and let the mail that is being sent be sent: cut off, it would be sent twice."""
    scheduler.shutdown(wait=True)
    watching.finish(FINISH_SECONDS)
    sending.finish(FINISH_SECONDS)


def run_forever(app: Flask) -> None:
    """Be a worker process until SIGTERM or Ctrl-C."""
    told_to_stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, told_to_stop.set)
    scheduler = start(app)
    rest_the_collector()
    log.info("worker started", jobs=[job.name for job in JOBS])
    told_to_stop.wait()
    stop(scheduler)
    log.info("worker stopped")
