"""Who may open what: every route of the application, asked by every kind of caller.

:data:`ROUTES` is the whole matrix. A route without a row fails, and so does a row without a route.
What a role may do inside a page is tested where the page is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from console.billing.duties.models import Duty
from console.billing.models import Proforma
from console.billing.service import cancel_proforma
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.places import sqlite_path
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import PersonSession, Verification
from console.customers.rights import MailCategory
from console.extensions import limiter
from console.hours.calendar import SpecialKind
from console.hours.models import HoursSpecial
from console.hours.service import SpecialData, add_special
from console.staff.models import Staff, StaffSession
from console.staff.roles import Role
from console.staff.service import RESET, token_subject
from console.tickets.models import SavedView, Ticket
from console.tickets.service.attachments import attach
from console.tokens import service as tokens
from tests import factories
from tests.billing.statements.scene import bring_in, content, line, statement
from tests.chat.past import chat_values
from tests.factories.mail import mail_values
from tests.factories.mailboxes import mailbox_values
from tests.factories.migrations import make_move, migration_values
from tests.factories.tickets import make_department
from tests.portal.things import (
    access_values,
    account_values,
    dns_values,
    leave_token,
    pay_token,
    people_values,
    service_values,
    sso_values,
    ticket_values,
)
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.tickets.mail_in.scene import incoming_values
from tests.tickets.reviews.scene import review_values

pytestmark = [pytest.mark.sqlite, pytest.mark.long]  # who may do what is decided before the database is asked

CALLERS = ("anonymous", "agent", "billing", "supervisor", "admin", "customer")
EVERYONE = frozenset(CALLERS)
STAFF = frozenset({"agent", "billing", "supervisor", "admin"})
DESK = frozenset({"agent", "billing", "supervisor"})
DOCUMENTS = frozenset({"billing", "supervisor"})  # by role; an agent needs a live verification
TRAIL = frozenset({"supervisor", "admin"})
MAIL = frozenset({"billing", "supervisor", "admin"})  # send it again, keep it back
BILLING = frozenset({"billing"})
SUPERVISOR = frozenset({"supervisor"})
ADMIN = frozenset({"admin"})
CUSTOMER = frozenset({"customer"})
NO_ROLE: frozenset[str] = frozenset()

# Who finds something there. To everyone else it is not there (404), or they are asked to sign in (401).
ROUTES: dict[tuple[str, str], frozenset[str]] = {
    # For machines and for everyone.
    ("GET", "root"): EVERYONE,
    ("GET", "static"): EVERYONE,
    ("GET", "static_other"): EVERYONE,  # of another release, until its pages are gone
    ("GET", "admin.static"): EVERYONE,
    ("GET", "health.healthz"): EVERYONE,
    ("GET", "health.readyz"): EVERYONE,
    ("GET", "health.metrics"): EVERYONE,  # of this machine: tests/web/test_health.py
    ("POST", "preferences.save"): EVERYONE,
    # Signing in and out.
    ("GET", "staff.login"): EVERYONE,
    ("POST", "staff.log_in"): EVERYONE,
    ("POST", "staff.new_password"): NO_ROLE,  # second steps: only with a first just taken (tests/staff)
    ("POST", "staff.set_up"): NO_ROLE,
    ("GET", "password_reset.forgotten"): EVERYONE,
    ("POST", "password_reset.ask"): EVERYONE,
    ("GET", "password_reset.link"): EVERYONE,  # by a mailed link
    ("POST", "password_reset.reset"): EVERYONE,
    ("GET", "staff.leave"): EVERYONE,
    ("POST", "staff.logout"): EVERYONE,
    ("GET", "staff_outside.begin"): EVERYONE,  # where it is not configured, to the sign-in page
    ("GET", "staff_outside.back"): EVERYONE,
    # OpenID Connect: what applications ask.
    ("GET", "oauth.configuration"): EVERYONE,
    ("GET", "oauth.jwks"): EVERYONE,
    ("GET", "oauth.authorize"): EVERYONE,  # to the sign-in, or the consent: tests/portal/test_sso.py
    ("POST", "oauth.authorize"): EVERYONE,
    ("POST", "oauth.token"): NO_ROLE,  # only a registered application, with a code or a refresh token
    ("GET", "oauth.userinfo"): NO_ROLE,  # only with an access token
    ("POST", "oauth.userinfo"): NO_ROLE,
    ("GET", "oauth.end_session"): EVERYONE,
    ("POST", "oauth.end_session"): EVERYONE,
    # The chat widget, in other people's pages: no cookie is read.
    ("GET", "chat.page"): EVERYONE,
    ("GET", "chat.loader"): EVERYONE,
    ("GET", "chat.frame"): EVERYONE,
    ("GET", "chat.state"): EVERYONE,
    ("GET", "chat.theme"): EVERYONE,
    ("POST", "chat.ask"): EVERYONE,
    ("POST", "chat.upload"): EVERYONE,  # with the token of a chat
    ("GET", "chat.file"): EVERYONE,  # by its own address
    # Behind a token in a mail: whoever holds it.
    ("GET", "requester.follow"): EVERYONE,
    ("POST", "requester.answer"): EVERYONE,
    ("POST", "requester.solved"): EVERYONE,
    ("POST", "requester.rate"): EVERYONE,
    ("POST", "requester.mask"): EVERYONE,
    ("GET", "requester.file"): EVERYONE,
    ("GET", "sealed.card"): EVERYONE,
    ("GET", "transcript.show"): EVERYONE,
    ("GET", "pay.page"): EVERYONE,
    ("GET", "unsubscribe.ask"): EVERYONE,
    ("POST", "unsubscribe.leave"): EVERYONE,
    ("POST", "sealed.submit"): EVERYONE,
    ("GET", "help.index"): EVERYONE,
    ("GET", "help.article"): EVERYONE,
    # What would have been sent: only in a demo without a mail server (tests/web/test_demo_mailbox.py).
    ("POST", "demo_clock.move"): EVERYONE,
    ("GET", "demo.mailbox"): EVERYONE,
    ("GET", "demo.html"): EVERYONE,
    ("GET", "demo.file"): EVERYONE,
    ("GET", "portal.login"): EVERYONE,
    ("POST", "portal.log_in"): EVERYONE,
    ("POST", "portal.logout"): CUSTOMER,
    # One's own account.
    ("GET", "profile.index"): STAFF,
    ("POST", "profile.password"): STAFF,
    ("POST", "profile.signature"): STAFF,
    ("POST", "profile.recovery_codes"): STAFF,
    ("GET", "profile.second_step"): STAFF,
    ("POST", "profile.second_step"): STAFF,
    ("POST", "profile.second_step_off"): STAFF,
    ("POST", "profile.end_session"): STAFF,
    ("POST", "profile.end_others"): STAFF,
    # The console.
    ("GET", "admin.index"): STAFF,
    ("GET", "admin.now"): STAFF,
    ("GET", "palette.find"): STAFF,
    ("GET", "mailboxes.index"): ADMIN,
    ("GET", "mailboxes.new"): ADMIN,
    ("POST", "mailboxes.add"): ADMIN,
    ("GET", "mailboxes.mailbox"): ADMIN,
    ("POST", "mailboxes.change"): ADMIN,
    ("POST", "mailboxes.test"): ADMIN,
    ("POST", "mailboxes.test_again"): ADMIN,
    ("POST", "mailboxes.switch"): ADMIN,
    ("POST", "mailboxes.delete"): ADMIN,
    ("POST", "mailboxes.retry"): ADMIN,
    ("POST", "mailboxes.dismiss"): ADMIN,
    ("GET", "applications.index"): ADMIN,
    ("GET", "applications.new"): ADMIN,
    ("POST", "applications.register"): ADMIN,
    ("GET", "applications.application"): ADMIN,
    ("POST", "applications.change"): ADMIN,
    ("POST", "applications.renew_secret"): ADMIN,
    ("POST", "applications.rotate"): ADMIN,
    ("GET", "customers.index_view"): STAFF,
    ("GET", "customer.index"): STAFF,
    ("POST", "customer.open_with_reason"): SUPERVISOR,
    ("POST", "customer.unlock_pin"): SUPERVISOR,
    ("POST", "customer.review_recovery"): SUPERVISOR,
    ("GET", "customer_dns.index"): DESK,  # by role, or under a live verification: tests/views/hosting/test_dns.py
    ("POST", "customer_dns.add"): DESK,
    ("GET", "customer_dns.record"): DESK,
    ("POST", "customer_dns.change"): DESK,
    ("POST", "customer_dns.delete"): DESK,
    ("GET", "customer_dns.history"): DESK,
    ("GET", "customer_dns.version"): DESK,
    ("POST", "customer_dns.restore"): DESK,
    ("POST", "customer.ask_export"): DESK,  # under a live verification of the owner: tests/privacy
    ("POST", "customer.ask_erasure"): DESK,
    ("GET", "verify.index"): DESK,
    ("POST", "verify.check"): DESK,
    ("POST", "verify.end"): DESK,
    # For a caller, under a verification of theirs (tests/customers/account/test_acting.py).
    ("GET", "customer_profile.index"): DESK,
    ("POST", "customer_profile.save"): DESK,
    ("POST", "customer_profile.withdraw"): DESK,
    ("GET", "customer_state.index"): SUPERVISOR,
    ("POST", "customer_state.change"): SUPERVISOR,
    ("GET", "customer_handover.index"): DESK,
    ("POST", "customer_handover.start"): DESK,
    ("POST", "customer_handover.withdraw"): DESK,
    ("GET", "customer_people.index"): DESK,
    ("GET", "customer_people.contact_form"): DESK,
    ("POST", "customer_people.add_contact"): DESK,
    ("GET", "customer_people.contact"): DESK,
    ("POST", "customer_people.change_contact"): DESK,
    ("GET", "customer_people.user"): DESK,
    ("POST", "customer_people.change_user"): DESK,
    ("GET", "customer_people.invite_form"): DESK,
    ("POST", "customer_people.invite"): DESK,
    ("POST", "customer_people.resend_invitation"): DESK,
    ("POST", "customer_people.revoke_invitation"): DESK,
    ("POST", "customer_people.remove"): DESK,
    ("GET", "recoveries.index"): SUPERVISOR,
    ("GET", "corrections.index"): DOCUMENTS,
    ("POST", "corrections.confirm"): DOCUMENTS,
    ("POST", "corrections.refuse"): DOCUMENTS,
    ("GET", "desk.index"): DESK,
    ("GET", "desk.chat"): DESK,
    ("GET", "desk.side"): DESK,
    ("GET", "desk.replies"): DESK,
    ("POST", "desk.upload"): DESK,
    ("GET", "desk.file"): DESK,
    ("GET", "chats.index_view"): DESK,
    ("GET", "chats.export"): DESK,
    ("GET", "chats.chat"): DESK,
    ("POST", "chats.make_ticket"): DESK,
    ("POST", "chats.block"): SUPERVISOR,
    ("GET", "chat_settings.index"): TRAIL,  # who may set the desk's rules
    ("POST", "chat_settings.change"): TRAIL,
    ("POST", "chat_settings.announce"): TRAIL,
    ("POST", "chat_settings.lift"): TRAIL,
    ("GET", "settings.index"): ADMIN,
    ("GET", "settings_brand.index"): ADMIN,
    ("POST", "settings_brand.change"): ADMIN,
    ("POST", "settings_brand.reset"): ADMIN,
    ("GET", "settings_issuer.index"): ADMIN,
    ("POST", "settings_issuer.change"): ADMIN,
    ("POST", "settings_issuer.reset"): ADMIN,
    ("GET", "settings_renewals.index"): ADMIN,
    ("POST", "settings_renewals.change"): ADMIN,
    ("POST", "settings_renewals.reset"): ADMIN,
    ("GET", "settings_billing.index"): ADMIN,
    ("POST", "settings_billing.change"): ADMIN,
    ("POST", "settings_billing.reset"): ADMIN,
    ("GET", "settings_requests.index"): ADMIN,
    ("POST", "settings_requests.change"): ADMIN,
    ("POST", "settings_requests.reset"): ADMIN,
    ("GET", "tickets.index_view"): DESK,
    ("GET", "tickets.counts"): DESK,
    ("GET", "tickets.changed_rows"): DESK,
    ("GET", "tickets.export"): DESK,
    ("POST", "tickets.bulk_action"): DESK,
    ("POST", "tickets.save_view"): DESK,
    ("POST", "tickets.change_view"): DESK,
    ("POST", "tickets.remove_view"): DESK,
    ("POST", "tickets.choose_columns"): DESK,
    ("GET", "ticket.index"): DESK,
    ("POST", "ticket.reply"): DESK,
    ("POST", "ticket.note"): DESK,
    ("POST", "ticket.take_back"): DESK,
    ("POST", "ticket.mask"): DESK,
    ("GET", "ticket.sidebar"): DESK,
    ("GET", "ticket.property_forms"): DESK,
    ("POST", "ticket.set_property"): DESK,
    ("POST", "ticket.take"): DESK,
    ("POST", "ticket.set_status"): DESK,
    ("GET", "ticket.assignees"): DESK,
    ("POST", "ticket.watch"): DESK,
    ("POST", "ticket.unwatch"): DESK,
    ("POST", "ticket.add_participant"): DESK,
    ("POST", "ticket.remove_participant"): DESK,
    ("GET", "ticket.forward"): DESK,
    ("POST", "ticket.forward"): DESK,
    ("POST", "ticket.end_request"): DESK,
    ("POST", "ticket.ask_verification"): DESK,
    ("POST", "ticket.withdraw_verification"): DESK,
    ("GET", "ticket.unlocked"): DESK,  # each under a verification of their own for this ticket
    ("GET", "ticket.merge"): DESK,
    ("POST", "ticket.merge"): DESK,
    ("POST", "ticket.undo_merge"): DESK,
    ("GET", "ticket.split"): DESK,
    ("POST", "ticket.split"): DESK,
    ("GET", "ticket.link"): DESK,
    ("POST", "ticket.link"): DESK,
    ("POST", "ticket.unlink"): DESK,
    ("GET", "ticket.revoke_links"): DESK,
    ("POST", "ticket.revoke_links"): DESK,
    ("GET", "ticket.review"): SUPERVISOR,
    ("POST", "ticket.review"): SUPERVISOR,
    ("GET", "ticket.file"): DESK,
    ("GET", "ticket.entries"): DESK,
    ("GET", "ticket.colleagues"): DESK,
    ("POST", "ticket.seen"): DESK,
    ("POST", "ticket.draft"): DESK,
    ("POST", "ticket.upload"): DESK,
    ("POST", "ticket.remove_file"): DESK,
    ("GET", "ticket_new.index"): DESK,
    ("POST", "ticket_new.index"): DESK,
    ("GET", "ticket_new.about"): DESK,
    ("GET", "departments.index_view"): TRAIL,
    ("GET", "departments.create_view"): TRAIL,
    ("POST", "departments.create_view"): TRAIL,
    ("GET", "departments.edit_view"): TRAIL,
    ("POST", "departments.edit_view"): TRAIL,
    ("GET", "sla.index"): STAFF,
    ("POST", "sla.change"): TRAIL,  # who manages the desk
    ("GET", "hours.index"): STAFF,
    ("POST", "hours.change"): TRAIL,
    ("POST", "hours.add"): TRAIL,
    ("POST", "hours.remove"): TRAIL,
    ("GET", "replies.index_view"): STAFF,
    ("GET", "replies.find"): DESK,
    ("GET", "replies.edit_view"): STAFF,  # an agent reads it there
    ("POST", "replies.edit_view"): TRAIL,
    ("GET", "replies.create_view"): TRAIL,
    ("POST", "replies.create_view"): TRAIL,
    ("POST", "replies.delete_view"): TRAIL,
    ("POST", "replies.load_standard"): TRAIL,
    ("GET", "replies.categories"): TRAIL,
    ("POST", "replies.save_category"): TRAIL,
    ("POST", "replies.remove_category"): TRAIL,
    ("GET", "services.index_view"): DOCUMENTS,
    ("GET", "services.export"): DOCUMENTS,
    ("GET", "service_restore.index"): BILLING,  # one suspended for abuse: tests/billing/test_renewals.py
    ("POST", "service_restore.restore"): BILLING,
    ("GET", "domains.index_view"): DOCUMENTS,
    ("GET", "domains.export"): DOCUMENTS,
    ("GET", "products.index_view"): STAFF,
    ("GET", "products.create_view"): ADMIN,
    ("POST", "products.create_view"): ADMIN,
    ("GET", "products.edit_view"): ADMIN,
    ("POST", "products.edit_view"): ADMIN,
    ("GET", "proformas.index_view"): DOCUMENTS,
    ("GET", "proformas.document"): DOCUMENTS,
    ("GET", "proformas.export"): DOCUMENTS,
    ("POST", "proformas.action_view"): BILLING,
    ("POST", "proformas.bulk"): BILLING,
    ("GET", "proformas.storno"): BILLING,
    ("POST", "proformas.storno"): BILLING,
    ("GET", "proformas.correct"): BILLING,
    ("POST", "proformas.correct"): BILLING,
    ("POST", "proformas.correct_preview"): BILLING,
    ("POST", "proformas.send"): BILLING,
    ("POST", "proformas.remind"): BILLING,
    ("GET", "proforma_new.index"): BILLING,
    ("POST", "proforma_new.index"): BILLING,
    ("POST", "proforma_new.preview"): BILLING,
    ("GET", "suspensions.index_view"): BILLING,
    ("POST", "suspensions.action_view"): BILLING,
    ("POST", "suspensions.decline"): BILLING,
    ("POST", "suspensions.restore"): BILLING,
    ("GET", "proformas.pdf"): DOCUMENTS,
    ("POST", "proformas.pay_link"): BILLING,
    ("POST", "proformas.revoke_pay_link"): BILLING,
    ("GET", "statement_pdf.index"): DOCUMENTS,
    ("GET", "stornos.pdf"): DOCUMENTS,
    ("GET", "stornos.index_view"): DOCUMENTS,
    ("GET", "stornos.document"): DOCUMENTS,
    ("GET", "stornos.export"): DOCUMENTS,
    ("GET", "payments.index_view"): DOCUMENTS,
    ("GET", "payments.payment"): DOCUMENTS,
    ("GET", "payments.export"): DOCUMENTS,
    ("POST", "payments.record"): BILLING,
    ("GET", "payments.new"): BILLING,
    ("POST", "payments.record_typed"): BILLING,
    ("POST", "payments.resolve"): BILLING,
    ("POST", "payments.undo"): BILLING,
    ("GET", "unmatched.index"): BILLING,
    ("GET", "customer_account.index"): DOCUMENTS,
    ("POST", "customer_account.change"): BILLING,
    ("POST", "customer_account.prefer"): BILLING,
    ("GET", "quotes.index_view"): DOCUMENTS,
    ("GET", "quotes.send"): DOCUMENTS,
    ("POST", "quotes.send"): DOCUMENTS,
    ("GET", "quotes.quote"): DOCUMENTS,
    ("POST", "quotes.withdraw"): DOCUMENTS,
    ("GET", "quotes.edit"): DOCUMENTS,
    ("POST", "quotes.edit"): DOCUMENTS,
    ("POST", "quotes.send_draft"): DOCUMENTS,
    ("POST", "quotes.discard"): DOCUMENTS,
    ("GET", "quotes.bill"): BILLING,
    ("POST", "quotes.bill"): BILLING,
    ("GET", "billing.index"): BILLING,
    ("GET", "money.index"): DOCUMENTS,
    ("POST", "proformas.use_credit"): BILLING,
    ("GET", "money.export"): DOCUMENTS,
    ("GET", "customer_account.export"): DOCUMENTS,
    ("GET", "duties.index_view"): DOCUMENTS,
    ("GET", "duties.export"): DOCUMENTS,
    ("GET", "duties.duty"): DOCUMENTS,
    ("POST", "duties.tick"): BILLING,
    ("POST", "duties.tick_one"): BILLING,
    ("POST", "duties.reopen"): BILLING,
    ("GET", "statements.index_view"): BILLING,
    ("POST", "statements.upload"): BILLING,
    ("GET", "statements.statement"): BILLING,
    ("GET", "statements.progress"): BILLING,
    ("GET", "statements.file"): BILLING,
    ("POST", "statements.resume"): BILLING,
    ("GET", "migrations.index_view"): DESK,
    ("GET", "migration_new.index"): DESK,
    ("POST", "migration_new.index"): DESK,
    ("GET", "migration.index"): DESK,
    ("GET", "migration.preview"): DOCUMENTS,
    ("GET", "migration.pdf"): DOCUMENTS,
    ("POST", "migration.approve"): BILLING,
    ("POST", "migration.schedule"): BILLING,
    ("POST", "migration.unschedule"): BILLING,
    ("POST", "migration.ask_again"): BILLING,
    ("POST", "migration.tick"): DESK,
    ("POST", "migration.untick"): DESK,
    ("GET", "registry_tasks.index"): DESK,
    ("GET", "batches.index"): BILLING,
    ("POST", "batches.index"): BILLING,
    ("GET", "batch_chosen.index"): BILLING,
    ("POST", "batch_chosen.index"): BILLING,
    ("GET", "batch.index"): BILLING,
    ("GET", "batch.progress"): BILLING,
    ("GET", "batch.result"): BILLING,
    ("POST", "batch.start"): BILLING,
    ("POST", "batch.stop"): BILLING,
    ("POST", "batch.withdraw"): BILLING,
    ("POST", "migration.execute"): BILLING,
    ("POST", "migration.reject"): BILLING,
    ("POST", "migration.withdraw"): frozenset({"agent", "billing"}),  # who asked, or billing
    ("GET", "mail.index_view"): STAFF,  # each sees their own part: tests/views/mail/test_pages.py
    ("GET", "mail.export"): STAFF,
    ("GET", "mail_page.index"): STAFF,
    ("GET", "mail_page.html"): DESK,
    ("POST", "mail.resend_failed"): MAIL,
    ("POST", "mail_page.resend"): MAIL,
    ("POST", "mail_page.withdraw"): MAIL,
    ("GET", "mail_templates.index"): STAFF,
    ("GET", "mail_templates.html"): STAFF,
    ("GET", "incoming.index_view"): DESK,  # of private departments to their members: tests/tickets/mail_in
    **{
        (method, f"incoming_page.{name}"): DESK
        for method, name in (
            ("GET", "index"),
            ("GET", "html"),
            ("POST", "add"),
            ("POST", "new"),
            ("POST", "spam"),
            ("POST", "not_spam"),
            ("POST", "dismiss"),
            ("POST", "participant"),
        )
    },
    ("GET", "incoming_page.raw"): frozenset({"supervisor"}),
    ("GET", "incoming_page.file"): frozenset({"supervisor"}),
    ("GET", "mail_blocked.index"): DESK,
    ("POST", "mail_blocked.block"): DESK,
    ("POST", "mail_blocked.unblock"): DESK,
    ("POST", "mail_blocked.lift"): DESK,
    ("GET", "reviews.index_view"): DESK,  # each sees their own part: tests/views/reviews/test_pages.py
    ("GET", "reviews.export"): DESK,
    ("GET", "reviews.following"): SUPERVISOR,
    ("POST", "reviews.pick"): SUPERVISOR,
    ("GET", "review.index"): frozenset({"agent", "supervisor"}),  # whose work it is, and who reviews
    ("POST", "review.finish"): SUPERVISOR,
    ("POST", "review.skip"): SUPERVISOR,
    ("POST", "review.answer"): frozenset({"agent", "supervisor"}),
    ("POST", "review.settle"): SUPERVISOR,
    ("GET", "review_rubric.index"): SUPERVISOR,
    ("POST", "review_rubric.save"): SUPERVISOR,
    ("GET", "review_figures.index"): DESK,  # one's own, or everybody's
    ("GET", "review_figures.export"): DESK,
    ("GET", "reports.index"): DESK,  # an agent's own figures: tests/views/reports/test_tickets.py
    ("GET", "reports.mine"): DESK,
    ("GET", "reports.export"): DESK,
    ("GET", "chat_reports.index"): DESK,  # the same: tests/views/reports/test_chats.py
    ("GET", "chat_reports.mine"): DESK,
    ("GET", "chat_reports.export"): DESK,
    ("GET", "audit.index_view"): TRAIL,
    ("GET", "audit.details_view"): TRAIL,
    ("GET", "audit.export"): TRAIL,
    ("GET", "staff_accounts.index_view"): ADMIN,
    ("GET", "staff_accounts.create_view"): ADMIN,
    ("POST", "staff_accounts.create_view"): ADMIN,
    ("GET", "staff_accounts.account"): ADMIN,
    ("POST", "staff_accounts.account"): ADMIN,
    ("POST", "staff_accounts.disable"): ADMIN,
    ("POST", "staff_accounts.enable"): ADMIN,
    ("POST", "staff_accounts.new_password"): ADMIN,
    ("POST", "staff_accounts.second_step_off"): ADMIN,
    ("POST", "staff_accounts.sign_out"): ADMIN,
    ("GET", "help_articles.index"): TRAIL,
    ("GET", "help_articles.new"): TRAIL,
    ("POST", "help_articles.new"): TRAIL,
    ("GET", "help_articles.article"): TRAIL,
    ("POST", "help_articles.save"): TRAIL,
    ("POST", "help_articles.publish"): TRAIL,
    ("POST", "help_articles.withdraw"): TRAIL,
    ("POST", "help_articles.restore"): TRAIL,
    ("GET", "help_articles.versions"): TRAIL,
    ("GET", "help_articles.preview"): TRAIL,
    ("GET", "settings_duties.index"): ADMIN,
    ("POST", "settings_duties.change"): ADMIN,
    ("POST", "settings_duties.reset"): ADMIN,
    ("GET", "settings_retention.index"): ADMIN,
    ("POST", "settings_retention.change"): ADMIN,
    ("POST", "settings_retention.reset"): ADMIN,
    # The portal.
    ("GET", "portal.home"): CUSTOMER,
    ("GET", "portal.domains"): CUSTOMER,  # who holds the right: tests/portal/test_dns.py
    ("GET", "portal.dns_zones"): CUSTOMER,
    ("GET", "portal.dns_records"): CUSTOMER,
    ("POST", "portal.add_dns_record"): CUSTOMER,
    ("GET", "portal.dns_record"): CUSTOMER,
    ("POST", "portal.change_dns_record"): CUSTOMER,
    ("POST", "portal.delete_dns_record"): CUSTOMER,
    ("GET", "portal.dns_export"): CUSTOMER,
    ("GET", "portal.dns_draft"): CUSTOMER,
    ("POST", "portal.save_dns_draft"): CUSTOMER,
    ("GET", "portal.dns_history"): CUSTOMER,
    ("GET", "portal.dns_version"): CUSTOMER,
    ("POST", "portal.restore_dns_version"): CUSTOMER,
    ("GET", "portal.profile"): CUSTOMER,  # who holds what: tests/portal/test_account.py
    ("POST", "portal.save_profile"): CUSTOMER,
    ("POST", "portal.withdraw_correction"): CUSTOMER,
    ("GET", "portal.email"): CUSTOMER,
    ("POST", "portal.change_email"): CUSTOMER,
    ("POST", "portal.withdraw_email"): CUSTOMER,
    ("GET", "portal.email_link"): EVERYONE,  # by a mailed link
    ("POST", "portal.confirm_email"): EVERYONE,
    ("GET", "portal.handover"): CUSTOMER,
    ("POST", "portal.start_handover"): CUSTOMER,
    ("POST", "portal.withdraw_handover"): CUSTOMER,
    ("GET", "portal.handover_link"): EVERYONE,  # by a mailed link
    ("POST", "portal.accept_handover"): EVERYONE,
    ("POST", "portal.register_new_owner"): EVERYONE,
    ("POST", "portal.refuse_handover"): EVERYONE,
    ("POST", "portal.deny_verification"): CUSTOMER,
    ("GET", "portal.contacts"): CUSTOMER,  # who holds the right: tests/portal/test_people.py
    ("POST", "portal.add_contact"): CUSTOMER,
    ("GET", "portal.contact"): CUSTOMER,
    ("POST", "portal.change_contact"): CUSTOMER,
    ("GET", "portal.users"): CUSTOMER,
    ("POST", "portal.invite"): CUSTOMER,
    ("POST", "portal.resend_invitation"): CUSTOMER,
    ("POST", "portal.revoke_invitation"): CUSTOMER,
    ("GET", "portal.user"): CUSTOMER,
    ("POST", "portal.change_user"): CUSTOMER,
    ("POST", "portal.remove_member"): CUSTOMER,
    ("GET", "portal.password"): CUSTOMER,
    ("POST", "portal.change_password"): CUSTOMER,
    ("GET", "portal.security"): CUSTOMER,
    ("GET", "portal.totp"): CUSTOMER,
    ("POST", "portal.start_totp"): CUSTOMER,
    ("GET", "portal.totp_setup"): CUSTOMER,
    ("POST", "portal.switch_totp_on"): CUSTOMER,
    ("POST", "portal.switch_totp_off"): CUSTOMER,
    ("POST", "portal.renew_codes"): CUSTOMER,
    ("POST", "portal.new_passkey_options"): CUSTOMER,
    ("POST", "portal.add_passkey"): CUSTOMER,
    ("POST", "portal.remove_passkey"): CUSTOMER,
    ("POST", "portal.confirm_options"): CUSTOMER,
    ("POST", "portal.confirm_with_passkey"): CUSTOMER,
    ("POST", "portal.stop_own_recovery"): CUSTOMER,
    ("POST", "portal.turn_sso"): CUSTOMER,
    ("POST", "portal.revoke_grant"): CUSTOMER,
    ("POST", "portal.consent"): CUSTOMER,
    ("POST", "portal.confirm_end"): CUSTOMER,
    ("POST", "portal.passkey_options"): EVERYONE,
    ("POST", "portal.log_in_with_passkey"): EVERYONE,
    ("GET", "portal.lost"): EVERYONE,
    ("POST", "portal.ask_recovery"): EVERYONE,
    ("GET", "portal.recovery_link"): EVERYONE,  # by a mailed link
    ("POST", "portal.finish_recovery"): EVERYONE,
    ("GET", "portal.recovery_stop_link"): EVERYONE,  # by a mailed link
    ("POST", "portal.stop_recovery"): EVERYONE,
    ("GET", "portal.register"): EVERYONE,
    ("POST", "portal.ask_registration"): EVERYONE,
    ("GET", "portal.confirm_page"): EVERYONE,  # by a mailed link
    ("POST", "portal.confirm_registration"): EVERYONE,
    ("GET", "portal.forgotten"): EVERYONE,
    ("POST", "portal.ask_reset"): EVERYONE,
    ("GET", "portal.reset_link"): EVERYONE,  # by a mailed link
    ("POST", "portal.reset_password"): EVERYONE,
    ("GET", "portal.invitation"): EVERYONE,  # by a mailed link
    ("POST", "portal.accept_invitation"): EVERYONE,
    ("POST", "portal.register_invited"): EVERYONE,
    ("GET", "portal.pin"): CUSTOMER,
    ("POST", "portal.new_pin"): CUSTOMER,
    ("GET", "portal.services"): CUSTOMER,  # who holds the rights: tests/portal/test_services.py
    ("GET", "portal.service"): CUSTOMER,
    ("GET", "portal.service_change"): CUSTOMER,
    ("POST", "portal.service_change_request"): CUSTOMER,
    ("GET", "portal.service_cancel"): CUSTOMER,
    ("POST", "portal.service_cancel_request"): CUSTOMER,
    ("GET", "portal.service_password"): CUSTOMER,
    ("POST", "portal.service_password_request"): CUSTOMER,
    ("GET", "portal.requests"): CUSTOMER,
    ("GET", "portal.order_new"): CUSTOMER,
    ("POST", "portal.order"): CUSTOMER,
    ("GET", "portal.documents"): CUSTOMER,
    ("GET", "portal.document"): CUSTOMER,
    ("GET", "portal.document_pdf"): CUSTOMER,
    ("GET", "portal.statement_pdf"): CUSTOMER,
    ("GET", "portal.storno_pdf"): CUSTOMER,
    ("GET", "portal.migration_pdf"): CUSTOMER,
    ("POST", "portal.create_pay_link"): CUSTOMER,
    ("POST", "portal.revoke_pay_link"): CUSTOMER,
    ("GET", "portal.storno"): CUSTOMER,
    ("GET", "portal.migrations"): CUSTOMER,
    ("GET", "portal.migration_new"): CUSTOMER,
    ("POST", "portal.migration_request"): CUSTOMER,
    ("GET", "portal.migration"): CUSTOMER,
    ("GET", "portal.migration_reverse"): CUSTOMER,
    ("POST", "portal.migration_reverse_request"): CUSTOMER,
    ("POST", "portal.migration_withdraw"): CUSTOMER,
    ("GET", "portal.credit"): CUSTOMER,
    ("POST", "portal.credit_preference"): CUSTOMER,
    ("POST", "portal.migration_accept"): CUSTOMER,
    ("POST", "portal.migration_decline"): CUSTOMER,
    ("GET", "portal.transfer_offer"): EVERYONE,  # by a mailed link
    ("POST", "portal.accept_transfer_offer"): EVERYONE,
    ("POST", "portal.decline_transfer_offer"): EVERYONE,
    ("GET", "portal.quotes"): CUSTOMER,
    ("GET", "portal.quote"): CUSTOMER,
    ("POST", "portal.quote_accept"): CUSTOMER,
    ("POST", "portal.quote_decline"): CUSTOMER,
    ("GET", "portal.mails"): CUSTOMER,  # who holds the right: tests/portal/test_mail.py
    ("GET", "portal.mail"): CUSTOMER,
    ("GET", "portal.mail_html"): CUSTOMER,
    ("GET", "portal.moved_mail"): CUSTOMER,
    ("GET", "portal.chat"): CUSTOMER,
    ("GET", "portal.past_chat"): CUSTOMER,
    ("GET", "portal.notices"): CUSTOMER,
    ("POST", "portal.choose_notices"): CUSTOMER,
    ("GET", "portal.tickets"): CUSTOMER,  # one's own, or all with the right: tests/portal/test_tickets.py
    ("GET", "portal.new_ticket"): CUSTOMER,
    ("POST", "portal.open_ticket"): CUSTOMER,
    ("GET", "portal.ticket"): CUSTOMER,
    ("POST", "portal.answer_ticket"): CUSTOMER,
    ("POST", "portal.solve_ticket"): CUSTOMER,
    ("POST", "portal.rate_ticket"): CUSTOMER,
    ("POST", "portal.mask_ticket"): CUSTOMER,
    ("GET", "portal.ticket_file"): CUSTOMER,
    ("GET", "portal.sessions"): CUSTOMER,
    ("GET", "portal.privacy"): CUSTOMER,
    ("POST", "portal.ask_export"): CUSTOMER,
    ("POST", "portal.ask_erasure"): CUSTOMER,
    ("POST", "portal.cancel_erasure"): CUSTOMER,
    ("GET", "portal.export_link"): CUSTOMER,  # by a mailed link, of that person alone
    ("POST", "portal.download_export"): CUSTOMER,
    ("POST", "portal.revoke"): CUSTOMER,
    ("POST", "portal.revoke_others"): CUSTOMER,
}


# Empty forms are refused, but as input: not for who sends them.
FOUND = (200, 201, 204, 301, 302, 303, 409, 422)

# Nothing in a cookie opens these: there is no session that another site could ride on.
NO_COOKIE = {
    ("POST", "chat.ask"), ("POST", "chat.upload"), ("POST", "oauth.token"), ("POST", "oauth.userinfo"),
    ("POST", "unsubscribe.leave"),  # RFC 8058, 3.1: a mail program sends it without cookies; its address is signed
    # These change nothing: they lead to the same address with GET.
    ("POST", "oauth.authorize"), ("POST", "oauth.end_session"),
}  # fmt: skip
_AUTHORIZATION = (
    "response_type", "client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method",
)  # fmt: skip

# What must be sent for the question to be about the caller and not about the form.
FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", "audit.details_view"): ("id",),
    ("POST", "customer.unlock_pin"): ("membership",),
    ("POST", "customer.review_recovery"): ("recovery", "decision"),
    ("GET", "departments.edit_view"): ("id",),
    ("POST", "departments.edit_view"): ("id",),
    ("POST", "migration.withdraw"): ("reason",),
    ("GET", "batch_chosen.index"): ("customer",),
    ("POST", "batch_chosen.index"): ("customer",),
    ("GET", "products.edit_view"): ("id",),
    ("POST", "products.edit_view"): ("id",),
    ("POST", "settings_brand.reset"): ("name",),
    ("POST", "settings_issuer.reset"): ("name",),
    ("POST", "settings_billing.reset"): ("name",),
    ("POST", "settings_renewals.reset"): ("name",),
    ("POST", "proformas.action_view"): ("action",),
    ("POST", "proformas.bulk"): ("action",),
    ("POST", "suspensions.action_view"): ("action",),
    ("POST", "settings_requests.reset"): ("name",),
    ("POST", "settings_duties.reset"): ("name",),
    ("POST", "settings_retention.reset"): ("name",),
    ("POST", "help_articles.publish"): ("version",),
    ("POST", "help_articles.restore"): ("version",),
    ("GET", "replies.edit_view"): ("id",),
    ("POST", "replies.edit_view"): ("id",),
    ("POST", "replies.delete_view"): ("id",),
    ("POST", "reviews.pick"): ("ticket",),
    ("GET", "oauth.authorize"): _AUTHORIZATION,
    ("POST", "portal.consent"): (*_AUTHORIZATION, "decision"),
    ("POST", "oauth.token"): ("grant_type",),
}


@dataclass
class World:
    """A database in which everybody is signed in, and things to ask for."""

    app: Flask
    untouched: Path
    clients: dict[str, ConsoleClient]
    values: dict[str, dict[str, Any]]  # by caller: what stands in the addresses
    changed: bool = True

    def put_back(self) -> None:
        """Put the database and the counts of the limiter back to how they were made."""
        self.changed = False
        file = sqlite_path(self.app.config["SQLALCHEMY_DATABASE_URI"])
        assert file is not None
        with self.app.app_context():
            db.engine.dispose()
            limiter.reset()
        for leftover in file.parent.glob(f"{file.name}-*"):
            leftover.unlink()
        shutil.copyfile(self.untouched, file)

    def address(self, rule: Rule, caller: str) -> str:
        """Return where ``caller`` finds what the route is about."""
        values = self.values[caller]
        kind = rule.endpoint.partition(".")[0]
        nearest = (rule.endpoint, kind)
        arguments = {
            name: next((values[f"{one}.{name}"] for one in nearest if f"{one}.{name}" in values), values.get(name))
            for name in rule.arguments
        }
        assert None not in arguments.values(), f"the matrix knows no value for {rule.rule}: {arguments}"
        with self.app.test_request_context():
            adapter = self.app.create_url_adapter(None) or self.app.url_map.bind("localhost")
            return adapter.build(rule.endpoint, arguments, method=_method(rule))


def _method(rule: Rule) -> str:
    return "GET" if "GET" in (rule.methods or ()) else "POST"


@pytest.fixture(scope="module")
def world(
    _sqlite_template: Path, _build_app: Callable[[Settings], Flask], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("access")
    file = folder / "world.sqlite3"
    shutil.copyfile(_sqlite_template, file)
    app = _build_app(
        replace(
            Settings(),
            env="demo",  # every address there is
            database_url=f"sqlite:///{file}",
            audit_anchor=str(folder / "anchor.json"),
            files=str(folder / "files"),
            locale="en",
        )
    )
    with app.app_context():
        clients, values = _people_and_things(app)
        db.session.remove()
        db.engine.dispose()
    untouched = folder / "untouched.sqlite3"
    shutil.copyfile(file, untouched)
    yield World(app, untouched, clients, values)
    with app.app_context():
        db.engine.dispose()


def _people_and_things(app: Flask) -> tuple[dict[str, ConsoleClient], dict[str, dict[str, Any]]]:
    clients: dict[str, ConsoleClient] = {}
    for caller in CALLERS:
        made: FlaskClient = app.test_client()
        assert isinstance(made, ConsoleClient)
        clients[caller] = made
    staff = {role.value: sign_in(clients[role.value], role) for role in Role}
    subject = factories.ana()  # whom nobody has verified
    sign_in_person(clients["customer"], subject.owner.person.email)
    unverified = factories.make_customer()  # nobody has a verification of theirs, on any channel
    standing = factories.make_proforma(unverified)
    cancelled = factories.make_proforma(unverified)
    with transaction():
        storno = cancel_proforma(SYSTEM, cancelled, "Za proveru")
    move = make_move()
    move.agent = staff["agent"].actor()
    with transaction() as session:
        session.get_one(Verification, move.verification_id).staff_id = staff["agent"].id
    move.request()
    shared = {
        "customer.number": subject.customer.number,
        "proformas.number": standing.number,
        "payment_id": factories.pay_proforma(standing, 1, reference="nema").id,
        "customer_account.number": subject.customer.number,
        "customer_state.number": unverified.number,
        "stornos.number": storno.number,
        "statements.key": bring_in(content(statement([line()]))).statements[0].id,
        "statement_pdf.number": unverified.number,
        "pay.token": pay_token(standing),
        "unsubscribe.token": leave_token(factories.make_member(unverified, mail=[MailCategory.INVOICE])),
        "ref": move.ref,
        "export_type": "csv",
        "reports.table": "figures",
        "chat_reports.table": "figures",
        "audit.details_view.id": 1,
        "customer.unlock_pin.membership": subject.owner.id,
        "migration.withdraw.reason": "Predomislili su se",
        "batch_chosen.index.customer": subject.customer.number,
        **migration_values(move.migration(), staff["billing"]),
        "departments.edit_view.id": make_department().id,
        "products.edit_view.id": factories.make_product().id,
        "settings_brand.reset.name": "brand",
        "settings_issuer.reset.name": "issuer_city",
        "settings_billing.reset.name": "migration_days",
        "settings_renewals.reset.name": "renewal_days",
        "proformas.action_view.action": "remind",
        "proformas.bulk.action": "remind",
        "suspensions.action_view.action": "suspend",
        "service_restore.service_id": factories.make_suspended(unverified).id,
        "settings_requests.reset.name": "request_departments_order",
        "settings_duties.reset.name": "duties_receipt_days",
        "settings_retention.reset.name": "chat_keep_months",
        "duties.key": _duty(standing),
        "help.slug": "change-password",
        "help_articles.key": 1,
        "help_articles.publish.version": 1,
        "help_articles.restore.version": 1,
        "password_reset.token": _reset_token(staff["agent"]),
        "hours.key": _closure().id,
        "staff_accounts.key": factories.make_staff(Role.AGENT).id,
        "session_id": db.session.scalars(select(PersonSession.id)).one(),
        "static.filename": "lib/console.css",
        "static_other.filename": "lib/console.css",
        "admin.filename": "bootstrap/bootstrap4/js/bootstrap.min.js",
    }
    shared |= access_values(staff["agent"]) | mail_values(subject) | review_values(staff["agent"])
    shared |= incoming_values() | mailbox_values()
    shared |= chat_values(staff["agent"], staff["supervisor"])
    shared |= people_values(subject.customer) | dns_values(subject.customer) | sso_values(subject.owner)
    shared |= account_values(subject.customer)  # before the transfer, which holds a handover back
    shared |= service_values(subject, staff["billing"], str(shared["ticket.number"]))
    shared |= ticket_values(subject.customer)
    shared |= {"ticket.property_name": "priority", "ticket.group": "services"}
    for role in DESK:
        factories.make_verification(staff[role], subject.owner, channel=f"ticket:{shared['ticket.number']}")
    return clients, {caller: shared | _own(staff.get(caller, staff["agent"])) for caller in CALLERS}


def _duty(proforma: Proforma) -> int:
    """Pay a pro-forma in part: what that makes due."""
    factories.pay_proforma(proforma, 1_000)
    return db.session.scalars(select(Duty.id)).one()


def _reset_token(staff: Staff) -> str:
    with transaction():
        return tokens.issue(RESET, token_subject(staff.id), timedelta(hours=1))


def _closure() -> HoursSpecial:
    today = clock.local_date(clock.now(), ZoneInfo("UTC"))
    with transaction():
        return add_special(SYSTEM, SpecialData(today + timedelta(days=30), SpecialKind.CLOSED, "Popis"))


def _own(staff: Staff) -> dict[str, Any]:
    """What belongs to one member of staff: a verification and a session."""
    verification = factories.make_verification(staff, factories.owner_of(factories.make_customer()))
    session_id = db.session.scalars(select(StaffSession.id).where(StaffSession.staff_id == staff.id)).one()
    return {
        "verification_id": verification.id,
        "profile.key": session_id,
        "tickets.key": _view_of(staff),
        "ticket.key": _file_of(staff),
    }


def _file_of(staff: Staff) -> int:
    """Upload a file to the ticket, not sent yet."""
    with transaction() as session:
        ticket = session.scalars(select(Ticket).order_by(Ticket.id)).first()
        assert ticket is not None
        file = attach(SYSTEM, ticket, "moje.txt", b"x")
        file.staff_id = staff.id  # also of those who may not upload one: whose it is must not open it to them
        session.flush()
        return file.id


def _view_of(staff: Staff) -> int:
    """Save a view of their own for whoever may have one."""
    with transaction() as session:
        view = SavedView(staff_id=staff.id, name="Moj", query={"view": "open"}, created_at=clock.now())
        session.add(view)
        session.flush()
        return view.id


def rules(app: Flask) -> dict[tuple[str, str], Rule]:
    """Return every route with each of its methods."""
    return {
        (method, rule.endpoint): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    assert set(rules(world.app)) - set(ROUTES) == set()
    assert set(ROUTES) - set(rules(world.app)) == set()


def test_who_finds_what(world: World) -> None:
    """Every caller asks every route, and all that is wrong is told together."""
    requests, wrong = 0, []
    for key, rule in rules(world.app).items():
        for caller, status in _answers(world, key, rule).items():
            requests += 1
            if status not in _expected(key, caller):
                wrong.append(f"{' '.join(key)}: {caller} gets {status}")
    assert not wrong, "\n".join(wrong)
    assert requests == len(ROUTES) * len(CALLERS)


def _answers(world: World, key: tuple[str, str], rule: Rule) -> dict[str, int]:
    """Return what each caller is answered, each in the same world."""
    method, endpoint = key
    answers: dict[str, int] = {}
    limiter.reset()
    for caller in CALLERS:
        if world.changed:
            world.put_back()
        fields = {name: world.values[caller][f"{endpoint}.{name}"] for name in FIELDS.get(key, ())}
        headers = {"X-Chat-Token": world.values[caller]["chat.token"]} if endpoint == "chat.upload" else None
        answers[caller] = ask(world.clients[caller], method, world.address(rule, caller), fields, headers)
        # What only reads, and what is refused, leaves the world as it was for the next caller and the next route.
        world.changed = method != "GET" and answers[caller] in FOUND
    return answers


def _expected(key: tuple[str, str], caller: str) -> tuple[int, ...]:
    """Return the answers that are right for a caller."""
    expected = ROUTES[key]
    if caller in expected:
        return FOUND
    known = NO_ROLE if not expected else CUSTOMER if key[1].startswith("portal.") else STAFF
    return (404,) if caller in known else (401,)  # signing in would not help who is signed in


def ask(
    client: ConsoleClient, method: str, path: str, fields: dict[str, Any], headers: dict[str, str] | None = None
) -> int:
    """Ask without becoming another: whoever signs out here stays signed in for the next route."""
    name = client.application.config["SESSION_COOKIE_NAME"]
    before = client.get_cookie(name)
    if method == "GET":
        status = client.get_json(path, query_string=fields).status_code
    else:
        status = client.submit(path, json=True, headers=headers, **fields).status_code
    if before is None:
        client.delete_cookie(name)
    else:
        client.set_cookie(name, before.value)
    return status


def test_pages_ask_people_to_sign_in(world: World) -> None:
    """A person is led to the sign-in page, of staff or of the portal, and back."""
    client, wrong = world.clients["anonymous"], []
    closed = [key for key, who in ROUTES.items() if who and "anonymous" not in who]
    for method, endpoint in closed:
        path = world.address(rules(world.app)[method, endpoint], "anonymous")
        answer = client.get(path) if method == "GET" else client.submit(path)
        led_to = answer.headers.get("Location", "").partition("?")[0]
        login = "/moj/login" if endpoint.startswith("portal.") else "/login"
        if answer.status_code not in (302, 303) or led_to != login:
            wrong.append(f"{method} {endpoint}: {answer.status_code} {led_to}")
    assert len(closed) > 100
    assert not wrong, "\n".join(wrong)


def test_every_unsafe_request_needs_its_token(world: World) -> None:
    wrong = []
    unsafe = [key for key in ROUTES if key[0] == "POST" and key not in NO_COOKIE]
    for key in unsafe:
        path = world.address(rules(world.app)[key], "admin")
        for caller in CALLERS:
            status = world.clients[caller].post(path, headers={"Accept": "application/json"}).status_code
            if status != 400:
                wrong.append(f"{key[1]}: {caller} needs no token: {status}")
    assert len(unsafe) > 100
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("caller", sorted(STAFF))
def test_a_disabled_account_is_out_at_once(world: World, caller: str, disable: Callable[[str], None]) -> None:
    world.put_back()
    assert world.clients[caller].get_json("/console/").status_code == 200
    disable(caller)
    assert world.clients[caller].get_json("/console/").status_code == 401


@pytest.fixture
def disable(world: World) -> Callable[[str], None]:
    """Disable the account of a caller."""

    def switch_off(caller: str) -> None:
        first = select(Staff).where(Staff.role == Role(caller)).order_by(Staff.id).limit(1)
        with world.app.app_context():
            with transaction() as session:
                session.scalars(first).one().active = False
            db.session.remove()

    return switch_off
