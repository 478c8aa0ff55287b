"""Domain names: as people type them, and as the DNS stores them."""

from __future__ import annotations

import re

import dns.exception
import dns.name

from console.core.errors import Text
from console.core.texts import lazy_gettext

APEX = "@"
MAX_LABEL, MAX_NAME = 63, 253
_CODEC = dns.name.IDNA_2008_UTS_46
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")  # RFC 1123, 2.1


class BadName(ValueError):
    """A text that is no name. ``message`` says why, for its writer."""

    def __init__(self, message: Text) -> None:
        super().__init__(str(message))
        self.message = message


def read_owner(text: str, zone: str) -> str:
    """Return the name of a record relative to its zone, ``@`` for the zone itself.

    Args:
        text: relative, or the whole name; may be international.
        zone: the zone's name in ASCII, without the last dot.

    Raises:
        BadName: it is none, or it lies outside of the zone.
    """
    text = text.strip()
    if text in ("", APEX):
        return APEX
    name = to_ascii(text.removesuffix("."))
    if name == zone:
        return APEX
    if name.endswith(f".{zone}"):
        name = name.removesuffix(f".{zone}")
    elif text.endswith("."):
        raise BadName(lazy_gettext("This name is outside the domain %(domain)s.", domain=zone))
    check_owner(name, zone)
    return name


def check_owner(name: str, zone: str) -> None:
    """Refuse what can be no name in the zone.

    Raises:
        BadName: says why.
    """
    first, *others = name.split(".")
    labels = others if first == "*" else [first, *others]
    _check_labels(labels, _LABEL)
    if len(name) + 1 + len(zone) > MAX_NAME:
        raise BadName(lazy_gettext("The whole name may have at most %(count)d characters.", count=MAX_NAME))


def read_target(text: str, zone: str, *, host: bool) -> str:
    """Return the name that a record points to, whole and with its last dot.

    Args:
        text: a whole name, ``@``, or one word for a name in the zone.
        host: it is the name of a machine: letters, digits and hyphens alone.

    Raises:
        BadName: it is none.
    """
    if text == APEX:
        return f"{zone}."
    name = to_ascii(text.removesuffix("."))
    if "." not in text:
        name = f"{name}.{zone}"
    check_target(name, host=host)
    return f"{name}."


def check_target(name: str, *, host: bool) -> None:
    """Refuse what can be no name that a record points to.

    Raises:
        BadName: says why.
    """
    _check_labels(name.split("."), _HOST_LABEL if host else _LABEL)
    if len(name) > MAX_NAME:
        raise BadName(lazy_gettext("The whole name may have at most %(count)d characters.", count=MAX_NAME))


def is_host(name: str) -> bool:
    """Return whether a machine may be called so; a star for all names on a level counts as one."""
    return name == APEX or all(
        _HOST_LABEL.fullmatch(label) for label in name.removeprefix("*.").split(".") if name != "*"
    )


def to_ascii(text: str) -> str:
    """Return a name in lower case, with A-labels for what is international.

    Raises:
        BadName: it holds what no name may hold.
    """
    if not text.isascii():
        if "\\" in text:
            raise _signs()
        try:
            text = dns.name.from_text(text, None, idna_codec=_CODEC).to_text()
        except (dns.exception.DNSException, UnicodeError, ValueError) as error:
            raise BadName(lazy_gettext("This is not a valid international name.")) from error
    return text.lower()


def whole(name: str, zone: str) -> str:
    """Return the whole name of a record, without a last dot."""
    return zone if name == APEX else f"{name}.{zone}"


def to_unicode(name: str) -> str:
    """Return a name as people read it: without A-labels where they can be read."""
    if "xn--" not in name:
        return name
    try:
        return dns.name.from_text(name, None).to_unicode(idna_codec=_CODEC)
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return name


def _check_labels(labels: list[str], allowed: re.Pattern[str]) -> None:
    for label in labels:
        if not label:
            raise BadName(lazy_gettext("Between two dots there must be at least one character."))
        if len(label) > MAX_LABEL:
            raise BadName(lazy_gettext("Between two dots there may be at most %(count)d characters.", count=MAX_LABEL))
        if not allowed.fullmatch(label):
            raise _signs() if allowed is _LABEL else _host()


def _signs() -> BadName:
    return BadName(
        lazy_gettext(
            "Use letters, digits, hyphens and underscores, with dots between them; a star only at the beginning."
        )
    )


def _host() -> BadName:
    return BadName(lazy_gettext("The name of a server has only letters, digits and hyphens, with dots between them."))
