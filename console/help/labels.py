"""Sections of the help pages in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.help.models import HelpSection

SECTION_NAMES: dict[HelpSection, Text] = {
    HelpSection.SECURITY: lazy_gettext("Security and sign-in"),
    HelpSection.ACCOUNT: lazy_gettext("Account and contacts"),
    HelpSection.SERVICES: lazy_gettext("Services and transfer"),
    HelpSection.DOMAINS: lazy_gettext("Domains and DNS"),
    HelpSection.SUPPORT: lazy_pgettext("help section", "Contact with support"),
    HelpSection.LEGAL: lazy_gettext("Privacy"),
}
SECTION_ICONS: dict[HelpSection, str] = {
    HelpSection.SECURITY: "shield",
    HelpSection.ACCOUNT: "user",
    HelpSection.SERVICES: "server",
    HelpSection.DOMAINS: "globe",
    HelpSection.SUPPORT: "chat",
    HelpSection.LEGAL: "lock",
}
