"""What is written to staff about their own account."""

from __future__ import annotations

from datetime import datetime

from console.mail.service import write_to
from console.staff.models import Staff


def notify_password_changed(staff: Staff, at: datetime) -> None:
    """Tell that the password is another one now."""
    write_to(staff, None, "staff_password_changed", at=at)
