"""What the running application was built with: settings and sealer, by application context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from console.core.files import FileStore
from console.core.seal import Sealer
from console.core.settings import Settings

_KEY = "console"


@dataclass(frozen=True)
class AppContext:
    """Built once in ``create_app``."""

    settings: Settings
    sealer: Sealer


def attach(extensions: dict[str, object], settings: Settings) -> None:
    """Put the context into ``app.extensions``."""
    extensions[_KEY] = AppContext(settings, Sealer(settings.seal_keys))


def _context() -> AppContext:
    return cast("AppContext", current_app.extensions[_KEY])


def settings() -> Settings:
    """Return the settings of the running application."""
    return _context().settings


def sealer() -> Sealer:
    """Return the sealer of the running application."""
    return _context().sealer


def files() -> FileStore:
    """Return where the running application keeps files."""
    return FileStore(settings().files_folder)
