"""Speaking to the mail server: one connection for many mails, every step bounded in time.

Three things can go wrong, and they are kept apart because what follows differs: the
server as a whole fails (:class:`RelayFailed`), it refuses this mail
(:class:`Refused`), or the conversation about this mail breaks off (:class:`Cut`).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, NoReturn

from console.core.smtp_url import SmtpServer, Tls
from console.mail.models import MAX_ERROR

MOST_MAILS = 100  # over one connection; some servers cut longer ones
QUIT_SECONDS = 2.0
SIGN_IN_FIRST = frozenset({530, 534, 535, 538})  # RFC 4954, 6: about us, whatever it is said to
CLOSING, TOO_LARGE = 421, 552


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
        handed_over: its text was on the way: it may have arrived.
    """

    def __init__(self, words: str, *, handed_over: bool) -> None:
        super().__init__(words)
        self.words, self.handed_over = words, handed_over


class _Client(smtplib.SMTP):
    """The library's client, cut off when several steps together take too long.

    The library's timeout is for one read: a server that sends a letter at a time would hold us up for ever.
    """

    timed_out = False

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give the steps of a block ``seconds`` together.

        Raises:
            TimeoutError: they took longer.
        """
        self.timed_out = False
        timer = Timer(seconds, self._cut_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            if self.timed_out:  # whatever came of the block: what was read last may be half an answer
                self.close()
                raise TimeoutError

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        with self.within(self.timeout):
            return super().connect(host, port, source_address)

    def _cut_off(self) -> None:
        self.timed_out = True
        if self.sock is not None:
            with suppress(OSError):  # it was closed meanwhile
                self.sock.shutdown(socket.SHUT_RDWR)  # ends what waits for it, which closing would not


class _WholeTls(_Client, smtplib.SMTP_SSL):
    """The same, over TLS from the first byte."""


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

    def deliver(self, sender: str, recipient: str, message: bytes) -> None:
        """Hand one mail over, within the server's timeout. Call :meth:`ready` before each.

        Args:
            sender, recipient: of the envelope.
            message: its lines end in CRLF.

        Raises:
            Refused: the server does not take it.
            RelayFailed: it takes no mail of ours.
            Cut: the conversation broke off.
        """
        client, served = self._client, self._mails > 0
        if client is None:
            raise RuntimeError("not ready")
        self._mails += 1
        begun = handed_over = False
        try:
            with client.within(self.server.timeout):
                size = [f"size={len(message)}"] if client.has_extn("size") else []
                _check_sender(*client.mail(sender, size))
                begun = True
                _check(*client.rcpt(recipient))
                handed_over = True
                _hand_over(client, message)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            words = self._words(error)
            if begun or served:  # a server may close a connection that it has served
                raise Cut(words, handed_over=handed_over) from error
            raise RelayFailed(words) from error

    def close(self) -> None:
        """End the connection, politely if the server listens."""
        client, self._client, self._mails = self._client, None, 0
        if client is None:
            return
        try:
            with client.within(QUIT_SECONDS):
                client.quit()
        except (smtplib.SMTPException, OSError):
            client.close()

    def _open(self) -> None:
        try:
            self._client = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise RelayFailed(self._words(error), misconfigured=_is_setting(error)) from error

    def _connect(self) -> _Client:
        server = self.server
        address: dict[str, Any] = {
            "host": server.host, "port": server.port, "local_hostname": self.helo, "timeout": server.timeout,
        }  # fmt: skip
        secure = None if server.tls is Tls.NONE else ssl.create_default_context(cafile=server.ca_file)
        client = _WholeTls(**address, context=secure) if server.tls is Tls.WHOLE else _Client(**address)
        try:
            with client.within(server.timeout):
                client.ehlo_or_helo_if_needed()
                if server.tls is Tls.STARTTLS:
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
        if self._mails >= MOST_MAILS:
            return False
        try:
            with client.within(self.server.timeout):
                return client.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def _words(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPResponseException):
            return _said(error.smtp_code, error.smtp_error)
        if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
            error = error.__context__
        return _happened(error, self.server)


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


def _check_sender(code: int, reply: bytes) -> None:
    """Go on after a good answer to MAIL. Any other would be said to every mail of ours, but for its size."""
    if code == TOO_LARGE:
        raise Refused(_said(code, reply), permanent=True)
    if code == CLOSING:
        raise smtplib.SMTPResponseException(code, reply)
    if code != 250:
        raise RelayFailed(_said(code, reply), misconfigured=code >= 500)


def _hand_over(client: _Client, message: bytes) -> None:
    try:
        _check(*client.data(message))
    except smtplib.SMTPDataError as error:  # it does not want to hear the message
        _fail(error.smtp_code, error.smtp_error)


def _check(code: int, reply: bytes) -> None:
    """Go on after a good answer about this mail."""
    if not 200 <= code < 300:
        _fail(code, reply)


def _fail(code: int, reply: bytes | str) -> NoReturn:
    """Say which kind of bad answer this is."""
    words = _said(code, reply)
    if code in SIGN_IN_FIRST:
        raise RelayFailed(words, misconfigured=True)
    if code == CLOSING or not 400 <= code < 600:
        raise smtplib.SMTPResponseException(code, reply)  # it is closing, or speaks something else
    raise Refused(words, permanent=code >= 500)


def _is_setting(error: Exception) -> bool:
    """Return whether connecting failed because of a wrong setting: a permanent refusal, TLS, the sign-in."""
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
