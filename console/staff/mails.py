"""What is written to staff about their own account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.mail.models import Mail
from console.mail.service import queue
from console.staff.models import Staff


def write_to(staff: Staff | None, template: str, /, **values: Any) -> Mail:
    """Write a mail to one of us; to no one (``None``) it is the same work, which the caller takes back."""
    return queue(
        template,
        to_address=staff.email if staff else "nobody@example.invalid",
        to_name=staff.name if staff else "",
        language=staff.language if staff else None,
        name=staff.name if staff else "",
        **values,
    )


def tell_password_changed(staff: Staff, at: datetime) -> None:
    """Tell that the password is another one now."""
    write_to(staff, "staff_password_changed", at=at)
