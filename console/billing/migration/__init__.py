"""Service migration: one or several services of one account move to another, with their open documents."""

from console.billing.migration import handover  # noqa: F401  (registers what stands in a handover's way)
from console.billing.migration.acceptance import accept, accept_by_link, ask_again, decline, decline_by_link
from console.billing.migration.decisions import approve, expire_due, reject, withdraw
from console.billing.migration.execution import execute
from console.billing.migration.obstacles import REASONS, Obstacle
from console.billing.migration.plan_data import plan_for
from console.billing.migration.portal import request_in_portal, withdraw_in_portal
from console.billing.migration.requests import Request, request_migration
from console.billing.migration.scheduling import execute_due, schedule, unschedule

__all__ = [
    "REASONS",
    "Obstacle",
    "Request",
    "accept",
    "accept_by_link",
    "approve",
    "ask_again",
    "decline",
    "decline_by_link",
    "execute",
    "execute_due",
    "expire_due",
    "plan_for",
    "reject",
    "request_in_portal",
    "request_migration",
    "schedule",
    "unschedule",
    "withdraw",
    "withdraw_in_portal",
]
