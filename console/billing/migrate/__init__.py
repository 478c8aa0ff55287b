"""Service migration: one or several services of one account move to another, with their open documents."""

from console.billing.migrate.decide import approve, expire_due, reject, withdraw
from console.billing.migrate.execute import execute
from console.billing.migrate.facts import plan_for
from console.billing.migrate.refusals import REASONS, Obstacle
from console.billing.migrate.request import Request, request_migration

__all__ = [
    "REASONS",
    "Obstacle",
    "Request",
    "approve",
    "execute",
    "expire_due",
    "plan_for",
    "reject",
    "request_migration",
    "withdraw",
]
