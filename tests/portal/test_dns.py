"""DNS records in the portal: by form and by program, with undo, drafts, history; and who may see whose."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import insert

from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.rights import Right
from console.hosting.dns.models import Record, RecordType, Zone
from console.hosting.models import Domain, SuspensionReason
from console.hosting.service import suspend
from tests import factories
from tests.hosting.dns.test_verbs import domain_of
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
WWW = {"name": "www", "type": "A", "ttl": "3600", "value": "203.0.113.10"}


@pytest.fixture
def domain(owner: Membership, client: ConsoleClient) -> Domain:
    domain = domain_of(owner)
    sign_in_person(client, owner.person.email)
    return domain


def url(domain: Domain, rest: str = "/records") -> str:
    return f"/moj/domains/{domain.name}{rest}"


def test_an_international_domain_is_found_as_people_write_it(
    client: ConsoleClient, owner: Membership, domain: Domain
) -> None:
    yellow = factories.make_domain(factories.make_service(owner.customer), "xn--uti-sajt-l4b.example.rs")
    assert yellow.readable_name == "žuti-sajt.example.rs"
    factories.make_domain(factories.make_service(factories.make_customer()), "xn--uti-b3a.example.rs")  # another's
    for text in ("žuti", "ŽUTI-sajt.example.rs", "zuti", "xn--uti", "uti-sajt"):
        for path in ("/moj/domains/", "/moj/domains/dns"):
            found = client.get_json(path, query_string={"q": text}).json["items"]
            assert [one["domain"] for one in found] == [yellow.name], text
    assert client.get_json("/moj/domains/", query_string={"q": "plavi"}).json["items"] == []


def test_the_contract_of_programs(client: ConsoleClient, domain: Domain) -> None:
    assert client.get_json(url(domain)).json["records"] == []
    added = client.submit(url(domain), json=True, **WWW, version=0)
    assert added.status_code == 200
    assert added.json["version"] == 1
    record = added.json["record"]
    assert record == {"id": record["id"], **WWW, "ttl": 3600}
    text = client.submit(url(domain), json=True, name="@", type="TXT", ttl=300, value="v=spf1 mx -all", version=1)
    assert text.json["record"]["value"] == "v=spf1 mx -all"
    old = client.submit(url(domain), json=True, **WWW | {"name": "x"}, version=1)
    assert (old.status_code, old.json["error"]["code"], old.json["error"]["version"]) == (409, "version", 2)
    assert client.submit(url(domain), json=True, **WWW | {"name": "x"}).status_code == 422
    wrong = client.submit(url(domain), json=True, name="a b", type="A", ttl="1", value="x", version=2)
    assert wrong.status_code == 422 and set(wrong.json["error"]["fields"]) == {"name", "ttl", "value"}
    changed = client.submit(url(domain, f"/records/{record['id']}"), json=True, **WWW | {"ttl": "60"}, version=2)
    assert changed.json["record"] == record | {"ttl": 60}
    stale = client.submit(url(domain, f"/records/{record['id']}/delete"), json=True, version=2)
    assert stale.status_code == 409
    gone = client.submit(url(domain, f"/records/{record['id']}/delete"), json=True, version=3)
    assert gone.json == {"deleted": record["id"], "version": 4}
    answer = client.get_json(url(domain)).json
    assert ([one["type"] for one in answer["records"]], answer["version"], answer["published"]) == (["TXT"], 4, 0)
    assert client.submit(url(domain, f"/records/{record['id']}/delete"), json=True, version=4).status_code == 404


def test_the_way_of_the_faq_without_a_script(client: ConsoleClient, domain: Domain) -> None:
    assert f'href="{url(domain)}"' in client.get("/moj/domains/dns").text
    assert "Upravljanje DNS zonama" in client.get("/moj/domains/", headers={"Accept-Language": "sr"}).text
    saved = client.submit(url(domain), **WWW, version=0)
    assert saved.status_code == 303
    page = client.get(saved.location, headers=ENGLISH)
    assert "203.0.113.10" in page.text and "dns-undo" in page.text
    record_id = client.get_json(url(domain)).json["records"][0]["id"]
    assert "203.0.113.10" in client.get(url(domain, f"/records/{record_id}")).text
    deleted = client.submit(url(domain, f"/records/{record_id}/delete"), version=1)
    assert "No DNS records yet" in client.get(deleted.location, headers=ENGLISH).text
    undone = client.submit(url(domain, "/history/1/restore"), version=2)
    assert undone.status_code == 303 and "203.0.113.10" in client.get(undone.location).text
    assert "dns-undo" not in client.get(deleted.location, headers=ENGLISH).text  # another version came after it


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client: ConsoleClient, domain: Domain) -> None:
    answer = client.submit(url(domain), headers=ENGLISH, **WWW | {"value": "203.0.113"}, version=0)
    assert answer.status_code == 422
    assert "Enter an IPv4 address" in answer.text and 'value="203.0.113"' in answer.text
    client.submit(url(domain), **WWW, version=0)
    stale = client.submit(url(domain), headers=ENGLISH, **WWW | {"name": "shop"}, version=0)
    assert stale.status_code == 409
    assert 'value="shop"' in stale.text and '<input type="hidden" name="version" value="1">' in stale.text
    conflict = client.submit(url(domain), headers=ENGLISH, name="www", type="CNAME", ttl="60", value="a.b", version=1)
    assert conflict.status_code == 422 and "cannot be combined" in conflict.text


def test_a_draft_is_previewed_and_then_applied(client: ConsoleClient, domain: Domain) -> None:
    client.submit(url(domain), json=True, **WWW, version=0)
    assert "www 3600 IN A 203.0.113.10" in client.get(url(domain, "/draft")).text
    draft = "www 3600 IN A 203.0.113.11\n@ 3600 IN MX 10 mail\n"
    preview = client.submit(url(domain, "/draft"), headers=ENGLISH, text=draft, version=1)
    assert preview.status_code == 200 and "+2 −1" in preview.text and "203.0.113.11" in preview.text
    assert client.get_json(url(domain)).json["version"] == 1
    assert client.submit(url(domain, "/draft"), text=draft, version=1, apply=1).status_code == 303
    assert {one["value"] for one in client.get_json(url(domain)).json["records"]} == {
        "203.0.113.11", f"10 mail.{domain.name}.",
    }  # fmt: skip
    wrong = client.submit(url(domain, "/draft"), headers=ENGLISH, text="www A 1\n$INCLUDE /etc/passwd\n", version=2)
    assert wrong.status_code == 422 and "Line 1: " in wrong.text and "Line 2: $INCLUDE is not allowed" in wrong.text
    assert client.submit(url(domain, "/draft"), text=draft, version=1).status_code == 409


def test_a_zone_file_goes_out_and_comes_back(client: ConsoleClient, owner: Membership, domain: Domain) -> None:
    client.submit(url(domain), json=True, **WWW, version=0)
    exported = client.get(url(domain, "/export"))
    assert f"$ORIGIN {domain.name}.".encode() in exported.data and b"IN SOA" in exported.data
    other = domain_of(owner)
    text = exported.data.replace(domain.name.encode(), other.name.encode()) + b"@ 60 IN NS ns.old.example.\n"
    fields = {"version": 0, "imported": 1, "without_servers": 1}
    for step in ({}, {"apply": 1}):
        answer = client.submit(url(other, "/draft"), json=True, file=(io.BytesIO(text), "x.zone"), **fields, **step)
        assert answer.json["added"] == ["www 3600 IN A 203.0.113.10"]
    assert client.get_json(url(other)).json["version"] == 1
    more = client.submit(
        url(other, "/draft"), json=True, text="mail A 203.0.113.20", mode="add", version=1, apply=1, imported=1
    )
    assert more.json == {"version": 2, "added": ["mail 3600 IN A 203.0.113.20"], "removed": []}
    binary = client.submit(url(other, "/draft"), json=True, file=(io.BytesIO(b"\xff\xfe"), "x"), version=2)
    assert binary.status_code == 422


@pytest.mark.parametrize(("preset", "expected"), [("web", "www 3600 IN CNAME"), ("mail", "v=spf1 mx -all")])
def test_templates_fill_a_draft(client: ConsoleClient, domain: Domain, preset: str, expected: str) -> None:
    client.submit(url(domain), json=True, name="@", type="A", value="203.0.113.1", version=0)
    page = client.get(url(domain, f"/draft?template={preset}&address=203.0.113.77"))
    assert expected in page.text and "203.0.113.77" in page.text
    assert ("203.0.113.1\n" in page.text) is (preset == "mail")  # the web site's address is replaced
    wrong = client.get(url(domain, f"/draft?template={preset}&address=abc"), headers=ENGLISH)
    assert wrong.status_code == 422 and "Enter an IPv4 address" in wrong.text
    assert client.get_json(url(domain)).json["version"] == 1


def test_history_shows_each_save_and_puts_one_back(client: ConsoleClient, domain: Domain) -> None:
    client.submit(url(domain), json=True, **WWW, version=0)
    client.submit(url(domain), json=True, **WWW | {"name": "shop"}, version=1)
    page = client.get(url(domain, "/history"), headers=ENGLISH).text
    assert page.count("Record added") == 2
    version = client.get(url(domain, "/history/1"), headers=ENGLISH).text
    assert "Put this version back" in version and "shop" in version
    assert client.get_json(url(domain, "/history/2")).json["version"]["added"] == ["shop 3600 IN A 203.0.113.10"]
    assert client.submit(url(domain, "/history/1/restore"), json=True, version=1).status_code == 409
    assert client.submit(url(domain, "/history/1/restore"), json=True, version=2).json == {"version": 3}
    assert client.submit(url(domain, "/history/9/restore"), json=True, version=3).status_code == 404
    assert [one["cause"] for one in client.get_json(url(domain, "/history")).json["items"]] == [
        "restored", "added", "added",
    ]  # fmt: skip


def test_each_right_opens_what_it_names(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership, domain: Domain
) -> None:
    client.submit(url(domain), json=True, **WWW, version=0)
    record_id = client.get_json(url(domain)).json["records"][0]["id"]
    reads = ["/records", f"/records/{record_id}", "/export", "/history", "/history/1"]
    writes = ["/records", f"/records/{record_id}", f"/records/{record_id}/delete", "/draft", "/history/0/restore"]
    for rights, may_read in (([Right.DOMAINS], True), ([Right.MANAGE_DOMAINS], False), ([Right.PRODUCTS], False)):
        member = new_client()
        sign_in_person(member, factories.make_member(owner.customer, rights=rights).person.email)
        assert {member.get(url(domain, one)).status_code for one in reads} == {200 if may_read else 404}
        answers = {member.submit(url(domain, one), json=True, **WWW, version=1).status_code for one in writes}
        assert answers == {404}
        assert member.get(url(domain, "/draft")).status_code == 404
        page = member.get(url(domain), headers=ENGLISH).text
        assert "Add a record" not in page
    stranger = new_client()
    sign_in_person(stranger, factories.owner_of(factories.make_customer()).person.email)
    assert {stranger.get(url(domain, one)).status_code for one in reads} == {404}
    assert stranger.submit(url(domain), json=True, **WWW, version=1).status_code == 404
    assert client.get_json(url(domain)).json["version"] == 1


def test_a_refused_deletion_says_why(client: ConsoleClient, domain: Domain) -> None:
    client.submit(url(domain), json=True, name="ns1", type="A", value="203.0.113.1", version=0)
    client.submit(url(domain), json=True, name="@", type="NS", value="ns1", version=1)
    (address,) = [one for one in client.get_json(url(domain)).json["records"] if one["type"] == "A"]
    answer = client.submit(url(domain, f"/records/{address['id']}/delete"), headers=ENGLISH, version=2)
    assert "needs an A or AAAA record" in client.get(answer.location, headers=ENGLISH).text
    with transaction():
        suspend(SYSTEM, domain.service, SuspensionReason.ABUSE)
    refused = client.submit(url(domain), json=True, **WWW, version=2)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "suspended")


def test_ten_thousand_records_are_listed_and_edited_in_few_statements(
    app: Flask, client: ConsoleClient, domain: Domain
) -> None:
    client.submit(url(domain), json=True, **WWW, version=0)
    with transaction():
        zone_id = db.session.query(Zone.id).scalar()
        rows = [
            {"zone_id": zone_id, "name": f"h{number:05d}", "type": RecordType.A, "ttl": 300, "value": "203.0.113.1"}
            for number in range(10_000)
        ]
        db.session.execute(insert(Record), rows)
    with count_queries(app) as statements:
        page = client.get(url(domain, "/records?page=3"), headers=ENGLISH)
    assert statements.count <= 8, statements
    assert "Page 3 of 101" in page.text and page.text.count("<tr>") == 101
    assert "1 record" in client.get(url(domain, "/records?q=h04711"), headers=ENGLISH).text
    added = client.submit(url(domain), json=True, **WWW | {"name": "shop"}, version=1)
    assert added.json["version"] == 2
    assert len(client.get_json(url(domain)).json["records"]) == 10_002
