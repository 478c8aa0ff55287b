"""A served console with the tests' own list in it, for what needs a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import assert_axe_is_there, findings, sign_in_at
from tests.support.server import in_thread
from tests.views.support import add_shelf


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

    def come(page: Page, role: Role | str, path: str = "/console/") -> Staff:
        role = Role(role)
        if role not in staff:
            staff[role] = factories.make_staff(role)
        sign_in_at(page, f"{served}/login", staff[role].email)
        page.goto(f"{served}{path}")
        return staff[role]

    return come


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """Return what axe finds on a page, as lines."""
    assert_axe_is_there()
    return partial(findings, strict=True)
