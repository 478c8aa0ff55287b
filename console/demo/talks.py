"""What visitors asked in the demo's chat, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

VISITOR, AGENT, NOTE, CARD, TYPO = "visitor", "agent", "note", "card", "typo"
SR, EN = "sr_Latn", "en"


class End(StrEnum):
    """How a chat ended."""

    CLOSED = "closed"  # by whoever answered
    LEFT = "left"  # by the visitor
    TICKET = "ticket"  # the agent made one of it
    UNCLAIMED = "unclaimed"  # nobody was free in time
    CLOSING = "closing"  # still queued at closing time
    LATE = "late"  # asked when it was closed
    BLOCKED = "blocked"
    OPEN = "open"  # it goes on


@dataclass(frozen=True)
class Talk:
    """A chat of the story.

    Args:
        ago: working hours before the demo's own now.
        by: whose account asks, or a name and an address.
        lines: seconds after the opening, who, and what they write; ``card`` asks who it is, ``typo`` a card that fails.
        passed_to: to whom, and why, before the last line but one.
        score: how it was rated; 0: not at all.
        speaks_of: a fact of the story that was there before.
    """

    key: str
    ago: float
    by: str | tuple[str, str]
    department: str
    question: str
    lines: tuple[tuple[int, str, str], ...] = ()
    agent: str = "agent"
    end: End = End.CLOSED
    language: str = SR
    passed_to: tuple[str, str] | None = None
    score: int = 0
    comment: str = ""
    transcript: bool = False
    speaks_of: str = ""
    answered: str = ""  # what its ticket was answered, by mail


PAST: tuple[Talk, ...] = (
    Talk(
        "chat-ana", 3.5, "ana", "technical",
        "Dobar dan, htela bih da prebacim hosting na drugu firmu. Predračun je već izdat na staru.",
        (
            (70, AGENT, "Dobar dan, Ana. Pre toga sistem mora da potvrdi ko pita; kartica je ispod."),
            (75, CARD, ""),
            (150, NOTE, "Ima pravo prenosa. Predračun mora da pređe zajedno sa hostingom."),
            (190, AGENT, "Hvala, identitet je potvrđen. Hosting i domen prelaze zajedno, nov predračun stiže mejlom."),
            (260, VISITOR, "Super, hvala Vam. Javiću se kada mi računovođa pošalje podatke nove firme."),
        ),
        score=5, comment="Brzo i jasno.", speaks_of="ana billed",
    ),
    Talk(
        "chat-pib", 9, ("Mirjana Tadić", "mirjana.tadic@posta.example.com"), "accounting",
        "Na predračunu nam je pogrešan PIB. Može li da se ispravi pre plaćanja?",
        (
            (40, AGENT, "Dobar dan, može. Izdat dokument ne menjamo: storniramo ga i izdajemo nov."),
            (95, VISITOR, "Odlično. Šta treba da pošaljem?"),
            (140, AGENT, "Izvod iz APR-a sa adrese naloga, na adresu podrške. Novi predračun stiže istog dana."),
            (200, VISITOR, "Hvala, šaljem odmah."),
        ),
        agent="billing", score=4,
    ),
    Talk(
        "chat-dns", 14, ("Oliver Hayes", "oliver.hayes@harbour.example.com"), "technical",
        "I changed the A record an hour ago and still see the old server. Is something stuck?",
        (
            (55, AGENT, "Hello Oliver. The new record is live on all three of our name servers."),
            (80, AGENT, "The old one had a TTL of four hours, so your provider may keep it until 15:20."),
            (150, VISITOR, "That explains it, my phone on mobile data already shows the new page. Thanks!"),
        ),
        agent="agent2", language=EN, score=5, comment="Answer in under a minute, with the reason.", transcript=True,
    ),
    Talk(
        "chat-slow", 20, ("Ksenija Babić", "ksenija.babic@posta.example.com"), "technical",
        "Sajt nam je jutros užasno spor, prodavnica se otvara po dvadeset sekundi.",
        (
            (220, AGENT, "Dobar dan, gledam opterećenje servera."),
            (400, NOTE, "Server je u redu, dodatak za pretragu čita celu tabelu proizvoda pri svakom otvaranju."),
            (620, AGENT, "Nebojša ovde, preuzimam razgovor. Uzrok je pun keš dodatka za pretragu; ispraznio sam ga."),
            (700, VISITOR, "Sada radi. Ali čekali smo predugo."),
        ),
        passed_to=("agent2", "Molim te pogledaj bazu, sporo čita tabelu proizvoda."), score=2,
        comment="Problem je rešen, ali su me prebacivali i dugo sam čekala.",
    ),
    Talk(
        "chat-vps", 27, ("Freya Lindqvist", "freya@nordkraft.example.com"), "sales",
        "Hi, can a VPS 2 be resized later without moving to a new machine?",
        (
            (35, AGENT, "Hi Freya. Yes: memory and disk grow with one restart, and the address stays."),
            (90, VISITOR, "Good, and can I pay in euro?"),
            (130, AGENT, "You can. Choose EUR when you register the account; the currency of an account stays."),
        ),
        agent="agent2", language=EN, end=End.LEFT,
    ),
    Talk(
        "chat-cron", 33, ("Radovan Ilić", "radovan.ilic@posta.example.com"), "technical",
        "Cron posao mi se ne izvršava od sinoć, a ništa nisam menjao. Šta da proverim?",
        end=End.UNCLAIMED,
        answered="Dobar dan, posao je stao jer je disk bio pun. Oslobodili smo prostor i opet se izvršava.",
    ),
    Talk(
        "chat-ssl", 41, ("Jasmina Petković", "jasmina.petkovic@posta.example.com"), "technical",
        "Sertifikat ističe večeras, a obnova prijavljuje grešku. Da li neko može da pogleda?",
        end=End.CLOSING,
        answered="Dobar dan, obnova nije prolazila zbog starog CAA zapisa. Ispravili smo ga; važi godinu dana.",
    ),
    Talk(
        "chat-late", 49, ("Martin Keller", "m.keller@bergwerk.example.com"), "sales",
        "Do you also register .de domains, and how long does a transfer take?",
        language=EN, end=End.LATE,
        answered="Hello, we do not register .de ourselves, but we host them: point the name servers to ours.",
    ),
    Talk(
        "chat-restore", 52, "sused-3", "technical",
        "Obrisali smo greškom folder sa slikama proizvoda. Imate li kopiju od juče?",
        (
            (65, AGENT, "Dobar dan. Kopija od juče u 02:00 postoji. Vraćanje samo tog foldera traje oko sat vremena."),
            (110, VISITOR, "Može, samo taj folder molim. Ne mogu da ostanem u razgovoru."),
            (150, AGENT, "Nema potrebe. Pravim tiket i javljam se mejlom čim folder bude vraćen."),
        ),
        end=End.TICKET, answered="Dobar dan, folder je vraćen u stanje od juče u 02:00. Javite ako nešto nedostaje.",
    ),
    Talk(
        "chat-pin", 60, ("Slavko Nešić", "slavko.nesic@posta.example.com"), "accounting",
        "Treba mi kopija poslednjeg predračuna.",
        (
            (50, AGENT, "Dobar dan. Dokument otvaram čim sistem potvrdi ko pita; kartica je ispod."),
            (55, TYPO, ""),
            (120, VISITOR, "Ne prihvata. Evo vam PIN pa vi pogledajte: 482 913"),
            (180, AGENT, "PIN nemojte slati u poruci; sistem ga je sakrio. Važeći je u Moj Mint, pod Podrška."),
        ),
        agent="billing", score=3,
    ),
    Talk(
        "chat-rude", 68, ("kupac 1", "nemamime@posta.example.com"), "sales",
        "Koliko košta hosting?",
        (
            (30, AGENT, "Dobar dan. Hosting S je 7.900 RSD godišnje, Hosting M 12.900 RSD. Za šta Vam treba?"),
            (60, VISITOR, "PREVARANTI!!! Svima ću da pišem kakvi ste!!!"),
            (75, VISITOR, "LOPOVI LOPOVI LOPOVI"),
        ),
        end=End.BLOCKED,
    ),
    Talk(
        "chat-firma", 75, "firma", "accounting",
        "Možete li da nam pošaljete specifikaciju za sve domene na jednom predračunu?",
        (
            (45, AGENT, "Dobar dan. Molim da potvrdite identitet u kartici ispod, pa otvaram dokumenta."),
            (50, CARD, ""),
            (160, AGENT, "Hvala. Tri domena ističu u istom mesecu; izdajem jedan predračun sa sva tri."),
            (210, VISITOR, "Tako je najbolje, hvala."),
        ),
        agent="billing", score=5,
    ),
)  # fmt: skip

NOW: tuple[Talk, ...] = (
    Talk(
        "now-active", 9 / 60, ("Vesna Stojković", "vesna.stojkovic@posta.example.com"), "technical",
        "Od jutros mi se vraćaju poruke koje šaljem na Gmail. Piše nešto o SPF zapisu.",
        (
            (45, AGENT, "Dobar dan, Vesna. Proveravam zapise domena; koji domen šalje poruke?"),
            (110, VISITOR, "pekara-klas.example.rs. Juče je još radilo, ništa nismo menjali."),
        ),
        end=End.OPEN,
    ),
    Talk(
        "now-queue", 3 / 60, ("Bogdan Radić", "bogdan.radic@posta.example.com"), "sales",
        "Koja je razlika između Hosting S i Hosting M za prodavnicu sa oko 2.000 proizvoda?", end=End.OPEN, agent="",
    ),
    Talk(
        "now-queue-en", 1 / 60, ("Hannah Whitaker", "hannah.whitaker@larkfield.example.com"), "technical",
        "Our contact form stopped sending this morning and shows error 530. Can you check the mailbox?",
        end=End.OPEN, language=EN, agent="",
    ),
)  # fmt: skip
