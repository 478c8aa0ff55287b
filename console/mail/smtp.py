"""Speaking to the mail server: one connection for many mails, every step bounded in time.

Three things can go wrong, and they are kept apart because what follows differs: the
server as a whole fails (:class:`RelayFailed`), it refuses this mail
(:class:`Refused`), or the conversation about this mail breaks off (:class:`Cut`).
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any

from console.core.smtp_url import SmtpServer, Tls
from console.mail.models import MAX_ERROR

MOST_MAILS = 100  # over one connection; some servers cut longer ones
QUIT_SECONDS = 2.0
CHUNK = 64 * 1024
MOST_REPLY = 256 * 1024  # of what the server says about one mail
SIGN_IN_FIRST = frozenset({530, 534, 535, 538})  # RFC 4954, 6: about us, whatever it is said to
CLOSING, TOO_LARGE = 421, 552
_LINE_START = re.compile(rb"(?m)^\.")


class RelayFailed(Exception):
    """The server takes no mail at all now.

    Args:
        words: what it said, or what happened.
        misconfigured: it will go on so until a setting is changed.
    """

    def __init__(self, words: str, *, misconfigured: bool = False) -> None:
        super().__init__(words)
        self.words, self.misconfigured = words, misconfigured


class Refused(Exception):
    """The server refuses this mail.

    Args:
        permanent: it would refuse it again (5xx).
    """

    def __init__(self, words: str, *, permanent: bool) -> None:
        super().__init__(words)
        self.words, self.permanent = words, permanent


class Cut(Exception):
    """The conversation broke off while this mail was being handed over.

    Args:
        handed_over: the whole of it was, and only the answer is missing: it may have arrived.
    """

    def __init__(self, words: str, *, handed_over: bool) -> None:
        super().__init__(words)
        self.words, self.handed_over = words, handed_over


class _Client(smtplib.SMTP):
    """The library's client with one deadline over all it sends and reads: a server that drips holds up no one."""

    def __init__(self, server: SmtpServer, helo: str) -> None:
        self.allow(server.timeout)
        super().__init__(server.host, server.port, local_hostname=helo, timeout=server.timeout)

    def allow(self, seconds: float) -> None:
        """Give everything that follows ``seconds`` together."""
        self.until, self.read = monotonic() + seconds, 0

    def open_socket(self) -> socket.socket:
        """Return the socket, set to wait no longer than is left."""
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self.sock.settimeout(left)
        return self.sock

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Lines(self)
        return super().getreply()

    def send(self, s: Any) -> None:
        content = s.encode("ascii") if isinstance(s, str) else s
        for start in range(0, len(content), CHUNK):
            self.open_socket()
            super().send(content[start : start + CHUNK])


class _WholeTls(smtplib.SMTP_SSL, _Client):
    def __init__(self, server: SmtpServer, helo: str, context: ssl.SSLContext | None) -> None:
        self.allow(server.timeout)
        smtplib.SMTP_SSL.__init__(
            self, server.host, server.port, local_hostname=helo, timeout=server.timeout, context=context
        )


class _Lines:
    """Reads the server's lines in place of a buffered file, which would wait again for every byte."""

    def __init__(self, client: _Client) -> None:
        self.client, self.buffer = client, b""

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self.buffer[:limit] and len(self.buffer) < limit:
            more = self.client.open_socket().recv(4096)
            self.client.read += len(more)
            if not more or self.client.read > MOST_REPLY:
                return b""
            self.buffer += more
        end = self.buffer.find(b"\n", 0, limit) + 1 or limit
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def close(self) -> None:
        self.buffer = b""


