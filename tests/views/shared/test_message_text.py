"""What people wrote is text: addresses can be clicked, quotes are folded, nothing else comes of it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from console.views.shared.message_text import body_html, is_long, linked

LIST = "/console/tickets/"
ALLOWED = {"a", "details", "summary", "span", "div", "svg", "use"}
ATTRIBUTES = {"href", "rel", "target", "class", "aria-hidden"}


class Read(HTMLParser):
    """What a browser would make of it: elements, their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str]:
        return [str(attrs.get("href")) for tag, attrs in self.elements if tag == "a"]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("vidi https://primer.rs/a?b=1&c=2.", ["https://primer.rs/a?b=1&c=2"]),
        ("(http://primer.rs/x_(y)) i http://primer.rs/), dalje", ["http://primer.rs/x_(y)", "http://primer.rs/"]),
        ("pišite na ana.p+1@primer.rs, hvala", ["mailto:ana.p+1@primer.rs"]),
        ("mailto:ana@primer.rs", ["mailto:ana@primer.rs"]),
        ("isto kao T-20418 i T-19999, ali ne XT-20418", ["/console/tickets/T-20418"]),
        ("javascript:alert(1) data:text/html,x vbscript:x ftp://primer.rs file:///etc/passwd", []),
        ("javascript://primer.rs/%0aalert(1)", []),
        ("https:// https://. http://)", []),
        ("ja@localhost i @jelena", []),
        ("https://primer.rs/\u202egpj.exe", ["https://primer.rs/"]),
        ('https://primer.rs/"onmouseover="alert(1)', ["https://primer.rs/"]),
        ("https://primer.rs/'onclick='x", ["https://primer.rs/"]),
        ("https://primer.rs<script>alert(1)</script>", ["https://primer.rs"]),
    ],
)
def test_links(text: str, links: list[str]) -> None:
    read = Read(linked(text, LIST))
    assert read.links == links
    assert read.text == text
    for tag, attrs in read.elements:
        assert tag == "a"
        assert attrs["href"].startswith(LIST) or attrs["rel"] == "noopener noreferrer nofollow"


@given(st.text(alphabet=st.sampled_from("ab:/.@<>\"'&;()> \n\tT-12345\u202e\0http"), max_size=120))
def test_whatever_is_written_only_links_come_of_it(text: str) -> None:
    app = Flask(__name__)
    with app.test_request_context():
        read = Read(linked(text, LIST))
    assert read.text.replace("\r", "") == text.replace("\r", "") or "\0" in text
    for tag, attrs in read.elements:
        assert tag == "a" and set(attrs) <= ATTRIBUTES
        assert str(attrs["href"]).startswith(("http://", "https://", "mailto:", LIST))


def test_quotes_are_folded_and_belong_to_what_introduces_them(app: Flask) -> None:
    mail = "Radi, hvala.\n\nOn Mon, Ana wrote:\n\n> Da li radi?\n> <b>Pozdrav</b>\n>\n\nAna\n> jedan red"
    with app.test_request_context():
        html = body_html(mail, LIST)
        assert html.count("<details") == 1
        assert "<summary>" in html and "On Mon, Ana wrote:" in html.partition("<details")[2].partition("</details>")[0]
        assert "&lt;b&gt;Pozdrav" in html and "<b>" not in html
        assert "Radi, hvala." in html.partition("<details")[0] and "jedan red" in html.partition("</details>")[2]
        assert "<details" not in body_html("2 > 1\n3 > 2", LIST)
        assert {tag for tag, _ in Read(html).elements} <= ALLOWED


def test_only_what_is_long_is_folded() -> None:
    assert not is_long("kratko")
    assert is_long("x" * 3_000)
    assert is_long("\n" * 40)
