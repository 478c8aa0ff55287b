"""Values that one request reads once."""

from __future__ import annotations

import pytest
from flask import Flask

from console.views.shared.per_request import cached_per_request

pytestmark = pytest.mark.sqlite


def test_each_request_reads_once_for_each_argument() -> None:
    calls: list[int] = []

    @cached_per_request
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    app = Flask(__name__)
    with app.app_context():
        assert [double(1), double(1), double(2)] == [2, 2, 4]
    assert calls == [1, 2]
    with app.app_context():
        assert double(1) == 2
    assert calls == [1, 2, 1]
