"""What owners asked about their accounts that still waits: a correction, a handover; and a call about one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from console.customers.account import handover, profile
from console.customers.account.handover import HandoverData
from console.customers.models import CustomerKind, Membership
from console.demo.names import mb, pib
from console.demo.sign_ins import signed_in
from console.demo.story import Account, Story


def tell(story: Story, entries: dict[str, Any]) -> None:
    """Put what the data tells into ``story``, after its accounts."""
    acts: dict[str, Callable[[Story, Account, dict[str, Any]], object]] = {
        "calls": lambda of, account, _entry: of.verified(account),
        "corrections": lambda _of, account, entry: _correct(account.owner, entry),
        "handovers": lambda _of, account, entry: _hand_over(account.owner, entry),
    }
    for kind, act in acts.items():
        for entry in entries[kind]:
            account = story.known[entry["account"]].account
            story.at(story.instant(*entry["at"]), partial(act, story, account, entry), [account.opened])


def _correct(owner: Membership, entry: dict[str, Any]) -> None:
    data = replace(profile.profile_of(owner.customer), mb=mb(entry["mb"]))
    with signed_in(owner.person) as actor:
        profile.save_profile(actor, owner.customer_id, data, correction=entry["reason"])


def _hand_over(owner: Membership, entry: dict[str, Any]) -> None:
    data = HandoverData(
        person_name=entry["person_name"],
        email=entry["email"],
        kind=CustomerKind.COMPANY,
        company=entry["company"],
        pib=pib(entry["pib"]),
        mb=mb(entry["mb"]),
        address=entry["address"],
        postcode=entry["postcode"],
        city=entry["city"],
        keeps_users=True,
    )
    with signed_in(owner.person) as actor:
        handover.start(actor, owner.customer_id, data)
