"""The mail sent about an account, in the portal: for whom, how much, and whose links."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.models import Customer, MemberRole, Membership
from console.customers.rights import Right
from console.mail.models import Mail, MailState
from console.tickets import links, mails
from tests import factories
from tests.factories.mail import make_mail
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.queries import count_queries

EVIL = "<script>alert(1)</script>"


@dataclass
class Home:
    """An account with three people and a mail to two of them."""

    customer: Customer
    owner: Membership
    reader: Membership  # holds `emails`
    other: Membership  # does not
    own: int  # to the owner, with a link to their ticket
    token: str


@pytest.fixture
def home(session: Session) -> Home:
    customer = factories.make_customer()
    owner = factories.owner_of(customer)
    reader = factories.make_member(customer, MemberRole.USER, rights=[Right.EMAILS])
    other = factories.make_member(customer, MemberRole.USER, rights=[Right.TICKETS, Right.PROFILE])
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email=owner.person.email, customer_id=customer.id)
        mail = mails.opened(SYSTEM, ticket)
        mail.state, mail.sent_at = MailState.SENT, clock.now()
        token = links.requester_token(ticket)
        return Home(customer, owner, reader, other, mail.id, token)


def enter(new_client: Callable[[], ConsoleClient], member: Membership) -> ConsoleClient:
    client = new_client()
    sign_in_person(client, member.person.email)
    return client


def whole(client: ConsoleClient, key: int) -> str:
    return "\n".join(
        answer.text
        for path in ("/moj/mails/", f"/moj/mails/{key}", f"/moj/mails/{key}/html")
        for answer in (client.get(path), client.get_json(path))
    )


def test_only_who_holds_the_right_and_the_link_only_to_its_receiver(
    new_client: Callable[[], ConsoleClient], home: Home
) -> None:
    owner, reader, other = (enter(new_client, one) for one in (home.owner, home.reader, home.other))
    stranger = enter(new_client, factories.owner_of(factories.make_customer()))
    assert home.token in owner.get(f"/moj/mails/{home.own}").text
    assert home.token in owner.get(f"/moj/mails/{home.own}/html").text
    assert owner.get_json(f"/moj/mails/{home.own}").json["mail"]["links_taken_out"] is False
    assert reader.get(f"/moj/mails/{home.own}").status_code == 200
    assert home.token not in whole(reader, home.own)
    assert reader.get_json(f"/moj/mails/{home.own}").json["mail"]["links_taken_out"] is True
    for path in ("/moj/mails/", f"/moj/mails/{home.own}", f"/moj/mails/{home.own}/html"):
        assert other.get(path).status_code == 404
    menu = [caller.get("/moj/password").text for caller in (other, reader)]
    assert "/moj/mails/" not in menu[0] and "/moj/mails/" in menu[1]
    assert stranger.get(f"/moj/mails/{home.own}").status_code == 404
    assert stranger.get(f"/moj/mails/?account={home.customer.number}").status_code == 404
    assert home.token not in whole(stranger, home.own)


def test_what_was_never_sent_is_not_there(
    new_client: Callable[[], ConsoleClient], session: Session, home: Home
) -> None:
    about = {"customer_id": home.customer.id}
    with transaction():
        waits = make_mail(**about, state=MailState.QUEUED, attempts=0)
        back = make_mail(**about, state=MailState.CANCELLED, subject="Povučen odgovor")
        failed = make_mail(**about, state=MailState.FAILED, last_error="550 interno")
        tried = make_mail(**about, state=MailState.QUEUED, first_try_at=clock.now(), last_error="451 interno")
    client = enter(new_client, home.owner)
    found = {item["id"]: item["state"] for item in client.get_json("/moj/mails/").json["items"]}
    assert found == {home.own: "sent", failed.id: "failed", tried.id: "waits"}
    for key in (waits.id, back.id):
        assert client.get(f"/moj/mails/{key}").status_code == 404
    assert "interno" not in client.get("/moj/mails/").text + client.get(f"/moj/mails/{failed.id}").text


@pytest.mark.both
def test_it_leafs_through_all_of_it_in_few_queries(
    app: Flask, new_client: Callable[[], ConsoleClient], session: Session, home: Home
) -> None:
    client = enter(new_client, home.owner)
    client.get("/moj/mails/")
    with count_queries(app) as few:
        client.get("/moj/mails/")
    with transaction():
        keys = {make_mail(customer_id=home.customer.id).id for _ in range(45)} | {home.own}
    with count_queries(app) as many:
        client.get("/moj/mails/")
    assert few.count == many.count <= 4, many
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get_json(f"/moj/mails/?next={cursor}").json
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next"]
    assert len(seen) == len(set(seen)) and set(seen) == keys
    by_page: list[str] = []
    address = "/moj/mails/"
    while address:
        page = client.get(address).text
        by_page += re.findall(r'href="/moj/mails/(\d+)"', page)
        older = re.search(r'rel="next" href="([^"]*)"', page)
        address = older[1].replace("&amp;", "&") if older else ""
    assert [int(key) for key in by_page] == seen


def test_it_is_found_by_subject_and_receiver_and_the_old_address_leads_here(
    new_client: Callable[[], ConsoleClient], session: Session, home: Home
) -> None:
    with transaction():
        key = make_mail(customer_id=home.customer.id, subject="Račun za đurđevak", to_address="knjige@example.rs").id
    client = enter(new_client, home.owner)
    for query in ("djurdjevak", "racun đurđ", "knjige@example.rs"):
        assert [one["id"] for one in client.get_json(f"/moj/mails/?search={query}").json["items"]] == [key], query
    assert client.get_json("/moj/mails/?search=nema%25").json["items"] == []
    assert client.get(f"/moj/mail/{key}").headers["Location"] == f"/moj/mails/{key}"
    moved = client.get(f"/moj/mail?account={home.customer.number}")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"/moj/mails/?account={home.customer.number}")


def test_what_is_drawn_of_a_mail_is_cleaned(
    new_client: Callable[[], ConsoleClient], session: Session, home: Home
) -> None:
    bad = (
        '<html lang="sr-Latn"><head><title>Naslov</title><style>p{background:url(//evil.test)}</style></head><body>'
        '<p class="quiet" style="position:fixed" onclick="x()">Tekst</p><img src="//evil.test/x.png">'
        '<form action="//e"><input name="a"></form><a href="javascript:x()">zlo</a><a href="https://example.rs/">dobro</a>'
        '<svg onload="x()"></svg><iframe src="//evil.test"></iframe></body></html>'
    )
    with transaction():
        mail = make_mail(customer_id=home.customer.id, html=bad)
    frame = enter(new_client, home.owner).get(f"/moj/mails/{mail.id}/html").text
    for gone in (
        "evil.test",
        "<img",
        "<form",
        "<input",
        "onclick",
        "javascript:",
        "svg",
        "iframe",
        "position:",
        "Naslov",
    ):
        assert gone not in frame, gone
    assert '<p class="quiet">Tekst</p>' in frame and 'href="https://example.rs/"' in frame and 'lang="sr-Latn"' in frame


def test_nothing_runs_and_odd_addresses_do_no_harm(
    new_client: Callable[[], ConsoleClient], session: Session, home: Home
) -> None:
    mail = make_mail(
        customer_id=home.customer.id,
        subject=EVIL,
        text=EVIL,
        html=f"<html><head></head><body>{EVIL}</body></html>",
        attachments=[{"name": f"{EVIL}.txt", "type": "text/plain", "size": 3, "digest": "0" * 64}],
    )
    client = enter(new_client, home.owner)
    for path in ("/moj/mails/", f"/moj/mails/{mail.id}"):
        page = client.get(path)
        assert EVIL not in page.text and "&lt;script&gt;" in page.text
    assert "frame-src 'self'" in client.get(f"/moj/mails/{mail.id}").headers["Content-Security-Policy"]
    policy = client.get(f"/moj/mails/{mail.id}/html").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "allow-scripts" not in policy
    for odd in ("before=x", "before=-1", "before=99999999999", "before=%00", "account="):
        assert client.get(f"/moj/mails/?{odd}").status_code == 200
    for odd in ("0", "2147483647", "99999999999", "x"):
        assert client.get(f"/moj/mails/{odd}").status_code == 404
    assert session.get_one(Mail, mail.id).state is MailState.SENT
