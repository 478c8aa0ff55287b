"""The registry's part of migrations: its open tasks in one list, ticked on the page of each migration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.billing.migration.labels import TASK_HELP, TASKS
from console.billing.migration.models import RegistryTask
from console.billing.migration.registry import tasks_due
from console.billing.service import today
from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.customers.queries import opened_accounts
from console.customers.rights import Right
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.labels.migrations import migration_url
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor

MOST = 200


@dataclass(frozen=True)
class TaskRow:
    """One task as pages show it. ``domain``: empty where its name is closed to the reader."""

    task: RegistryTask
    domain: str
    name: Text
    help: Text
    overdue: bool
    ref: str
    url: str


def views() -> list[BaseView]:
    """Return the list of open tasks."""
    return [
        RegistryTasks(
            name=lazy_gettext("Registry tasks"), endpoint="registry_tasks", url="/console/migrations/registry"
        )
    ]


class RegistryTasks(Page):
    """What is open at the registry, of all migrations."""

    permission = Permission.SEE_MIGRATIONS
    parent = "migrations"

    @expose("/")
    @expose("")  # its address in links
    def index(self) -> ResponseReturnValue:
        """List the open tasks, the most urgent first."""
        rows = due_rows(tasks_due(limit=MOST))
        if wants_json():
            return jsonify(items=[task_json(row.task, named=bool(row.domain)) | {"migration": row.ref} for row in rows])
        return str(self.render("admin/migrations/registry.html", rows=rows, overdue=sum(row.overdue for row in rows)))


def task_rows(tasks: Iterable[RegistryTask]) -> list[TaskRow]:
    """Return tasks as pages show them."""
    day = today()
    return [
        TaskRow(
            task,
            task.domain.readable_name,
            TASKS[task.kind],
            TASK_HELP.get(task.kind, ""),
            overdue=task.ended_at is None and task.due_on < day,
            ref=task.migration.ref,
            url=migration_url(task.migration.ref),
        )
        for task in tasks
    ]


def due_rows(tasks: Sequence[RegistryTask]) -> list[TaskRow]:
    """Return tasks of several accounts, each domain named as its migration's page does.

    To who reads documents by role, and to who has its account open now.
    """
    actor, rows = current_actor(), task_rows(tasks)
    if not rows or actor.may(Permission.PREVIEW_MIGRATION):
        return rows
    opened = opened_accounts(actor)
    return [
        row if Right.PRODUCTS in opened.get(row.task.migration.from_customer_id, ()) else replace(row, domain="")
        for row in rows
    ]


def by_domain(tasks: Iterable[RegistryTask]) -> list[tuple[str, list[TaskRow]]]:
    """Return the tasks of a migration, domain by domain."""
    return [(name, list(rows)) for name, rows in groupby(task_rows(tasks), key=lambda row: row.domain)]


def task_json(task: RegistryTask, *, named: bool) -> dict[str, object]:
    """Return a task for programs.

    Args:
        named: its reader may know what the domain is called.
    """
    return {
        "id": task.id,
        "domain": task.domain.name if named else None,
        "kind": task.kind.value,
        "due_on": task.due_on.isoformat(),
        "done_at": local_time(task.done_at),
        "done_by": task.done_by.name if task.done_by is not None else None,
        "note": task.note,
        "dropped": task.is_dropped,
    }
