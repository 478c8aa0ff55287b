"""gevent's search for plugins while it patches, by what gevent has for it today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# The searches are counted where importlib.metadata walks the installed packages.
_PATCHED = """
import json
from importlib import metadata
from gevent import monkey
from console.speedups.plugin_search import searched_once

search, walk, walks = metadata.entry_points, metadata.distributions, []
metadata.distributions = lambda **named: walks.append(1) or walk(**named)
with searched_once():
    monkey.patch_all()
import socket, select
print(json.dumps({
    "walks": len(walks),
    "patched": monkey.is_module_patched("select") and socket.socket.__module__.startswith("gevent."),
    "given back": metadata.entry_points is search,
}))
"""


@pytest.mark.parametrize(("speedups", "walks"), [("on", range(1, 2)), ("off", range(10, 100))])
def test_patching_reads_the_installed_packages_once(speedups: str, walks: range) -> None:
    """The many of "off" are what makes the speed-up worth having; where gevent asks once, it can go."""
    ran = subprocess.run(
        [sys.executable, "-c", _PATCHED],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"CONSOLE_SPEEDUPS": speedups},
    )
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen.pop("walks") in walks
    assert seen == {"patched": True, "given back": True}


def test_an_installed_plugin_is_still_found(tmp_path: Path) -> None:
    """A package that asks to be told before gevent patches is told, once for each module."""
    (tmp_path / "watcher.py").write_text("told = []\n\ndef watch(event):\n    told.append(event.module_name)\n")
    info = tmp_path / "watcher-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: watcher\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[gevent.plugins.monkey.will_patch_module]\nwatch = watcher:watch\n")
    code = (
        "from gevent import monkey\n"
        "from console.speedups.plugin_search import searched_once\n"
        "with searched_once():\n    monkey.patch_all()\n"
        "import watcher\nprint(sorted(set(watcher.told)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "CONSOLE_SPEEDUPS": "on"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "socket" in ran.stdout
