"""A billing person's day by keyboard, in both languages: nobody touches a mouse, nobody cancels a document by hand.

A migration from request to executed; a statement imported and its odd lines resolved; a manual pro-forma sent and
paid; pro-formas reminded of and cancelled together; the month's duties exported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing.ledger.queries import credit_of
from console.billing.models import Proforma, ProformaStatus
from console.billing.payments.models import Payment, PaymentState
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import Customer, Membership
from console.hosting.models import Service
from console.imports.bulk import NewLine, NewProforma, insert_proformas
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.billing.ledger import check_books
from tests.billing.statements.scene import content, line, statement
from tests.browser.pages import sign_in
from tests.factories.shared import today
from tests.support.server import LiveServer

WORDS = {
    "sr-Latn-RS": {
        "move": "Prenesi uslugu", "request": "Zatraži migraciju", "approve": "Odobri migraciju",
        "execute": "Izvrši migraciju", "executed": "izvršena", "solve": "Reši neuparene uplate",
        "empty": "Nema neuparenih uplata", "record": "Evidentiraj uplatu", "paid": "plaćen",
        "remind": "Pošalji 2 podsetnika", "cancel": "Storniraj 2 predračuna",
    },
    "en-GB": {
        "move": "Transfer a service", "request": "Request the migration", "approve": "Approve the migration",
        "execute": "Execute the migration", "executed": "executed", "solve": "Resolve unmatched payments",
        "empty": "No unmatched payments", "record": "Record a payment", "paid": "paid",
        "remind": "Send 2 reminders", "cancel": "Cancel 2 pro-formas",
    },
}  # fmt: skip
TOTAL = 1_440_000  # of each document, with PDV


@dataclass
class Scene:
    """What one person finds: a service that moves, and the documents that the statement's lines are about."""

    owner: Membership
    service: Service
    new: Customer
    moving: Proforma
    plain: Customer
    documents: dict[str, Proforma]


def make_scene(name: str) -> Scene:
    old, new, plain = (factories.make_customer(name=f"{name} {place}") for place in ("stari", "novi", "kupac"))
    service = factories.make_service(old)
    kinds = ("under", "over", "twice", "mistyped", "spaced", "model", "of_payer", "of_pair")
    documents = {kind: factories.make_proforma(factories.make_customer(name=f"{name} {kind}")) for kind in kinds}
    documents["euros"] = factories.make_proforma(factories.make_customer(currency="EUR"))
    documents["pair"] = factories.make_proforma(documents["of_pair"].customer)
    documents["gone"] = factories.make_proforma(plain, cancelled=True)
    moving = factories.make_proforma(old, [service])
    return Scene(factories.owner_of(old), service, new, moving, plain, documents)


