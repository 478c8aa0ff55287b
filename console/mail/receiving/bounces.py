"""Delivery reports: RFC 3464, and the texts of mail servers that write none.

Which mail of ours came back is known by its Message-ID alone, in the report's copy of its header: it is random, and
only who got the mail knows it. So a forged report stops no one's mail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from console.core.emails import normal_email
from console.core.text import fold, one_line
from console.mail.receiving.message import ReadMail

_FIELDS = re.compile(
    r"^(Final-Recipient|Original-Recipient|Action|Status|Diagnostic-Code):[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE
)
_MESSAGE_ID = re.compile(r"^\W{0,3}Message-ID:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{3,290}>)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"(?:^|[\s:<>#-])([45]\d\d)[\s-]")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_DAEMONS = re.compile(r"^(mailer-daemon|postmaster|mail-daemon|double-bounce|mailerdaemon)\b")
_SUBJECTS = re.compile(
    r"^(undeliver|undelivered mail|delivery status notification|mail delivery (failed|failure|subsystem)|"
    r"returned mail|failure notice|delivery (failure|has failed)|mail system error|message not delivered|"
    r"warning: message .* delayed|delayed mail|neisporuc|isporuka nije uspela|poruka nije isporucena|nondeliverable)"
)
_TEXTS = re.compile(
    r"(this is the mail system at host|this is the qmail-send program|could not be delivered to|"
    r"a message that you sent could not be delivered|address not found|delivery has failed to these recipients|"
    r"your message wasn.t delivered|unable to deliver your message|permanent fatal errors|"
    r"was unable to deliver|poruka nije isporucena)"
)
# No mailbox there, now or later: RFC 3463. A full mailbox (5.2.2) or a refused text (5.7.x) says nothing of it.
_DEAD = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
_DEAD_WORDS = re.compile(
    r"(user unknown|unknown user|no such user|does not exist|doesn.t exist|no mailbox here by that name|"
    r"mailbox unavailable|recipient (address )?rejected|address not found|invalid recipient|account.{0,20}disabled|"
    r"host or domain name not found|domain .{0,60}not found|unrouteable address|user doesn.t have)"
)
_ARRIVED = frozenset({"relayed", "delivered", "expanded"})
_OTHER_REPORTS = re.compile(r"report-type\s*=\s*\"?(?!delivery-status)[a-z]")
_LONGEST = 1_000
MAX_DIAGNOSTIC = 300
_LOOKED_AT = 20_000


@dataclass(frozen=True)
class Bounce:
    """What a report says.

    Args:
        recipients: who did not get it.
        message_ids: of the mail, as the report repeats its header.
        hard: there is no such address.
        delayed: it is only late so far.
        failed: it did not arrive and will not; neither this nor delayed: it arrived.
    """

    recipients: tuple[str, ...]
    message_ids: tuple[str, ...]
    status: str
    diagnostic: str
    hard: bool
    delayed: bool
    failed: bool = True


def is_bounce(mail: ReadMail) -> bool:
    """Return whether ``mail`` is a delivery report. A complaint (RFC 5965) or a receipt (RFC 8098) is none."""
    if "message/delivery-status" in mail.contents.report or "x-failed-recipients" in mail.headers:
        return True
    content_type = mail.first("content-type").lower()
    if content_type.startswith("multipart/report") and not _OTHER_REPORTS.search(content_type):
        return True
    local = mail.sender.address.partition("@")[0]
    from_server = _DAEMONS.match(local) is not None or mail.first("return-path").strip() == "<>"
    subject, text = fold(mail.subject), fold(mail.text[:_LOOKED_AT])
    return from_server and bool(_SUBJECTS.match(subject) or _TEXTS.search(text))


def read_bounce(mail: ReadMail) -> Bounce:
    """Return what the report ``mail`` says. Of several receivers those count that it did not reach."""
    report = mail.contents.report
    groups = [_fields(group) for group in re.split(r"\n\s*\n", report.get("message/delivery-status", ""))]
    verdicts = [_verdict(group, mail) for group in groups if group] or [_verdict({}, mail)]
    worst = min(verdicts, key=lambda one: (not one.hard, not one.failed, not one.delayed))
    same = [one for one in verdicts if (one.hard, one.failed, one.delayed) == (worst.hard, worst.failed, worst.delayed)]
    copied = "\n".join(report.get(kind, "") for kind in ("text/rfc822-headers", "message/rfc822")) + "\n" + mail.text
    recipients = tuple(dict.fromkeys(address for one in same for address in one.recipients))
    return replace(
        worst,
        recipients=(recipients or _recipients({}, mail))[:20],
        message_ids=tuple(dict.fromkeys([*_MESSAGE_ID.findall(copied), *mail.answered])),
    )


def _fields(group: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in _FIELDS.findall(group):
        found.setdefault(name.lower(), []).append(one_line(value))
    return found


def _verdict(fields: dict[str, list[str]], mail: ReadMail) -> Bounce:
    """Return what the report says of one receiver; without fields what its text says."""
    words = "\n".join([*fields.get("diagnostic-code", []), mail.text[:_LOOKED_AT]])
    status = _status(fields, words)
    action = next(iter(fields.get("action", [])), "").lower()
    delayed = action == "delayed" or (not action and status.startswith("4"))
    failed = not delayed and action not in _ARRIVED
    dead = status in _DEAD or (status.startswith("5") and bool(_DEAD_WORDS.search(fold(words))))
    return Bounce(
        recipients=_recipients(fields, mail) if fields else (),
        message_ids=(),
        status=status,
        diagnostic=_diagnostic(fields, mail),
        hard=dead and failed and status not in ("5.2.2", "5.7.1"),
        delayed=delayed,
        failed=failed,
    )


def _status(fields: dict[str, list[str]], words: str) -> str:
    for text in (*fields.get("status", []), words):
        found = _STATUS.search(text)
        if found is not None:
            return ".".join(found.groups())
    code = _CODE.search(words)
    if code is not None:
        return "5.0.0" if code[1] in ("550", "551", "553") else f"{code[1][0]}.9.9"
    return "5.0.0" if _DEAD_WORDS.search(fold(words)) else ""


def _recipients(fields: dict[str, list[str]], mail: ReadMail) -> tuple[str, ...]:
    named = [*fields.get("final-recipient", []), *fields.get("original-recipient", [])]
    if not fields:
        named = mail.headers.get("x-failed-recipients", [])
    found = [address for value in named[:20] for address in _ADDRESS.findall(value[:_LONGEST])]
    if not (found or fields):
        found = _ADDRESS.findall(mail.text[:4_000])
    return tuple(dict.fromkeys(map(normal_email, found)))[:20]


def _diagnostic(fields: dict[str, list[str]], mail: ReadMail) -> str:
    said = next(iter(fields.get("diagnostic-code", [])), "")
    if not said:
        lines = mail.text[:_LOOKED_AT].split("\n")
        said = next((line for line in lines if _STATUS.search(line) or _CODE.search(line)), "")
    return one_line(re.sub(r"^\s*smtp;\s*", "", said, flags=re.IGNORECASE))[:MAX_DIAGNOSTIC]
