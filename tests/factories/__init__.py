"""Things to test with: plain functions, one module a domain; tests say ``factories.make_staff()``.

Each works inside an open ``transaction()`` and opens one itself where none is.
What has a verb is made through it, so that a factory's rows are the ones that
the console would have made. Names are unique in one test run.
"""

from __future__ import annotations

from console.core.actor import SYSTEM
from console.customers.models import CustomerStatus
from console.customers.service import close_customer
from console.staff.roles import Role
from tests.factories.billing import LineSpec, make_proforma, pay_proforma
from tests.factories.customers import (
    make_customer,
    make_mb,
    make_member,
    make_person,
    make_pib,
    make_verification,
    owner_of,
    pin_of,
)
from tests.factories.hosting import make_abuser, make_domain, make_locked, make_product, make_service, make_suspended
from tests.factories.identity import (
    code_at,
    make_passkey,
    make_person_session,
    person_actor,
    signed_in_actor,
    switch_totp_on,
)
from tests.factories.personas import Persona, ana, firma, novi
from tests.factories.shared import at, today
from tests.factories.staff import PASSWORD, actor_of, make_staff, password_hash

__all__ = [
    "PASSWORD",
    "SYSTEM",
    "CustomerStatus",
    "LineSpec",
    "Persona",
    "Role",
    "actor_of",
    "ana",
    "at",
    "close_customer",
    "code_at",
    "firma",
    "make_abuser",
    "make_customer",
    "make_domain",
    "make_locked",
    "make_mb",
    "make_member",
    "make_passkey",
    "make_person",
    "make_person_session",
    "make_pib",
    "make_product",
    "make_proforma",
    "make_service",
    "make_staff",
    "make_suspended",
    "make_verification",
    "novi",
    "owner_of",
    "password_hash",
    "pay_proforma",
    "person_actor",
    "pin_of",
    "signed_in_actor",
    "switch_totp_on",
    "today",
]
