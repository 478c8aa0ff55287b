"""How much a search finds of what it should, and how much that it should not.

Each question names by hand which words of a text answer it: the forms of the word that was asked, and no other. A
text that has one for every word of the question is right, whatever the search thinks. ``python -m
tests.core.search_quality`` measures a database (``console demo``) as it is; docs/decisions/07-search.md has the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.orm import Session

from console.core.search import SearchIndex
from console.core.text import words

CASES = "(a|e|i|u|o|om|ama|ima)?"
FEMALE = "(a|e|i|u|om|o|ama)"
ADJECTIVE = "(i|a|o|e|u|og|oga|om|ome|oj|im|ih|ima)"
QUESTIONS: dict[str, Sequence[str]] = {
    # Serbian: the form in the question is rarely the one in the text.
    "dvostruka autentifikacija": (rf"dvostruk{ADJECTIVE}", rf"autentifikacij{FEMALE}"),
    "dvostruke autentifikacije": (rf"dvostruk{ADJECTIVE}", rf"autentifikacij{FEMALE}"),
    "račune": (rf"racun{CASES}",),
    "računima": (rf"racun{CASES}",),
    "predračun": (rf"predracun{CASES}",),
    "predračuna": (rf"predracun{CASES}",),
    "domena": (rf"domen{CASES}",),
    "domenima": (rf"domen{CASES}",),
    "lozinka": (rf"lozin(k{FEMALE}|ci)",),
    "lozinku": (rf"lozin(k{FEMALE}|ci)",),
    "sertifikat": (rf"sertifikat{CASES}",),
    "sertifikata": (rf"sertifikat{CASES}",),
    "nalogu": (r"nalo(g(a|e|u|om)?|zi|zima)",),
    "nalozi": (r"nalo(g(a|e|u|om)?|zi|zima)",),
    "usluga": (rf"uslu(g{FEMALE}|zi)",),
    "uslugu": (rf"uslu(g{FEMALE}|zi)",),
    "adresa": (rf"adres{FEMALE}",),
    "adresu": (rf"adres{FEMALE}",),
    "pošta": (rf"post{FEMALE}",),
    "poštu": (rf"post{FEMALE}",),
    "zapisi": (r"zapis(a|e|i|u|om|ima)?",),
    "zapisa": (r"zapis(a|e|i|u|om|ima)?",),
    "uplata": (rf"uplat{FEMALE}",),
    "uplatu": (rf"uplat{FEMALE}",),
    "vlasnika": (r"vlasni(k|ka|ku|kom|ke|ci|cima)",),
    "vlasnici": (r"vlasni(k|ka|ku|kom|ke|ci|cima)",),
    "korisnici": (r"korisni(k|ka|ku|kom|ke|ci|cima)",),
    "ovlašćenja": (r"ovlascenj(a|e|u|em|ima)",),
    "poruka": (rf"poru(k{FEMALE}|ci)",),
    "poruku": (rf"poru(k{FEMALE}|ci)",),
    "greška": (rf"gres(k{FEMALE}|ci|aka)",),
    "grešku": (rf"gres(k{FEMALE}|ci|aka)",),
    "sajtu": (r"sajt(a|u|om|ovi|ova|ove|ovima)?",),
    "servera": (rf"server{CASES}",),
    "promena lozinke": (rf"promen{FEMALE}", rf"lozin(k{FEMALE}|ci)"),
    "novi vlasnik": (r"nov(i|a|o|e|u|og|oga|om|ome|oj|im|ih|ima)?", r"vlasni(k|ka|ku|kom|ke|ci|cima)"),
    "kontakt osobe": (r"kontakt(a|e|i|u|om|ima)?", rf"osob{FEMALE}"),
    "danas": (r"danas",),
    "kopija": (rf"kopij{FEMALE}",),
    "verziju": (rf"verzij{FEMALE}",),
    # Without accents, in Cyrillic, with the other letter for đ.
    "лозинку": (rf"lozin(k{FEMALE}|ci)",),
    "podešavanja": (r"podesavanj(a|e|u|em|ima)",),
    # English.
    "services": (r"services?",),
    "service": (r"services?",),
    "passwords": (r"passwords?",),
    "invoice": (r"invoices?",),
    "payments": (r"payments?",),
    "changing password": (r"chang(e|es|ed|ing)", r"passwords?"),
    "added contacts": (r"add(s|ed|ing)?", r"contacts?"),
    "domains": (r"domains?",),
    "message": (r"messages?",),
    "owners": (r"owners?",),
    "verify": (r"verif(y|ies|ied|ying)",),
}


@dataclass
class Score:
    """What came of some questions over some texts."""

    right: int = 0  # texts that answer a question
    found: int = 0  # of them were hits
    false: int = 0  # hits that do not answer

    @property
    def share(self) -> float:
        """Return the share of the right texts that was found."""
        return self.found / self.right if self.right else 1.0

    @property
    def wrong(self) -> float:
        """Return the share of the hits that do not answer."""
        hits = self.found + self.false
        return self.false / hits if hits else 0.0


def score(
    session: Session,
    index: SearchIndex,
    key: SQLColumnExpression[int],
    texts: Mapping[int, str],
    questions: Iterable[str] = QUESTIONS,
) -> tuple[Score, dict[str, tuple[list[int], list[int]]]]:
    """Return how well ``index`` answers, and by question which texts were missed and which are wrong."""
    total, odd = Score(), {}
    words_of = {one: set(words(text)) for one, text in texts.items()}
    for question in questions:
        families = [re.compile(pattern) for pattern in QUESTIONS[question]]
        right = {
            one for one, found in words_of.items() if all(any(map(family.fullmatch, found)) for family in families)
        }
        hits = index.matches(session, key, question, whole=True)
        assert hits is not None
        found = set(session.scalars(select(key).where(hits))) & words_of.keys()
        total.right += len(right)
        total.found += len(right & found)
        total.false += len(found - right)
        if right ^ found:
            odd[question] = (sorted(right - found), sorted(found - right))
    return total, odd


def main() -> None:
    """Measure the database that the settings name, and print a line for each kind of text."""
    from console.app import create_app
    from console.core.db import db
    from console.tickets.canned.models import REPLY_SEARCH, CannedReply
    from console.tickets.canned.service import _searched
    from console.tickets.models import TICKET_SEARCH, MessageKind, Ticket, TicketMessage
    from console.tickets.service import timeline

    with create_app().app_context():
        session = db.session()
        replies = {row.id: " ".join(_searched(row)[1:]) for row in session.scalars(select(CannedReply))}
        bodies: dict[int, list[str]] = {}
        query = select(TicketMessage.ticket_id, TicketMessage.body).where(
            TicketMessage.kind != MessageKind.EVENT, TicketMessage.taken_back_at.is_(None)
        )
        for ticket_id, body in session.execute(query):
            bodies.setdefault(ticket_id, []).append(body)
        tickets = {
            row.id: timeline.title(row) + " " + timeline.text(row, bodies.get(row.id, []))
            for row in session.scalars(select(Ticket))
        }
        for name, index, key, texts in (
            ("canned replies", REPLY_SEARCH, CannedReply.id, replies),
            ("tickets", TICKET_SEARCH, Ticket.id, tickets),
        ):
            total, odd = score(session, index, key, texts)
            print(  # noqa: T201
                f"| {name} | {len(texts)} | {total.right} | {total.found} ({total.share:.0%}) "
                f"| {total.false} ({total.wrong:.1%}) |"
            )
            for question, (missed, wrong) in odd.items():
                print(f"    {question}: missed {missed[:12]}, wrong {wrong[:12]}")  # noqa: T201


if __name__ == "__main__":
    main()
