"""What the worker does for billing, in the order in which one thing makes room for the next."""

from __future__ import annotations

from console.billing.renewals import ending, generating, reminders
from console.core.logging import get_logger

log = get_logger(__name__)


def run() -> None:
    """Cancel renewals that are void, bill what is due, remind, ask for suspensions, let services expire."""
    counts = {
        "cancelled": ending.cancel_void(),
        "billed": generating.generate(),
        "reminded": reminders.remind_due(),
        "suspensions": ending.request_suspensions(),
        "expired": ending.expire_due(),
    }
    if any(counts.values()):
        log.info("billing done", **counts)