def make_candidates(customer: Customer) -> Proforma:
    """Bring two documents of an older system that share a reference, and return the first."""
    rows = [
        NewProforma(
            number=f"STARI-{customer.id}-{place}", customer_id=customer.id, buyer=customer.buyer(), issued_on=today(),
            due_on=today() + timedelta(days=20), currency="RSD", language=customer.language,
            reference=f"7788{customer.id:06d}", lines=(NewLine("Održavanje", net, 2000, net // 5),),
        )
        for place, net in enumerate((450_000, 200_000), start=1)
    ]  # fmt: skip
    with transaction() as session:
        first, _second = insert_proformas(session, rows)
        return session.get_one(Proforma, first)


@dataclass
class Walk:
    """One person at one console, who has no mouse."""

    page: Page
    server: LiveServer
    words: dict[str, str]
    scene: Scene

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def enter(self, name: str, role: str = "button") -> None:
        """Go to what is called so, as by Tab, and press Enter."""
        self.page.get_by_role(role, name=name, exact=False).first.press("Enter")  # type: ignore[arg-type]

    def go(self, path: str) -> None:
        self.page.goto(self.server.url + path)

    # --- the migration ---

    def migrate(self) -> None:
        self.go("/console/verify/")
        self.type(self.scene.owner.person.email)
        self.press("Tab")
        self.type(factories.pin_of(self.scene.owner))
        self.press("Enter")
        self.page.wait_for_url("**/console/customers/K-*")
        self.enter(self.words["move"], "link")
        self.page.wait_for_url("**/migrations/new**")
        service = self.page.locator(f"[name=service][value='{self.scene.service.id}']")
        if not service.is_checked():
            service.press("Space")
        self.page.locator("[name=to_customer]").focus()
        self.type(self.scene.new.number)
        self.press("Tab")
        self.page.locator("[name=reason]").focus()
        self.type("Prodaja sajta")
        self.enter(self.words["request"])
        self.page.wait_for_url("**/migrations/M-*")
        for step in ("approve", "execute"):
            self.page.locator(".execute [type=checkbox]").press("Space")
            self.enter(self.words[step])
            expect(self.page.get_by_role("button", name=self.words[step])).to_have_count(0)
        expect(self.page.locator("h1 + .badge, h1 ~ .badge").first).to_contain_text(self.words["executed"])

    # --- the statement ---

    def import_statement(self) -> None:
        """Eleven odd lines, and five that need no one: two with odd references, a refund, a fee, one that fits."""
        one, first = self.scene.documents, make_candidates(self.scene.plain)
        account = "160000000000009917"
        known = factories.pay_proforma(factories.make_proforma(one["of_payer"].customer), TOTAL)
        with transaction() as session:
            session.get_one(Payment, known.id).payer_account = account
        wrong = f"{one['mistyped'].reference[:-1]}{(int(one['mistyped'].reference[-1]) + 5) % 10}"
        spaced, model = one["spaced"].reference, one["model"].reference
        lines = [
            line(self.scene.moving, amount=TOTAL, payer="1 storniran migracijom"),
            line(one["under"], amount=TOTAL - 400_00, payer="2 manje"),
            line(one["over"], amount=TOTAL + 500_00, payer="3 vise"),
            line(reference="5", amount=77_700, payer="4 nepoznat"),
            line(first, amount=TOTAL // 2, payer="5 dva kandidata"),
            line(one["euros"], amount=TOTAL, payer="6 druga valuta"),
            line(one["twice"], payer="uredna"),
            line(one["twice"], payer="7 dvaput"),
            line(reference="", model="", payer="8 bez poziva", payer_account=account),
            line(reference=wrong, amount=one["mistyped"].total, payer="9 pogresna cifra"),
            line(one["gone"], amount=TOTAL, payer="10 storniran rucno"),
            line(one["pair"], amount=2 * TOTAL, payer="11 za dva"),
            line(one["spaced"], reference=f"{spaced[:2]}-{spaced[2:6]} {spaced[6:]}", payer="razmaci"),
            line(one["model"], reference=f"00 {model}", model="", payer="drugi model"),
            line(reference="", amount=-120_00, payer="Banka", purpose="Naknada za vođenje računa"),
            line(reference="", amount=-50_000, payer="Kupac", purpose="Povraćaj"),
        ]
        self.go("/console/statements/")
        file = content(statement(lines, number=f"{self.scene.plain.id}"))
        self.page.locator("#statement").set_input_files({"name": "izvod.csv", "mimeType": "text/csv", "buffer": file})
        self.page.wait_for_timeout(50)
        self.press("Enter")
        expect(self.page.locator("tbody tr")).to_have_count(16)
        self.enter(self.words["solve"], "link")
        self.page.locator("[data-decide]").wait_for()
        self.page.wait_for_load_state()
        self.press("Enter")  # with nothing chosen: the browser asks for it at the first choice
        expect(self.page.locator("[data-choice]").first).to_be_focused()

    def resolve(self, payer: str, outcome: str, note: str = "", target: str = "") -> None:
        """Take the first choice whose text has ``wanted``, by its digit, and carry it out."""
        expect(self.page.locator(".queue [aria-current]")).to_contain_text(payer)
        self.page.wait_for_load_state()  # the keys are there with the scripts
        choices = self.page.locator(".choice")
        texts = choices.all_inner_texts()
        place = next(index for index, text in enumerate(texts) if outcome in text)
        digit = choices.nth(place).locator("[data-choice]").get_attribute("data-choice")
        self.press(digit or "")
        if target:
            self.type(target)
        if note:
            self.page.locator("#note").focus()
            self.type(note)
        with self.page.expect_navigation():
            self.press("Enter")

    def resolve_all(self) -> None:
        one, plain = self.scene.documents, self.scene.plain
        back, other = ("Vrati", "Nešto drugo") if "sr" in self.page.evaluate("navigator.language") else (
            "Send it back", "Something else")  # fmt: skip
        self.resolve("1 storniran migracijom", self.scene.new.name)
        self.resolve("2 manje", one["under"].number)
        self.resolve("3 vise", one["over"].number)
        self.resolve("4 nepoznat", other, target=plain.number)
        self.resolve("5 dva kandidata", f"STARI-{plain.id}-1")
        self.resolve("6 druga valuta", one["euros"].customer.number)
        self.resolve("7 dvaput", back, note="Plaćeno dvaput")
        self.resolve("8 bez poziva", one["of_payer"].number)
        self.resolve("9 pogresna cifra", one["mistyped"].number)
        self.resolve("10 storniran rucno", plain.number)
        self.resolve("11 za dva", f"{one['of_pair'].number} + {one['pair'].number}")
        expect(self.page.get_by_text(self.words["empty"])).to_be_visible()

    # --- documents ---

    def bill_by_hand(self) -> str:
        self.go("/console/proformas/new")
        self.type(factories.owner_of(self.scene.plain).person.email)
        self.press("Enter")
        first = self.page.locator("[data-line]").first
        expect(first).to_be_visible()
        self.page.wait_for_load_state()
        first.locator("[name=description]").focus()
        self.type("Podešavanje mejla")
        first.locator("[name=price]").focus()
        self.type("2500")
        expect(self.page.locator("[data-sheet]")).to_contain_text("Podešavanje mejla")
        self.press("Control+Enter")
        expect(self.page.locator("h1")).to_contain_text("PR-")
        number = self.page.locator("h1").inner_text().split()[-1]
        self.enter(self.words["record"], "link")
        self.page.wait_for_url("**/console/payments/new**")
        self.page.locator("#amount").press("Enter")  # all is filled in
        self.page.wait_for_url(re.compile(r"/console/payments/\d+$"))
        self.page.get_by_role("link", name=number).first.press("Enter")
        expect(self.page.locator("h1 ~ .badge, h1 + .badge").first).to_contain_text(self.words["paid"])
        return number

    def several_at_once(self, customer: Customer) -> None:
        for action, word in (("remind", "remind"), ("storno", "cancel")):
            self.go(f"/console/proformas/?customer={customer.number}&unpaid=1")
            self.press("j", "x", "j", "x")
            self.page.locator(f"#picked [value={action}]").press("Enter")
            expect(self.page.get_by_role("button", name=self.words[word])).to_be_visible()
            if action == "storno":
                self.type("Odustali")
                self.press("Enter")
            else:
                self.enter(self.words[word])
            self.page.wait_for_url("**/proformas/bulk")
            expect(self.page.locator("main ul.rows li")).to_have_count(2)

    # --- duties ---

    def export_month(self) -> list[str]:
        self.go("/console/billing/")
        self.press("g", "i")
        self.page.wait_for_url("**/console/duties/?when=open**")
        self.page.locator("#f-month").select_option(f"{today():%Y-%m}")
        self.page.wait_for_url("**month=**")
        self.page.wait_for_load_state()  # the keys come with the scripts
        self.press("e")
        with self.page.expect_download() as download:
            self.press("Enter")
        return Path(download.value.path()).read_text("utf-8-sig").splitlines()


def test_a_billing_persons_day(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
) -> None:
    factories.make_staff(Role.BILLING, email="billing@example.test")
    server = own_server(DATABASE_URL=settings.database_url)
    for language, words in WORDS.items():
        scene = make_scene(language[:2])
        many = factories.make_customer()
        bulk = [factories.make_proforma(many) for _ in range(2)]
        page = new_page(language=language)
        sign_in(page, server, "billing")
        walk = Walk(page, server, words, scene)
        walk.migrate()
        walk.import_statement()
        walk.resolve_all()
        number = walk.bill_by_hand()
        walk.several_at_once(many)
        rows = walk.export_month()
        session.rollback()
        session.expire_all()
        check_day(session, scene, bulk, number)
        assert any(number in row for row in rows)
        check_books(session)


def check_day(session: Session, scene: Scene, bulk: list[Proforma], number: str) -> None:
    """Everything is where the person put it."""
    one, plain = scene.documents, scene.plain
    paid = {kind: (one[kind].paid, one[kind].status.value) for kind in one}
    whole, partly = (TOTAL, "paid"), (TOTAL - 400_00, "part_paid")
    all_paid = ("over", "twice", "mistyped", "spaced", "model", "of_payer", "of_pair", "pair")
    assert paid == dict.fromkeys(all_paid, whole) | {
        "under": partly, "euros": (0, "open"), "gone": (0, "cancelled"),
    }  # fmt: skip
    successor = session.scalars(select(Proforma).where(Proforma.source_id == scene.moving.id)).one()
    assert (successor.customer_id, successor.status) == (scene.new.id, ProformaStatus.PAID)
    assert scene.service.customer_id == scene.new.id
    assert credit_of(plain.id) == {"RSD": 77_700 + TOTAL + TOTAL // 2 - 540_000}
    assert credit_of(one["over"].customer_id) == {"RSD": 500_00}
    assert credit_of(one["euros"].customer_id) == {"RSD": TOTAL}
    states = select(Payment.state, func.count()).group_by(Payment.state)
    assert PaymentState.UNMATCHED not in dict(iter(session.execute(states).all()))
    made = session.scalars(select(Proforma).where(Proforma.number == number)).one()
    assert (made.paid, made.status) == (300_000, ProformaStatus.PAID)
    mails = select(Mail.template).where(Mail.customer_id == plain.id)
    assert {"proforma_issued", "payment_received"} <= set(session.scalars(mails))
    assert {row.status for row in bulk} == {ProformaStatus.CANCELLED}
    reminded = select(func.count()).select_from(Mail).where(
        Mail.customer_id == bulk[0].customer_id, Mail.template == "proforma_reminder"
    )  # fmt: skip
    assert session.scalar(reminded) == 2
