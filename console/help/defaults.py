"""The articles that come with the console: the customer FAQ and the privacy page.

Their texts lie in ``templates/help``, a file for each language, the title in its first line.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.core.places import TEMPLATES
from console.help.models import HelpSection

FOLDER = TEMPLATES / "help"


@dataclass(frozen=True)
class StandardArticle:
    """Where it belongs; what it says is in its files."""

    key: str
    slug: str
    section: HelpSection

    def text(self, language: str) -> tuple[str, str]:
        """Return title and text; ``language`` is ``sr`` or ``en``."""
        title, _, body = (FOLDER / f"{self.key}.{language}.md").read_text(encoding="utf-8").partition("\n")
        return title, body.strip()


ARTICLES = (
    StandardArticle("two_factor", "two-factor", HelpSection.SECURITY),
    StandardArticle("protect", "protect-your-account", HelpSection.SECURITY),
    StandardArticle("password", "change-password", HelpSection.SECURITY),
    StandardArticle("profile", "update-profile", HelpSection.ACCOUNT),
    StandardArticle("contacts", "contacts-and-users", HelpSection.ACCOUNT),
    StandardArticle("sent_mail", "sent-e-mails", HelpSection.ACCOUNT),
    StandardArticle("move_service", "transfer", HelpSection.SERVICES),
    StandardArticle("dns_zones", "dns-zones", HelpSection.DOMAINS),
    StandardArticle("live_chat", "live-chat", HelpSection.SUPPORT),
    StandardArticle("support_pin", "support-pin", HelpSection.SUPPORT),
    StandardArticle("privacy", "privacy", HelpSection.LEGAL),
)
