"""Logs hold no secrets."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from console.core import logging as console_logging
from tests.support.client import ConsoleClient


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a production process writes to its log, in the place of stderr."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    console_logging.configure()
    console_logging.write_to_stderr(production=True)
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_are_json_with_what_was_bound(written: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="r1")
    console_logging.get_logger("console.test").info("thing.done", ref="M-0317")
    logging.getLogger("plain").warning("said by %s", "a library")
    first, second = lines(written)
    assert (first["event"], first["ref"], first["level"], first["request_id"]) == ("thing.done", "M-0317", "info", "r1")
    assert (second["event"], second["logger"], second["request_id"]) == ("said by a library", "plain", "r1")


@pytest.mark.parametrize(
    "key",
    [
        "pin", "PIN", "password", "new_password", "code", "totp_code", "token", "csrf_token", "secret", "totp_secret",
        "secret_key", "seal_keys", "authorization", "cookie", "password_hash", "form", "body", "session", "api_key",
    ],
)  # fmt: skip
def test_secrets_are_hidden_wherever_they_stand(written: io.StringIO, key: str) -> None:
    log = console_logging.get_logger("console.test")
    log.info("a", **{key: "Tajna-1"})
    log.info("b", data={"inner": {key: "Tajna-1"}}, many=[{key: "Tajna-1"}])
    assert "Tajna-1" not in written.getvalue()
    assert console_logging.HIDDEN in written.getvalue()


@pytest.mark.parametrize("key", ["status_code", "customer", "path", "address", "mapping", "spinner", "count"])
def test_harmless_keys_are_kept(written: io.StringIO, key: str) -> None:
    console_logging.get_logger("console.test").info("a", **{key: "kept"})
    assert lines(written)[0][key] == "kept"


def test_a_traceback_shows_no_values(written: io.StringIO) -> None:
    typed = "9182" + "73"

    def check(pin: str) -> None:
        raise ValueError("wrong")

    try:
        check(typed)
    except ValueError:
        console_logging.get_logger("console.test").exception("failed")
    assert "ValueError: wrong" in written.getvalue()
    assert "918273" not in written.getvalue()


@pytest.mark.only("sqlite")
def test_no_secret_of_an_address_is_logged(client: ConsoleClient, written: io.StringIO) -> None:
    """Of every route that carries one: as it is asked for, mistyped, and by methods that it does not take."""
    rules = [rule for rule in client.application.url_map.iter_rules() if "secret" in rule.rule]
    named = {
        rule.endpoint
        for rule in client.application.url_map.iter_rules()
        if any(name.endswith(("token", "proof")) for name in rule.arguments)
    }
    assert named == {rule.endpoint for rule in rules}  # none that only looks like one
    assert {rule.rule.partition("<")[0] for rule in rules} == {
        "/t/", "/v/", "/pay/", "/reset/", "/unsubscribe/", "/chat/files/", "/chat/transcript/",
        "/moj/reset/", "/moj/invitation/", "/moj/register/", "/moj/recovery/", "/moj/recovery/stop/",
        "/moj/email/confirm/", "/moj/export/", "/moj/handover/accept/", "/moj/transfer/",
    }  # fmt: skip
    token = "Tajna-IjEyMyI.Zm9vYmFyYmF6cXV4-" + "x" * 20
    count = 0
    for rule in rules:
        path = re.sub(r"<secret:\w+>", token, re.sub(r"<id:\w+>", "7", rule.rule))
        loud = path.upper().replace(token.upper(), token)
        for wrong in (path, f"{path}/", f"/{path}", f"{path}x/more", loud, f"{path}?a=b"):
            for method in ("GET", "POST", "DELETE"):
                client.open(wrong, method=method)
                count += 1
    client.get(f"/nowhere/{token}")
    client.get(f"/chat/files/x{token}")
    logged = [line["path"] for line in lines(written) if line["event"] == "request"]
    assert len(logged) == count + 2 and "Tajna" not in written.getvalue()
    assert {"/t/<secret:token>", "/t/…", "/chat/files/…", "/nowhere/…"} <= set(logged)
