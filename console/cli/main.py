"""The ``console`` command."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.exc import OperationalError, ProgrammingError

from console.cli.commands import checks, copies, database, keys, mail, migrating, serving, staff
from console.core.errors import NoSpace, Unavailable
from console.core.settings import SettingsError

# These bring their own command, named ``command``; they run in an application context.
ELSEWHERE = {"import": "console.imports.cli", "demo": "console.demo.cli"}


class Commands(click.Group):
    """Our commands and those that live elsewhere. What an operator can put right is said in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *(name for name, module in ELSEWHERE.items() if _exists(module))])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = ELSEWHERE.get(cmd_name)
        if module is None or not _exists(module):
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in ELSEWHERE:
            ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(f"the database: {error.orig}".strip()) from error
        except (Unavailable, NoSpace) as error:
            cause = error.__cause__
            raise click.ClickException(f"the database: {getattr(cause, 'orig', cause)}".strip()) from error


def _exists(module: str) -> bool:
    package = module.rpartition(".")[0]
    return find_spec(package) is not None and find_spec(module) is not None


def _app() -> Flask:
    from console.app import create_app

    return create_app()


@click.group(cls=Commands, context_settings={"obj": ScriptInfo(create_app=_app)})
def main() -> None:
    """A support console for hosting companies."""


for command in (
    serving.serve,
    serving.worker,
    database.init_db,
    database.reindex,
    keys.new_key,
    keys.reseal,
    staff.staff,
    mail.receive_mail,
    checks.doctor,
    checks.audit,
    copies.backup,
    copies.restore,
    copies.after_restore,
    migrating.migrate,
):
    main.add_command(command)
