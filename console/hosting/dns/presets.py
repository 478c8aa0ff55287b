"""Templates that fill a draft: what most domains need for a web site, and for mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.hosting.dns.models import RecordType
from console.hosting.dns.names import APEX
from console.hosting.dns.rules import DEFAULT_TTL, RecordData, canonical, read_value


class Preset(StrEnum):
    WEB = "web"
    MAIL = "mail"


NAMES: dict[Preset, Text] = {
    Preset.WEB: lazy_gettext("Web site"),
    Preset.MAIL: lazy_pgettext("dns", "Mail"),
}
_ADDRESSES = (RecordType.A, RecordType.AAAA, RecordType.CNAME)


def fill(preset: Preset, records: Sequence[RecordData], zone: str, address: str) -> list[RecordData]:
    """Return the records of a zone with those of a template in the place of what they replace.

    Args:
        address: the server's, IPv4 or IPv6.

    Raises:
        BadName: it is no address.
    """
    kind = RecordType.AAAA if ":" in address else RecordType.A
    value = canonical(read_value(address.strip(), kind, zone), kind)
    new, is_replaced = _PRESETS[preset](zone, kind, value)
    return [one for one in records if not is_replaced(one)] + new


def _web(zone: str, kind: RecordType, value: str) -> tuple[list[RecordData], Callable[[RecordData], bool]]:
    new = [
        RecordData(APEX, kind, DEFAULT_TTL, value),
        RecordData("www", RecordType.CNAME, DEFAULT_TTL, f"{zone}."),
    ]
    return new, lambda one: one.name == "www" or (one.name == APEX and one.type in _ADDRESSES)


def _mail(zone: str, kind: RecordType, value: str) -> tuple[list[RecordData], Callable[[RecordData], bool]]:
    new = [
        RecordData(APEX, RecordType.MX, DEFAULT_TTL, f"10 mail.{zone}."),
        RecordData(APEX, RecordType.TXT, DEFAULT_TTL, '"v=spf1 mx -all"'),
        RecordData("_dmarc", RecordType.TXT, DEFAULT_TTL, '"v=DMARC1; p=quarantine"'),
        RecordData("mail", kind, DEFAULT_TTL, value),
    ]

    def is_replaced(one: RecordData) -> bool:
        if one.name == APEX:
            return one.type is RecordType.MX or one.value.startswith('"v=spf1')
        return one.name == "_dmarc" or (one.name == "mail" and one.type in _ADDRESSES)

    return new, is_replaced


_PRESETS = {Preset.WEB: _web, Preset.MAIL: _mail}
