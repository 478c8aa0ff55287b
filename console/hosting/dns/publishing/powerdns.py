"""PowerDNS by its HTTP API: what the server has is compared with what it is to have, and one PATCH does the rest.

So a server that lost something, or got it from elsewhere, has exactly the console's version afterwards.
"""

from __future__ import annotations

import http.client
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from console.hosting.dns.models import RecordType
from console.hosting.dns.names import whole
from console.hosting.dns.publishing.snapshot import PublishingFailed, Snapshot
from console.hosting.dns.zone_files import SOA_TTL, own_servers

TIMEOUT = 10.0
MAX_WORDS = 200
# Its API takes backslashes out of what it is given ("Data field in DNS should end on a quote"; seen with 5.1.5): some
# texts it refuses, others it would serve as others.
LOSES_ESCAPES = "5.1."
_OURS = {kind.value for kind in RecordType} | {"SOA"}
_Sets = dict[tuple[str, str], tuple[int, tuple[str, ...]]]  # by name and type: TTL and values


@dataclass(frozen=True)
class PowerDns:
    """One server. ``url`` has no key; ``key`` is sent as ``X-API-Key``."""

    url: str
    key: str = field(repr=False)

    @classmethod
    def from_setting(cls, text: str) -> PowerDns:
        """Read ``http://:KEY@127.0.0.1:8081``; a path names another server than ``localhost``.

        Raises:
            ValueError: it cannot be read.
        """
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or not parts.password:
            raise ValueError("must look like http://:KEY@127.0.0.1:8081")
        path = parts.path.rstrip("/") or "/api/v1/servers/localhost"
        return cls(f"{parts.scheme}://{_address(parts)}{path}", unquote(parts.password))

    def version(self) -> str:
        """Return the server's version, as ``4.7.3``.

        Raises:
            PublishingFailed: it does not answer.
        """
        return str((self._ask("GET", "") or {}).get("version", ""))

    def publish(self, snapshot: Snapshot) -> None:
        """Let the server have exactly what ``snapshot`` has.

        Raises:
            PublishingFailed: it does not answer, or refuses.
        """
        sets = _record_sets(snapshot)
        if any("\\" in one.value for one in snapshot.records) and self.version().startswith(LOSES_ESCAPES):
            raise PublishingFailed("PowerDNS 5.1 loses backslashes and quotes inside TXT records", is_down=False)
        path = f"/zones/{quote(snapshot.name)}."
        present = self._ask("GET", path)
        if present is None:
            body = {"name": f"{snapshot.name}.", "kind": "Native", "nameservers": [], "soa_edit_api": ""}
            self._ask("POST", "/zones", body | {"rrsets": [_replace(key, sets[key]) for key in sets]})
            return
        changes = _changes(_present_sets(present), sets)
        if changes:
            self._ask("PATCH", path, {"rrsets": changes})

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request and return its answer; ``None`` for a zone that is not there."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-API-Key": self.key, "Content-Type": "application/json", "Accept": "application/json"}
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310  http or https, see above
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT) as response:
                content = response.read()
        except HTTPError as error:
            with error:
                if error.code == 404 and method == "GET":
                    return None
                raise PublishingFailed(_answer(error), is_down=error.code in (401, 403, 502, 503, 504)) from None
        except (URLError, OSError, http.client.HTTPException) as error:
            words = str(getattr(error, "reason", None) or error) or type(error).__name__
            raise PublishingFailed(words[:MAX_WORDS], is_down=True) from None
        try:
            return json.loads(content) if content else {}
        except ValueError:
            raise PublishingFailed("its answer is not PowerDNS's", is_down=True) from None


def _address(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    return host if parts.port is None else f"{host}:{parts.port}"


def _answer(error: HTTPError) -> str:
    try:
        words = str(json.loads(error.read(4_096)).get("error", ""))
    except (ValueError, AttributeError, OSError):
        words = ""
    return f"{error.code} {words or error.reason}"[:MAX_WORDS]


def _record_sets(snapshot: Snapshot) -> _Sets:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    ttls: dict[tuple[str, str], int] = {}
    for one in snapshot.records:
        key = (f"{whole(one.name, snapshot.name)}.", one.type.value)
        found[key].append(one.value)
        ttls[key] = one.ttl
    apex = f"{snapshot.name}."
    servers = own_servers(snapshot.records)
    if not servers:
        found[apex, "NS"] = [f"{server}." for server in snapshot.authority.servers]
        ttls[apex, "NS"] = SOA_TTL
    found[apex, "SOA"] = [snapshot.authority.soa(servers or snapshot.authority.servers, snapshot.serial)]
    ttls[apex, "SOA"] = SOA_TTL
    return {key: (ttls[key], tuple(sorted(values))) for key, values in found.items()}


def _present_sets(zone: Any) -> _Sets:
    return {
        (one["name"].lower(), one["type"]): (
            one["ttl"],
            tuple(sorted(record["content"] for record in one["records"] if not record.get("disabled"))),
        )
        for one in zone.get("rrsets", ())
        if one["type"] in _OURS  # what the server adds for DNSSEC is its own
    }


def _changes(present: _Sets, future: _Sets) -> list[dict[str, Any]]:
    gone = [
        {"name": name, "type": kind, "changetype": "DELETE"} for name, kind in present if (name, kind) not in future
    ]
    return gone + [_replace(key, future[key]) for key in future if present.get(key) != future[key]]


def _replace(key: tuple[str, str], values: tuple[int, tuple[str, ...]]) -> dict[str, Any]:
    ttl, contents = values
    records = [{"content": content, "disabled": False} for content in contents]
    return {"name": key[0], "type": key[1], "ttl": ttl, "changetype": "REPLACE", "records": records}
