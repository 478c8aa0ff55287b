"""The steps of a migration at the registry, in words."""

from __future__ import annotations

from console.billing.migration.models import TaskKind
from console.core.errors import Text
from console.core.texts import lazy_gettext

TASKS: dict[TaskKind, Text] = {
    TaskKind.IDENTIFY_OLD: lazy_gettext("Identify the present registrant"),
    TaskKind.IDENTIFY_NEW: lazy_gettext("Identify the new registrant"),
    TaskKind.CONSENT: lazy_gettext("Written consent of the present registrant"),
    TaskKind.FEE: lazy_gettext("Registry fee settled"),
    TaskKind.LINKS: lazy_gettext("Both confirmed the links from RNIDS"),
    TaskKind.DONE: lazy_gettext("Registrant changed at the registry"),
}
TASK_HELP: dict[TaskKind, Text] = {
    TaskKind.CONSENT: lazy_gettext("For a company its legal representative signs; the administrative contact may not."),
    TaskKind.LINKS: lazy_gettext("RNIDS e-mails a link to both and acts within three working days."),
    TaskKind.DONE: lazy_gettext("Check the new registrant in the registry’s WHOIS before you tick this."),
}
