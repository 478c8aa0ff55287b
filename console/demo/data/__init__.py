"""The demo's stories and names, as data: read once, when a demo is filled."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any


def read(*path: str) -> dict[str, Any]:
    """Return one of the files of this folder, as TOML has it.

    Args:
        path: folder and name, such as ``"tickets", "new.toml"``.
    """
    return tomllib.loads(resources.files(__name__).joinpath(*path).read_text("utf-8"))
