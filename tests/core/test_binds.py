"""Where a server listens, as an operator writes it."""

from __future__ import annotations

import pytest

from console.core.binds import Bind, read_bind


@pytest.mark.parametrize(
    ("text", "bind", "third"),
    [
        ("127.0.0.1:8000", Bind("127.0.0.1", 8000), "127.0.0.1:8002"),
        ("localhost:80", Bind("localhost", 80), "localhost:82"),
        ("[::1]:8000", Bind("::1", 8000), "[::1]:8002"),
        ("unix:/run/console/web", Bind(path="/run/console/web"), "unix:/run/console/web.2"),
    ],
)
def test_an_address_and_those_of_further_processes(text: str, bind: Bind, third: str) -> None:
    assert read_bind(text) == bind
    assert str(bind) == text
    assert str(bind.of_process(2)) == third


@pytest.mark.parametrize("text", ["", "8000", ":8000", "host:0", "host:65536", "host:http", "::1:8000", "unix:run/x"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="neither HOST:PORT nor unix:/PATH"):
        read_bind(text)


def test_ports_end() -> None:
    with pytest.raises(ValueError, match="no port 65536"):
        Bind(port=65_535).of_process(1)
