"""The rule of private departments says the same in each of its forms."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.staff.department_access import (
    in_visible_department,
    sees_department,
    sees_every_department,
    sees_joined_department,
)
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import Role
from tests import factories
from tests.factories.tickets import make_department

pytestmark = pytest.mark.only("sqlite")  # the rule is ours, not the database's


def test_a_private_department_is_visible_to_members_and_supervisors(session: Session) -> None:
    public, private, other = make_department("Javna"), make_department("Pravna", private=True), make_department("Treća")
    member, outsider, billing = (factories.make_staff(role) for role in (Role.AGENT, Role.AGENT, Role.BILLING))
    supervisor = factories.make_staff(Role.SUPERVISOR)
    with transaction():
        session.add(DepartmentMember(department_id=private.id, staff_id=member.id))
        session.add(DepartmentMember(department_id=other.id, staff_id=outsider.id))
    for colleague, sees_private in ((member, True), (outsider, False), (billing, False), (supervisor, True)):
        for department, expected in ((public, True), (private, sees_private)):
            listed = select(Department.id).where(
                Department.id == department.id, in_visible_department(colleague.actor(), Department.id)
            )
            joined = (
                select(Staff.id)
                .join(Department, Department.id == department.id)
                .where(Staff.id == colleague.id, sees_joined_department())
            )
            assert sees_department(colleague, department) is expected
            assert (session.scalar(listed) is not None) is expected
            assert (session.scalar(joined) is not None) is expected
    assert sees_every_department(SYSTEM)
