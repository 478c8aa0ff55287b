"""What the running application works with: settings and sealer, by application context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from flask import current_app

from console.core.files import FileStore
from console.core.seal import Sealer
from console.core.settings import Settings

_KEY = "console"


class LiveSettings(Protocol):
    """Returns the settings as they are now (``console.settings.live``)."""

    def __call__(self) -> Settings: ...
    def invalidate(self) -> None: ...
    def keep(self) -> None: ...


@dataclass(frozen=True)
class AppContext:
    """Built once in ``create_app``."""

    environment: Settings
    live: LiveSettings
    sealer: Sealer


def attach(extensions: dict[str, object], environment: Settings, live: LiveSettings) -> None:
    """Put the context into ``app.extensions``.

    Args:
        extensions: the application's.
        environment: the settings it was started with.
        live: is called often.
    """
    extensions[_KEY] = AppContext(environment, live, Sealer(environment.seal_keys))


def _context() -> AppContext:
    return cast("AppContext", current_app.extensions[_KEY])


def settings() -> Settings:
    """Return the settings as they are now: the environment's, over them what an administrator has set on a page.

    Two calls may differ, because pages set them while processes run: what belongs together is read in one call.
    """
    return _context().live()


def environment() -> Settings:
    """Return the settings that the application was started with: the defaults of those that a page can set."""
    return _context().environment


def look_again() -> None:
    """Let this process read the settings again: they were changed."""
    _context().live.invalidate()


def keep_settings() -> None:
    """Let this process go on for a moment with the settings it knows: they cannot be read."""
    _context().live.keep()


def sealer() -> Sealer:
    """Return the sealer of the running application."""
    return _context().sealer


def files() -> FileStore:
    """Return where the running application keeps files."""
    return FileStore(settings().files_folder)
