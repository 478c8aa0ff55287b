"""Roles and what each may do: the one table that decides."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A staff member has one."""

    AGENT = "agent"
    BILLING = "billing"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a role may do. A customer's own rights are ``console.customers.rights``."""

    FIND_CUSTOMERS = "customers.find"  # number and name, nothing more
    VERIFY = "customers.verify"
    OVERRIDE = "customers.override"  # open reading with a reason
    UNLOCK_PIN = "pin.unlock"
    SET_ACCOUNT_STATE = "customers.state"  # suspend, close, reopen
    REVIEW_RECOVERY = "recovery.review"  # a customer's lost device: refuse it or let it go on
    READ_DOCUMENTS = "documents.read"  # by role, without a verification
    REQUEST_MIGRATION = "migrations.request"  # only ever under a live verification
    SEE_MIGRATIONS = "migrations.see"
    PREVIEW_MIGRATION = "migrations.preview"
    DECIDE_MIGRATION = "migrations.decide"  # approve, reject, execute
    MIGRATE_MANY = "migrations.many"  # by a file, on an authority that is named: without a verified person
    READ_AUDIT = "audit.read"
    SEE_PRODUCTS = "products.see"
    MANAGE_PRODUCTS = "products.manage"
    MANAGE_SERVICES = "services.manage"
    ISSUE_DOCUMENTS = "documents.issue"  # issue, cancel
    RECORD_PAYMENTS = "payments.record"  # record, match and undo; credit, refunds
    MANAGE_QUOTES = "quotes.manage"  # send, withdraw
    MANAGE_STAFF = "staff.manage"
    READ_TICKETS = "tickets.read"
    WORK_TICKETS = "tickets.work"
    MANAGE_DESK = "desk.manage"  # departments, SLA targets, canned replies, views for all
    CHAT = "chat.work"
    LEAD_CHAT = "chat.lead"  # step in, blocking
    SET_CHAT = "chat.settings"  # the desk's rules, announcements, lifting a block
    DECIDE_CORRECTIONS = "corrections.decide"  # a holder's name, PIB or MB that was written wrongly
    MANAGE_SETTINGS = "settings.manage"  # brand, issuer, billing: what the environment has defaults for
    REVIEW = "reviews.do"
    SEE_HOURS = "hours.see"
    EDIT_HOURS = "hours.edit"  # the same words as in console.hours.service, which lies below
    SEE_REPORTS = "reports.see"  # statistics of all; one's own need no permission
    SEE_MAIL = "mail.see"
    RESEND_MAIL = "mail.resend"  # and withdraw what waits


_EVERYONE = frozenset({Permission.FIND_CUSTOMERS, Permission.SEE_PRODUCTS, Permission.SEE_HOURS})
_DESK = _EVERYONE | {
    Permission.VERIFY, Permission.REQUEST_MIGRATION, Permission.SEE_MIGRATIONS,
    Permission.READ_TICKETS, Permission.WORK_TICKETS, Permission.CHAT, Permission.SEE_MAIL,
}  # fmt: skip
_DOCUMENTS = frozenset({Permission.READ_DOCUMENTS, Permission.PREVIEW_MIGRATION})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: _DESK,
    Role.BILLING: _DESK
    | _DOCUMENTS
    | {
        Permission.DECIDE_MIGRATION,
        Permission.MIGRATE_MANY,
        Permission.DECIDE_CORRECTIONS,
        Permission.ISSUE_DOCUMENTS,
        Permission.RECORD_PAYMENTS,
        Permission.MANAGE_QUOTES,
        Permission.MANAGE_SERVICES,
        Permission.RESEND_MAIL,
    },
    Role.SUPERVISOR: _DESK
    | _DOCUMENTS
    | {
        Permission.OVERRIDE,
        Permission.MANAGE_QUOTES,
        Permission.UNLOCK_PIN,
        Permission.SET_ACCOUNT_STATE,
        Permission.REVIEW_RECOVERY,
        Permission.DECIDE_CORRECTIONS,
        Permission.READ_AUDIT,
        Permission.MANAGE_DESK,
        Permission.REVIEW,
        Permission.LEAD_CHAT,
        Permission.SET_CHAT,
        Permission.SEE_REPORTS,
        Permission.EDIT_HOURS,
        Permission.RESEND_MAIL,
    },
    Role.ADMIN: _EVERYONE
    | {
        Permission.MANAGE_STAFF,
        Permission.READ_AUDIT,
        Permission.MANAGE_PRODUCTS,
        Permission.MANAGE_DESK,
        Permission.SET_CHAT,
        Permission.MANAGE_SETTINGS,
        Permission.EDIT_HOURS,
        Permission.SEE_MAIL,
        Permission.RESEND_MAIL,
    },
}
