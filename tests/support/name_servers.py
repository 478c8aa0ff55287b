"""Debian's name servers as private processes: PowerDNS with its API, NSD on a folder of zone files."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rdata
import dns.rdatatype
import dns.zone

from console.hosting.dns.models import RecordType
from console.hosting.dns.rules import RecordData
from tests.support.processes import free_port, start, stop

SBIN = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
KEY = "a-key-for-tests"
HERE = "127.0.0.1"
STARTS = 10.0


def program(name: str) -> str | None:
    """Return where a server's program is, ``None`` where it is not installed."""
    return shutil.which(name, path=SBIN)


def query(port: int, name: str, kind: str) -> list[str]:
    """Ask a name server, and return the values of its answer."""
    answer = dns.query.udp(dns.message.make_query(name, kind), HERE, port=port, timeout=3)
    record_type = dns.rdatatype.from_text(kind)
    return sorted(one.to_text() for found in answer.answer if found.rdtype == record_type for one in found)


def transfer(port: int, zone: str) -> tuple[int, set[RecordData]]:
    """Return a zone's serial and all its records as a name server has them."""
    found = dns.zone.from_xfr(dns.query.xfr(HERE, zone, port=port, lifetime=5))
    records = set()
    for name, ttl, rdata in found.iterate_rdatas():
        kind = dns.rdatatype.to_text(rdata.rdtype)
        if kind in RecordType.__members__:
            records.add(RecordData(name.to_text(), RecordType(kind), ttl, _whole(rdata, zone).to_text()))
    return found.get_soa().serial, records


def _whole(rdata: dns.rdata.Rdata, zone: str) -> dns.rdata.Rdata:
    """Return a value whose name is whole: a transfer makes it relative."""
    part = {"MX": "exchange", "CNAME": "target", "NS": "target", "SRV": "target"}.get(
        dns.rdatatype.to_text(rdata.rdtype)
    )
    if part is None:
        return rdata
    return rdata.replace(**{part: getattr(rdata, part).derelativize(dns.name.from_text(zone))})


@dataclass
class PowerDnsServer:
    """One PowerDNS. It can be stopped and started again, with what it had or with nothing."""

    folder: Path
    port: int = field(default_factory=free_port)
    api: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return what ``CONSOLE_DNS_URL`` is set to."""
        return f"http://:{KEY}@{HERE}:{self.api}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        database = self.folder / "pdns.sqlite3"
        if not database.exists():
            with sqlite3.connect(database) as connection:
                connection.executescript(SCHEMA.read_text())
            connection.close()
        (self.folder / "pdns.conf").write_text(
            f"launch=gsqlite3\ngsqlite3-database={database}\nlocal-address={HERE}\nlocal-port={self.port}\n"
            f"api=yes\napi-key={KEY}\nwebserver=yes\nwebserver-address={HERE}\nwebserver-port={self.api}\n"
            f"webserver-allow-from={HERE}\nallow-axfr-ips={HERE}\nsocket-dir={self.folder}\ndaemon=no\nguardian=no\n"
            "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\nsetuid=\nsetgid=\n"
            "gsqlite3-pragma-synchronous=0\nsecurity-poll-suffix=\n"
        )
        with (self.folder / "log").open("ab") as log:
            command = [program("pdns_server") or "pdns_server", f"--config-dir={self.folder}"]
            self.process = start(command, log=log)
        _wait(self.api, self.folder / "log", self.process)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            stop(self.process)
            self.process = None

    def lose_data(self) -> None:
        """Let it lose everything, while it is stopped."""
        (self.folder / "pdns.sqlite3").unlink()


@dataclass
class NsdServer:
    """One NSD that answers for files of a folder."""

    folder: Path
    zones: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, names: Iterable[str]) -> None:
        """Start it for these zones and wait until it answers."""
        self.folder.mkdir(exist_ok=True)
        settings = self.folder / "nsd.conf"
        text = (
            f'server:\n  ip-address: {HERE}@{self.port}\n  username: ""\n  chroot: ""\n  zonesdir: "{self.zones}"\n'
            f'  pidfile: "{self.folder}/pid"\n  database: ""\n  xfrdfile: "{self.folder}/xfrd"\n'
            f'  zonelistfile: "{self.folder}/list"\n  xfrdir: "{self.folder}"\n  server-count: 1\n'
            "remote-control:\n  control-enable: no\n"
        )
        zones = (f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n  provide-xfr: {HERE} NOKEY\n' for name in names)
        settings.write_text(text + "".join(zones))
        with (self.folder / "log").open("ab") as log:
            self.process = start([program("nsd") or "nsd", "-d", "-c", str(settings)], log=log)
        _wait(self.port, self.folder / "log", self.process)

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            stop(self.process)
            self.process = None


def _wait(port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection((HERE, port), timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the name server does not answer: {log.read_text()[-2000:]}")
