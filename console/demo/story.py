"""What happened at a small hosting company in its last years, told through the verbs.

Everything has its instant, is put in order, and is then done with the clock
standing there: numbers, dates, the trail and the mail are as they would be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from console.billing.issue import LineDraft, cancel_proforma, issue_proforma, record_payment
from console.billing.models import Proforma, ProformaStatus
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.errors import Refusal
from console.customers import service as accounts
from console.customers.models import Customer, Membership
from console.customers.pins import current_pin
from console.customers.service import CustomerData, MemberData
from console.customers.verification import verify
from console.hosting import service as hosting
from console.hosting.models import Product, Service
from console.hosting.service import ServiceData
from console.staff.models import Staff

YEAR = timedelta(days=365)


@dataclass
class Account:
    """An account of the story; ``customer`` is there once its day has come. ``person``: its owner's name."""

    data: CustomerData
    person: str
    customer: Customer = field(init=False)
    owner: Membership = field(init=False)

    @property
    def email(self) -> str:
        return self.owner.person.email


@dataclass
class Holding:
    """A service of the story."""

    account: Account
    product: str
    service: Service = field(init=False)


@dataclass(frozen=True)
class Known:
    """An account that others of the story may speak of, and its first service."""

    account: Account
    first: Holding | None = None


@dataclass(frozen=True)
class Item:
    """A line to be billed: the product's price for one period of a service."""

    holding: Holding
    words: str
    net: int


class Story:
    """Gathers what happens, then lets it happen.

    Args:
        today: the day the story ends on, at 11:00.
        rng: decides what is left to chance.
        password_hash: of everybody who signs in.
    """

    def __init__(self, today: date, rng: Random, password_hash: str) -> None:
        self.today = today
        self.rng = rng
        self.password_hash = password_hash
        self.products: dict[str, Product] = {}
        self.staff: dict[str, Staff] = {}
        self.known: dict[str, Known] = {}
        self._events: list[tuple[datetime, int, Callable[[], object]]] = []

    def instant(self, days_ago: float, hour: int = 10, minute: int = 0) -> datetime:
        """Return an instant ``days_ago`` in working hours, as people here would name it."""
        day = self.today - timedelta(days=int(days_ago))
        return datetime.combine(day, time(hour, minute), tzinfo=settings().zone)

    def at(self, instant: datetime, event: Callable[[], object]) -> None:
        """Let ``event`` happen at ``instant``, after what was told before for the same one."""
        self._events.append((instant, len(self._events), event))

    def happen(self, progress: Callable[[], None] = lambda: None) -> None:
        """Let everything happen in its order. Call inside a transaction."""
        for instant, _order, event in sorted(self._events, key=lambda entry: entry[:2]):
            with clock.standing_at(instant):
                event()
            progress()

    @property
    def length(self) -> int:
        """Return how many things happen."""
        return len(self._events)

    # --- who and what ---

    def account(self, when: datetime, data: CustomerData, owner: MemberData) -> Account:
        """Let somebody register."""
        account = Account(data, owner.name)

        def register() -> None:
            account.customer = accounts.register_customer(SYSTEM, data)
            account.owner = accounts.add_member(SYSTEM, account.customer, owner)

        self.at(when, register)
        return account

    def member(self, when: datetime, account: Account, data: MemberData) -> None:
        """Put one more person on an account."""
        self.at(when, lambda: accounts.add_member(SYSTEM, account.customer, data))

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
        """Let an account order a service, and its name be registered."""
        holding = Holding(account, product)
        started = when.date()

        def start() -> None:
            data = ServiceData(
                label=label,
                started_on=started,
                paid_until=paid_until,
                hosted_with=hosted_with.service if hosted_with else None,
            )
            holding.service = hosting.start_service(SYSTEM, account.customer, self.products[product], data)
            if domain:
                hosting.register_domain(SYSTEM, holding.service, domain, registered_on=started, expires_on=paid_until)

        self.at(when, start)
        return holding

    # --- documents ---

    def bill(
        self,
        when: datetime,
        account: Account,
        items: Sequence[Item],
        *,
        then: Callable[[Proforma], object] | None = None,
        then_at: datetime | None = None,
    ) -> None:
        """Let a pro-forma be issued, and something become of it later."""
        issued: list[Proforma] = []

        def issue() -> None:
            # A service that was sold meanwhile is its new owner's to pay.
            own = [item for item in items if item.holding.service.customer_id == account.customer.id]
            drafts = [
                LineDraft(item.words, item.net, self.products[item.holding.product].tax_bp, item.holding.service.id)
                for item in own
            ]
            if drafts:
                currency = self.products[own[0].holding.product].currency
                issued.append(issue_proforma(SYSTEM, account.customer, drafts, currency=currency))

        def settle() -> None:
            for proforma in issued:
                if then is not None and proforma.status is ProformaStatus.OPEN:
                    then(proforma)

        self.at(when, issue)
        if then_at is not None:
            self.at(then_at, settle)

    def pay(self, proforma: Proforma) -> None:
        """Let a document be paid whole."""
        record_payment(self.actor("billing"), proforma, proforma.total)

    def pay_half(self, proforma: Proforma) -> None:
        """Let half of a document be paid."""
        record_payment(self.actor("billing"), proforma, proforma.total // 2)

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
