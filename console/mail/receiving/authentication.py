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

_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_METHOD = re.compile(r"^([a-z][a-z0-9-]*)(?:/\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b(smtp|header|policy)\.([a-z0-9_-]+)\s*=\s*([^\s;]+)", re.IGNORECASE)
_ROUNDS = 5


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
    server = settings().mail_authserv_id.lower()
    if not server:
        return Authentication(Proof.NONE, why="no_server")
    headers = mail.headers.get("authentication-results", [])
    if not headers:
        return Authentication(Proof.NONE, why="no_results")
    name, results = parse(headers[0])
    if name != server:
        return Authentication(Proof.NONE, why="other_server")
    if len(mail.senders) != 1 or len(mail.headers.get("from", [])) != 1:
        return Authentication(Proof.FAILED, why="senders")
    return _judge(results, mail.sender.address.rpartition("@")[2])


def _judge(results: list[Result], domain: str) -> Authentication:
    dmarc = [one for one in results if one.method == "dmarc"]
    if any(one.outcome == "fail" for one in dmarc):
        return Authentication(Proof.FAILED, why="dmarc")
    if any(one.outcome == "pass" and one.properties.get("header.from", domain) == domain for one in dmarc):
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
    """Return the server's name and the results of one header."""
    text = _QUOTED.sub(lambda found: re.sub(r"[\s;=]", "", found[1]), header)
    for _round in range(_ROUNDS):
        shorter = _COMMENT.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    name, *rest = text.split(";")
    results = []
    for part in rest:
        found = _METHOD.match(part.strip())
        if found is not None:
            properties = {f"{kind}.{key}".lower(): value.lower() for kind, key, value in _PROPERTY.findall(part)}
            results.append(Result(found[1].lower(), found[2].lower(), properties))
    return (name.split() or [""])[0].lower(), results


def is_marked_spam(mail: ReadMail) -> bool:
    """Return whether the trusted server marked it as spam. Without the setting its header could be anyone's."""
    if not settings().mail_authserv_id:
        return False
    flags = [mail.first(name).lower() for name in ("x-spam-flag", "x-spam", "x-spam-status")]
    return any(flag.startswith(("yes", "true")) for flag in flags)
