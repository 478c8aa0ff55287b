"""Mail about a pro-forma or a storno: to the people of its account who get mail about invoices."""

from __future__ import annotations

from datetime import date
from typing import Any

from console.billing.models import Proforma, Storno
from console.billing.pdf.models import attachment_of
from console.core.context import settings
from console.customers.mail_categories import addressee, receivers
from console.customers.rights import MailCategory
from console.mail.models import Mail
from console.mail.service import write_to

LINES = 12  # of a document that a mail repeats; the rest is on the document


def write_about(document: Proforma | Storno, template: str, /, **values: Any) -> list[Mail]:
    """Queue a mail about a document, with its PDF, for each of its receivers. The only way a document is written about.

    Args:
        template: one of the three below.
        values: what the template shows besides the document.
    """
    kind = "proforma" if isinstance(document, Proforma) else "storno"
    facts: dict[str, Any] = {
        "number": document.number,
        "total": document.total,
        "currency": document.currency,
        "portal": settings().portal_brand,
    }
    return [
        write_to(
            addressee(member),
            document.customer,
            template,
            about=f"{kind}:{document.number}",
            attachments=[attachment_of(document)],
            **facts,
            **values,
        )
        for member in receivers(document.customer, MailCategory.INVOICE)
    ]


def write_issued(proforma: Proforma) -> list[Mail]:
    """Send a pro-forma: what is to be paid, until when, with which reference."""
    return write_about(
        proforma,
        "proforma_issued",
        lines=[line.description for line in proforma.lines[:LINES]],
        more=max(len(proforma.lines) - LINES, 0),
        note=proforma.note,
        **_payment(proforma),
    )


def write_reminder(proforma: Proforma, day: date) -> list[Mail]:
    """Remind of a pro-forma that is about to be due, or was due before ``day``."""
    days = (day - proforma.due_on).days
    return write_about(
        proforma,
        "proforma_reminder",
        late=max(days, 0),
        left=max(-days, 0),
        lines=[line.description for line in proforma.lines[:LINES]],
        more=max(len(proforma.lines) - LINES, 0),
        **_payment(proforma),
    )


def write_cancelled(proforma: Proforma, storno: Storno, *, credited: int = 0, replaced_by: str = "") -> list[Mail]:
    """Say that a pro-forma was cancelled: it is not to be paid any more.

    Args:
        credited: what was paid on it and is the account's credit now.
        replaced_by: the number of the document that is to be paid in its place.
    """
    return write_about(
        storno,
        "proforma_cancelled",
        cancelled=proforma.number,
        reason=storno.reason,
        credited=credited,
        replaced_by=replaced_by,
        path=f"/moj/documents/{proforma.number}",
    )


def _payment(proforma: Proforma) -> dict[str, Any]:
    return {
        "owed": proforma.owed,
        "due_on": proforma.due_on,
        "reference": proforma.reference,
        "account": str(proforma.issuer.get("account", "")),
        "path": f"/moj/documents/{proforma.number}",
    }
