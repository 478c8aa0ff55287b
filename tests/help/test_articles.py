"""Help articles: what comes with the console, what staff do with them, and what the public reads and finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.help import markup, queries, service
from console.help.defaults import ARTICLES, StandardArticle
from console.help.models import HelpArticle, HelpVersion
from console.help.service import ArticleData
from console.mail.templates import render as render_mail
from console.portal.stored import cookies_of_page
from console.staff.roles import Role
from console.tickets.canned import service as canned
from console.tickets.canned.queries import offers
from tests import factories
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ActorOf = Callable[[str], Actor]
ENGLISH = {"Accept-Language": "en"}
DATA = ArticleData(
    slug="selidba-sajta", section="services", title_sr="Selidba sajta", title_en="Moving a site",
    body_sr="Javite se **podršci**.", body_en="Ask **support**.",
)  # fmt: skip


def texts_of(article: HelpArticle) -> list[str]:
    return [row.body_en for row in queries.versions_of(article)]


@pytest.mark.parametrize("text", ARTICLES, ids=lambda text: text.key)
def test_an_article_says_the_same_in_both_languages(text: StandardArticle) -> None:
    (title_sr, body_sr), (title_en, body_en) = text.text("sr"), text.text("en")
    assert 0 < len(title_sr) <= 160 and 0 < len(title_en) <= 160
    for pattern in (r"\{[a-z_]+\}", r"^##? ", r"^ *\d+\. ", r"^ *- ", r"\]\((/help/[a-z-]+)\)"):
        found = [re.findall(pattern, body, re.MULTILINE) for body in (body_sr, body_en)]
        assert found[0] == found[1], pattern
    assert markup.unknown(body_sr) == []
    assert not re.search(r"nažalost|\bvi\b|\bvas\b|\bvam\b|\bvaš", body_sr)
    linked = set(re.findall(r"\]\(/help/([a-z-]+)\)", body_sr))
    assert linked <= {article.slug for article in ARTICLES}
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", body_sr, re.MULTILINE)]
    assert all(later in (earlier + 1, 1) for earlier, later in pairwise(steps))


def test_labels_of_the_faq_stand_word_for_word(session: Session) -> None:
    whole = " ".join(version.body_sr for version in session.scalars(select(HelpVersion)))
    for label in (
        "Podaci o nalogu", "Ažuriraj nalog", "Moj nalog", "Poslate email poruke", "Pogledaj poruku", "Promeni lozinku",
        "Sigurnost naloga", "Kontakti/podnalozi", "Upravljaj korisnicima", "Dodaj korisnika", "Pošalji poziv",
        "Register", "Sačuvaj izmene", "Aktiviraj", "Kreni", "Pošalji", "Domeni", "Upravljanje DNS zonama", "Manage",
        "+", "X", "Opšte poruke:",
    ):  # fmt: skip
        assert f"**{label}**" in whole, label


def test_what_comes_with_the_console_is_loaded_once(session: Session, actor: ActorOf) -> None:
    assert {row.slug for row in session.scalars(select(HelpArticle))} == {article.slug for article in ARTICLES}
    article = queries.find_published("change-password").article
    with transaction():
        service.withdraw(actor("admin"), article.id)
    with transaction():
        assert service.load_standard() == 0
    with pytest.raises(NotFound):
        queries.find_published("change-password")


def test_every_saving_is_a_version_and_one_is_public(session: Session, actor: ActorOf) -> None:
    mila, ana = actor("supervisor"), actor("admin")
    with transaction():
        article = service.add_article(mila, DATA)
    key = article.id
    assert queries.search("selidba") == []  # a draft
    with transaction():
        service.publish(mila, key, 1)
    assert [one.article.id for one in queries.search("selidbe sajtova")] == [key]
    with transaction():
        service.save_article(
            ana, key, replace(DATA, body_en="Ask *billing*.", body_sr="Javite se računovodstvu."), seen=1
        )
    with transaction():  # nothing else: no version
        service.save_article(ana, key, replace(DATA, body_en="Ask *billing*.", body_sr="Javite se računovodstvu."))
    found = queries.find_published(DATA.slug)
    assert (found.version.number, found.article.newest, found.article.is_draft) == (1, 2, True)
    assert queries.search("računovodstvu selidba") == []
    with pytest.raises(Conflict) as refused, transaction():
        service.save_article(mila, key, replace(DATA, body_en="Late"), seen=1)
    assert refused.value.code == "changed_meanwhile"
    with transaction():
        service.restore(mila, key, 1)
    with pytest.raises(Conflict), transaction():
        service.restore(mila, key, 1)
    assert texts_of(article) == ["Ask **support**.", "Ask *billing*.", "Ask **support**."]
    newest = queries.find_version(article, 3)
    assert (newest.restored_from, newest.staff_name, newest.staff_id) == (1, mila.name, mila.id)
    with transaction():
        service.publish(ana, key, 2)
    assert len(queries.search("računovodstvu selidba")) == 1
    actions = session.scalars(
        select(AuditEntry.action).where(AuditEntry.action.startswith("help.")).order_by(AuditEntry.id)
    )
    assert list(actions) == ["help.added", "help.published", "help.saved", "help.restored", "help.published"]


@pytest.mark.parametrize("role", ["agent", "billing"])
def test_only_those_who_manage_the_desk_write(session: Session, actor: ActorOf, role: str) -> None:
    key = queries.find_published("privacy").article.id
    by = actor(role)
    verbs: tuple[Callable[[], object], ...] = (
        lambda: service.add_article(by, DATA),
        lambda: service.save_article(by, key, DATA),
        lambda: service.publish(by, key, 1),
        lambda: service.withdraw(by, key),
        lambda: service.restore(by, key, 1),
    )
    for verb in verbs:
        with pytest.raises(NotFound), transaction():
            verb()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "Ćirilica"), ("slug", "privacy"), ("slug", "../x"), ("section", "nema"), ("title_en", " "),
        ("body_sr", ""), ("body_en", "{nema_ga}"), ("position", -1), ("title_sr", "x" * 161),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(session: Session, actor: ActorOf, field: str, value: str) -> None:
    with pytest.raises(Invalid) as refused, transaction():
        service.add_article(actor("admin"), replace(DATA, **{field: value}))  # type: ignore[arg-type]
    assert list(refused.value.fields) == [field]


def test_the_privacy_page_stays_where_it_is(session: Session, actor: ActorOf) -> None:
    key = queries.find_published("privacy").article.id
    with pytest.raises(Conflict), transaction():
        service.withdraw(actor("admin"), key)
    with pytest.raises(Invalid), transaction():
        service.save_article(actor("admin"), key, DATA)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://zlo.example/x.png)",
        '<img src=x onerror="alert(1)">', "[x](data:text/html,<script>1</script>)", "<b onclick=x>x</b>",
        '[x](https://a.example/" onmouseover="alert(1))', "<!-- --><svg/onload=alert(1)>",
    ],
)  # fmt: skip
def test_nothing_that_is_written_runs(session: Session, text: str) -> None:
    html = markup.render(f"Pre\n\n{text}\n\nposle", "en")
    assert not re.search(r"<(script|img|svg|b\b)|href=\"(javascript|data):|<[^>]+ on\w+=", html)
    assert "<p>Pre</p>" in html and "posle" in html


def test_values_are_text_and_links_are_links(session: Session) -> None:
    html = markup.render(
        "{brand} [idi]({portal_url}) [tu](/help/dns-zones)\n\n{cookies}", "en", link=lambda to: f"/x{to}"
    )
    assert '<a href="/x/help/dns-zones"' in html
    assert "Mint podrška" in html and "{cookies}" not in html


# --- what the public reads


def test_the_pages_are_public_in_both_languages(client: ConsoleClient, app: Flask) -> None:
    with count_queries(app) as statements:
        page = client.get("/help/", headers=ENGLISH)
    assert page.status_code == 200 and "How do I change the password of my account?" in page.text
    assert len(statements) <= 8
    serbian = client.get("/help/change-password?lang=sr_Latn", headers=ENGLISH).text
    assert '<html lang="sr-Latn"' in serbian and "Upišite trenutnu lozinku" in serbian
    assert "Ponedeljak" not in serbian and 'href="/help/?lang=sr_Latn"' in serbian
    linked = client.get("/help/protect-your-account?lang=sr_Latn").text
    assert 'href="/help/two-factor?lang=sr_Latn"' in linked
    assert client.get("/help/nema-ga").status_code == 404
    answer = client.get_json("/help/change-password?lang=en").json["article"]
    assert (answer["slug"], answer["language"]) == ("change-password", "en") and "<ol>" in answer["html"]


def test_articles_are_found_by_other_forms_of_words(client: ConsoleClient) -> None:
    found = client.get_json("/help/", query_string={"q": "lozinku promeniti"}).json["items"]
    assert found[0]["slug"] == "change-password"
    page = client.get("/help/", query_string={"q": "lozinku <b>", "lang": "sr_Latn"}).text
    assert "<b>" not in page
    assert "Ništa nije pronađeno" in client.get("/help/", query_string={"q": "xyzzy", "lang": "sr_Latn"}).text


def test_the_privacy_page_lists_the_cookies_that_are_set(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient]
) -> None:
    """Every way a visitor or a customer goes: what the answers set is what the page names, and the other way round."""
    owner = factories.owner_of(factories.make_customer())
    seen: set[str] = set()
    for path in ("/help/", "/help/privacy", "/chat/", "/chat/frame", "/moj/login", "/moj/register", "/moj/forgotten"):
        seen |= _cookies(new_client().get(path))
    guest = new_client()
    seen |= _cookies(guest.submit("/preferences", language="en", next="/help/"))
    answer = client.submit("/moj/login", email=owner.person.email, password=factories.PASSWORD)
    seen |= _cookies(answer)
    for path in ("/moj/", "/moj/sessions", "/moj/contacts/", "/moj/mail"):
        seen |= _cookies(client.get(path))
    assert seen == {one.shown_name for one in cookies_of_page()}
    page = client.get("/help/privacy", headers=ENGLISH).text
    for one in cookies_of_page():
        assert f"<code>{one.shown_name}</code>" in page
    assert "24 months" in page and "10 years" in page and "90 days" in page


def _cookies(answer: object) -> set[str]:
    names: set[str] = set()
    for header in answer.headers.getlist("Set-Cookie"):  # type: ignore[attr-defined]
        names |= set(SimpleCookie(header))
    return names


def test_portal_widget_and_mail_lead_there(client: ConsoleClient) -> None:
    owner = factories.owner_of(factories.make_customer())
    for path in ("/moj/login", "/chat/frame"):
        assert "/help/privacy" in client.get(path).text, path
    sign_in_person(client, owner.person.email)
    assert client.get("/moj/").text.count('href="/help/') == 3  # the menu and the footer
    mail = render_mail("pin_renewed", "en", **_mail_values())
    assert "/help/privacy" in mail.text and "/help/privacy" in mail.html


def _mail_values() -> dict[str, object]:
    from console.mail.examples import examples

    example = next(one for one in examples("https://x.example") if one.template == "pin_renewed")
    return {"brand": "B", "base_url": "https://x.example", **example.values}


def test_a_canned_reply_links_to_an_article(session: Session, actor: ActorOf) -> None:
    mila = actor("supervisor")
    with transaction():
        canned.load_standard(mila)
    (offer, *_rest) = offers(mila, "lozinka", None)
    assert "{help:change-password}" in (offer.body or offer.reply.body_sr)


# --- the editor


def test_an_article_is_edited_compared_and_put_back(client: ConsoleClient) -> None:
    sign_in(client, Role.SUPERVISOR)
    key = queries.find_published("dns-zones").article.id
    page = client.get(f"/console/help/{key}/", headers=ENGLISH)
    assert page.status_code == 200 and 'name="body_sr"' in page.text
    fields = {
        "section": "domains", "slug": "dns-zones", "position": "3", "title_sr": "DNS", "title_en": "DNS",
        "body_sr": "Prvi red\n\nNovi red", "body_en": "New line <b>",
    }  # fmt: skip
    assert client.submit(f"/console/help/{key}/", headers=ENGLISH, seen="1", **fields).status_code == 303
    assert "Click <strong>+</strong>" in client.get("/help/dns-zones", headers=ENGLISH).text  # still the published one
    versions = client.get(f"/console/help/{key}/versions", headers=ENGLISH).text
    assert "− How do I add or delete DNS records of my domain?" in versions and "+ New line &lt;b&gt;" in versions
    assert "New line &lt;b&gt;" in client.get(f"/console/help/{key}/preview", headers=ENGLISH).text
    stale = client.submit(f"/console/help/{key}/", headers=ENGLISH, seen="1", **fields | {"title_en": "Other"})
    assert stale.status_code == 409 and 'value="Other"' in stale.text
    assert client.submit(f"/console/help/{key}/publish", version="2").status_code == 303
    assert "New line" in client.get("/help/dns-zones", headers=ENGLISH).text
    assert client.submit(f"/console/help/{key}/restore", json=True, version="1").json["article"]["version"] == 3
    assert client.submit(f"/console/help/{key}/publish", json=True, version=str(2**40)).status_code == 404
    wrong = client.submit("/console/help/new", headers=ENGLISH, **fields | {"body_en": "{x}"})
    assert wrong.status_code == 422 and "Unknown placeholder" in wrong.text
    made = client.submit("/console/help/new", json=True, **fields | {"slug": "nov"}).json["article"]
    assert (made["slug"], made["published"]) == ("nov", None)
    listed = client.get_json("/console/help/").json["items"]
    assert len(listed) == len(ARTICLES) + 1
    assert db.session.scalars(select(HelpArticle.slug).where(HelpArticle.published.is_(None))).all() == ["nov"]
