"""What the pages of service transfers share: the transfer that one reads, and refusals in the customer's words."""

from __future__ import annotations

from collections.abc import Sequence

from flask import request

from console.billing.migration.plan_data import migration_id
from console.billing.migration.portal import find_own_migration
from console.billing.models import Migration
from console.core.errors import NotFound, Refusal, Text
from console.core.texts import lazy_gettext
from console.customers.models import Membership
from console.customers.rights import Right
from console.portal.accounts import own_accounts

# What the customer reads where the console speaks to an agent about them.
OWN_REASONS: dict[str, Text] = {
    "unverified": lazy_gettext("Enter your support PIN to confirm the request."),
    "no_right": lazy_gettext("You do not have the transfer permission. The account owner can grant it."),
    "held": lazy_gettext(
        "Your sign-in was changed in the last 72 hours. For security, services can be transferred after that."
    ),
    "not_theirs": lazy_gettext("Some of the selected services are not on this account."),
    "no_match": lazy_gettext(
        "Check the new owner. They need an open account here: enter its number, or the e-mail address of its owner."
    ),
    "same_owner": lazy_gettext("The services are already on this account. Enter the new owner."),
    "closed_target": lazy_gettext("Check the new owner. Their account is not open."),
    "in_migration": lazy_gettext("One of the services is already being transferred."),
    "abuse": lazy_gettext("A service suspended for abuse cannot be transferred. Write to support."),
    "transfer_locked": lazy_gettext("A transfer lock is set on a service. Write to support to have it removed."),
    "cancelled_service": lazy_gettext("A cancelled service cannot be transferred."),
    "wrong_state": lazy_gettext("This transfer no longer waits for your answer. Nothing was changed."),
    "stale_plan": lazy_gettext(
        "What you would take over has changed since you opened the page. Nothing was changed; check it again."
    ),
    "terms_changed": lazy_gettext("The new owner would take over more than they accepted. We will ask them again."),
    "not_executed": lazy_gettext("Only a transfer that was carried out can be reversed."),
    "reversal_late": lazy_gettext(
        "The time for reversing this transfer has passed. You can transfer the services as usual."
    ),
    "reversed_already": lazy_gettext("This transfer is already reversed, or its reversal has been requested."),
    "moved_on": lazy_gettext("Some of its services are no longer on your account, so it cannot be reversed."),
    "paid_since": lazy_gettext(
        "You have paid a pro-forma that came with this transfer, so it cannot be reversed. You can transfer the"
        " services as usual; what you paid stays paid."
    ),
}
WRONG_PIN = lazy_gettext("This is not the valid support PIN of this account. You can see it on the home page.")
_FIELDS = {"no_match": "to_customer", "same_owner": "to_customer", "closed_target": "to_customer"}


def find_transfer(ref: str, *, receiving: bool = False) -> tuple[list[Membership], Membership, Migration]:
    """Return one's accounts, the membership on whose side one reads a transfer, and the transfer.

    Args:
        receiving: as in :func:`side_of`.

    Raises:
        NotFound: there is none from or to an account on which this person transfers services.
    """
    accounts = list(own_accounts(Right.TRANSFER))
    found = find_own_migration(migration_id(ref), [one.customer_id for one in accounts])
    if found is None:
        raise NotFound
    return accounts, side_of(accounts, found, receiving=receiving), found


def side_of(accounts: Sequence[Membership], migration: Migration, *, receiving: bool = False) -> Membership:
    """Return on whose side one reads a transfer.

    Between two accounts of one's own that is the old owner's, unless the request names the other account.

    Args:
        receiving: what is done is for the new owner's side alone.
    """
    sides = {one.customer_id: one for one in accounts}
    mine = [sides[key] for key in (migration.from_customer_id, migration.to_customer_id) if key in sides]
    named = request.values.get("account", "").strip().upper()
    return mine[-1] if receiving or named == mine[-1].customer.number else mine[0]


def in_own_words(refusal: Refusal) -> Refusal:
    """Translate a verb's refusal from the agent's words to the customer's, at its field."""
    words = OWN_REASONS.get(refusal.code)
    if words is not None:
        refusal.message = words
        if refusal.code in _FIELDS:
            refusal.fields = {_FIELDS[refusal.code]: [words]}
    return refusal
