"""A document's PDF attached to the mail about it. The row names the document; the file is read when the mail is sent."""

from __future__ import annotations

from typing import Any

from console.billing.models import Migration, Proforma, Storno
from console.billing.pdf.models import DocumentKind, Side
from console.mail.models import Mail

SOURCE = "document"  # console.billing.pdf.files makes what a row names
PDF = "application/pdf"
MOST = 10  # attached to one mail; the others are in the portal


def attach(mail: Mail, document: Proforma | Storno) -> None:
    """Attach a document to a mail that was queued in this transaction. It will be in the mail's language."""
    mail.attachments = [*mail.attachments, attachment_of(document)]


def attachment_of(document: Proforma | Storno) -> dict[str, Any]:
    """Return a document as ``queue()`` and ``write_to()`` take it. It needs a key, so it was flushed."""
    kind = DocumentKind.PROFORMA if isinstance(document, Proforma) else DocumentKind.STORNO
    return _attachment(document.number, kind, document.id)


def record_attachment(migration: Migration, side: Side) -> dict[str, Any]:
    """Return one side's record of a migration that is executed in this transaction, as :func:`attachment_of` does."""
    kind = DocumentKind.MIGRATION_OLD if side is Side.OLD else DocumentKind.MIGRATION_NEW
    return _attachment(migration.ref, kind, migration.id)


def _attachment(name: str, kind: DocumentKind, key: int) -> dict[str, Any]:
    return {"name": f"{name}.pdf", "type": PDF, "source": SOURCE, "key": f"{kind.value}:{key}"}
