"""What happened at a small hosting company in its last years, told through the verbs.

Everything has its instant and what it needs, is put in order, and is then done
with the clock standing there: numbers, dates, the trail and the mail are as they would be.
Nothing is read from the database before it happens, so that a story can be planned without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import cast
from zoneinfo import ZoneInfo

from console.billing.models import Proforma, ProformaStatus
from console.billing.payments.service import IncomingPayment, receive
from console.billing.periods import next_period
from console.billing.service import LineDraft, cancel_proforma, issue_proforma
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.errors import Refusal
from console.customers import service as accounts
from console.customers.models import Customer, CustomerStatus, Membership
from console.customers.service import CustomerData, MemberData
from console.customers.verification.pins import current_pin
from console.customers.verification.service import verify
from console.demo.events import Event, Need, put_in_order
from console.hosting import service as hosting
from console.hosting.models import Product, Service
from console.hosting.service import ServiceData
from console.staff.models import Staff

ENDS_AT = time(11)  # on its last day
YEAR = timedelta(days=365)
OLD_ENOUGH = timedelta(days=2)  # an account, before it asks something; one of the questions says so


@dataclass(frozen=True)
class Account:
    """An account of the story. ``person``: its owner's name; ``opened``: from then on the rest can be read."""

    data: CustomerData
    person: str
    opened: Event

    @property
    def customer(self) -> Customer:
        return cast("tuple[Customer, Membership]", self.opened.outcome)[0]

    @property
    def owner(self) -> Membership:
        return cast("tuple[Customer, Membership]", self.opened.outcome)[1]

    @property
    def email(self) -> str:
        return self.owner.person.email


@dataclass(frozen=True)
class Holding:
    """A service of the story. ``started``: from then on it can be read."""

    account: Account
    product: str
    started: Event
    renewals: list[datetime]  # when it is paid for one more year

    @property
    def service(self) -> Service:
        return cast("Service", self.started.outcome)


@dataclass(frozen=True)
class Known:
    """An account that others of the story may speak of, and its first service."""

    account: Account
    first: Holding | None = None

    def settled(self) -> list[Need]:
        """Return what a question of this account needs: it is not the first thing that the account does."""
        return [
            Need(event, OLD_ENOUGH) for event in (self.account.opened, *([self.first.started] if self.first else []))
        ]


@dataclass(frozen=True)
class Item:
    """A line to be billed: the product's price for one period of a service."""

    holding: Holding
    words: str
    net: int


