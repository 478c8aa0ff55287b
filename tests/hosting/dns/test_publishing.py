"""Publishing: in order, by real name servers, through what fails; and 5,000 random zones that come out the same."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from console.core import context
from console.core.db import db
from console.core.errors import Invalid
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import Membership
from console.hosting.dns import service, zone_files
from console.hosting.dns.models import Publication, RecordType
from console.hosting.dns.publishing import outbox
from console.hosting.dns.publishing.folder import ZoneFolder
from console.hosting.dns.publishing.powerdns import LOSES_ESCAPES, PowerDns
from console.hosting.dns.publishing.snapshot import Publisher, PublishingFailed, Snapshot
from console.hosting.dns.queries import all_records, find_zone
from console.hosting.dns.rules import RecordData, RecordInput, read_record
from console.hosting.dns.saving import check
from console.hosting.models import Domain
from tests import factories
from tests.conftest import Clock, missing
from tests.customers.test_people import actor_of
from tests.hosting.dns.test_verbs import WWW, domain_of
from tests.support import name_servers
from tests.support.name_servers import NsdServer, PowerDnsServer, query, transfer

ZONE = "proba.example.rs"
AUTHORITY = zone_files.Authority(("ns1.example.test", "ns2.example.test"), "a.b@example.test")


@pytest.fixture
def nsd(tmp_path: Path) -> Iterator[NsdServer]:
    if name_servers.program("nsd") is None:
        missing("NSD (Debian: apt-get install nsd)")
    server = NsdServer(tmp_path / "nsd", tmp_path / "zones")
    yield server
    server.stop()


@pytest.fixture
def owner(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer())


@pytest.fixture
def domain(owner: Membership) -> Domain:
    return domain_of(owner)


def use(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let the installation publish in another way."""
    now = replace(context.settings(), **changes)  # type: ignore[arg-type]
    monkeypatch.setattr(outbox, "settings", lambda: now)


def add(owner: Membership, domain: Domain, name: str, version: int) -> int:
    with transaction():
        return service.add_record(actor_of(owner), domain.id, replace(WWW, name=name), version).zone.serial


def stored(domain: Domain) -> set[RecordData]:
    return {one for _key, one in all_records(find_zone(domain.name).zone)}


def without_servers(records: set[RecordData]) -> set[RecordData]:
    """Leave out the zone's own NS records, which stand for those of the installation."""
    return {one for one in records if one.type is not RecordType.NS or one.name != "@"}


def test_a_zone_file_is_put_into_place_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, owner: Membership, domain: Domain
) -> None:
    folder = tmp_path / "zones"
    use(monkeypatch, dns_folder=str(folder))
    serial = add(owner, domain, "www", 0)
    assert outbox.publish_due() == 1
    file = folder / f"{domain.name}.zone"
    assert f" {serial} " in file.read_text() and "www 3600 IN A 203.0.113.10" in file.read_text()
    assert [one.name for one in folder.iterdir()] == [file.name]
    assert file.stat().st_mode & 0o777 == 0o644
    row = db.session.get_one(Publication, find_zone(domain.name).zone.id)
    assert (row.published_version, row.due_at, row.lease) == (1, None, None)
    assert outbox.publish_due() == 0


def test_a_fault_of_our_own_is_noted_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, owner: Membership, domain: Domain, clock: Clock
) -> None:
    add(owner, domain, "www", 0)

    def broken() -> Publisher:
        def publish(_snapshot: Snapshot) -> None:
            raise ValueError("not said to anyone")

        return publish

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "publisher", broken)
        assert outbox.publish_due() == 0
    db.session.expire_all()
    zone = find_zone(domain.name)
    row = zone.publication
    assert zone.failing_since is not None and row is not None
    assert (row.failures, row.last_error, row.lease) == (1, "ValueError", None)
    assert outbox.publish_due() == 0  # not due yet
    clock.advance(outbox.LONGEST_PAUSE)
    assert outbox.publish_due() == 1


