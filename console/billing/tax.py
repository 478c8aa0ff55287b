"""PDV (VAT) on a line: whether, how much, and what the document says when there is none.

General rule only; its edges belong to an accountant. Rates are the product's:
20 % general, 10 % special (Zakon o porezu na dodatu vrednost, čl. 23).
"""

from __future__ import annotations

from dataclasses import dataclass

from console.core.money import share
from console.customers.models import TaxStatus

OUTSIDE = "outside"  # the issuer is not in the PDV system
ABROAD = "abroad"  # place of supply is the buyer's (čl. 12)
EXEMPT = "exempt"


@dataclass(frozen=True)
class TaxRule:
    """How one buyer is taxed by one issuer. ``note`` says why not, where not."""

    charged: bool
    note: str | None = None

    def on(self, net: int, tax_bp: int) -> int:
        """Return the PDV on a line, rounded on its own: totals are sums of lines."""
        return share(net, tax_bp) if self.charged else 0


def rule_for(status: TaxStatus | str, *, issuer_in_vat_system: bool) -> TaxRule:
    """Return the rule for a buyer of ``status``."""
    if not issuer_in_vat_system:
        return TaxRule(charged=False, note=OUTSIDE)
    if status == TaxStatus.ABROAD:
        return TaxRule(charged=False, note=ABROAD)
    if status == TaxStatus.EXEMPT:
        return TaxRule(charged=False, note=EXEMPT)
    return TaxRule(charged=True)