class Connection:
    """A connection to the mail server, opened when first needed and again when it was cut.

    Args:
        server: whom to speak to.
        helo: our own name (RFC 5321, 4.1.1.1); never looked up, which may take long.
    """

    def __init__(self, server: SmtpServer, helo: str) -> None:
        self.server, self.helo = server, helo
        self._client: _Client | None = None
        self._mails = 0

    @property
    def fresh(self) -> bool:
        """Whether no mail was tried over it yet."""
        return self._mails == 0

    def ready(self) -> None:
        """Be connected, greeted and signed in, with no mail begun.

        Raises:
            RelayFailed: that cannot be had.
        """
        if self._client is not None and self._mails and not self._reset(self._client):
            self.close()
        if self._client is None:
            self._open()

    def deliver(self, sender: str, recipient: str, wire: bytes) -> None:
        """Hand one mail over, within the server's timeout. Call :meth:`ready` before each.

        Args:
            sender, recipient: of the envelope.
            wire: the message as :func:`on_the_wire` made it.

        Raises:
            Refused: the server does not take it.
            RelayFailed: it takes no mail of ours.
            Cut: the conversation broke off.
        """
        client = self._client
        if client is None:
            raise RuntimeError("not ready")
        client.allow(self.server.timeout)
        self._mails += 1
        self._say_from(client, sender, len(wire))
        handed_over = False
        try:
            self._settle(*client.rcpt(recipient))
            self._settle(*client.docmd("DATA"), good=354)
            client.send(wire)
            handed_over = True
            self._settle(*client.getreply())
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Cut(self._words(error), handed_over=handed_over) from error

    def close(self) -> None:
        """End the connection, politely if the server listens."""
        client, self._client, self._mails = self._client, None, 0
        if client is None:
            return
        try:
            client.allow(QUIT_SECONDS)
            client.quit()
        except (smtplib.SMTPException, OSError):
            client.close()

    def _open(self) -> None:
        try:
            self._client = self._connect()
        except RelayFailed:
            raise
        except (smtplib.SMTPException, OSError) as error:
            raise RelayFailed(self._words(error), misconfigured=_is_setting(error)) from error

    def _connect(self) -> _Client:
        server = self.server
        secure = None if server.tls is Tls.NONE else ssl.create_default_context(cafile=server.ca_file)
        client = _WholeTls(server, self.helo, secure) if server.tls is Tls.WHOLE else _Client(server, self.helo)
        try:
            client.ehlo_or_helo_if_needed()
            if server.tls is Tls.STARTTLS:
                client.open_socket()
                client.starttls(context=secure)
                client.ehlo_or_helo_if_needed()
            if server.user:
                client.login(server.user, server.password)
        except BaseException:
            client.close()
            raise
        return client

    def _reset(self, client: _Client) -> bool:
        """Forget the mail before. A connection that was cut meanwhile is found out here, with no mail at stake."""
        client.allow(self.server.timeout)
        try:
            return self._mails < MOST_MAILS and client.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def _say_from(self, client: _Client, sender: str, size: int) -> None:
        """Begin a mail. What the server says to this it would say to every mail of ours, but for its size."""
        used = self._mails > 1
        try:
            code, reply = client.mail(sender, [f"size={size}"] if client.has_extn("size") else [])
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise self._no_mail_begun(self._words(error), used) from error
        if code == TOO_LARGE:
            raise Refused(_said(code, reply), permanent=True)
        if code == CLOSING:
            self.close()
            raise self._no_mail_begun(_said(code, reply), used)
        if code != 250:
            raise RelayFailed(_said(code, reply), misconfigured=code >= 500)

    @staticmethod
    def _no_mail_begun(words: str, used: bool) -> Exception:
        """Return what it means that the server closes here: over a used connection only that it has served."""
        return Cut(words, handed_over=False) if used else RelayFailed(words)

    def _settle(self, code: int, reply: bytes, *, good: int | None = None) -> None:
        """Go on after a good answer; say which kind any other one is."""
        if code == good or (good is None and 200 <= code < 300):
            return
        words = _said(code, reply)
        if code in SIGN_IN_FIRST:
            raise RelayFailed(words, misconfigured=True)
        if code == CLOSING or not 400 <= code < 600:
            raise smtplib.SMTPResponseException(code, reply)  # it is closing, or speaks something else
        raise Refused(words, permanent=code >= 500)

    def _words(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPResponseException):
            return _said(error.smtp_code, error.smtp_error)
        if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
            error = error.__context__
        return _happened(error, self.server)


def on_the_wire(message: bytes) -> bytes:
    """Return a message of lines that end in CRLF as it is sent: dots doubled, its end marked (RFC 5321, 4.5.2)."""
    return _LINE_START.sub(b"..", message) + b".\r\n"


def probe(server: SmtpServer, helo: str) -> str:
    """Connect and sign in as for sending, and tell how that went.

    Raises:
        RelayFailed: it did not go.
    """
    connection = Connection(server, helo)
    connection.ready()
    connection.close()
    how = {Tls.NONE: "without TLS", Tls.STARTTLS: "STARTTLS", Tls.WHOLE: "TLS"}[server.tls]
    return f"{server.name} answers ({how}{f', signed in as {server.user}' if server.user else ''})"


def _expect(code: int, reply: bytes) -> None:
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, reply)


def _is_setting(error: Exception) -> bool:
    """Tell whether connecting failed because of a wrong setting: a refusal for good, TLS, the sign-in."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return False  # cut while the keys were being agreed on
    no_way_to_sign_in = type(error) is smtplib.SMTPException  # how the library says that
    return no_way_to_sign_in or isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLError)


def _said(code: int, reply: bytes | str) -> str:
    """Return an answer of the server's as one line of plain text."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    line = "".join(char if char.isprintable() else " " for char in f"{code} {text}")
    return " ".join(line.split())[:MAX_ERROR]


def _happened(error: BaseException, server: SmtpServer) -> str:
    """Say what happened on the way, for those who have to put it right."""
    kinds: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
        (TimeoutError, lambda _: f"no answer within {server.timeout} seconds"),
        (ConnectionRefusedError, lambda _: f"{server.name} refuses connections"),
        (socket.gaierror, lambda e: f"{server.host} is not found: {e.strerror}"),
        (ssl.SSLCertVerificationError, lambda e: f"its certificate is not trusted: {e.verify_message}"),
        (ssl.SSLError, lambda e: f"TLS does not come about: {e.reason or 'cut'}"),
        (smtplib.SMTPNotSupportedError, lambda e: f"{server.name} does not offer what is set: {e}"),
        (smtplib.SMTPServerDisconnected, lambda _: "the server closed the connection"),
        (ConnectionError, lambda _: "the connection was cut"),
    )
    words = next((say(error) for kind, say in kinds if isinstance(error, kind)), str(error) or type(error).__name__)
    return _said(0, words).removeprefix("0 ")
