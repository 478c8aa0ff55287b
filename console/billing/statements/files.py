"""Files as they are uploaded: which is a statement, and which has only the balances of another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from console.billing.statements.readers import StatementFile, UnreadableStatement, read
from console.billing.statements.readers.halcom import RECAP
from console.core.errors import Invalid, Text
from console.core.files import content_digest
from console.core.hub import off_the_hub
from console.core.texts import lazy_gettext

FIELD = "statement"
MEGABYTE = 1024 * 1024
_RECAP = re.compile(rb"01(\d{18})")
_LINE = re.compile(rb".{18}[1-4]0\d\d\.\d\d\.\d\d.{44}(\d{18})", re.DOTALL)


@dataclass(frozen=True)
class Upload:
    """A file as it came."""

    name: str
    content: bytes


@dataclass(frozen=True)
class ReadFile:
    """A file that was read and holds together."""

    name: str
    content: bytes
    digest: str
    parsed: StatementFile


def read_files(uploads: Sequence[Upload], *, megabytes: int) -> list[ReadFile]:
    """Read files outside of any transaction and off the hub; one that cannot be read refuses them all.

    Args:
        megabytes: how large one may be.

    Raises:
        Invalid: field ``statement``, with what is wrong by file and line.
    """
    if not uploads:
        raise Invalid(fields={FIELD: [lazy_gettext("Choose a file.")]})
    several = len(uploads) > 1
    problems: list[Text] = []
    found: list[ReadFile] = []
    for one in join_recaps(uploads):
        if len(one.content) > megabytes * MEGABYTE:
            message = lazy_gettext("The file is larger than %(size)d MB.", size=megabytes)
            problems.append(_named(one, message, several=several))
            continue
        try:
            parsed = off_the_hub(read, one.content)
        except UnreadableStatement as error:
            problems += [_named(one, _with_row(flaw.message, flaw.row), several=several) for flaw in error.flaws]
            continue
        found.append(ReadFile(one.name, one.content, content_digest(one.content), parsed))
    if problems:
        message = lazy_gettext("Nothing was imported. Correct the file, or ask your bank for it again.")
        raise Invalid(message, fields={FIELD: problems}, code="unreadable")
    return found


def join_recaps(uploads: Sequence[Upload]) -> list[Upload]:
    """Return the files, a Halcom file of balances (``…_cov.txt``) put together with the lines that it is about."""
    recaps = [(one, account) for one in uploads if (account := _account_of_recap(one.content))]
    rest = [one for one in uploads if not _account_of_recap(one.content)]
    for recap, account in recaps:
        place = next((place for place, one in enumerate(rest) if _belongs(one, account, recap)), None)
        if place is None:
            rest.append(recap)
        else:
            lines = rest[place]
            rest[place] = Upload(lines.name, lines.content.rstrip(b"\x1a\r\n") + b"\r\n" + recap.content)
    return rest


def _account_of_recap(content: bytes) -> bytes:
    first = content[: RECAP + 4].split(b"\n", 1)[0].rstrip(b"\r")
    found = _RECAP.match(first) if len(first) == RECAP else None
    return found[1] if found else b""


def _belongs(lines: Upload, account: bytes, recap: Upload) -> bool:
    found = _LINE.match(lines.content[:200])
    if found is None or found[1] != account:
        return False
    day = lines.content[20:28].replace(b".", b"")  # DDMMYY
    head = recap.content[20:36]
    return day in (head[:4] + head[6:8], head[8:12] + head[14:16])


def _named(upload: Upload, message: Text, *, several: bool) -> Text:
    return lazy_gettext("%(name)s: %(message)s", name=upload.name[:80], message=message) if several else message


def _with_row(message: Text, row: int | None) -> Text:
    return message if row is None else lazy_gettext("Line %(row)d: %(message)s", row=row, message=message)
