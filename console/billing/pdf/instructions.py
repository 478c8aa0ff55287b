"""How a pro-forma is paid: the same on its PDF, in the portal and behind a link for another person to pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from console.billing.models import Proforma
from console.billing.pdf import words
from console.billing.pdf.payment_code import (
    MODEL_97,
    NoPaymentCode,
    PaymentOrder,
    is_model_97,
    read_account,
    with_model,
    write,
)
from console.core.logging import get_logger

DINARS = "RSD"
log = get_logger(__name__)


@dataclass(frozen=True)
class Instructions:
    """What a payer must know, and no word of the buyer.

    Args:
        account: as people write it; ``iban``: whether it is one.
        model: ``97`` where the reference has its check digits.
        code: the text of the payment code; none where no bank could read it, as in euros.
    """

    payee: str
    account: str
    iban: bool
    bic: str
    model: str
    reference: str
    amount: int
    currency: str
    purpose: str
    due_on: date
    code: str | None

    @property
    def plain_amount(self) -> str:
        """Return the amount as it is typed into a payment order: without groups, with the comma banks here use."""
        mark = "," if self.currency == DINARS else "."
        return f"{self.amount // 100}{mark}{self.amount % 100:02d}"


def instructions_for(proforma: Proforma, amount: int) -> Instructions:
    """Return how ``amount`` of a pro-forma is paid.

    Args:
        amount: in minor units; what is owed, or the total on the document itself.
    """
    issuer, account = proforma.issuer, str(proforma.issuer.get("account") or "")
    in_dinars = proforma.currency == DINARS
    # For banks here, and for those abroad, whatever language the document is in.
    purpose = f"Predračun {proforma.number}" if in_dinars else f"Pro-forma {proforma.number}"
    return Instructions(
        payee=str(issuer["name"]),
        account=words.printed_account(account),
        iban=account[:1].isalpha(),
        bic="" if in_dinars else str(issuer.get("bic") or ""),
        model=MODEL_97 if in_dinars and is_model_97(proforma.reference) else "",
        reference=proforma.reference,
        amount=amount,
        currency=proforma.currency,
        purpose=purpose,
        due_on=proforma.due_on,
        code=_code(proforma, account, amount) if in_dinars and amount > 0 else None,
    )


def _code(proforma: Proforma, account: str, amount: int) -> str | None:
    try:
        return write(
            PaymentOrder(
                account=read_account(account),
                payee=str(proforma.issuer["name"]),
                amount=amount,
                purpose=f"Predracun {proforma.number}",  # as in NBS's example: there are readers that guess letters
                reference=with_model(proforma.reference) if proforma.reference else "",
            )
        )
    except NoPaymentCode as reason:
        log.warning("no payment code for a document", document=proforma.number, reason=str(reason))
        return None
