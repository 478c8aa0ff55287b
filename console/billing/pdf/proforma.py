"""A pro-forma as a document. It shows what was frozen at issue, never its later state."""

from __future__ import annotations

from console.billing.models import Proforma
from console.billing.pdf import words
from console.billing.pdf.instructions import DINARS, Instructions, instructions_for
from console.billing.pdf.lines import lines_table
from console.billing.pdf.qr import squares
from console.billing.pdf.sheet import Fact, Payment, Sheet
from console.core.texts import gettext, pgettext


def sheet_of(proforma: Proforma) -> Sheet:
    """Return a pro-forma in the language of the block."""
    payment = instructions_for(proforma, proforma.total)
    note = words.tax_note(proforma.tax_note)
    return Sheet(
        lang=words.lang(),
        title=gettext("Pro-forma"),
        number=proforma.number,
        brand=words.brand_of(proforma.issuer),
        made_at=proforma.issued_at,
        parties=(
            words.party(gettext("Issuer"), proforma.issuer),
            words.party(gettext("Buyer"), proforma.buyer),
        ),
        facts=(
            Fact(gettext("Issued"), words.day(proforma.issued_on)),
            Fact(gettext("Due"), words.day(proforma.due_on)),
            *([Fact(gettext("Payment reference"), _reference(payment))] if payment.reference else []),
            Fact(gettext("To pay"), words.amount(proforma.total, proforma.currency), strong=True),
        ),
        tables=(lines_table(proforma, proforma.lines, charged=proforma.tax_note is None),),
        notes=tuple(text for text in (note, proforma.note) if text),
        payment=_payment(payment),
        closing=gettext("A pro-forma is not a tax document."),
        footer=words.issuer_line(proforma.issuer),
        page_of=words.page_of(),
        continued=gettext("Pro-forma %(number)s", number=proforma.number),
    )


def _payment(how: Instructions) -> Payment | None:
    if how.amount <= 0:
        return None
    in_dinars = how.currency == DINARS
    reference = gettext("Model and reference") if how.model else gettext("Payment reference")
    facts = [
        Fact(gettext("Payee"), how.payee),
        Fact(pgettext("bank", "Account") if not how.iban else "IBAN", how.account, strong=True),
        Fact("BIC (SWIFT)", how.bic),
        Fact(reference, _reference(how), strong=True),
        Fact(gettext("Amount"), words.amount(how.amount, how.currency), strong=True),
        Fact(gettext("Payment code"), "221" if in_dinars else ""),
        Fact(gettext("Purpose"), how.purpose),
        Fact(gettext("Due"), words.day(how.due_on)),
    ]
    return Payment(
        title=gettext("Payment"),
        facts=tuple(fact for fact in facts if fact.value),
        code=squares(how.code) if how.code is not None else None,
        code_label=gettext("Scan with your bank’s app"),
    )


def _reference(how: Instructions) -> str:
    return f"{how.model} {how.reference}" if how.model else how.reference
