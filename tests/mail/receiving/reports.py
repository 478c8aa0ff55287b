# ruff: noqa: E501  (reports as servers write them)
"""Delivery reports in the shapes of ten mail servers; each about a mail of ours to an address that is not there."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, str], bytes]


def _copy(message_id: str, to: str) -> str:
    return f"From: podrska@example.test\nTo: {to}\nSubject: Odgovor\nMessage-ID: {message_id}\nMIME-Version: 1.0\n"


def _status(to: str, status: str, reason: str) -> str:
    return (
        "Reporting-MTA: dns; mx.gost.test\nArrival-Date: Mon, 23 Nov 2026 10:00:00 +0100\n\n"
        f"Original-Recipient: rfc822;{to}\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\n"
        f"Remote-MTA: dns; mx2.gost.test\nDiagnostic-Code: smtp; {reason}\n"
    )


def _head(sender: str, subject: str, message_id: str, *more: str) -> str:
    unique = message_id.strip("<>").replace("@", ".")
    return "\n".join(
        (
            f"From: {sender}",
            "To: podrska@example.test",
            f"Subject: {subject}",
            f"Message-ID: <report.{unique}@gost.test>",
            "Date: Mon, 23 Nov 2026 10:00:00 +0100",
            *more,
            "",
        )
    )


def _parts(*parts: tuple[str, str]) -> str:
    written = "".join(f"--=_b\nContent-Type: {kind}\n\n{body}\n" for kind, body in parts)
    return (
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n\tboundary="=_b"\n\n'
        f"This is a MIME-encapsulated message.\n\n{written}--=_b--\n"
    )


def gmail(message_id: str, to: str) -> bytes:
    reason = f"550-5.1.1 The email account that you tried to reach does not exist. {to} - gsmtp"
    html = "text/html; charset=UTF-8", "<b>Address not found</b><p>Your message wasn't delivered."
    head = _head(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        message_id,
        "Auto-Submitted: auto-replied",
        f"X-Failed-Recipients: {to}",
        f"In-Reply-To: {message_id}",
        f"References: {message_id}",
    )
    return (
        head
        + _parts(
            html,
            ("message/delivery-status", _status(to, "5.1.1", reason)),
            ("message/rfc822", _copy(message_id, to) + "\nTekst"),
        )
    ).encode()


def exchange(message_id: str, to: str) -> bytes:
    text = (
        "text/plain; charset=us-ascii",
        f"Delivery has failed to these recipients or groups:\n\n{to}\nThe e-mail address you entered couldn't be found.\n",
    )
    head = _head(
        "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@gost.test>",
        "Undeliverable: Odgovor",
        message_id,
        "X-MS-Exchange-Message-Is-Ndr:",
        "Auto-Submitted: auto-replied",
    )
    return (
        head
        + _parts(
            text,
            ("message/delivery-status", _status(to, "5.1.1", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found")),
            ("message/rfc822", _copy(message_id, to) + "\nTekst"),
        )
    ).encode()


def office365(message_id: str, to: str) -> bytes:
    html = "text/html; charset=utf-8", f"<p>Your message to {to} couldn't be delivered.</p>"
    reason = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
    head = _head("postmaster@gost.onmicrosoft.test", "Undeliverable: Odgovor", message_id, f"In-Reply-To: {message_id}")
    return (
        head
        + _parts(
            html,
            ("message/delivery-status", _status(to, "5.1.10", reason)),
            ("message/rfc822", _copy(message_id, to) + "\nTekst"),
        )
    ).encode()


def yahoo(message_id: str, to: str) -> bytes:
    text = f"Sorry, we were unable to deliver your message to the following address.\n\n<{to}>:\n554: delivery error: dd This user doesn't have a yahoo.com account ({to}) [0] - mta4001.mail.bf1.yahoo.com\n\n--- Below this line is a copy of the message.\n\n"
    return (
        _head("MAILER-DAEMON@yahoo.com", "Failure Notice", message_id) + "\n" + text + _copy(message_id, to)
    ).encode()


def postfix(message_id: str, to: str) -> bytes:
    text = (
        "text/plain; charset=us-ascii",
        f"This is the mail system at host mx.gost.test.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<{to}>: host mx2.gost.test said: 550 5.1.1 <{to}>: Recipient address\n    rejected: User unknown (in reply to RCPT TO command)\n",
    )
    head = _head(
        "MAILER-DAEMON@mx.gost.test (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        message_id,
        "Auto-Submitted: auto-replied",
    )
    return (
        head
        + _parts(
            text,
            (
                "message/delivery-status",
                _status(to, "5.1.1", f"550 5.1.1 <{to}>: Recipient address rejected: User unknown"),
            ),
            ("text/rfc822-headers", _copy(message_id, to)),
        )
    ).encode()


def exim(message_id: str, to: str) -> bytes:
    text = f"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  {to}\n    host mx2.gost.test [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<{to}>:\n    550 No such user here\n\n------ This is a copy of the message, including all the headers. ------\n\n"
    head = _head(
        "Mail Delivery System <Mailer-Daemon@mx.gost.test>",
        "Mail delivery failed: returning message to sender",
        message_id,
        f"X-Failed-Recipients: {to}",
        "Auto-Submitted: auto-replied",
    )
    return (head + "\n" + text + _copy(message_id, to) + "\nTekst").encode()


def qmail(message_id: str, to: str) -> bytes:
    text = f"Hi. This is the qmail-send program at mx.gost.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<{to}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <podrska@example.test>\n"
    return (
        _head("MAILER-DAEMON@mx.gost.test", "failure notice", message_id)
        + "\n"
        + text
        + _copy(message_id, to)
        + "\nTekst"
    ).encode()


def sendmail(message_id: str, to: str) -> bytes:
    text = (
        "text/plain",
        f"The original message was received at Mon, 23 Nov 2026 10:00:00 +0100\n\n   ----- The following addresses had permanent fatal errors -----\n<{to}>\n    (reason: 550 5.1.1 <{to}>... User unknown)\n",
    )
    head = _head(
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.gost.test>",
        "Returned mail: see transcript for details",
        message_id,
        "Auto-Submitted: auto-generated (failure)",
    )
    return (
        head
        + _parts(
            text,
            ("message/delivery-status", _status(to, "5.1.1", f"550 5.1.1 <{to}>... User unknown")),
            ("text/rfc822-headers", _copy(message_id, to)),
        )
    ).encode()


def ses(message_id: str, to: str) -> bytes:
    text = (
        "text/plain; charset=us-ascii",
        f"An error occurred while trying to deliver the mail to the following recipients:\n{to}",
    )
    head = _head("MAILER-DAEMON@eu-west-1.amazonses.com", "Delivery Status Notification (Failure)", message_id)
    status = f"Reporting-MTA: dns; b.smtp-out.eu-west-1.amazonses.com\n\nAction: failed\nFinal-Recipient: rfc822; {to}\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\nStatus: 5.1.1\n"
    return (
        head + _parts(text, ("message/delivery-status", status), ("message/rfc822", _copy(message_id, to) + "\nTekst"))
    ).encode()


def icloud(message_id: str, to: str) -> bytes:
    text = (
        "text/plain; charset=utf-8",
        f"Your message could not be delivered to the following recipients:\n\n<{to}>: host mx01.mail.icloud.com said: 550 5.1.1 <{to}>: user does not exist",
    )
    head = _head(
        "MAILER-DAEMON@icloud.com (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        message_id,
        "Return-Path: <>",
    )
    return (
        head
        + _parts(
            text,
            ("message/delivery-status", _status(to, "5.1.1", f"550 5.1.1 <{to}>: user does not exist")),
            ("text/rfc822-headers", _copy(message_id, to)),
        )
    ).encode()


REPORTS: dict[str, Report] = {
    "gmail": gmail, "exchange": exchange, "office 365": office365, "yahoo": yahoo, "postfix": postfix, "exim": exim,
    "qmail": qmail, "sendmail": sendmail, "ses": ses, "icloud": icloud,
}  # fmt: skip
