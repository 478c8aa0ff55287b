"""Who and what several tests of the portal are about."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from console.customers.models import Membership
from console.identity.oidc.applications import Registered
from tests import factories
from tests.portal.sso import make_application


@pytest.fixture
def owner(session: Session) -> Membership:
    """Return the owner of a new account."""
    return factories.owner_of(factories.make_customer())


@pytest.fixture
def webmail(session: Session) -> Registered:
    """Register an application for Single Sign-On."""
    return make_application()
