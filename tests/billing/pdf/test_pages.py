"""PDFs and links to pay, by HTTP: who gets them, and what the one who pays sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import zxingcpp
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.pay_links import service as pay_links
from console.billing.pay_links.models import PayLink
from console.billing.pdf.files import pdf_of
from console.billing.pdf.instructions import instructions_for
from console.billing.service import cancel_proforma
from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, NotFound
from console.core.transaction import transaction
from console.customers.rights import Right
from console.staff.roles import Role
from tests import factories
from tests.billing.pdf.papers import NAMES, make_buyer, text_of
from tests.factories.migrations import make_move
from tests.support.client import ConsoleClient, sign_in, sign_in_person

pytestmark = pytest.mark.only("sqlite")
ENGLISH = {"Accept-Language": "en"}


def test_staff_and_people_get_the_same_file(new_client: Callable[[], ConsoleClient], session: Session) -> None:
    customer = make_buyer()
    proforma = factories.make_proforma(customer, cancelled=True)
    number, storno = proforma.number, proforma.storno.number
    staff, person, other = new_client(), new_client(), new_client()
    sign_in(staff, Role.BILLING)
    sign_in_person(person, factories.owner_of(customer).person.email)
    sign_in_person(other, factories.owner_of(factories.make_customer()).person.email)
    answer = staff.get(f"/console/proformas/{number}/pdf")
    assert answer.mimetype == "application/pdf" and f'filename="{number}.pdf"' in answer.headers["Content-Disposition"]
    assert answer.data == person.get(f"/moj/documents/{number}/pdf").data == pdf_of(proforma)
    assert "Buyer" in text_of(staff.get(f"/console/proformas/{number}/pdf?lang=en").data)
    assert staff.get(f"/console/stornos/{storno}/pdf").data == person.get(f"/moj/documents/storno/{storno}/pdf").data
    for path in (f"/moj/documents/{number}/pdf", f"/moj/documents/storno/{storno}/pdf"):
        assert other.get(path).status_code == 404
    member = factories.make_member(customer, rights=[Right.TICKETS])
    sign_in_person(other := new_client(), member.person.email)
    assert other.get(f"/moj/documents/{number}/pdf").status_code == 404


def test_each_side_of_a_migration_gets_its_own_record(
    new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    move = make_move()
    factories.make_proforma(move.old, move.services)
    staff, old, new = new_client(), new_client(), new_client()
    sign_in(staff, Role.BILLING)
    move.request()
    path = f"/console/migrations/{move.ref}/pdf"
    assert staff.get_json(path).status_code == 409
    move.approve()
    move.execute()
    sign_in_person(old, factories.owner_of(move.old).person.email)
    sign_in_person(new, factories.owner_of(move.new).person.email)
    assert staff.get(path).data == old.get(f"/moj/migrations/{move.ref}/pdf").data
    record = new.get(f"/moj/migrations/{move.ref}/pdf").data
    assert staff.get(f"{path}?side=new").data == record
    assert move.old.number not in text_of(record) and move.new.number in text_of(record)
    assert "Record (PDF)" in old.get(f"/moj/migrations/{move.ref}", headers=ENGLISH).text


def test_an_account_statement_as_pdf(client: ConsoleClient, session: Session) -> None:
    customer = make_buyer()
    proforma = factories.make_proforma(customer, paid=-1)
    sign_in_person(client, factories.owner_of(customer).person.email)
    assert "statement.pdf" in client.get("/moj/credit/").text
    text = text_of(client.get("/moj/documents/statement.pdf?lang=en").data)
    assert all(words in text for words in ("Account statement", "14,400.00", proforma.number, customer.number))
    for query in ("since=x", "currency=USD", "until=0001-01-01"):
        assert client.get_json(f"/moj/documents/statement.pdf?{query}").status_code == 422


# --- links to pay --------------------------------------------------------------------------------------------------


def test_another_person_pays_without_knowing_the_buyer(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    customer = make_buyer()
    number = factories.make_proforma(customer, paid=400_000).number
    sign_in_person(client, factories.owner_of(customer).person.email)
    address = client.submit(f"/moj/documents/{number}/pay-link", json=True).json["url"]
    path = address.removeprefix("http://127.0.0.1:8000")
    assert address in client.get(f"/moj/documents/{number}").text
    assert client.submit(f"/moj/documents/{number}/pay-link", json=True).json["url"] == address
    stranger = new_client()
    answer = stranger.get(path, headers=ENGLISH)
    assert "10,400.00 RSD" in answer.text and "840-955845-10" in answer.text and 'class="qr"' in answer.text
    assert not any(words in answer.text for words in (NAMES, "Žarka", customer.number, "Šabac"))
    assert answer.headers["X-Robots-Tag"].startswith("noindex") and answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] in ("no-referrer", "strict-origin")
    data = stranger.get_json(path).json
    assert data["amount"] == 1_040_000 and "I:RSD10400,00" in data["code"] and data["open"]
    token = path.rpartition("/")[2]
    (row,) = session.scalars(select(PayLink))
    assert token not in f"{row.token_digest}{row.sealed_token}"
    assert client.submit(f"/moj/documents/{number}/pay-link/revoke", json=True).status_code == 200
    assert stranger.get(path, headers=ENGLISH).status_code == 404
    assert "withdrawn" in stranger.get(path, headers=ENGLISH).text
    kinds = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("pay_link"))).all()
    assert kinds == ["pay_link.created", "pay_link.revoked"]


@pytest.mark.parametrize("end", ["paid", "cancelled"])
def test_it_is_dead_when_paid_or_cancelled_and_says_so(client: ConsoleClient, session: Session, end: str) -> None:
    proforma = factories.make_proforma(make_buyer())
    with transaction():
        path = pay_links.address_of(pay_links.create_link(SYSTEM, proforma)).partition("8000")[2]
    if end == "paid":
        factories.pay_proforma(proforma, proforma.total)
    else:
        with transaction():
            cancel_proforma(SYSTEM, proforma, "Pogrešno")
    page = client.get(path, headers=ENGLISH)
    assert page.status_code == 200
    assert ("has been paid" if end == "paid" else "was cancelled") in page.text
    assert "840-955845-10" not in page.text and 'class="qr"' not in page.text
    with pytest.raises(Conflict), transaction():
        pay_links.create_link(SYSTEM, proforma)


def test_who_may_make_and_revoke_it(session: Session) -> None:
    proforma = factories.make_proforma(customer := make_buyer())
    allowed = [
        factories.make_staff(Role.BILLING).actor(),
        _person(factories.make_member(customer, rights=[Right.INVOICES]).person),
    ]
    refused = [
        factories.make_staff(Role.SUPERVISOR).actor(),
        _person(factories.make_member(customer, rights=[Right.TICKETS]).person),
        _person(factories.owner_of(factories.make_customer()).person),
        Actor(kind="visitor", id=None, name=""),
    ]
    for actor in refused:
        with pytest.raises(NotFound), transaction():
            pay_links.create_link(actor, proforma)
    for actor in allowed:
        with transaction():
            pay_links.create_link(actor, proforma)
            pay_links.revoke_link(actor, proforma)
        with pytest.raises(NotFound), transaction():
            pay_links.revoke_link(actor, proforma)


def test_strangers_are_slowed_down(client: ConsoleClient, session: Session) -> None:
    answers = {client.get_json(f"/pay/{'x' * 43}").status_code for _ in range(61)}
    assert answers == {404, 429}


def test_the_code_on_the_page_is_the_one_of_the_pdf(client: ConsoleClient, session: Session) -> None:
    import re

    from PIL import Image

    proforma = factories.make_proforma(customer := make_buyer())
    sign_in_person(client, factories.owner_of(customer).person.email)
    svg = re.search(r'viewBox="0 0 (\d+) \d+".*? d="([^"]+)"', client.get(f"/moj/documents/{proforma.number}").text)
    assert svg is not None
    picture = Image.new("L", (int(svg[1]),) * 2, 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1", svg[2]):
        picture.paste(0, (int(x), int(y), int(x) + int(length), int(y) + 1))
    (code,) = zxingcpp.read_barcodes(picture.resize((picture.width * 4,) * 2))
    assert code.text == instructions_for(proforma, proforma.owed).code


def _person(person: object) -> Actor:
    return Actor(kind="person", id=person.id, name=person.name)  # type: ignore[attr-defined]
