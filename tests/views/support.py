"""A list page of the tests' own, with everything switched on that ours keep off, and rows to fill lists with."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_admin.actions import action
from sqlalchemy import select
from wtforms import IntegerField, StringField
from wtforms.validators import DataRequired, NumberRange

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict
from console.core.transaction import transaction
from console.hosting.models import Domain, Product
from console.staff.roles import Permission
from console.views.shared.base import BaseModelView
from console.views.shared.verbs import ConsoleForm
from console.web.identity import current_actor
from tests import factories
from tests.factories.mail import make_mail

LISTS = {
    "customers": "agent",
    "tickets": "agent",
    "departments": "supervisor",
    "services": "billing",
    "domains": "billing",
    "products": "agent",
    "proformas": "billing",
    "stornos": "billing",
    "migrations": "billing",
    "mail": "supervisor",
    "audit": "supervisor",
    "staff": "admin",
}


class ProductForm(ConsoleForm):
    """What the tests create and change."""

    name = StringField("Name", [DataRequired()])
    price = IntegerField("Price", [DataRequired(), NumberRange(min=1)])


class Shelf(BaseModelView):
    """Products that can be made, changed, removed and exported. Those called "hidden" are out of scope."""

    permission = Permission.SEE_PRODUCTS
    can_create = can_edit = can_delete = can_export = can_view_details = can_act = True
    column_list = column_details_list = column_export_list = ("code", "name", "price")
    form = ProductForm

    def __init__(self) -> None:
        super().__init__(Product, name="Shelf", endpoint="shelf", url="shelf")

    def scope(self, query: Any) -> Any:
        return query.where(Product.name != "hidden")

    def create_verb(self, actor: Actor, form: Any) -> Any:
        product = factories.make_product(name=form.name.data, price=form.price.data)
        record(actor, "test.made", product.code)
        return product

    def change_verb(self, actor: Actor, row: Any, form: Any) -> None:
        if form.name.data == "taken":
            raise Conflict("This name is taken.", fields={"name": ["taken already"]})
        row.name, row.price = form.name.data, form.price.data

    def delete_verb(self, actor: Actor, row: Any) -> None:
        db.session.delete(row)

    @action("retire", "Retire", "The products will not be sold any more.")
    def retire(self, ids: list[str]) -> None:
        with transaction():
            for row in self.get_many(ids):
                row.active = False
                record(current_actor(), "test.retired", row.code)


def add_shelf(app: Flask) -> None:
    """Put the tests' list into ``app``, which is a test's own. Before its first request."""
    app.extensions["admin"][0].add_view(Shelf())


def fill(count: int) -> None:
    """Make ``count`` customers, each with a service, a domain, a pro-forma; every third is cancelled."""
    with transaction():
        product = db.session.scalar(select(Product)) or factories.make_product()
        for number in range(count):
            customer = factories.make_customer()
            service = factories.make_service(customer, product)
            factories.make_domain(service)
            factories.make_proforma(customer, [service], cancelled=number % 3 == 0)
            make_mail(customer_id=customer.id)


def domains() -> int:
    """Count the domains, to be sure that something is there."""
    return len(db.session.scalars(select(Domain.id)).all())
