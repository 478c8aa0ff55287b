"""Time for the tests of staff."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.core import clock


@pytest.fixture(autouse=True)
def _start_of_a_step(_reset_clock: None) -> None:
    """Begin at the start of a 30-second step, so that none ends between making a code and typing it."""
    clock.start_at(datetime(2026, 11, 23, 10, 0, tzinfo=UTC), machine=True)