def test_what_cannot_be_written_is_tried_again_later_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, owner: Membership, domain: Domain, clock: Clock
) -> None:
    blocked = tmp_path / "zones"
    blocked.write_text("a file where the folder should be")
    use(monkeypatch, dns_folder=str(blocked))
    add(owner, domain, "www", 0)
    since, waits = set(), []
    for attempt in range(1, 6):
        assert outbox.publish_due() == 0
        assert outbox.publish_due() == 0  # not due yet
        db.session.expire_all()
        row = find_zone(domain.name).publication
        assert row is not None and row.due_at is not None and row.failures == attempt
        since.add(find_zone(domain.name).failing_since)
        waits.append(row.due_at - clock.now())
        clock.advance(waits[-1] + timedelta(seconds=1))
    assert len(since) == 1 and None not in since
    assert waits == sorted(waits) and waits[-1] > timedelta(minutes=1)
    add(owner, domain, "shop", 1)
    blocked.unlink()
    assert outbox.publish_due() == 1
    db.session.expire_all()
    state = find_zone(domain.name)
    assert state.failing_since is None and not state.is_waiting
    assert "shop" in (blocked / f"{domain.name}.zone").read_text()


@pytest.mark.both
def test_a_zone_that_is_being_published_is_left_to_its_worker(
    monkeypatch: pytest.MonkeyPatch, owner: Membership, domain: Domain, clock: Clock
) -> None:
    seen: list[int] = []

    def slow(snapshot: Snapshot) -> None:
        """Meanwhile a second version is saved, and another worker looks for work."""
        seen.append(snapshot.version)
        if len(seen) == 1:
            add(owner, domain, "shop", 1)
            assert outbox.publish_due() == 0

    monkeypatch.setattr(outbox, "publisher", lambda: slow)
    add(owner, domain, "www", 0)
    assert outbox.publish_due() == 2
    assert seen == [1, 2]


@pytest.mark.both
def test_a_worker_that_was_killed_leaves_its_zone_to_the_next(
    monkeypatch: pytest.MonkeyPatch, owner: Membership, domain: Domain, clock: Clock
) -> None:
    def killed(_snapshot: Snapshot) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "publisher", lambda: killed)
    add(owner, domain, "www", 0)
    with pytest.raises(KeyboardInterrupt):
        outbox.publish_due()
    seen: list[int] = []
    monkeypatch.setattr(outbox, "publisher", lambda: lambda snapshot: seen.append(snapshot.version))
    assert outbox.publish_due() == 0
    clock.advance(outbox.LEASE + timedelta(seconds=1))
    assert outbox.publish_due() == 1
    assert seen == [1]


def test_power_dns_answers_with_the_newest_version_whatever_happened_to_it(
    monkeypatch: pytest.MonkeyPatch,
    power_dns: PowerDnsServer,
    owner: Membership,
    domain: Domain,
    clock: Clock,
) -> None:
    use(monkeypatch, dns_url=power_dns.url)
    serials = [add(owner, domain, "www", 0)]
    assert outbox.publish_due() == 1
    assert query(power_dns.port, f"www.{domain.name}", "A") == ["203.0.113.10"]
    record_id = next(key for key, _one in all_records(find_zone(domain.name).zone))
    with transaction():
        serials.append(service.delete_record(actor_of(owner), domain.id, record_id, 1).zone.serial)
    outbox.publish_due()
    assert query(power_dns.port, f"www.{domain.name}", "A") == []
    power_dns.stop()
    try:
        serials += [add(owner, domain, "shop", 2), add(owner, domain, "blog", 3)]
        assert outbox.publish_due() == 0
        assert find_zone(domain.name).failing_since is not None
    finally:
        power_dns.lose_data()
        power_dns.start()
    clock.advance(timedelta(minutes=1))
    assert outbox.publish_due() == 1
    assert serials == sorted(set(serials))
    serial, records = transfer(power_dns.port, domain.name)
    assert (serial, without_servers(records)) == (serials[-1], stored(domain))
    assert query(power_dns.port, domain.name, "NS") == [f"{one}." for one in context.settings().dns_servers]


def test_power_dns_that_refuses_says_why_and_no_key_is_told(power_dns: PowerDnsServer) -> None:
    wrong = PowerDns.from_setting(power_dns.url.replace(name_servers.KEY, "another-key"))
    with pytest.raises(PublishingFailed) as failure:
        wrong.publish(Snapshot(ZONE, 1, 1, (), AUTHORITY))
    assert failure.value.is_down and "401" in failure.value.words and "another-key" not in failure.value.words
    assert "another-key" not in repr(wrong)
    for text in ("http://127.0.0.1:8081", "ftp://:key@localhost", "nonsense"):
        with pytest.raises(ValueError, match="must look like"):
            PowerDns.from_setting(text)