class Story:
    """Gathers what happens, then lets it happen.

    Args:
        today: the day the story ends on, at :data:`ENDS_AT`.
        zone: whose wall clock people go by.
        rng: decides what is left to chance.
        password_hash: of everyone who signs in.
    """

    def __init__(self, today: date, zone: ZoneInfo, rng: Random, password_hash: str) -> None:
        self.today = today
        self.zone = zone
        self.rng = rng
        self.password_hash = password_hash
        self.products: dict[str, Product] = {}
        self.staff: dict[str, Staff] = {}
        self.known: dict[str, Known] = {}
        self.facts: dict[str, Event] = {}  # by the names that questions speak of them with
        self._events: list[Event] = []
        self._ground: tuple[Need, ...] = ()

    def instant(self, days_ago: float, hour: int = 10, minute: int = 0) -> datetime:
        """Return an instant ``days_ago`` in working hours, as people here would name it."""
        day = self.today - timedelta(days=int(days_ago))
        return datetime.combine(day, time(hour, minute), tzinfo=self.zone)

    def at(self, instant: datetime, act: Callable[[], object], needs: Iterable[Need | Event] = ()) -> Event:
        """Let something happen at ``instant``, or before where others need it sooner.

        Args:
            instant: aware.
            act: lets it happen. It may read the outcomes of what it needs, and no others.
            needs: what must have happened before.
        """
        all_needs = [need if isinstance(need, Need) else Need(need) for need in needs]
        event = Event(instant.astimezone(UTC), act, (*self._ground, *all_needs))
        self._events.append(event)
        return event

    def build_on(self, event: Event) -> None:
        """Let all that is told from here on need ``event``."""
        self._ground = (*self._ground, Need(event))

    def plan(self) -> list[Event]:
        """Put everything told into its order, and return it."""
        self._events = put_in_order(self._events)
        return self._events

    def happen(self, progress: Callable[[], None] = lambda: None) -> None:
        """Let everything happen in its order. Call inside a transaction."""
        for event in self.plan():
            with clock.standing_at(event.at):
                event.happen()
            progress()

    @property
    def length(self) -> int:
        """Return how many things happen."""
        return len(self._events)

    # --- who and what ---

    def account(self, when: datetime, data: CustomerData, owner: MemberData) -> Account:
        """Let an account be registered."""

        def register() -> tuple[Customer, Membership]:
            customer = accounts.register_customer(SYSTEM, data)
            return customer, accounts.add_member(SYSTEM, customer, owner)

        return Account(data, owner.name, self.at(when, register))

    def member(self, when: datetime, account: Account, data: MemberData) -> None:
        """Put one more person on an account."""
        self.at(when, lambda: accounts.add_member(SYSTEM, account.customer, data), [account.opened])

    def holding(
        self,
        when: datetime,
        account: Account,
        product: str,
        label: str,
        *,
        paid_until: date,
        hosted_with: Holding | None = None,
        domain: str | None = None,
    ) -> Holding:
        """Let an account order a service, and its name be registered.

        Args:
            paid_until: after all that is paid for it in the story.
        """
        renewals: list[datetime] = []

        def start() -> Service:
            started = clock.local_date(clock.now(), self.zone)
            data = ServiceData(
                label=label,
                started_on=started,
                paid_until=max(started, paid_until - YEAR * len(renewals)),
                hosted_with=hosted_with.service if hosted_with else None,
            )
            service = hosting.start_service(SYSTEM, account.customer, self.products[product], data)
            if domain:
                hosting.register_domain(SYSTEM, service, domain, registered_on=started, expires_on=paid_until)
            return service

        needs = [account.opened, *([hosted_with.started] if hosted_with else [])]
        return Holding(account, product, self.at(when, start, needs), renewals)

    # --- documents ---

    def bill(
        self,
        when: datetime,
        account: Account,
        items: Sequence[Item],
        *,
        then: Callable[[Proforma], object] | None = None,
        then_at: datetime | None = None,
    ) -> Event:
        """Let a pro-forma be issued, and something become of it later. Return the last of it."""

        def issue() -> Proforma | None:
            # A service that was sold meanwhile is its new owner's to pay, and a closed account gets no documents.
            own = [item for item in items if item.holding.service.customer_id == account.customer.id]
            if not own or account.customer.status is CustomerStatus.CLOSED:
                return None
            drafts = [self._draft(item) for item in own]
            currency = self.products[own[0].holding.product].currency
            return issue_proforma(SYSTEM, account.customer, drafts, currency=currency)

        def settle() -> None:
            proforma = cast("Proforma | None", issued.outcome)
            if then is not None and proforma is not None and proforma.status is ProformaStatus.OPEN:
                then(proforma)

        if then == self.pay and then_at is not None:
            for item in items:
                item.holding.renewals.append(then_at)
        issued = self.at(when, issue, [account.opened, *(item.holding.started for item in items)])
        return issued if then_at is None else self.at(then_at, settle, [issued])

    def _draft(self, item: Item) -> LineDraft:
        service = item.holding.service
        tax_bp = self.products[item.holding.product].tax_bp
        return LineDraft(item.words, item.net, tax_bp, service.id, period=next_period(service))

    def pay(self, proforma: Proforma) -> None:
        """Let a document be paid whole."""
        self._receive(proforma, proforma.owed)

    def pay_half(self, proforma: Proforma) -> None:
        """Let half of a document be paid."""
        self._receive(proforma, proforma.total // 2)

    def _receive(self, proforma: Proforma, amount: int) -> None:
        paid_on = clock.local_date(clock.now(), self.zone)
        incoming = IncomingPayment(proforma.reference, amount, proforma.currency, paid_on, payer=proforma.buyer["name"])
        receive(self.actor("billing"), [incoming], by_person=True)

    def cancel(self, proforma: Proforma) -> None:
        """Let a document be cancelled by a storno."""
        cancel_proforma(self.actor("billing"), proforma, "Izdato greškom: usluga je već plaćena.")

    # --- people at work ---

    def actor(self, who: str) -> Actor:
        """Return a member of staff as verbs are told."""
        return self.staff[who].actor("192.0.2.10")

    def verified(self, account: Account, who: str = "agent") -> int:
        """Let the owner call and say the PIN; return the verification's id."""
        pin, _until = current_pin(account.owner)
        found = verify(self.actor(who), email=account.email, pin=pin, channel="phone")
        if found is None:
            raise Refusal("the demo's own PIN was refused")
        return found.id
