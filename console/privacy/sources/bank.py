"""What banks wrote about payments: who paid, from which account, for what.

It stays for as long as business records do, with the payer it names, and is in the copy of the account that it was
paid for.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from console.billing.payments.models import Payment
from console.billing.statements.models import BankLine
from console.customers.models import Customer, Person
from console.privacy.parts import Erased, Part, Source, all_rows, dump


def _nothing(_person: Person) -> Iterator[Part]:
    yield from ()


def _stays(_person: Person) -> Erased:
    return Erased({})


def _lines(customer: Customer) -> Iterator[Part]:
    paid = select(Payment.statement_line_id).where(Payment.customer_id == customer.id)
    rows = all_rows(select(BankLine).where(BankLine.id.in_(paid)))
    yield Part(f"accounts/{customer.number}/bank-lines", [dump(row, "fingerprint") for row in rows])


SOURCE = Source("bank", _nothing, _lines, _stays)
