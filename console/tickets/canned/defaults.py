"""The standard replies: what customers of a hosting company ask every day.

Their texts lie in ``templates/replies``, a file for each language, the title in its first line. They never ask for
a PIN in an answer: it is entered on the page behind the link that the ticket sends, or in the card of a chat, and
nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from console.core.places import TEMPLATES

FOLDER = TEMPLATES / "replies"

CATEGORIES = (
    ("daily", "Svakodnevno", "Everyday"),
    ("security", "Bezbednost i prijava", "Security and sign-in"),
    ("account", "Nalog i kontakti", "Account and contacts"),
    ("services", "Usluge i prenos", "Services and transfer"),
    ("dns", "Domeni i DNS", "Domains and DNS"),
    ("billing", "Računi i uplate", "Invoices and payments"),
)


@dataclass(frozen=True)
class StandardReply:
    """One reply as it is delivered."""

    key: str
    category: str
    shortcut: str
    title_sr: str
    title_en: str
    body_sr: str
    body_en: str
    department: str
    verified_only: bool


@dataclass(frozen=True)
class _Reply:
    """Where it belongs; what it says is in its files."""

    key: str
    category: str
    shortcut: str
    department: str = ""
    verified_only: bool = False

    def read(self) -> StandardReply:
        title_sr, body_sr = _text(self.key, "sr")
        title_en, body_en = _text(self.key, "en")
        return StandardReply(
            key=self.key,
            category=self.category,
            shortcut=self.shortcut,
            title_sr=title_sr,
            title_en=title_en,
            body_sr=body_sr,
            body_en=body_en,
            department=self.department,
            verified_only=self.verified_only,
        )


_REPLIES = (
    _Reply("greeting", "daily", "pozdrav"),
    _Reply("looking", "daily", "proveravamo"),
    _Reply("details", "daily", "detalji"),
    _Reply("solved", "daily", "reseno"),
    _Reply("closing", "daily", "zatvaramo"),
    _Reply("outage", "daily", "prekid", department="technical"),
    _Reply("out_of_hours", "daily", "radno-vreme"),
    _Reply("chat", "daily", "chat"),
    _Reply("two_step", "security", "2fa", department="technical"),
    _Reply("protect", "security", "zastita"),
    _Reply("single_sign_on", "security", "sso", department="technical"),
    _Reply("password", "security", "lozinka"),
    _Reply("profile", "account", "profil"),
    _Reply("contact_or_user", "account", "kontakt-ili-korisnik"),
    _Reply("add_contact", "account", "novi-kontakt"),
    _Reply("add_user", "account", "novi-korisnik"),
    _Reply("permissions", "account", "dozvole"),
    _Reply("mail_categories", "account", "vrste-poruka"),
    _Reply("sent_mail", "account", "poslate-poruke"),
    _Reply("move_service", "services", "prenos-usluge", department="accounting"),
    _Reply("hand_over", "services", "predaja-naloga", department="accounting"),
    _Reply("move_received", "services", "prenos-primljen", department="accounting", verified_only=True),
    _Reply("dns_zone", "dns", "dns", department="technical"),
    _Reply("dns_changed", "dns", "dns-izmenjen", department="technical", verified_only=True),
    _Reply("payment_recorded", "billing", "uplata", department="accounting", verified_only=True),
)


@lru_cache(maxsize=1)
def standard_replies() -> tuple[StandardReply, ...]:
    """Return the standard replies in their order."""
    return tuple(reply.read() for reply in _REPLIES)


def _text(key: str, language: str) -> tuple[str, str]:
    """Return title and text."""
    title, _, body = (FOLDER / f"{key}.{language}.txt").read_text(encoding="utf-8").partition("\n")
    return title, body.strip()
