"""Money in the demo: a bank's payments that match nothing, each for another reason, and customers with credit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import select

from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.payments.models import PaymentSource
from console.billing.payments.service import (
    IncomingPayment,
    correct_credit,
    receive,
    refund_credit,
    resolve,
    set_credit_first,
    undo,
)
from console.billing.references import with_check_digits
from console.billing.service import LineDraft, issue_proforma, today
from console.core.actor import SYSTEM
from console.core.db import db
from console.customers.models import CustomerStatus
from console.demo.events import Event
from console.demo.story import Account, Story
from console.imports.bulk import NewLine, NewProforma, insert_proformas

DIFFERENCE = 10_000  # of a payment that is a little short
SETUP = 150_000


def tell(story: Story, firma: Account, accounts: Sequence[Account]) -> None:
    """Let money come in these last days that no one has looked at yet, and some that was.

    Args:
        accounts: ordinary ones, with nothing else in the story.
    """
    short, other, typo, twice, wrong, over, generous, returned = accounts
    _late(story, 3, 9, short, lambda bill: _bank(story, bill, bill.owed - DIFFERENCE, days=3))
    _late(story, 3, 10, other, lambda bill: _bank(story, bill, 5_000, "EUR", days=3))
    _late(story, 2, 9, typo, lambda bill: _bank(story, bill, bill.owed, reference=_mistyped(bill.reference), days=2))
    _late(story, 1, 9, wrong, lambda bill: _undone(story, bill))
    _late(story, 1, 10, over, lambda bill: _typed(story, bill, bill.owed + SETUP))
    story.at(story.instant(1, hour=12), lambda: _paid_again(story, firma), [firma.opened])
    story.at(story.instant(1, hour=13), lambda: _two_candidates(story, twice), [twice.opened])
    story.at(story.instant(9, hour=12), lambda: _credit(story, generous), [generous.opened])
    story.at(story.instant(4, hour=9), lambda: _sent_back(story, returned), [returned.opened])


def pay_after_migration(story: Story, mover: Account, executed: Event, days_ago: float) -> None:
    """Let the old owner pay the pro-forma that a migration has cancelled."""

    def pay() -> None:
        query = select(Proforma).where(
            Proforma.customer_id == mover.customer.id, Proforma.status == ProformaStatus.CANCELLED
        )
        bill = db.session.scalars(query.order_by(Proforma.id.desc())).first()
        if bill is not None:
            _bank(story, bill, bill.total, days=0)

    story.at(story.instant(max(days_ago - 6, 1), hour=8, minute=40), pay, [executed])


def _late(story: Story, days_ago: int, hour: int, account: Account, act: Callable[[Proforma], object]) -> None:
    """Bill an account for something small some days before, and let money come for it."""

    def issue() -> Proforma | None:
        if account.customer.status is CustomerStatus.CLOSED:
            return None
        draft = LineDraft("Prenos sajta i podešavanje pošte", 640_000)
        return issue_proforma(SYSTEM, account.customer, [draft], currency="RSD")

    issued = story.at(story.instant(days_ago + 5, hour=hour, minute=20), issue, [account.opened])

    def come() -> None:
        bill = issued.outcome
        if isinstance(bill, Proforma) and bill.status in ACTIVE_STATUSES:
            act(bill)

    story.at(story.instant(days_ago, hour=hour, minute=45), come, [issued])


def _bank(
    story: Story, bill: Proforma, amount: int, currency: str = "RSD", *, reference: str = "", days: int = 0
) -> int:
    """Let a bank report a payment; return its key."""
    incoming = IncomingPayment(
        reference or f"97 {bill.reference}",
        amount,
        currency,
        today() - timedelta(days=min(days, 1)),
        payer=bill.buyer["name"],
        payer_account=f"160-{bill.customer_id:013d}-{97 - bill.customer_id % 90:02d}",
        purpose="Uplata po predračunu",
        source=PaymentSource.STATEMENT,
    )
    (payment,) = receive(story.actor("billing"), [incoming], by_person=False)
    return payment.id


def _typed(story: Story, bill: Proforma, amount: int) -> int:
    incoming = IncomingPayment(bill.reference, amount, bill.currency, today(), payer=bill.buyer["name"])
    (payment,) = receive(story.actor("billing"), [incoming], by_person=True)
    return payment.id


def _mistyped(reference: str) -> str:
    return f"{reference[:-1]}{(int(reference[-1]) + 5) % 10}"


def _undone(story: Story, bill: Proforma) -> None:
    undo(story.actor("billing"), _typed(story, bill, bill.owed), "Uplata je bila za drugog kupca.")


def _paid_again(story: Story, firma: Account) -> None:
    query = select(Proforma).where(
        Proforma.customer_id == firma.customer.id, Proforma.status == ProformaStatus.PAID, Proforma.currency == "RSD"
    )
    bill = db.session.scalars(query.order_by(Proforma.id.desc())).first()
    if bill is not None:
        _bank(story, bill, bill.total)


def _two_candidates(story: Story, account: Account) -> None:
    """Bring two documents of an older system that share a reference, and a payment with it."""
    customer, day = account.customer, today() - timedelta(days=5)
    reference = with_check_digits(f"7788{customer.id:06d}")
    rows = [
        NewProforma(
            number=f"STARI-{customer.id}-{place}",
            customer_id=customer.id,
            buyer=customer.buyer(),
            issued_on=day,
            due_on=day + timedelta(days=20),
            currency="RSD",
            language=customer.language,
            reference=reference,
            lines=(NewLine(words, net, 2000, net // 5),),
        )
        for place, (words, net) in enumerate((("Održavanje sajta", 450_000), ("Izrada bekapa", 200_000)), start=1)
    ]
    first, _second = insert_proformas(db.session(), rows)
    bill = db.session.get_one(Proforma, first)
    _bank(story, bill, bill.total)


def _credit(story: Story, account: Account) -> None:
    billing, customer_id = story.actor("billing"), account.customer.id
    correct_credit(billing, customer_id, "RSD", 500_000, "Naknada za prekid rada od 12 sati.", "demo-credit")
    refund_credit(billing, customer_id, "RSD", 120_000, "Deo vraćen na račun, na zahtev kupca.", "demo-refund")
    set_credit_first(billing, customer_id, True)


def _sent_back(story: Story, account: Account) -> None:
    incoming = IncomingPayment(
        "",
        990_000,
        "RSD",
        today(),
        payer=account.customer.name,
        purpose="Avans za kola",
        source=PaymentSource.STATEMENT,
    )
    (payment,) = receive(story.actor("billing"), [incoming], by_person=False)
    resolve(
        story.actor("billing"), payment.id, "return", reason="Uplata nije namenjena nama.", key=f"demo-{payment.id}"
    )
