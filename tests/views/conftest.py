"""A served console with the tests' own list in it, for what needs a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.support.server import ROOT, in_thread
from tests.views.support import add_shelf

AXE = ROOT / "node_modules/axe-core/axe.min.js"


@pytest.fixture
def served(sqlite_app: Flask, own_app: Flask, session: Session) -> Iterator[str]:
    """The address of this test's console, with the tests' own list in it."""
    add_shelf(sqlite_app)
    session.rollback()
    with in_thread(sqlite_app) as url:
        yield url


@pytest.fixture
def new_page(served: str, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open pages that are closed before the server is."""
    return new_page


@pytest.fixture
def enter(served: str, session: Any) -> Callable[..., Staff]:
    """Sign a page in: ``enter(page, "billing")``."""
    staff: dict[Role, Staff] = {}

    def sign_in(page: Page, role: Role | str, path: str = "/console/") -> Staff:
        role = Role(role)
        if role not in staff:
            staff[role] = factories.make_staff(role)
        page.goto(f"{served}/login?next={path}")
        page.fill("[name=email]", staff[role].email)
        page.fill("[name=password]", factories.PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(f"{served}{path}")
        return staff[role]

    return sign_in


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """Return what axe finds on a page, as lines."""
    assert AXE.exists(), "run `make setup`"
    source = Path(AXE).read_text()

    def check(page: Page) -> list[str]:
        page.wait_for_load_state()  # what was waited for may stand there before the styles do
        page.evaluate(source)  # past the page's own policy, which stays as it is
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        return [
            f"{fault['impact']} {fault['id']}: {node['html'][:200]}"
            for fault in found["violations"]
            for node in fault["nodes"]
        ]

    return check
