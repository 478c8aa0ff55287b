"""The outbox: who sees what, no link that opens something, nothing that runs, sending again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock
from console.core.transaction import transaction
from console.customers.models import MemberRole, VerificationKind
from console.customers.rights import READING_RIGHTS, Right
from console.mail import reading, relay
from console.mail.models import Mail, MailState
from console.mail.queries import Stage, in_stage, stage_of
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Ticket
from console.tickets.service import messages as ticket_messages
from console.tickets.service.messages import Writing
from tests import factories
from tests.factories.mail import Sent, make_failed, make_mail, sent_of_each
from tests.factories.tickets import make_department
from tests.mail.receiving.test_reading import report
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.tickets.mail_in.scene import take

EVIL = '<script>alert(1)</script><img src=x onerror=alert(1)> "x"'
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def sent(staff_of: Callable[[Role | str], Staff]) -> Sent:
    return sent_of_each(staff_of(Role.AGENT))


def listed(client: ConsoleClient, query: str = "") -> dict[int, dict[str, Any]]:
    """Return what the list answers, by key; over all of its pages."""
    found: dict[int, dict[str, Any]] = {}
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get_json(f"/console/mail/?page_size=2&{query}&cursor={cursor}")
        assert answer.status_code == 200
        for item in answer.json["items"]:
            assert item["id"] not in found
            found[item["id"]] = item
        cursor = answer.json["next"]
    return found


def everything(client: ConsoleClient, sent: Sent) -> str:
    """Return all that the pages say to this reader, in every form."""
    texts = [client.get("/console/mail/").text, client.get_json("/console/mail/").text]
    texts.append(client.get("/console/mail/export/csv/").text)
    for key in (sent.account, sent.opened, sent.verification, sent.hidden, sent.staff):
        for path in (f"/console/mail/{key}", f"/console/mail/{key}/html"):
            texts += [client.get(path).text, client.get_json(path).text]
    texts.append(client.get(f"/console/customers/{sent.customer.number}?tab=mail").text)
    return "\n".join(texts)


def reads(client: ConsoleClient, key: int) -> str:
    """Return how far one mail opens: ``no`` (not there), ``metadata`` or ``content``."""
    page, frame = client.get(f"/console/mail/{key}"), client.get(f"/console/mail/{key}/html")
    if page.status_code == 404:
        assert frame.status_code == 404
        return "no"
    assert frame.status_code in (200, 404)
    return "content" if frame.status_code == 200 else "metadata"


# Who reads what: account mail, ticket mail, that of a private department, mail to staff.
MATRIX = {
    Role.AGENT: ("no", "content", "no", "no"),
    Role.BILLING: ("content", "content", "no", "metadata"),
    Role.SUPERVISOR: ("content", "content", "content", "content"),
    Role.ADMIN: ("metadata", "metadata", "metadata", "metadata"),
}


@pytest.mark.parametrize("role", MATRIX)
def test_who_reads_what(client: ConsoleClient, session: Session, sent: Sent, role: Role) -> None:
    sign_in(client, role)
    keys = (sent.account, sent.opened, sent.hidden, sent.staff)
    assert tuple(reads(client, key) for key in keys) == MATRIX[role]
    there = listed(client)
    for key, how in zip(keys, MATRIX[role], strict=True):
        assert (key in there) == (how != "no")
        if how != "no":
            assert (there[key]["subject"] is None) == (how == "metadata")
            payload = client.get_json(f"/console/mail/{key}").json["mail"]
            assert (
                (payload["subject"] == session.get_one(Mail, key).subject) == (how == "content") == ("text" in payload)
            )
    # No search finds a word of a subject that one may not read.
    assert (sent.account in listed(client, "search=podršku")) == (MATRIX[role][0] == "content")
    for token in sent.tokens:
        assert token not in everything(client, sent)


def test_an_agent_reads_an_accounts_mail_while_it_is_open(
    client: ConsoleClient, session: Session, sent: Sent, staff_of: Callable[[Role | str], Staff]
) -> None:
    agent = staff_of(Role.AGENT)
    sign_in(client, staff=agent)
    plain = factories.make_member(sent.customer, MemberRole.USER, rights=[Right.PROFILE, Right.TICKETS])
    wrong = factories.make_verification(agent, plain)
    assert reads(client, sent.account) == "no"
    with transaction() as writing_session:
        writing_session.get_one(type(wrong), wrong.id).ended_at = clock.now()
    live = factories.make_verification(agent, sent.owner)
    assert reads(client, sent.account) == "content"
    assert sent.account in listed(client, f"customer={sent.customer.number}")
    # A ticket that is not theirs stays shut, and so does another account.
    assert reads(client, sent.hidden) == "no"
    assert reads(client, make_mail(customer_id=factories.make_customer().id).id) == "no"
    for token in sent.tokens:
        assert token not in everything(client, sent)
    with transaction() as writing_session:
        writing_session.get_one(type(live), live.id).expires_at = clock.now() - timedelta(seconds=1)
    assert reads(client, sent.account) == "no"


@pytest.mark.only("sqlite")
def test_an_override_opens_no_tab_of_mail(client: ConsoleClient, session: Session, sent: Sent) -> None:
    supervisor = sign_in(client, Role.SUPERVISOR)
    factories.make_verification(supervisor, sent.owner, kind=VerificationKind.OVERRIDE, rights=sorted(READING_RIGHTS))
    tab = client.get(f"/console/customers/{sent.customer.number}?tab=mail").text
    assert "Novi PIN za podršku" not in tab and f"/console/mail/?customer={sent.customer.number}" in tab
    answer = client.get_json(f"/console/customers/{sent.customer.number}").json
    assert answer is not None and "mail" not in answer


@pytest.mark.only("sqlite")
def test_the_customers_tab_leafs_and_links(
    client: ConsoleClient, session: Session, sent: Sent, staff_of: Callable[[Role | str], Staff]
) -> None:
    agent = staff_of(Role.AGENT)
    sign_in(client, staff=agent)
    factories.make_verification(agent, sent.owner)
    with transaction():
        keys = [make_mail(customer_id=sent.customer.id).id for _ in range(25)]
    seen: list[str] = []
    address = f"/console/customers/{sent.customer.number}?tab=mail"
    while address:
        page = client.get(address).text
        seen += re.findall(r'href="/console/mail/(\d+)"', page)
        older = re.search(r'rel="next" href="([^"]*)"', page)
        address = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) and {*map(str, keys), str(sent.account)} <= set(seen)
    assert str(sent.hidden) not in seen
    with_json = client.get_json(f"/console/customers/{sent.customer.number}").json["mail"]
    assert with_json[0]["id"] == keys[-1] and with_json[0]["state"] == "sent"


def test_a_mail_says_which_address_of_ours_it_comes_from_and_what_is_reported_of_it(client: ConsoleClient) -> None:
    sign_in(client, Role.SUPERVISOR)
    mail = make_mail(from_address="prodaja@example.test")
    says = {"delivered": "This e-mail was delivered.", "delayed": "This e-mail is delayed", "failed": "was returned."}
    make_department()
    for action in says:
        raw = report("5.1.1" if action == "failed" else "2.0.0", action, "said", original=mail.message_id)
        take(raw.replace(b"<r@", f"<{action}@".encode()))
        page = client.get(f"/console/mail/{mail.id}", headers=ENGLISH).text
        assert [words for words in says.values() if words in page] == list(says.values())[
            : list(says).index(action) + 1
        ]
    assert "&lt;prodaja@example.test&gt;" in page


# --- Links that open something --------------------------------------------------------------------------------------

TOKEN = "WzEsMV0.Qb3kX9-fjZ_a8wLmnoPqRs"
PRIVATE = [
    f"https://podrska.example.test/t/{TOKEN}",
    f"http://127.0.0.1:8000/t/{TOKEN}#rate",
    f"http://127.0.0.1:8000/v/{TOKEN}?lang=en",
    f"HTTP://127.0.0.1:8000/T/{TOKEN}",
    f"127.0.0.1:8000/t/{TOKEN}.",
    f"/t/{TOKEN}",
    f"see(/v/{TOKEN})",
    f"http://127.0.0.1:8000/chat/after/{TOKEN}",
]
HARMLESS = [
    "http://127.0.0.1:8000/moj/",
    "http://127.0.0.1:8000/console/tickets/T-20001",
    "https://forum.example.com/t/how-to-set-an-mx-record/1234",
    "https://mint.example/uputstva/mx?x=1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_link_is_taken_out_of_both_parts(sqlite_app: Flask, address: str) -> None:
    mail = Mail(
        private=True,
        text=f"Otvorite\n{address}\ni još jednom {TOKEN}",
        html=f"<a class='x' href='{address}'>Otvori</a> <A HREF={address}>{address}</A> "
        f'<a href="{address}"><b>da</b></a>',
    )
    with sqlite_app.test_request_context():
        content = reading.without_links(mail)
    assert content.taken
    assert TOKEN[:12] not in content.text and TOKEN[:12] not in content.html
    assert "Otvori" in content.html and "<b>da</b>" in content.html


@pytest.mark.parametrize("address", HARMLESS)
def test_other_links_stay(sqlite_app: Flask, address: str) -> None:
    mail = Mail(private=True, text=address, html=f'<a href="{address}">x</a>')
    with sqlite_app.test_request_context():
        content = reading.without_links(mail)
    assert (content.text, content.html, content.taken) == (mail.text, mail.html, False)


def test_an_agents_answer_with_the_link_pasted_into_it_shows_none(
    client: ConsoleClient, session: Session, sent: Sent, staff_of: Callable[[Role | str], Staff]
) -> None:
    agent = staff_of(Role.AGENT)
    body = f"Vaš link je 127.0.0.1:8000/t/{sent.tokens[0]}, otvorite ga."
    with transaction():
        message = ticket_messages.reply(agent.actor(), sent.ticket.id, Writing(body, "c1", anyway=True))
        key = message.mail_id
    sign_in(client, staff=agent)
    for path in (f"/console/mail/{key}", f"/console/mail/{key}/html"):
        for answer in (client.get(path), client.get_json(path)):
            assert answer.status_code == 200 and sent.tokens[0] not in answer.text
    page = client.get(f"/console/mail/{key}", headers=ENGLISH).text
    assert "removed here" in page and "[link removed]" in page


# --- Nothing runs ---------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_nothing_runs_in_a_page_a_frame_or_an_export(client: ConsoleClient, session: Session) -> None:
    customer = factories.make_customer()
    mail = make_mail(
        customer_id=customer.id,
        subject=f"=HYPERLINK(1) {EVIL}",
        to_address="+zlo@example.test",
        to_name=EVIL,
        text=EVIL,
        html=f"<html><head></head><body>{EVIL}<form action=//evil.test></form></body></html>",
        state=MailState.FAILED,
        last_error=f"550 {EVIL}",
        attachments=[{"name": f"{EVIL}.txt", "type": "text/plain", "size": 3, "digest": "0" * 64}],
    )
    sign_in(client, Role.SUPERVISOR)
    for path in ("/console/mail/", f"/console/mail/{mail.id}"):
        page = client.get(path)
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
    page = client.get(f"/console/mail/{mail.id}")
    policy = page.headers["Content-Security-Policy"]
    assert "frame-src 'self'" in policy and "frame-ancestors 'none'" in policy and "'unsafe-inline'" not in policy
    frame_tag = re.search(r"<iframe[^>]*>", page.text)
    assert frame_tag is not None and "srcdoc" not in frame_tag[0]
    sandbox = re.search(r'sandbox="([^"]*)"', frame_tag[0])
    assert sandbox is not None and not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(sandbox[1].split())
    frame = client.get(f"/console/mail/{mail.id}/html")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "script-src" not in policy and "sandbox" in policy and "allow-scripts" not in policy
    assert frame.headers["X-Content-Type-Options"] == "nosniff"
    row = client.get("/console/mail/export/csv/").text
    assert "'=HYPERLINK" in row and "'+zlo@" in row


@pytest.mark.only("sqlite")
def test_no_value_becomes_a_header(client: ConsoleClient, session: Session) -> None:
    customer = factories.make_customer()
    mail = make_mail(customer_id=customer.id, subject="Da\r\nX-Zlo: 1", message_id="<a\r\nX-Zlo: 1@example.test>")
    sign_in(client, Role.BILLING)
    for path in (f"/console/mail/{mail.id}", f"/console/mail/{mail.id}/html", "/console/mail/export/csv/"):
        answer = client.get(path)
        assert answer.status_code == 200 and "X-Zlo" not in answer.headers
    assert client.get("/console/mail/?search=a%0d%0aX-Zlo:1&to=%0d%0a&since=x").status_code == 200


# --- The list -------------------------------------------------------------------------------------------------------


def _one_of_each() -> dict[Stage, int]:
    soon = clock.now() + timedelta(minutes=5)
    queued = {"state": MailState.QUEUED, "attempts": 0, "customer_id": factories.make_customer().id}
    with transaction():
        return {
            Stage.QUEUED: make_mail(**queued).id,
            Stage.RETRY: make_mail(**queued | {"attempts": 2, "last_error": "451 busy", "send_after": soon}).id,
            Stage.SENDING: make_mail(**queued | {"lease": "w", "leased_until": soon}).id,
            Stage.SENT: make_mail().id,
            Stage.FAILED: make_mail(state=MailState.FAILED).id,
            Stage.WITHDRAWN: make_mail(state=MailState.CANCELLED).id,
        }


def test_each_state_is_told_apart_and_filtered(client: ConsoleClient, session: Session) -> None:
    keys = _one_of_each()
    sign_in(client, Role.SUPERVISOR)
    for stage, key in keys.items():
        assert stage_of(session.get_one(Mail, key)) is stage
        assert session.scalars(select(Mail.id).where(in_stage(stage))).all() == [key]
        assert set(listed(client, f"state={stage.value}")) == {key}
        assert client.get(f"/console/mail/{key}").status_code == 200
    assert set(listed(client, "state=waiting")) == {keys[one] for one in (Stage.QUEUED, Stage.RETRY, Stage.SENDING)}
    page = client.get("/console/mail/", headers=ENGLISH).text
    for words in ("waiting to be sent", "will be retried", "sending", "withdrawn", "550 5.1.1 User unknown"):
        assert words in page
    assert page.count("/again") == 2  # the one that failed, and the mass action


@pytest.mark.both
def test_filters_combine_and_search_finds(client: ConsoleClient, session: Session) -> None:
    customer = factories.make_customer()
    with transaction():
        first = make_mail(customer_id=customer.id, to_address="djordje@example.test", subject="Šifra za Đorđa, čekamo")
        other = make_mail(to_address="djordje@example.test", subject="Nešto drugo", template="override")
        old = make_mail(created_at=clock.now() - timedelta(days=3), subject="100%_staro")
    sign_in(client, Role.SUPERVISOR)
    assert set(listed(client, "to=Djordje@example.test")) == {first.id, other.id}
    assert set(listed(client, f"to=djordje@example.test&customer={customer.number}&state=sent")) == {first.id}
    assert set(listed(client, "template=override")) == {other.id}
    today = clock.now().astimezone().date()
    assert old.id not in listed(client, f"since={today - timedelta(days=1)}")
    assert set(listed(client, f"until={today - timedelta(days=1)}")) == {old.id}
    for words in ("sifra", "ŠIFRA čekamo", "Djordja", "đorđa sifra", "djordje@ šifra"):
        assert set(listed(client, f"search={words}")) == {first.id}, words
    assert set(listed(client, "search=djordje@example.test")) == {first.id, other.id}
    for words in (first.message_id, first.message_id.strip("<>")):
        assert set(client.get_json("/console/mail/", query_string={"search": words}).json["items"][0].items()) >= {
            ("id", first.id)
        }
    assert set(listed(client, "search=100%25_")) == {old.id}
    assert listed(client, "search=%25") == {old.id: listed(client, "search=%25")[old.id]}


@pytest.mark.both
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
def test_the_list_asks_seven_times_at_most(
    app: Flask, client: ConsoleClient, session: Session, sent: Sent, staff_of: Callable[[Role | str], Staff], role: Role
) -> None:
    sign_in(client, staff=staff_of(role))
    client.get("/console/mail/")
    counts = []
    for _ in range(2):
        with count_queries(app) as page:
            assert client.get("/console/mail/?search=pin").status_code == 200
        with count_queries(app) as answer:
            assert client.get_json("/console/mail/").status_code == 200
        counts.append((page.count, answer.count))
        _one_of_each()
    assert counts[0] == counts[1] and max(counts[0]) <= 7, (counts, page)


@pytest.mark.both
def test_the_badge_counts_what_failed_lately(client: ConsoleClient, session: Session, sent: Sent) -> None:
    make_failed(3)
    with transaction() as writing_session:
        mail = writing_session.scalars(select(Mail).where(Mail.state == MailState.FAILED)).first()
        assert mail is not None
        mail.failed_at = clock.now() - timedelta(days=20)

    def badge() -> str:
        line = re.search(r'href="/console/mail/"[^>]*>.*?</a>', client.get("/console/").text, re.DOTALL)
        assert line is not None
        found = re.search(r"data-badge>(\w*)<", line[0])
        return found[1] if found else "none"

    sign_in(client, Role.SUPERVISOR)
    assert badge() == "2"
    make_failed(120)
    assert "99" in client.get("/console/").text
    sign_in(client, Role.AGENT)
    assert badge() == ""


# --- Sending again, withdrawing -------------------------------------------------------------------------------------


def test_sending_again_and_withdrawing(client: ConsoleClient, session: Session) -> None:
    keys = _one_of_each()
    sign_in(client, Role.BILLING)
    answer = client.submit(f"/console/mail/{keys[Stage.FAILED]}/again", json=True)
    assert answer.json == {"queued": keys[Stage.FAILED]}
    assert session.get_one(Mail, keys[Stage.FAILED]).state is MailState.QUEUED
    copy = client.submit(f"/console/mail/{keys[Stage.SENT]}/again", json=True).json["queued"]
    assert copy != keys[Stage.SENT]
    assert f'href="/console/mail/{copy}"' in client.get(f"/console/mail/{keys[Stage.SENT]}").text
    for stage in (Stage.SENDING, Stage.WITHDRAWN):
        assert client.submit(f"/console/mail/{keys[stage]}/again", json=True).status_code == 409
        assert client.submit(f"/console/mail/{keys[stage]}/withdraw", json=True).status_code == 409
    assert client.submit(f"/console/mail/{keys[Stage.RETRY]}/withdraw").location.endswith(f"/{keys[Stage.RETRY]}")
    assert session.get_one(Mail, keys[Stage.RETRY]).state is MailState.CANCELLED
    actions = set(session.scalars(select(AuditEntry.action).where(AuditEntry.subject.startswith("mail:"))))
    assert actions == {"mail.resent", "mail.withdrawn"}


@pytest.mark.both
def test_many_that_failed_go_again_at_once(client: ConsoleClient, session: Session) -> None:
    failed, keys = make_failed(3), _one_of_each()
    sign_in(client, Role.SUPERVISOR)
    chosen = [*map(str, failed[:2]), str(keys[Stage.SENT]), "x", "99999999"]
    answer = client.submit("/console/mail/again", json=True, rowid=chosen)
    assert answer.json == {"queued": 2, "left_out": 2}
    states = {key: session.get_one(Mail, key).state for key in failed}
    assert list(states.values()) == [MailState.QUEUED, MailState.QUEUED, MailState.FAILED]
    assert len(session.scalars(select(Mail.id).where(Mail.copy_of_id.is_not(None))).all()) == 0
    assert client.submit("/console/mail/again").status_code == 303  # nothing chosen


def test_whoever_may_not_sends_nothing(client: ConsoleClient, session: Session, sent: Sent) -> None:
    sign_in(client, Role.AGENT)
    for path in (f"/console/mail/{sent.opened}/again", f"/console/mail/{sent.opened}/withdraw", "/console/mail/again"):
        assert client.submit(path, json=True, rowid=[str(sent.opened)]).status_code == 404
    page = client.get(f"/console/mail/{sent.opened}").text
    assert "/again" not in page and "/withdraw" not in page
    sign_in(client, Role.BILLING)
    assert client.submit(f"/console/mail/{sent.hidden}/again", json=True).status_code == 404


def test_a_file_is_downloaded_from_its_ticket_alone(
    client: ConsoleClient, session: Session, sent: Sent, staff_of: Callable[[Role | str], Staff]
) -> None:
    from console.tickets.service.attachments import attach

    agent = staff_of(Role.AGENT)
    with transaction():
        file = attach(agent.actor(), session.get_one(Ticket, sent.ticket.id), "zapis.txt", b"MX")
        made = ticket_messages.reply(
            agent.actor(), sent.ticket.id, Writing("Evo", "c2", anyway=True, attachments=(file.id,))
        )
        key, number, file_id = made.mail_id, sent.ticket.number, file.id
    sign_in(client, staff=agent)
    page = client.get(f"/console/mail/{key}").text
    assert f'href="/console/tickets/{number}/files/{file_id}"' in page and "zapis.txt" in page
    assert "digest" not in client.get_json(f"/console/mail/{key}").text


# --- Previews -------------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_each_template_is_previewed_in_both_languages(client: ConsoleClient) -> None:
    sign_in(client, Role.AGENT)
    page = client.get("/console/mail/templates/").text
    names = set(re.findall(r"<code>(\w+)</code>", page))
    assert {"ticket_reply", "migration_executed", "sla_targets_missed"} <= names
    for name in sorted(names):
        for language in ("sr_Latn", "en"):
            one = client.get(f"/console/mail/templates/?name={name}&language={language}")
            assert one.status_code == 200
            frame = re.search(r'<iframe[^>]* src="([^"]*)"', one.text)
            assert frame is not None
            letter = client.get(frame[1].replace("&amp;", "&"))
            assert letter.status_code == 200 and f'lang="{"en" if language == "en" else "sr-Latn"}"' in letter.text
            assert letter.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for odd in ("name=%00", "name=base", "case=99", "case=-1", "case=1e9", "language=../en", "name=../../base"):
        assert client.get(f"/console/mail/templates/?{odd}").status_code == 200
    for odd in ("base/0", "ticket_reply/9", "nema/0"):
        assert client.get(f"/console/mail/templates/{odd}/html").status_code == 404


def test_a_mail_server_that_does_not_answer_is_told_of(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], sent: Sent
) -> None:
    del sent
    sign_in(client, Role.SUPERVISOR)
    agent = new_client()
    sign_in(agent, Role.AGENT)
    english = {"Accept-Language": "en"}
    assert "data-relay" not in client.get("/console/mail/").text
    with transaction():
        relay.note_failure("connection refused <smtp>", clock.now(), misconfigured=False)
    page = client.get("/console/mail/", headers=english).text
    assert "The mail server is not accepting e-mail." in page and "connection refused &lt;smtp&gt;" in page
    theirs = agent.get("/console/mail/", headers=english).text
    assert "The mail server is not accepting e-mail." in theirs and "connection refused" not in theirs
    with transaction():
        relay.note_failure("535 no", clock.now(), misconfigured=True)
    assert "rejects our sign-in or encryption" in client.get("/console/mail/", headers=english).text
    with transaction():
        relay.note_recovery(clock.now())
    assert "data-relay" not in client.get("/console/mail/").text
