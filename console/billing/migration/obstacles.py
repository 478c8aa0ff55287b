"""What forbids a migration, with a name and a sentence for each refusal.

Rules about its services and accounts, its state, the verification behind it; and the four-eyes rule: who asks for a
migration, who approves it and who executes it, no one person takes two steps in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.billing.models import Migration, MigrationState
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.texts import lazy_gettext
from console.customers.models import Customer, CustomerStatus, VerificationKind
from console.customers.rights import Right
from console.hosting.models import Service, ServiceStatus, SuspensionReason

REASONS: dict[str, Text] = {
    "unverified": lazy_gettext("This needs a valid verification. Verify the caller by e-mail and support PIN."),
    "no_right": lazy_gettext(
        "The verified person does not have the transfer permission. The account owner can grant it."
    ),
    "held": lazy_gettext(
        "The verified person’s sign-in was changed in the last 72 hours. For security, migrate the services after that."
    ),
    "no_service": lazy_gettext("Choose at least one service."),
    "not_theirs": lazy_gettext("Some of the selected services do not belong to the verified account."),
    "no_match": lazy_gettext(
        "Check the services and the new owner. Every service must belong to the verified account, and the new "
        "owner needs an open account. If they have several, enter the account number."
    ),
    "same_owner": lazy_gettext("The services already belong to this account."),
    "closed_source": lazy_gettext("The current owner’s account is closed."),
    "closed_target": lazy_gettext("The new owner’s account is not open."),
    "in_migration": lazy_gettext("One of the services is already being migrated."),
    "abuse": lazy_gettext("A service suspended for abuse cannot be migrated."),
    "transfer_locked": lazy_gettext("The owner has put a transfer lock on a service."),
    "cancelled_service": lazy_gettext("A service that has ended cannot be migrated."),
    "hosted_together": lazy_gettext(
        "Another service was linked to one of these after the request. Request a new migration that includes it."
    ),
    "exemption_lost": lazy_gettext(
        "PDV would be charged on a line that had none. Confirm that the exemption is lost, or reject the migration."
    ),
    "four_eyes": lazy_gettext("You did the previous step. Someone else has to do this one."),
    "four_eyes_approval": lazy_gettext(
        "This migration was approved by its requester. Reject it and request it again so that someone"
        " else can approve it."
    ),
    "no_reason": lazy_gettext("Enter the reason for the migration."),
    "stale_plan": lazy_gettext(
        "Nothing was changed because the data no longer matches the preview. Check the new preview."
    ),
    "wrong_state": lazy_gettext("The status of this migration has changed in the meantime. Nothing was done."),
    "not_accepted": lazy_gettext("The new owner has not accepted this migration yet."),
    "terms_changed": lazy_gettext(
        "The new owner would take over more than they accepted. Ask them again, then approve the new preview."
    ),
    "no_decline_reason": lazy_gettext("Enter the reason why you decline."),
    "no_such_day": lazy_gettext("Choose a day from tomorrow, at most 90 days ahead."),
    "scheduler_gone": lazy_gettext("The person who scheduled it may no longer decide on migrations."),
    "not_executed": lazy_gettext("Only an executed migration can be reversed."),
    "reversal_late": lazy_gettext(
        "The time for reversing this migration has passed. Request an ordinary migration instead."
    ),
    "reversed_already": lazy_gettext("This migration is already reversed, or its reversal is under way."),
    "moved_on": lazy_gettext("Some of the services have since moved to another owner."),
    "paid_since": lazy_gettext(
        "The new owner has paid a pro-forma that this migration issued. Request an ordinary migration instead."
    ),
    "not_the_same": lazy_gettext("A reversal moves the services of the original migration back to their former owner."),
    "in_batch": lazy_gettext("Another row of this file gives a linked service to someone else."),
    "twice": lazy_gettext("Another row of this file already names this service."),
    "with_refused": lazy_gettext("The row it would have moved with was refused."),
    "starter_gone": lazy_gettext("The person who started this may no longer move services."),
    "unknown_service": lazy_gettext("There is no service with this number."),
    "unknown_target": lazy_gettext("The new owner was not found, or owns several accounts. Enter the account number."),
    "fault": lazy_gettext("Unexpected error. Nothing in this row was moved. See the server log for details."),
    "expired": lazy_gettext("This request has expired. Nothing was changed; submit a new one."),
}
# These say "not any more" rather than "not like this".
_CONFLICTS = frozenset(
    {
        "held", "in_migration", "stale_plan", "wrong_state", "expired", "hosted_together",
        "four_eyes", "four_eyes_approval", "not_accepted", "terms_changed", "scheduler_gone", "not_executed",
        "reversal_late", "reversed_already", "moved_on", "paid_since", "in_batch", "starter_gone",
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


def reason_of(code: str | None) -> Text:
    """Return why a row of a batch does not move; empty where nothing forbids it."""
    return REASONS.get(code, REASONS["fault"]) if code else ""


def service_obstacles(services: Sequence[Service], owner_id: int) -> list[Obstacle]:
    """Return what about the services themselves forbids the move."""
    tests: dict[str, Any] = {
        "not_theirs": lambda service: service.customer_id != owner_id,
        "abuse": lambda service: service.suspension is SuspensionReason.ABUSE,
        "transfer_locked": lambda service: service.transfer_locked,
        "cancelled_service": lambda service: service.status is ServiceStatus.CANCELLED,
    }
    found = {code: tuple(service.number for service in services if test(service)) for code, test in tests.items()}
    return [Obstacle(code, concerns) for code, concerns in found.items() if concerns]


def account_obstacles(old: Customer, new: Customer) -> list[Obstacle]:
    """Return what about the two accounts forbids the move."""
    found = []
    if old.id == new.id:
        found.append(Obstacle("same_owner", (new.number,)))
    if old.status is CustomerStatus.CLOSED:
        found.append(Obstacle("closed_source", (old.number,)))
    if new.status is not CustomerStatus.ACTIVE:
        found.append(Obstacle("closed_target", (new.number,)))
    return found


def check_state(migration: Migration, expected: MigrationState) -> None:
    """Raise unless ``migration`` is in ``expected`` and has not expired.

    Args:
        expected: ``REQUESTED`` stands for what billing approves: an accepted one where acceptance is needed.
    """
    if expected is MigrationState.REQUESTED and migration.needs_acceptance:
        if migration.state is MigrationState.REQUESTED:
            raise refusal("not_accepted")
        expected = MigrationState.ACCEPTED
    if migration.state is not expected:
        raise refusal("expired" if migration.state is MigrationState.EXPIRED else "wrong_state")
    if migration.expires_at <= clock.now():
        raise refusal("expired")


def check_right(migration: Migration) -> None:
    """Raise unless the requester still holds ``transfer`` on the account, and is on no security hold.

    What a file of billing's asks for rests on the authority that the batch names; no person is verified.
    """
    verification = migration.verification
    if verification is None and migration.batch_id is not None:
        return
    membership = verification.membership if verification is not None else None
    if verification is None or verification.kind is not VerificationKind.PIN or membership is None:
        raise refusal("unverified")
    if Right.TRANSFER not in membership.held_rights():
        raise refusal("no_right")
    if membership.person.is_held(clock.now()):
        raise refusal("held")


@dataclass(frozen=True)
class FourEyes:
    """The rule as it is set. ``above``: minor units by currency; empty where it holds for every migration."""

    on: bool = False
    above: Mapping[str, int] = field(default_factory=dict)

    def holds(self, totals: Mapping[str, int]) -> bool:
        """Return whether the rule holds for a plan with these :meth:`~console.billing.migration.plan.Plan.totals`.

        A currency without an amount of its own has the amount zero.
        """
        if not self.on or not self.above:
            return self.on
        return any(total > self.above.get(currency, 0) for currency, total in totals.items())


def four_eyes_rule() -> FourEyes:
    """Return the rule as it is set now: the one place that reads it."""
    now = settings()
    amounts = {currency: amount for currency, amount in now.migration_four_eyes_above.items() if amount}
    return FourEyes(on=now.migration_four_eyes, above=amounts)


def four_eyes_obstacle(actor: Actor, migration: Migration, totals: Mapping[str, int]) -> str | None:
    """Return why ``actor`` may not take the next step, as a name among the refusals; ``None`` where they may.

    Args:
        totals: the plan's, by currency.
    """
    if not four_eyes_rule().holds(totals):
        return None
    if migration.state is MigrationState.APPROVED and migration.approved_by_id == migration.requested_by_id:
        return "four_eyes_approval"  # by the rule as it was, or for a lesser amount
    requested = migration.state in (MigrationState.REQUESTED, MigrationState.ACCEPTED)
    last = migration.requested_by_id if requested else migration.approved_by_id
    return "four_eyes" if actor.id is not None and actor.id == last else None


def check_four_eyes(actor: Actor, migration: Migration, totals: Mapping[str, int]) -> None:
    """Raise unless ``actor`` may take the next step.

    Raises:
        Conflict: ``four_eyes`` or ``four_eyes_approval``.
    """
    code = four_eyes_obstacle(actor, migration, totals)
    if code is not None:
        raise refusal(code)
