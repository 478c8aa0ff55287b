"""A migration in each of its states, one that was reversed, one at the registry, and a file of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from console.billing import migration as migrate
from console.billing.migration import registry
from console.billing.migration.acceptance import offer
from console.billing.migration.batches.service import create_from_file
from console.billing.migration.plan_data import lock_migration
from console.core.actor import Actor
from console.demo import payments
from console.demo.events import Event
from console.demo.story import Account, Holding, Item, Story

if TYPE_CHECKING:
    from console.demo.cast import Neighbour

ItemOf = Callable[[Holding], Item]


def tell(story: Story, firma: Account, free: Sequence[Neighbour], item: ItemOf) -> None:
    """Let services move, or not: executed, expired, rejected, withdrawn, approved, requested, and what lies between."""
    # First one whose domain is at the registry.
    pairs = iter(sorted(zip(free[::2], free[1::2], strict=False), key=lambda pair: not pair[0].with_domain))

    def move(days_ago: int, *, taker: Account | None = None, part_paid: bool = False) -> Move:
        mover, other = next(pairs)
        return Move(story, days_ago, mover, taker or other.account, item, part_paid=part_paid)

    for days_ago in (75, 18):
        executed = move(days_ago, part_paid=days_ago > 50)
        executed.decide(migrate.approve, days_ago - 1, 9)
        executed.decide(migrate.execute, days_ago - 1, 14)
        payments.pay_after_migration(story, executed.mover, executed.latest, days_ago)
        executed.at_registry(days_ago - 3, done=6 if days_ago > 60 else 2)

    expired = move(55)
    story.at(story.instant(24, hour=3), migrate.expire_due, [expired.requested])

    rejected = move(13)
    story.at(
        story.instant(12),
        lambda: migrate.reject(story.actor("billing"), rejected.ref, "Novi vlasnik nije potvrdio prijem."),
        [rejected.requested],
    )

    withdrawn = move(8)
    story.at(
        story.instant(8, hour=12),
        lambda: migrate.withdraw(story.actor("agent"), withdrawn.ref, "Kupac je odustao."),
        [withdrawn.requested],
    )

    approved = move(4, taker=firma)
    approved.decide(migrate.approve, 3, 15)
    move(3)

    reversed_one = move(11)
    reversed_one.decide(migrate.approve, 10, 9)
    reversed_one.decide(migrate.execute, 10, 13)
    reversed_one.reverse(6)

    accepted = move(5)
    accepted.offer_and_accept(4)
    scheduled = move(6)
    scheduled.decide(migrate.approve, 5, 10)
    scheduled.schedule(2, in_days=30)  # a demo is told up to a week back
    _file(story, pairs)


def _file(story: Story, pairs: Iterator[tuple[Neighbour, Neighbour]]) -> None:
    """Let billing upload a file this morning: one row that moves, one whose new owner is not known."""
    mover, taker = next(pairs)

    def upload() -> None:
        number, target = mover.first.service.number, taker.account.customer.number
        content = f"service,new_owner\n{number},{target}\nU-999999,{target}\n".encode()
        create_from_file(
            story.actor("billing"), "prodaja-portfelja.csv", content, "Ugovor 14/2026, potpisan s obe strane."
        )

    story.at(story.instant(0, hour=9, minute=20), upload, [mover.first.started, taker.account.opened])


class Move:
    """A migration that an owner asks for on the phone, with a document for the service open."""

    def __init__(
        self, story: Story, days_ago: int, mover: Neighbour, taker: Account, item: ItemOf, *, part_paid: bool = False
    ) -> None:
        self._story = story
        self._mover, self._taker = mover, taker
        self.mover = mover.account
        billed = story.bill(
            story.instant(days_ago + 3, hour=7, minute=5),
            mover.account,
            [item(mover.first)],
            then=story.pay_half if part_paid else None,
            then_at=story.instant(days_ago + 1) if part_paid else None,
        )
        self.requested = self._latest = story.at(
            story.instant(days_ago, hour=11, minute=10), self._request, [billed, taker.opened]
        )

    @property
    def latest(self) -> Event:
        """Return the last of it so far."""
        return self._latest

    @property
    def ref(self) -> str:
        return str(self.requested.outcome)

    def _request(self) -> str:
        story, service = self._story, self._mover.first.service
        request = migrate.Request(
            services=(service.id,),
            to_customer=self._taker.customer.number,
            verification=story.verified(self._mover.account),
            reason="Sajt je prodat novom vlasniku.",
        )
        return str(migrate.request_migration(story.actor("agent"), request, f"demo-{service.id}")["ref"])

    def decide(self, verb: Callable[[Actor, str, str, str], object], days_ago: int, hour: int) -> None:
        """Let billing look at the preview, then approve or execute."""
        self._latest = self._decide(lambda: self.ref, verb, days_ago, hour, self._latest)

    def _decide(
        self,
        ref_of: Callable[[], str],
        verb: Callable[[Actor, str, str, str], object],
        days_ago: int,
        hour: int,
        after: Event,
    ) -> Event:
        def work() -> None:
            ref = ref_of()
            plan = migrate.plan_for(lock_migration(ref)).digest
            verb(self._story.actor("billing"), ref, plan, f"demo-{verb.__name__}-{ref}")

        return self._story.at(self._story.instant(days_ago, hour=hour), work, [after])

    def at_registry(self, days_ago: int, *, done: int) -> None:
        """Let the first tasks of its domains be ticked, where it carries any."""

        def tick() -> None:
            for place, task in enumerate(registry.tasks_of(lock_migration(self.ref))):
                if place < done:
                    registry.tick(self._story.actor("agent"), task.id, "Lična karta na uvid." if place < 2 else "")

        self._latest = self._story.at(self._story.instant(days_ago, hour=10), tick, [self._latest])

    def reverse(self, days_ago: int) -> None:
        """Let the new owner give it back, and billing carry that out."""
        story = self._story

        def request() -> str:
            back = migrate.Request(
                services=(),
                to_customer="",
                verification=story.verified(self._taker),
                reason="Prodaja je raskinuta.",
                reverses=self.ref,
            )
            return str(migrate.request_migration(story.actor("agent"), back, f"demo-back-{self.ref}")["ref"])

        requested = story.at(story.instant(days_ago, hour=10), request, [self._latest])
        approved = self._decide(lambda: str(requested.outcome), migrate.approve, days_ago - 1, 9, requested)
        self._latest = self._decide(lambda: str(requested.outcome), migrate.execute, days_ago - 1, 15, approved)

    def offer_and_accept(self, days_ago: int) -> None:
        """Let the new owner be requested, though the demo's setting is off, and accept in the portal."""

        def ask() -> None:
            migration = lock_migration(self.ref)
            migration.needs_acceptance = True
            offer(self._story.actor("agent"), migration)

        def accept() -> None:
            owner = self._taker.owner
            migrate.accept(Actor(kind="person", id=owner.person_id, name=owner.person.name), self.ref)

        requested = self._story.at(self._story.instant(days_ago + 1, hour=11, minute=11), ask, [self._latest])
        self._latest = self._story.at(self._story.instant(days_ago, hour=19), accept, [requested])

    def schedule(self, days_ago: int, *, in_days: int) -> None:
        """Let billing choose a day to come."""
        story = self._story

        def choose() -> None:
            on = story.today + timedelta(days=in_days)
            plan = migrate.plan_for(lock_migration(self.ref), on).digest
            migrate.schedule(story.actor("billing"), self.ref, plan, on, f"demo-schedule-{self.ref}")

        self._latest = story.at(story.instant(days_ago, hour=12), choose, [self._latest])
