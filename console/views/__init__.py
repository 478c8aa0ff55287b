"""The console's pages (Flask-Admin)."""

from __future__ import annotations

from importlib import import_module

from flask import Flask
from flask_admin import Admin
from flask_admin.base import BaseView
from flask_admin.theme import Bootstrap4Theme

from console.audit import sealing
from console.core import context
from console.views.billing import statements
from console.views.dashboard.page import Dashboard
from console.views.shared import menu, paging
from console.views.shared.labels import hours as hours_labels
from console.views.shared.labels import reviews as review_labels
from console.views.shared.labels import sla as sla_labels
from console.web.security import csp_nonce

# Each module has ``views()``: its view objects, new ones for every application.
PAGES = (
    "chat.desk",
    "chat.history",
    "tickets.list.page",
    "tickets.new",
    "tickets.page.page",
    "tickets.canned",
    "mail.incoming",
    "mail.incoming_page",
    "mail.blocked",
    "mail.mailboxes",
    "customers.list",
    "customers.page",
    "customers.verification",
    "customers.profile",
    "customers.state",
    "customers.people",
    "customers.corrections",
    "customers.recoveries",
    "hosting.services",
    "hosting.domains",
    "hosting.dns",
    "billing.home",
    "hosting.products",
    "billing.proformas",
    "billing.statement_pdf",
    "billing.payments",
    "billing.unmatched",
    "billing.account",
    "billing.making",
    "billing.suspensions",
    "billing.restoring",
    "billing.quotes",
    "billing.stornos",
    "billing.duties",
    "billing.money",
    "billing.statements",
    "migrations.list",
    "migrations.new",
    "migrations.batches",
    "migrations.registry",
    "migrations.page",
    "mail.list",
    "mail.page",
    "mail.templates",
    "reviews.list",
    "reports",
    "audit.list",
    "settings.sections",
    "settings.retention",
    "settings.chat",
    "settings.applications",
    "help.articles",
    "hours.page",
    "staff.departments",
    "settings.sla",
    "staff.accounts",
    "staff.profile",
    "palette.page",
)


def init_app(app: Flask) -> None:
    """Register the console."""
    with app.app_context():
        brand = context.environment().brand  # imported as a module: a page here is called settings
    dashboard, pages = Dashboard(), page_views()
    admin = Admin(
        app,
        name=brand,
        index_view=dashboard,
        theme=Bootstrap4Theme(base_template="admin/base.html"),
        csp_nonce_generator=csp_nonce,
    )
    for view in pages:
        admin.add_view(view)
    menu.init_app(app, [dashboard, *pages])
    sla_labels.init_app(app)
    hours_labels.init_app(app)
    review_labels.init_app(app)
    statements.init_app(app)
    app.jinja_env.filters.update(page_links=paging.page_links, actor_of=sealing.name_of)


def page_views() -> list[BaseView]:
    """Return the views of every page, in the order of the menu."""
    found: list[BaseView] = []
    for name in PAGES:
        found.extend(import_module(f"console.views.{name}").views())
    return found
