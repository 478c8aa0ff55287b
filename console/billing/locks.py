"""Holding rows still, in the one order: customers, services, pro-formas."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from console.billing.models import Proforma
from console.core.db import db
from console.customers.models import Customer
from console.hosting.models import Service


def lock_customers(ids: Collection[int]) -> list[Customer]:
    """Lock accounts in the order of their ids, and read them afresh: their credit is written under this lock.

    Rows that merely point at an account do not wait for it.
    """
    if not ids:
        return []
    query = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id)
    locked = query.with_for_update(of=Customer, key_share=True)
    return list(db.session.scalars(locked.execution_options(populate_existing=True)))


def lock_services(ids: Collection[int]) -> list[Service]:
    """Lock services in the order of their ids, and read them afresh."""
    if not ids:
        return []
    query = select(Service).where(Service.id.in_(ids)).order_by(Service.id)
    locked = query.with_for_update(of=Service, key_share=True)
    return list(db.session.scalars(locked.execution_options(populate_existing=True)))


def lock_proformas(ids: Collection[int]) -> list[Proforma]:
    """Lock pro-formas in the order of their ids, and read them afresh."""
    if not ids:
        return []
    query = select(Proforma).where(Proforma.id.in_(ids)).order_by(Proforma.id).with_for_update(of=Proforma)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))
