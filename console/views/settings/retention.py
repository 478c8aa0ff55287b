"""How long data is stored: the periods within their bounds, and what goes next."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.privacy import retention
from console.privacy.retention import DOCUMENT_YEARS, LOOKS_AHEAD, Upcoming
from console.settings import queries
from console.settings.sections import RETENTION
from console.views.settings.sections import SectionPage, as_json
from console.web.answers import local_time, wants_json


def views() -> list[SectionPage]:
    """Return the page."""
    return [RetentionPage(RETENTION)]


class RetentionPage(SectionPage):
    """The section, with what of each kind goes next."""

    settings_group = "privacy"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the periods and what goes next."""
        if not wants_json():
            return super().index()
        state = as_json(queries.state(self.section))
        return jsonify(state | {"upcoming": [_upcoming_as_json(one) for one in retention.upcoming()]})

    def more(self) -> dict[str, Any]:
        """Return what the template shows besides the settings."""
        return {
            "upcoming": retention.upcoming(),
            "document_years": DOCUMENT_YEARS,
            "days_ahead": LOOKS_AHEAD.days,
        }


def _upcoming_as_json(one: Upcoming) -> dict[str, Any]:
    return {
        "kind": one.kind.key,
        "period": one.kind.period,
        "stored": one.stored,
        "due": one.due,
        "first_at": local_time(one.first_at),
    }
