"""A trusted mail server, a department, an agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.core.settings import Settings
from tests.tickets.mail_in.scene import OURS, SERVER


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, mail_authserv_id=SERVER, mail_from=OURS)
