"""Zone files (RFC 1035, 5): written for name servers and people, and parsed from uploads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl
from dns.tokenizer import Token, Tokenizer

from console.core.errors import Invalid, Text
from console.core.texts import lazy_gettext
from console.hosting.dns.consistency import MAX_RECORDS
from console.hosting.dns.models import RecordType
from console.hosting.dns.names import APEX, BadName
from console.hosting.dns.rules import DEFAULT_TTL, HINTS, RecordData, canonical, check_name, read_ttl

MAX_CHARACTERS = 4_000_000
MAX_WRONG = 10  # lines that are named
REFRESH, RETRY, EXPIRE, MINIMUM = 10_800, 3_600, 604_800, 3_600  # RIPE-203, and an hour for what is not there
SOA_TTL = 3_600
_KNOWN = {kind.value for kind in RecordType}


@dataclass(frozen=True)
class Authority:
    """What the zone itself says of itself.

    Args:
        servers: names of name servers without a last dot; for the zone's NS records where it has none of its own.
        mailbox: the address of who is responsible for it.
    """

    servers: tuple[str, ...]
    mailbox: str

    def soa(self, servers: Sequence[str], serial: int) -> str:
        """Return the value of the SOA record."""
        local, _, domain = self.mailbox.rpartition("@")
        labels = [local.encode(), *(label.encode() for label in domain.split(".")), b""]
        rname = dns.name.Name(labels).to_text()
        return f"{servers[0]}. {rname} {serial} {REFRESH} {RETRY} {EXPIRE} {MINIMUM}"


def write(zone: str, serial: int, records: Iterable[RecordData], authority: Authority) -> str:
    """Return the zone as a file, which is the same for the same records."""
    ordered = sorted(records, key=lambda one: (one.name != APEX, one))
    own = own_servers(ordered)
    lines = [
        f"$ORIGIN {zone}.",
        f"$TTL {DEFAULT_TTL}",
        f"@ {SOA_TTL} IN SOA {authority.soa(own or authority.servers, serial)}",
        *(f"@ {SOA_TTL} IN NS {server}." for server in (() if own else authority.servers)),
        *map(line, ordered),
    ]
    return "\n".join(lines) + "\n"


def own_servers(records: Iterable[RecordData]) -> list[str]:
    """Return the name servers that a zone names itself, without a last dot."""
    return sorted(one.value.removesuffix(".") for one in records if one.name == APEX and one.type is RecordType.NS)


def line(record: RecordData) -> str:
    """Return a record as a line of a zone file."""
    return f"{record.name} {record.ttl} IN {record.type} {record.value}"


def read(text: str, zone: str, *, without_servers: Sequence[str] | None = None) -> list[RecordData]:
    """Read a zone file. The SOA record is left out: ours is written by the console.

    Args:
        zone: the domain in ASCII.
        without_servers: leave out the zone's own NS records that name these servers; all of them where it is empty.

    Raises:
        Invalid: at ``text``, with the numbers of the lines that are wrong.
    """
    if len(text) > MAX_CHARACTERS:
        raise Invalid(fields={"text": [lazy_gettext("The zone file is too large.")]})
    records: list[RecordData] = []
    wrong: list[Text] = []
    reader = _Reader(text, zone)
    for number, result in reader.entries():
        if isinstance(result, BadName):
            wrong.append(lazy_gettext("Line %(line)d: %(problem)s", line=number, problem=result.message))
            if len(wrong) == MAX_WRONG:
                break
        elif not _is_left_out(result, without_servers):
            records.append(result)
            if len(records) > MAX_RECORDS:
                wrong.append(lazy_gettext("A zone can have at most %(count)d records.", count=MAX_RECORDS))
                break
    if wrong:
        raise Invalid(fields={"text": wrong})
    return list(dict.fromkeys(records))


def _is_left_out(record: RecordData, without_servers: Sequence[str] | None) -> bool:
    if without_servers is None or record.type is not RecordType.NS or record.name != APEX:
        return False
    return not without_servers or record.value.removesuffix(".") in without_servers


class _Reader:
    """Goes through a zone file, entry by entry: dnspython's tokens and values, our directives and messages."""

    def __init__(self, text: str, zone: str) -> None:
        self.tokens = Tokenizer(text, idna_codec=dns.name.IDNA_2008_UTS_46)
        self.zone = zone
        self.apex = dns.name.from_text(zone)
        self.origin, self.owner, self.ttl = self.apex, self.apex, DEFAULT_TTL

    def entries(self) -> Iterator[tuple[int, RecordData | BadName]]:
        """Yield each record with the line it begins on, or what is wrong there."""
        while True:
            try:
                token = self.tokens.get(want_leading=True)
            except (dns.exception.DNSException, ValueError):
                yield self.tokens.where()[1], _unreadable()
                return
            if token.is_eof():
                return
            number = self.tokens.where()[1]
            try:
                record = self._entry(token)
            except (dns.exception.DNSException, UnicodeError, ValueError) as error:
                yield number, error if isinstance(error, BadName) else _unreadable()
                if not self._skip_line():
                    return
            else:
                if record is not None:
                    yield number, record

    def _entry(self, token: Token) -> RecordData | None:
        if token.is_eol() or token.is_comment():
            return None
        if token.is_whitespace():
            following = self.tokens.get()
            if following.is_eol_or_eof():
                if following.is_eof():
                    self.tokens.unget(following)
                return None
            self.tokens.unget(following)
        elif token.is_identifier() and token.value.startswith("$"):
            self._directive(token.value.upper())
            return None
        else:
            self.owner = self.tokens.as_name(token, self.origin)
        return self._record()

    def _directive(self, name: str) -> None:
        if name == "$ORIGIN":
            self.origin = self.tokens.get_name(self.origin)
        elif name == "$TTL":
            self.ttl = dns.ttl.from_text(self.tokens.get_identifier())
        else:
            raise BadName(lazy_gettext("%(directive)s is not allowed here.", directive=name[:20]))
        self.tokens.get_eol()

    def _record(self) -> RecordData | None:
        ttl, kind = self._head()
        if kind == "SOA":
            self._skip_line()
            return None
        if kind not in _KNOWN:
            raise BadName(lazy_gettext("Records of the type %(type)s are not supported.", type=kind[:20]))
        record_type = RecordType(kind)
        name = self._relative()
        try:
            rdata = dns.rdata.from_text("IN", kind, self.tokens, self.origin, relativize=False)
        except (dns.exception.DNSException, ValueError) as error:
            raise BadName(HINTS[record_type]) from error
        value = canonical(rdata, record_type)
        return RecordData(check_name(name, record_type, self.zone), record_type, read_ttl(str(ttl)), value)

    def _head(self) -> tuple[int, str]:
        """Return TTL and type; TTL and class stand before it in any order, or not at all."""
        ttl = None
        while True:
            text = self.tokens.get_identifier().upper()
            if text == "IN":
                continue
            if ttl is None and text[:1].isdigit():
                ttl = dns.ttl.from_text(text)
                continue
            return self.ttl if ttl is None else ttl, text

    def _relative(self) -> str:
        if not self.owner.is_subdomain(self.apex):
            raise BadName(lazy_gettext("This name is outside the domain %(domain)s.", domain=self.zone))
        return self.owner.relativize(self.apex).to_text().lower()

    def _skip_line(self) -> bool:
        """Go on to the next line; return whether there is one that can be read."""
        try:
            while not (token := self.tokens.get()).is_eol_or_eof():
                pass
        except (dns.exception.DNSException, ValueError):
            return False
        if token.is_eof():
            self.tokens.unget(token)
        return True


def _unreadable() -> BadName:
    return BadName(lazy_gettext("This line cannot be read."))
