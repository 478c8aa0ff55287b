"""Files of a mail that are made when it is sent: what a row names is its source, in the transaction that causes it.

A file of the store is named by its digest at once. What takes a while to make, as the PDF of a document, must not be
made while rows are locked: ``queue()`` gets ``name``, ``type``, ``source`` and ``key``, and the domain that registered
for the source says what file that is, in the mail's language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Attachment = dict[str, Any]


@dataclass(frozen=True)
class StoredFile:
    """A file of the store."""

    digest: str
    size: int


class NotMade(Exception):
    """The file could not be made now; it may be later. Says why, in words."""


Maker = Callable[[str, str], StoredFile]
_MAKERS: dict[str, Maker] = {}


def made_by(source: str, maker: Maker) -> None:
    """Register what makes the files of a source.

    Args:
        maker: returns the file of a key in a language, in a transaction of its own. It may raise whatever it meets:
            the mail is tried again later.
    """
    _MAKERS[source] = maker


def located(attachment: Attachment, language: str) -> Attachment:
    """Return an attachment with the digest and size of its file, made now where it must be.

    Raises:
        NotMade: it cannot be made now.
    """
    if "source" not in attachment:
        return attachment
    try:
        file = _MAKERS[attachment["source"]](str(attachment["key"]), language)
    except Exception as error:
        raise NotMade(f"{attachment['name']} could not be made: {type(error).__name__}") from error
    return attachment | {"digest": file.digest, "size": file.size}


def all_located(attachments: Sequence[Attachment], language: str) -> list[Attachment]:
    """Return all attachments of a mail as :func:`located` does."""
    return [located(one, language) for one in attachments]
