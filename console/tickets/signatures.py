"""What stands under a reply by mail: the agent's own signature, then the mailbox's, or else department and brand."""

from __future__ import annotations

from dataclasses import dataclass

from console.core.context import settings
from console.staff.models import Department, Staff


@dataclass(frozen=True)
class SignOff:
    """Both parts, of one line or several."""

    agent: str
    desk: str


def sign_off(
    staff: Staff | None, name: str, department: Department, language: str, mailbox_signature: str = ""
) -> SignOff:
    """Return what stands under a reply.

    Args:
        staff: who wrote it; ``None`` where they are not known any more.
        name: theirs, as it was then.
        mailbox_signature: of the mailbox that the reply goes out by.
    """
    first_name = next(iter(name.split()), name)
    own = staff.signature(language) if staff is not None else ""
    return SignOff(own or first_name, mailbox_signature or f"{department.name(language)}, {settings().brand}")
