"""A storno as a document: what it cancels, why, and the same lines with the opposite sign."""

from __future__ import annotations

from console.billing.ledger.queries import released_from
from console.billing.models import Storno
from console.billing.pdf import words
from console.billing.pdf.lines import lines_table
from console.billing.pdf.sheet import Fact, Sheet
from console.core.texts import gettext


def sheet_of(storno: Storno) -> Sheet:
    """Return a storno in the language of the block."""
    original = storno.proforma
    note = words.tax_note(original.tax_note)
    if storno.migration_id is not None:
        reason = gettext("Service transfer %(ref)s", ref=storno.reason)
    else:
        reason = storno.reason
    released = released_from(storno.proforma_id)
    credited = words.amount(released, storno.currency)
    credit = gettext("%(amount)s was put on the account’s credit.", amount=credited) if released else ""
    return Sheet(
        lang=words.lang(),
        title=gettext("Storno"),
        number=storno.number,
        brand=words.brand_of(storno.issuer),
        made_at=storno.issued_at,
        parties=(
            words.party(gettext("Issuer"), storno.issuer),
            words.party(gettext("Buyer"), storno.buyer),
        ),
        lead=gettext(
            "Cancels pro-forma %(number)s of %(day)s. Do not pay that pro-forma.",
            number=original.number,
            day=words.day(original.issued_on),
        ),
        facts=(
            Fact(gettext("Issued"), words.day(storno.issued_on)),
            Fact(gettext("Cancels"), original.number),
            Fact(gettext("Total"), words.amount(storno.total, storno.currency), strong=True),
        ),
        tables=(lines_table(storno, original.lines, charged=original.tax_note is None, sign=-1),),
        notes=tuple(text for text in (gettext("Reason: %(reason)s", reason=reason), credit, note) if text),
        closing=gettext("A storno cancels a pro-forma. It is not a tax document."),
        footer=words.issuer_line(storno.issuer),
        page_of=words.page_of(),
        continued=gettext("Storno %(number)s", number=storno.number),
    )