def test_nsd_and_bind_read_the_files(
    monkeypatch: pytest.MonkeyPatch, nsd: NsdServer, owner: Membership, domain: Domain
) -> None:
    use(monkeypatch, dns_folder=str(nsd.zones))
    serial = 0
    for version, typed in enumerate(EVERYTHING):
        with transaction():
            serial = service.add_record(actor_of(owner), domain.id, typed, version).zone.serial
    outbox.publish_due()
    file = nsd.zones / f"{domain.name}.zone"
    for command in (["nsd-checkzone", domain.name], ["named-checkzone", "-q", domain.name]):
        checker = name_servers.program(command[0])
        if checker is not None:
            result = subprocess.run([checker, *command[1:], file], capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
    nsd.start([domain.name])
    assert transfer(nsd.port, domain.name)[0] == serial
    assert without_servers(transfer(nsd.port, domain.name)[1]) == stored(domain)
    assert query(nsd.port, f"www.{domain.name}", "CNAME") == [f"{domain.name}."]


EVERYTHING = [
    RecordInput("@", "A", "300", "203.0.113.10"),
    RecordInput("@", "AAAA", "300", "2001:db8::10"),
    RecordInput("www", "CNAME", "3600", "@"),
    RecordInput("mail", "A", "3600", "203.0.113.25"),
    RecordInput("@", "MX", "3600", "10 mail"),
    RecordInput("@", "TXT", "3600", "v=spf1 mx -all"),
    RecordInput("key._domainkey", "TXT", "3600", "v=DKIM1; p=" + "M" * 400),
    RecordInput("_sip._tcp", "SRV", "3600", "10 5 5060 sip.example.com"),
    RecordInput("@", "CAA", "3600", '0 issue "letsencrypt.org"'),
    RecordInput("ogranak", "NS", "3600", "ns1.example.net"),
    RecordInput("*.shop", "A", "3600", "203.0.113.11"),
    RecordInput("šuma", "TXT", "3600", 'a "quote", a \\ and š; $INCLUDE /etc/passwd'),
]

# --- random zones ----------------------------------------------------------------------------------------------------

labels = st.one_of(
    st.sampled_from(["www", "mail", "_dmarc", "_sip._tcp", "*", "*.a", "a.b.c", "шума", "žir", "@", "ns1", "x" * 63]),
    st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,8}[a-z0-9])?", fullmatch=True),
)
hosts = st.sampled_from(["@", "mail", "mail.example.com", "ns1.example.net.", "šuma.example.rs", "a.b.c.example.org."])
numbers = st.integers(0, 65_535)
texts = st.one_of(
    st.text(max_size=300),
    st.text("\\\"';()$ .@\t\r\nabc1", max_size=40),
    st.sampled_from(["$INCLUDE /etc/passwd", '" IN A 1.2.3.4', "a\nb IN A 1.2.3.4", "\\000", "x" * 5_000, '"a" "b"']),
)
values = {
    "A": st.one_of(st.ip_addresses(v=4).map(str), texts),
    "AAAA": st.one_of(st.ip_addresses(v=6).map(str), texts),
    "CNAME": st.one_of(hosts, texts),
    "NS": st.one_of(hosts, texts),
    "MX": st.one_of(st.tuples(numbers, hosts).map(lambda one: f"{one[0]} {one[1]}"), st.just("0 ."), texts),
    "SRV": st.one_of(st.tuples(numbers, numbers, numbers, hosts).map(lambda one: " ".join(map(str, one))), texts),
    "CAA": st.one_of(st.sampled_from(['0 issue "a.example"', '128 iodef "mailto:a@b.rs"', '0 issue ";"']), texts),
    "TXT": texts,
}
typed_records = st.sampled_from(sorted(values)).flatmap(
    lambda kind: st.builds(
        RecordInput,
        st.one_of(labels, labels, labels, texts),
        st.just(kind),
        st.integers(60, 604_800).map(str),
        values[kind],
    )
)
_tally = {"taken": 0, "refused": 0, "silent": 0}


