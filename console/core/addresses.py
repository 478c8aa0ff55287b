"""The key under which a network address counts."""

from __future__ import annotations

import ipaddress

IPV6_SITE = 64  # one customer of a provider gets at least this much


def source(address: str | None) -> str:
    """Return the key under which an address counts: itself, or its IPv6 network."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, IPV6_SITE), strict=False))
    return str(parsed)
