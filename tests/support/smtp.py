"""A real SMTP server (aiosmtpd) on a thread of the test run, that can be told to misbehave.

One for the whole run; it listens plainly, with sign-in, with STARTTLS and with TLS from the first byte.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import ipaddress
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "console@example.test", "tajna/lozinka@1"
WAYS = ("plain", "auth", "starttls", "tls")


@dataclass(frozen=True)
class Received:
    """A mail that the server has taken."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    connection: int
    way: str

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


def _nothing(*_: object) -> str | None:
    return None


def _never(*_: object) -> bool:
    return False


@dataclass
class Behaviour:
    """How the server behaves; as a good one unless told otherwise. An answer of ``None`` is the usual one."""

    greeting: str | None = None
    greeting_seconds: float = 0.0
    drips: bool = False  # greets one letter at a time, for ever
    mail: Callable[[str], str | None] = _nothing
    rcpt: Callable[[str], str | None] = _nothing
    data: Callable[[str], str | None] = _nothing  # after the whole message; given the recipient
    cuts_in_data: Callable[[str], bool] = _never  # given the recipient
    cuts_after_data: Callable[[str], bool] = _never  # the mail is taken, the answer never comes
    most_mails: int | None = None  # then the connection is closed
    seconds: Callable[[], float] = float  # before each answer about a mail


@dataclass
class SmtpServer:
    """What tests see of the running server."""

    ports: dict[str, int]
    ca_file: Path
    behaviour: Behaviour = field(default_factory=Behaviour)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    under_way: dict[str, int] = field(default_factory=dict)  # recipient -> connection
    met: list[str] = field(default_factory=list)  # mails that two connections were sending at once

    def reset(self) -> None:
        """Be a good server again, that has seen nothing."""
        self.behaviour = Behaviour()
        self.received, self.commands, self.met = [], [], []
        self.under_way, self.connections = {}, 0

    def url(self, way: str = "plain", *, timeout: int = 5, host: str = "localhost") -> str:
        """Return how the console is told of this server."""
        port, scheme = self.ports[way], {"starttls": "smtp+starttls", "tls": "smtps"}.get(way, "smtp")
        who = "console%40example.test:tajna%2Flozinka%401@" if way != "plain" else ""
        ca = f"&ca={self.ca_file}" if way in ("starttls", "tls") else ""
        return f"{scheme}://{who}{host}:{port}?timeout={timeout}{ca}"

    def to(self, address: str) -> list[Received]:
        return [each for each in self.received if each.recipients == (address,)]

    def wait(self, done: Callable[[], bool], seconds: float = 30.0) -> bool:
        """Wait until ``done``; tell whether it came to that."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if done():
                return True
            time.sleep(0.01)
        return done()


class _Protocol(SMTP):
    def __init__(self, handler: _Handler, server: SmtpServer, way: str, context: ssl.SSLContext) -> None:
        options: dict[str, Any] = {}
        if way == "starttls":
            options = {"tls_context": context, "require_starttls": True}
        if way != "plain":
            options |= {"auth_required": True, "authenticator": _sign_in, "auth_require_tls": way == "starttls"}
        self.handler = handler
        with warnings.catch_warnings(action="ignore"):  # signing in without TLS is what a test wants
            super().__init__(handler, hostname="mx.example.test", ident="test", timeout=60, **options)
        self.owner, self.way, self.number, self.mails = server, way, 0, 0
        handler.open.add(self)

    async def _handle_client(self) -> None:
        self.owner.connections += 1
        self.number = self.owner.connections
        behaviour = self.owner.behaviour
        try:
            await asyncio.sleep(behaviour.greeting_seconds)
            while behaviour.drips and behaviour is self.owner.behaviour:
                await self._raw(b"2")
                await asyncio.sleep(0.1)
            if behaviour.drips:
                self.cut()
                return
            if behaviour.greeting is not None:
                await self.push(behaviour.greeting)
                self.cut()
                return
            await super()._handle_client()
        except (ConnectionError, asyncio.CancelledError):
            pass

    async def _raw(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    def connection_lost(self, error: Exception | None) -> None:
        self.over()
        self.handler.open.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    def over(self) -> None:
        """No mail is under way over this connection any more."""
        mine = [to for to, number in self.owner.under_way.items() if number == self.number]
        for to in mine:
            del self.owner.under_way[to]

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        to = self.envelope.rcpt_tos[0] if self.envelope and self.envelope.rcpt_tos else ""
        if self.owner.behaviour.cuts_in_data(to):
            await self.push("354 go on")
            await self._reader.readline()
            self.cut()
            raise asyncio.CancelledError
        await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        self.over()
        await super().smtp_RSET(arg)


class _Handler:
    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.open: set[_Protocol] = set()

    # Hooks of aiosmtpd, by name.
    async def handle_MAIL(  # noqa: N802
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.server.commands.append(f"MAIL {address} {' '.join(options)}")
        answer = self.server.behaviour.mail(address)
        if answer is None:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.server.commands.append(f"RCPT {address}")
        if self.server.under_way.get(address, server.number) != server.number:
            self.server.met.append(address)
        self.server.under_way[address] = server.number
        await asyncio.sleep(self.server.behaviour.seconds())
        answer = self.server.behaviour.rcpt(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        else:
            server.over()
        return answer or "250 OK"

    async def handle_DATA(self, server: _Protocol, session: Session, envelope: Envelope) -> str:  # noqa: N802
        behaviour, to = self.server.behaviour, envelope.rcpt_tos[0]
        await asyncio.sleep(behaviour.seconds())
        answer = behaviour.data(to)
        if answer is None:
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self.server.received.append(
                Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, server.number, server.way)
            )
        server.over()
        if behaviour.cuts_after_data(to):
            server.cut()
        # The mail is taken, its sender does not know yet: the worst moment to be killed.
        await asyncio.sleep(behaviour.seconds())
        server.mails += 1
        if behaviour.most_mails is not None and server.mails >= behaviour.most_mails:
            server.loop.call_later(0.01, server.cut)
        return answer or "250 OK"


def _sign_in(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def running(folder: Path) -> Iterator[SmtpServer]:
    """Run the server until the end of the block."""
    ca_file, context = make_certificate(folder)
    server = SmtpServer({}, ca_file)
    handler = _Handler(server)
    loop = asyncio.new_event_loop()
    listeners: list[asyncio.Server] = []

    async def listen() -> None:
        for way in WAYS:
            listener = await loop.create_server(
                lambda way=way: _Protocol(handler, server, way, context),
                "127.0.0.1",
                0,
                ssl=context if way == "tls" else None,
            )
            listeners.append(listener)
            server.ports[way] = listener.sockets[0].getsockname()[1]

    async def close() -> None:
        for listener in listeners:
            listener.close()
        for protocol in list(handler.open):
            protocol.cut()
        await asyncio.sleep(0.05)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await loop.shutdown_asyncgens()

    loop.set_exception_handler(lambda _loop, _context: None)  # connections that the tests cut
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for ``localhost`` that nobody but its maker trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert_file, key_file)
    return cert_file, context
