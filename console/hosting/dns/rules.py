"""What one record may be. Pure. dnspython reads and writes the values; what it refuses is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from console.core.errors import Invalid, Text
from console.core.texts import lazy_gettext
from console.hosting.dns.models import RecordType
from console.hosting.dns.names import BadName, check_owner, check_target, is_host, read_owner, read_target

MIN_TTL, MAX_TTL, DEFAULT_TTL = 60, 604_800, 3_600
MAX_NUMBER = 65_535
MAX_TEXT = 4_096  # bytes of a TXT record
STRING = 255  # bytes of one of its strings (RFC 1035, 3.3.14)
MAX_VALUE = 20_000  # characters typed: each byte of a text may take four
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\["\\]|\\\d{3})*"(?:\s+"(?:[^"\\\n]|\\["\\]|\\\d{3})*")*')
_CAA_TAG = re.compile(r"[a-z0-9]{1,15}")
_CAA = re.compile(r'(\d{1,3})\s+([A-Za-z0-9]+)\s+(?:"([^"\\]*)"|([^"\\\s]+))')
_HOSTS = (RecordType.A, RecordType.AAAA, RecordType.MX)  # what stands at the name of a machine


@dataclass(frozen=True, order=True)
class RecordData:
    """A record as it is stored: checked, and in the one form that equal ones have."""

    name: str
    type: RecordType
    ttl: int
    value: str

    @property
    def key(self) -> tuple[str, RecordType, str]:
        """Return what no other record of the zone has too."""
        return self.name, self.type, self.value


@dataclass(frozen=True)
class RecordInput:
    """A record as it was typed."""

    name: str
    type: str
    ttl: str
    value: str


def read_record(typed: RecordInput, zone: str) -> RecordData:
    """Check what was typed.

    Args:
        zone: the domain in ASCII.

    Raises:
        Invalid: with a message for each wrong field.
    """
    try:
        kind = RecordType(typed.type.strip().upper())
    except ValueError:
        raise Invalid(fields={"type": [lazy_gettext("Choose one of the record types.")]}) from None
    wrong: dict[str, list[Text]] = {}
    found: dict[str, Any] = {}
    for field, read in _readers(typed, kind, zone).items():
        try:
            found[field] = read()
        except BadName as error:
            wrong[field] = [error.message]
    if wrong:
        raise Invalid(fields=wrong)
    return RecordData(type=kind, **found)


def _readers(typed: RecordInput, kind: RecordType, zone: str) -> dict[str, Callable[[], Any]]:
    return {
        "name": lambda: check_name(read_owner(typed.name, zone), kind, zone),
        "ttl": lambda: read_ttl(typed.ttl),
        "value": lambda: canonical(read_value(typed.value.strip(), kind, zone), kind),
    }


def check_name(name: str, kind: RecordType, zone: str) -> str:
    """Return a name at which a record of this type may stand.

    Raises:
        BadName: it may not.
    """
    if name != "@":
        check_owner(name, zone)
    if kind is RecordType.CNAME and name == "@":
        raise BadName(
            lazy_gettext("The domain itself cannot be a CNAME: it has other records. Use an A or AAAA record.")
        )
    if kind is RecordType.NS and name.startswith("*"):
        raise BadName(lazy_gettext("An NS record cannot have a star in its name."))
    if kind in _HOSTS and not is_host(name):
        raise BadName(
            lazy_gettext("The name of a server has only letters, digits and hyphens, with dots between them.")
        )
    return name


def read_ttl(text: str) -> int:
    """Return a TTL in seconds.

    Raises:
        BadName: it is none, or too short or long.
    """
    text = text.strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else -1
    if not MIN_TTL <= number <= MAX_TTL:
        raise BadName(
            lazy_gettext("Enter a number of seconds from %(least)d to %(most)d.", least=MIN_TTL, most=MAX_TTL)
        )
    return number


def read_value(text: str, kind: RecordType, zone: str) -> dns.rdata.Rdata:
    """Read the value of a record as people type it.

    Raises:
        BadName: it is none of that type.
    """
    if not text:
        raise BadName(lazy_gettext("Enter a value."))
    if len(text) > MAX_VALUE or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise BadName(lazy_gettext("The value must be on one line, without control characters."))
    try:
        return _READERS[kind](text, zone)
    except (dns.exception.DNSException, ValueError) as error:
        if isinstance(error, BadName):
            raise
        raise BadName(HINTS[kind]) from error


def canonical(rdata: dns.rdata.Rdata, kind: RecordType) -> str:
    """Return the one form in which a value is stored, whether it was typed or read from a file.

    Raises:
        BadName: it holds what could not be published, or what a zone file could not hold safely.
    """
    values: Any = rdata
    if kind in (RecordType.CNAME, RecordType.NS):
        _check_host(values.target.to_text(), host=kind is RecordType.NS)
    elif kind is RecordType.MX:
        _check_host(values.exchange.to_text(), host=True, may_be_root=values.preference == 0)
    elif kind is RecordType.SRV:
        _check_host(values.target.to_text(), host=True, may_be_root=True)
    elif kind is RecordType.CAA:
        _check_caa(values.flags, values.tag, values.value)
    elif kind is RecordType.TXT:
        _check_strings(values.strings)
    elif kind is RecordType.AAAA and "." in values.address:  # an IPv4 address in it: no name server agrees on its form
        raise BadName(HINTS[kind])
    try:
        rdata.to_wire()
        text = rdata.to_text()
    except (dns.exception.DNSException, ValueError) as error:
        raise BadName(HINTS[kind]) from error
    return text if kind in (RecordType.TXT, RecordType.CAA) else text.lower()


def to_display(kind: RecordType, value: str) -> str:
    """Return a stored value as people type it: a text without quotes where that says the same."""
    if kind is not RecordType.TXT:
        return value
    rdata: Any = dns.rdata.from_text("IN", "TXT", value)
    joined = b"".join(rdata.strings)
    try:
        text = joined.decode()
    except UnicodeDecodeError:
        return value
    plain = text.isprintable() and text == text.strip() and text and not text.startswith('"')
    return text if plain and _strings(text) == rdata.strings else value


# --- values as they are typed ------------------------------------------------------------------------------------


def _read_address(text: str, kind: str) -> dns.rdata.Rdata:
    if not re.fullmatch(r"[0-9A-Fa-f.:]+", text):
        raise ValueError(text)
    return dns.rdata.from_text("IN", kind, text)


def _read_name(text: str, zone: str, kind: str, *, host: bool) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", kind, read_target(text, zone, host=host))


def _read_mx(text: str, zone: str) -> dns.rdata.Rdata:
    preference, target = text.split()
    target = "." if target == "." else read_target(target, zone, host=True)
    return dns.rdata.from_text("IN", "MX", f"{_number(preference)} {target}")


def _read_srv(text: str, zone: str) -> dns.rdata.Rdata:
    *numbers, target = text.split()
    if len(numbers) != 3:
        raise ValueError(text)
    target = "." if target == "." else read_target(target, zone, host=True)
    return dns.rdata.from_text("IN", "SRV", f"{' '.join(str(_number(one)) for one in numbers)} {target}")


def _read_caa(text: str, _zone: str) -> dns.rdata.Rdata:
    found = _CAA.fullmatch(text)
    if found is None:
        raise ValueError(text)
    flags, tag, quoted, bare = found.groups()
    value = quoted if quoted is not None else bare
    _check_caa(int(flags), tag.lower().encode(), value.encode())
    return dns.rdata.from_text("IN", "CAA", f'{int(flags)} {tag.lower()} "{value}"')


def _read_text(text: str, _zone: str) -> dns.rdata.Rdata:
    if not text.startswith('"'):
        return dns.rdata.from_text("IN", "TXT", " ".join(_quote(one) for one in _strings(text)))
    if not _QUOTED.fullmatch(text):
        raise BadName(lazy_gettext('A text in quotation marks must end with one; write one inside it as \\".'))
    return dns.rdata.from_text("IN", "TXT", text)


def _strings(text: str) -> tuple[bytes, ...]:
    """Return a long text as the strings of a TXT record."""
    octets = text.encode()
    return tuple(octets[start : start + STRING] for start in range(0, len(octets), STRING))


def _quote(octets: bytes) -> str:
    signs = (chr(one) if 32 <= one < 127 and one not in b'"\\' else f"\\{one:03d}" for one in octets)
    return f'"{"".join(signs)}"'


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= MAX_NUMBER):
        raise BadName(lazy_gettext("The numbers must be from 0 to %(most)d.", most=MAX_NUMBER))
    return int(text)


def _check_host(name: str, *, host: bool, may_be_root: bool = False) -> None:
    if name == "." and may_be_root:
        return
    check_target(name.removesuffix(".").lower(), host=host)


def _check_caa(flags: int, tag: bytes, value: bytes) -> None:
    if flags not in (0, 128) or not _CAA_TAG.fullmatch(tag.decode("latin-1")):
        raise BadName(HINTS[RecordType.CAA])
    if len(value) > STRING or any(not 32 <= one < 127 or one in b'"\\' for one in value):
        raise BadName(HINTS[RecordType.CAA])


def _check_strings(strings: tuple[bytes, ...]) -> None:
    if sum(len(one) for one in strings) > MAX_TEXT:
        raise BadName(lazy_gettext("The text is too long: at most %(count)d characters.", count=MAX_TEXT))
    if any(octet < 32 or octet == 127 for one in strings for octet in one):
        raise BadName(lazy_gettext("The value must be on one line, without control characters."))


_READERS: dict[RecordType, Callable[[str, str], dns.rdata.Rdata]] = {
    RecordType.A: lambda text, _zone: _read_address(text, "A"),
    RecordType.AAAA: lambda text, _zone: _read_address(text, "AAAA"),
    RecordType.CNAME: lambda text, zone: _read_name(text, zone, "CNAME", host=False),
    RecordType.NS: lambda text, zone: _read_name(text, zone, "NS", host=True),
    RecordType.MX: _read_mx,
    RecordType.SRV: _read_srv,
    RecordType.CAA: _read_caa,
    RecordType.TXT: _read_text,
}
HINTS: dict[RecordType, Text] = {
    RecordType.A: lazy_gettext("Enter an IPv4 address, such as 203.0.113.10."),
    RecordType.AAAA: lazy_gettext("Enter an IPv6 address, such as 2001:db8::10."),
    RecordType.CNAME: lazy_gettext("Enter the name of a server, such as www.example.com."),
    RecordType.NS: lazy_gettext("Enter the name of a name server, such as ns1.example.com."),
    RecordType.MX: lazy_gettext("Enter a priority and a server, such as 10 mail.example.com."),
    RecordType.TXT: lazy_gettext("Enter a text, such as v=spf1 mx -all."),
    RecordType.SRV: lazy_gettext("Enter priority, weight, port and server, such as 10 5 5060 sip.example.com."),
    RecordType.CAA: lazy_gettext('Enter a flag, a tag and a value, such as 0 issue "letsencrypt.org".'),
}
