"""A document's PDF attached to the mail about it. The row names the document; its file is read when the mail leaves."""

from __future__ import annotations

from console.billing.models import Proforma, Storno
from console.billing.pdf.models import attachment_of
from console.mail.models import Mail

MOST = 10  # attached to one mail; the others are in the portal


def attach(mail: Mail, document: Proforma | Storno) -> None:
    """Attach a document to a mail that was queued in this transaction. It will be in the mail's language."""
    mail.attachments = [*mail.attachments, attachment_of(document)]
