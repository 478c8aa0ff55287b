"""The counters of ``/metrics`` (Prometheus text format). One process counts for itself."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "console_request_seconds",
    "Requests answered, by endpoint, and how long each took",
    ["endpoint", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TRANSACTIONS = Counter("console_transactions", "Write transactions, by how they ended", ["outcome"])
ACTIONS = Counter("console_actions", "Committed actions of the audit log, by name", ["action"])
JOBS = Counter("console_jobs", "Periodic jobs run, by name and how they ended", ["job", "outcome"])
MAILS = Counter("console_mails", "Tries to send a mail, by outcome: sent, failed, retried", ["outcome"])
PUSHES = Counter("console_pushes", "Pushes for other processes, by outcome: published, dropped", ["outcome"])
# Read from the tables at each scrape, so that they are the same wherever the worker runs.
MAIL_QUEUE = Gauge("console_mail_queue", "Mail that waits to be sent")
MAIL_AGE = Gauge("console_mail_oldest_seconds", "How long the oldest mail of the queue has been waiting")
MAIL_RELAY_FAILING = Gauge("console_mail_relay_failing", "1 while the mail server as a whole fails")


def count_actions(actions: Iterable[str]) -> None:
    """Count what a transaction has committed: verifications, migrations, sign-ins."""
    for action in actions:
        ACTIONS.labels(action).inc()
