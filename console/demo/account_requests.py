"""What owners asked about their accounts that still waits: a correction, a handover; and a call about one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.core.actor import Actor
from console.customers.account import handover, profile
from console.customers.account.handover import HandoverData
from console.customers.models import CustomerKind, Membership
from console.demo.names import mb, pib
from console.demo.story import Story


def tell(story: Story, entries: dict[str, Any]) -> None:
    """Put what the data tells into ``story``, after its accounts."""
    for entry in entries["calls"]:
        account = story.known[entry["account"]].account
        story.at(story.instant(*entry["at"]), lambda of=account: story.verified(of), [account.opened])
    for entry in entries["corrections"]:
        story.at(
            story.instant(*entry["at"]),
            lambda of=entry: _correct(story.known[of["account"]].account.owner, of),
            [story.known[entry["account"]].account.opened],
        )
    for entry in entries["handovers"]:
        story.at(
            story.instant(*entry["at"]),
            lambda of=entry: _hand_over(story.known[of["account"]].account.owner, of),
            [story.known[entry["account"]].account.opened],
        )


def _correct(owner: Membership, entry: dict[str, Any]) -> None:
    data = replace(profile.profile_of(owner.customer), mb=mb(entry["mb"]))
    profile.save_profile(_actor(owner), owner.customer_id, data, correction=entry["reason"])


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
    handover.start(_actor(owner), owner.customer_id, data)


def _actor(owner: Membership) -> Actor:
    return Actor(kind="person", id=owner.person_id, name=owner.person.name)