def build(typed: Sequence[RecordInput], zone: str) -> list[RecordData]:
    """Add one record after the other, as a person would; what is refused is left out."""
    records: list[RecordData] = []
    for one in typed:
        try:
            record = read_record(one, zone)
            records = check([*records, record], zone, record)
            _tally["taken"] += 1
        except Invalid as refusal:
            _tally["refused"] += 1
            _tally["silent"] += not all(str(text) for found in refusal.fields.values() for text in found)
            _tally["silent"] += not refusal.fields
    return records


def test_no_text_is_served_as_another(power_dns: PowerDnsServer) -> None:
    """What a server would change it is not given."""
    power = PowerDns.from_setting(power_dns.url)
    records = build([RecordInput("www", "TXT", "60", 'a\\b "c" \\')], "kosa.example.rs")
    snapshot = Snapshot("kosa.example.rs", 2, 7, tuple(records), AUTHORITY)
    if power.version().startswith(LOSES_ESCAPES):
        with pytest.raises(PublishingFailed, match="backslashes"):
            power.publish(snapshot)
    else:
        power.publish(snapshot)
        assert served(power_dns.port, "kosa.example.rs") == (7, set(records))


@pytest.mark.only("sqlite")
@pytest.mark.timeout(3_600)
def test_random_zones_come_out_of_both_name_servers_the_same(
    session: Session, power_dns: PowerDnsServer, nsd: NsdServer, proof: Callable[[str], None], prove: bool
) -> None:
    zones: dict[str, list[RecordData]] = {}
    power = PowerDns.from_setting(power_dns.url)
    loses_escapes = power.version().startswith(LOSES_ESCAPES)

    @hypothesis_settings(max_examples=5_000 if prove else 150)
    @given(st.lists(typed_records, max_size=12))
    def publish(typed: list[RecordInput]) -> None:
        name = f"z{len(zones)}.example.rs"
        zones[name] = records = build(typed, name)
        text = zone_files.write(name, 7, records, AUTHORITY)
        assert len(text.splitlines()) == len(records) + (3 if zone_files.own_servers(records) else 5)
        assert set(zone_files.read(text, name, without_servers=AUTHORITY.servers)) == set(records)
        snapshot = Snapshot(name, 2, 7, tuple(records), AUTHORITY)
        ZoneFolder(nsd.zones).publish(snapshot)
        if loses_escapes:  # such a zone is refused; the rest of it is as good as any
            records = [one for one in records if "\\" not in one.value]
            snapshot = replace(snapshot, records=tuple(records))
        if len(zones) % 2:  # it has another version already
            power.publish(replace(snapshot, version=1, serial=6, records=tuple(records[::2])))
        power.publish(snapshot)
        assert served(power_dns.port, name) == (7, set(records))

    publish()
    nsd.start(zones)
    for name, records in zones.items():
        assert served(nsd.port, name) == (7, set(records))
    proof(
        f"{len(zones):,} random zones came out of PowerDNS and of NSD as they were saved: {_tally['taken']:,} records, "
        f"and {_tally['refused']:,} that were refused with a message"
    )
    # Most of what is drawn at random is refused.
    assert _tally["silent"] == 0 and _tally["taken"] > len(zones) // 2 and _tally["refused"] > len(zones)


def served(port: int, name: str) -> tuple[int, set[RecordData]]:
    """Return a zone as a name server has it, without the NS records that stand for those of the installation."""
    serial, records = transfer(port, name)
    ours = {f"{server}." for server in AUTHORITY.servers}
    return serial, {one for one in records if one.type is not RecordType.NS or one.name != "@" or one.value not in ours}


def test_the_settings_are_checked() -> None:
    good = {
        "CONSOLE_DNS_URL": "http://:tajna@127.0.0.1:8081",
        "CONSOLE_DNS_SERVERS": "ns1.example.com, ns2.example.com",
    }
    settings = Settings.from_environ(good)
    assert settings.dns_servers == ("ns1.example.com", "ns2.example.com") and "tajna" not in repr(settings)
    for wrong in ({"CONSOLE_DNS_URL": "127.0.0.1"}, {"CONSOLE_DNS_SERVERS": "ns_1"}, {"CONSOLE_DNS_MAILBOX": "x"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Settings.from_environ(wrong)
