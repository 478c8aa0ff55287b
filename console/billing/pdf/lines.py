"""The lines of a pro-forma or storno, their totals, and PDV by rate."""

from __future__ import annotations

from collections.abc import Sequence

from console.billing.models import Proforma, ProformaLine, Storno
from console.billing.pdf import words
from console.billing.pdf.sheet import Column, Fact, Row, Table
from console.core.texts import gettext


def lines_table(document: Proforma | Storno, lines: Sequence[ProformaLine], *, charged: bool, sign: int = 1) -> Table:
    """Return the table of a document.

    Args:
        charged: PDV is on it; else each rate is nothing, whatever the product's.
        sign: ``-1`` on a storno.
    """
    return Table(
        columns=(
            Column(gettext("Description")),
            Column(gettext("Quantity"), 19, numbers=True),
            Column(gettext("Without PDV"), 27, numbers=True),
            Column(gettext("Rate"), 15, numbers=True),
            Column(gettext("PDV"), 25, numbers=True),
            Column(gettext("Total"), 29, numbers=True),
        ),
        rows=tuple(_row(line, sign, charged=charged) for line in lines),
        totals=(
            Fact(gettext("Without PDV"), words.amount(document.net)),
            Fact(gettext("PDV"), words.amount(document.tax)),
            Fact(gettext("Total"), words.amount(document.total, document.currency), strong=True),
        ),
        breakdown=_by_rate(lines, sign, charged=charged),
    )


def _row(line: ProformaLine, sign: int, *, charged: bool) -> Row:
    return Row(
        (
            line.description,
            f"{line.quantity}",
            words.amount(sign * line.net),
            words.rate(line.tax_bp if charged else 0),
            words.amount(sign * line.tax),
            words.amount(sign * line.total),
        ),
        note=" · ".join(text for text in (line.service.number if line.service else "", _discount(line, sign)) if text),
    )


def _discount(line: ProformaLine, sign: int) -> str:
    """Return what a line cost before its discount; nothing where it has none."""
    if not line.discount:
        return ""
    share = words.rate(line.discount_bp) if line.discount_bp else words.amount(sign * line.discount)
    return gettext("Price %(price)s, discount %(discount)s", price=words.amount(sign * line.price), discount=share)


def _by_rate(lines: Sequence[ProformaLine], sign: int, *, charged: bool) -> tuple[tuple[str, ...], ...]:
    sums: dict[int, tuple[int, int]] = {}
    for line in lines:
        rate = line.tax_bp if charged else 0
        net, tax = sums.get(rate, (0, 0))
        sums[rate] = net + sign * line.net, tax + sign * line.tax
    rows = [(words.rate(rate), words.amount(net), words.amount(tax)) for rate, (net, tax) in sorted(sums.items())[::-1]]
    return ((gettext("By rate"), gettext("Without PDV"), gettext("PDV")), *rows)
