"""What the trusted mail server found out about a sender (``Authentication-Results``, RFC 8601).

Anyone can write that header. So only the topmost counts, and only where it names the server of ``MAIL_AUTHSERV_ID``:
that one strips what came in under its own name. Without the setting nothing is proven.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from console.core.context import settings
from console.mail.receiving.message import ReadMail
from console.mail.receiving.models import Proof

_METHOD = re.compile(r"^([a-z][a-z0-9-]*)(?:/\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b(smtp|header|policy)\.([a-z0-9_-]+)\s*=\s*([^\s;]+)", re.IGNORECASE)
_DIVIDES = frozenset(" \t;=()")


@dataclass(frozen=True)
class Result:
    """One method's result: ``dmarc``, ``pass``, its properties."""

    method: str
    outcome: str
    properties: dict[str, str]


@dataclass(frozen=True)
class Authentication:
    """What is known of a sender. ``dmarc``: passed by DMARC itself, not by a signature or path alone."""

    proof: Proof
    dmarc: bool = False
    why: str = ""


def authenticate(mail: ReadMail) -> Authentication:
    """Return what the trusted server says of the one sender of ``mail``."""
    if len(mail.senders) > 1 or len(mail.headers.get("from", [])) > 1:
        return Authentication(Proof.FAILED, why="senders")
    server = settings().mail_authserv_id.lower()
    if not server:
        return Authentication(Proof.NONE, why="no_server")
    headers = mail.headers.get("authentication-results", [])
    if not headers:
        return Authentication(Proof.NONE, why="no_results")
    name, results = parse(headers[0])
    if name != server:
        return Authentication(Proof.NONE, why="other_server")
    if not mail.senders:
        return Authentication(Proof.FAILED, why="senders")
    return _judge(results, mail.sender.address.rpartition("@")[2])


def _judge(results: list[Result], domain: str) -> Authentication:
    dmarc = [one for one in results if one.method == "dmarc"]
    if any(one.outcome == "fail" for one in dmarc):
        return Authentication(Proof.FAILED, why="dmarc")
    if any(one.outcome == "pass" and one.properties.get("header.from") == domain for one in dmarc):
        return Authentication(Proof.PASSED, dmarc=True, why="dmarc")
    for method, names in (("dkim", ("header.d", "header.i")), ("spf", ("smtp.mailfrom", "smtp.helo"))):
        for one in results:
            value = next((one.properties[name] for name in names if name in one.properties), "")
            if one.method == method and one.outcome == "pass" and _is_aligned(value.rpartition("@")[2], domain):
                return Authentication(Proof.PASSED, why=method)
    if any(one.method == "spf" and one.outcome == "fail" for one in results) and not dmarc:
        return Authentication(Proof.FAILED, why="spf")
    return Authentication(Proof.NONE, why="nothing_passed")


def _is_aligned(found: str, domain: str) -> bool:
    """Return whether a domain that passed is the sender's, or one below it: what is above may be a registry's."""
    return bool(domain) and (found == domain or found.endswith(f".{domain}"))


def parse(header: str) -> tuple[str, list[Result]]:
    """Return the server's name and the results of one header; no result where a quote or comment has no end."""
    pieces = _pieces(header)
    if not pieces:
        return "", []
    results = []
    for part in pieces[1:]:
        found = _METHOD.match(part.strip())
        if found is not None:
            properties = {f"{kind}.{key}".lower(): value.lower() for kind, key, value in _PROPERTY.findall(part)}
            results.append(Result(found[1].lower(), found[2].lower(), properties))
    return (pieces[0].split() or [""])[0].lower(), results


def _pieces(header: str) -> list[str]:
    """Divide a header at its semicolons, without comments; what is quoted divides nothing (RFC 8601, 2.2).

    A server repeats there what strangers say of themselves: an address may hold a quote, a bracket or a semicolon.
    """
    pieces, depth, quoted, escaped = [""], 0, False, False
    for char in header:
        taken = char
        if escaped:
            escaped = False
            taken = "_"
        elif char == "\\" and (quoted or depth):
            escaped = True
            continue
        elif quoted or (char == '"' and not depth):
            quoted = not quoted if char == '"' else quoted
            taken = "" if char == '"' else "_" if char in _DIVIDES else char
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
            taken = " "
        elif char == ";" and not depth:
            pieces.append("")
            continue
        if not depth:
            pieces[-1] += taken
    return [] if quoted or depth else pieces


def is_marked_spam(mail: ReadMail) -> bool:
    """Return whether the trusted server marked it as spam. Without the setting its header could be anyone's."""
    if not settings().mail_authserv_id:
        return False
    flags = [mail.first(name).lower() for name in ("x-spam-flag", "x-spam", "x-spam-status")]
    return any(flag.startswith(("yes", "true")) for flag in flags)
