"""The FAQ's ways to a contact, a user, a sent mail and another password, with its clicks: on a phone and wide."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Invitation
from console.mail.links import put_in
from console.mail.models import Mail, MailState
from tests import factories
from tests.browser.pages import findings, sideways
from tests.factories.mail import make_mail
from tests.views.conftest import new_page, served  # noqa: F401  (fixtures)

SIZES = ((390, 844), (1280, 720))
STRONG = "Tri-Sunca7"


def test_a_contact_a_user_a_mail_and_the_password(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    session: Session,
) -> None:
    for width, height in SIZES:
        owner = factories.owner_of(factories.make_customer())
        email = owner.person.email
        with transaction():
            make_mail(customer_id=owner.customer_id, subject="Potvrda registracije domena", state=MailState.SENT)
        session.rollback()
        page = new_page(width=width, height=height)
        enter(page, served, email, factories.PASSWORD)
        add_contact(page)
        invite(page, f"majstor{width}@example.rs")
        session.rollback()
        register(new_page(width=width, height=height), served, f"majstor{width}@example.rs")
        find_mail(page)
        change_password(page)
        page.reload()  # the session goes on, the old password does not
        assert "/moj/password" in page.url
        again = new_page(width=width, height=height)
        enter(again, served, email, factories.PASSWORD)
        again.locator(".alert-danger").wait_for()
        again.fill("[name=password]", STRONG)
        again.keyboard.press("Enter")
        again.get_by_role("region", name="Podaci o nalogu").wait_for()


def enter(page: Page, served: str, email: str, password: str) -> None:  # noqa: F811
    page.goto(f"{served}/moj/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")


def to(page: Page, name: str) -> None:
    """Go to a page of "Moj nalog", as the FAQ says each time."""
    page.get_by_role("navigation").get_by_role("link", name="Početna", exact=True).click()
    page.get_by_role("region", name="Podaci o nalogu").get_by_role("link", name="Ažuriraj nalog").click()
    page.get_by_role("navigation", name="Moj nalog").get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, level=1).wait_for()
    assert sideways(page) == []


def add_contact(page: Page) -> None:
    to(page, "Kontakti/podnalozi")
    page.get_by_label("Ime i prezime").fill("Vera Knjigović")
    page.get_by_label("E-mail adresa").fill("vera@knjige.example.rs")
    page.get_by_label("Telefon").fill("011 222 333")
    page.get_by_label("Adresa", exact=True).fill("Ulica 5")
    page.get_by_label("Grad").fill("Niš")
    page.get_by_label("Poštanski broj").fill("18000")
    for box in ("Opšte poruke", "Poruke o računima"):
        page.get_by_role("checkbox", name=box).check()
    page.get_by_role("button", name="Sačuvaj izmene").click()
    page.get_by_role("link", name="Vera Knjigović", exact=True).wait_for()


def invite(page: Page, email: str) -> None:
    to(page, "Upravljaj korisnicima")
    page.get_by_text("Dodaj korisnika").click()
    page.get_by_label("E-mail adresa").fill(email)
    page.get_by_role("checkbox", name="Pregled i plaćanje predračuna/računa").check()
    assert findings(page, "main") == [] and sideways(page) == []
    page.get_by_role("button", name="Pošalji poziv").click()
    page.get_by_text(f"Poziv za {email} je poslat.").wait_for()


def register(page: Page, served: str, email: str) -> None:  # noqa: F811
    mail = db.session.scalars(select(Mail).where(Mail.to_address == email)).one()
    text, _html = put_in(mail.text, mail.html, mail.sealed_links)
    assert db.session.scalar(select(Invitation.id).where(Invitation.email == email))
    db.session.rollback()
    page.goto(f"{served}/moj/invitation/{text.split('/moj/invitation/')[1].split()[0]}")
    page.get_by_label("Ime i prezime").fill("Majstor Sajtović")
    page.get_by_label("Nova lozinka", exact=True).fill(STRONG)
    page.get_by_label("Nova lozinka još jednom").fill(STRONG)
    page.get_by_role("button", name="Register").click()
    page.get_by_role("navigation").get_by_role("link", name="Predračuni", exact=True).wait_for()
    assert sideways(page) == []


def find_mail(page: Page) -> None:
    to(page, "Poslate email poruke")
    page.get_by_role("link", name="Pogledaj poruku: Potvrda registracije domena").click()
    page.frame_locator("iframe.letter-html").locator("body").wait_for()
    assert sideways(page) == []


def change_password(page: Page) -> None:
    to(page, "Promeni lozinku")
    page.get_by_label("Trenutna lozinka").fill(factories.PASSWORD)
    page.get_by_label("Nova lozinka", exact=True).fill(STRONG)
    page.get_by_label("Nova lozinka još jednom").fill(STRONG)
    page.get_by_role("button", name="Sačuvaj izmene").click()
    page.get_by_text("Lozinka je promenjena").wait_for()
