"""Why a migration is refused: one name and one sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.texts import lazy_gettext

REASONS: dict[str, Text] = {
    "unverified": lazy_gettext(
        "Nobody with a live verification asked for this. Verify the caller by e-mail and support PIN."
    ),
    "no_right": lazy_gettext(
        "The verified person does not hold the right to give services away. The owner can grant it."
    ),
    "no_service": lazy_gettext("Choose at least one service."),
    "not_theirs": lazy_gettext("Not every chosen service belongs to the verified account."),
    "no_match": lazy_gettext(
        "Check the services and the new owner. Every service must belong to the verified account, and the new owner "
        "needs an open account: with several, give its number."
    ),
    "same_owner": lazy_gettext("The services already belong to this account."),
    "closed_source": lazy_gettext("The account the services leave is closed."),
    "closed_target": lazy_gettext("The new owner's account is not open."),
    "in_migration": lazy_gettext("A service is already in a migration."),
    "abuse": lazy_gettext("A service is suspended for abuse and does not move."),
    "transfer_locked": lazy_gettext("The owner has locked a service against transfer."),
    "cancelled_service": lazy_gettext("A service has ended and cannot move."),
    "hosted_together": lazy_gettext(
        "Another service was linked to one of these after the request. Ask for a new migration that includes it."
    ),
    "part_paid": lazy_gettext("An open pro-forma is partly paid. Settle or refund it first."),
    "exemption_lost": lazy_gettext(
        "A line that had no PDV would carry it. Confirm that the exemption is lost, or reject the migration."
    ),
    "four_eyes": lazy_gettext("You took the step before this one. Another person has to take this one."),
    "four_eyes_approval": lazy_gettext(
        "The person who asked for this migration also approved it. Reject it and ask again, so that another approves."
    ),
    "no_reason": lazy_gettext("Say why the service moves."),
    "stale_plan": lazy_gettext("Nothing was changed. What was previewed has changed since; look at the fresh preview."),
    "wrong_state": lazy_gettext("This migration has moved on in the meantime. Nothing was changed."),
    "expired": lazy_gettext("This request has expired. Nothing was changed; ask for a new one."),
}
# These say "not any more" rather than "not like this".
_CONFLICTS = frozenset(
    {
        "in_migration", "stale_plan", "wrong_state", "expired", "part_paid", "hosted_together",
        "four_eyes", "four_eyes_approval",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Obstacle:
    """One thing in the way, and what it concerns (``U-1002``, ``PR-2026-000004``)."""

    code: str
    concerns: tuple[str, ...] = ()

    @property
    def message(self) -> Text:
        return REASONS[self.code]


def refusal(code: str, concerns: Iterable[str] = ()) -> Refusal:
    """Return the named refusal, ready to be raised."""
    kind = Conflict if code in _CONFLICTS else Invalid
    return kind(REASONS[code], code=code, details={"concerns": list(concerns)} if concerns else {})
