"""A connection to an IMAP server, with one folder open to be read: nothing on the server is changed.

What goes wrong is an :class:`ImapFailed` in words of ours. Only where the server refuses one command about one message,
it is :class:`Refused`.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from imapclient import IMAPClient, SocketTimeout
from imapclient.datetime_util import format_criteria_date
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from console.core.context import settings
from console.mail.mailboxes.access import Access, ImapFailed
from console.mail.mailboxes.models import MAX_DETAIL, ImapTls
from console.mail.mailboxes.oauth2 import access_token

TIMEOUTS = SocketTimeout(connect=15, read=60)
PIECE = 1024 * 1024  # of a large message that is fetched at a time
WINDOW = 50_000  # UIDs that are asked for at once: the library reads lines of a million bytes
_FOR_NOW = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[CONTACTADMIN]")  # RFC 5530: not about the password
_DAY = timedelta(days=1)


class Refused(Exception):
    """The server does not give one message."""


@dataclass(frozen=True)
class Opened:
    """What a folder said when it was opened."""

    uid_validity: int
    uid_next: int
    messages: int


@dataclass(frozen=True)
class Header:
    """A message before it is fetched."""

    uid: int
    size: int
    came_at: datetime | None  # INTERNALDATE


class Connection:
    """Open a folder on a server, by ``access``.

    Raises:
        ImapFailed: no connection, no sign-in, no folder.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        with _said(access):
            self._client = self._connect()
        try:
            self._sign_in()
            self.opened = self._open()
            with _said(access):
                self.can_idle: bool = self._client.has_capability("IDLE")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it, politely if the server listens."""
        try:
            self._client.logout()
        except Exception:  # noqa: BLE001  it is over either way
            try:
                self._client.shutdown()
            except Exception:  # noqa: BLE001
                return

    def uids_from(self, first: int, *, old_below: int = 0, since: datetime | None = None) -> list[int]:
        """Return the UIDs from ``first`` on, rising.

        Args:
            old_below: below this UID, only of messages that came on the day of ``since`` or later.
        """
        if since is None or first >= old_below:
            return self._search(first, None)
        day = format_criteria_date(since - _DAY).decode()  # by the server's clock, and whole days
        return self._search(first, old_below - 1, f" SINCE {day}") + self._search(old_below, None)

    def headers(self, uids: Sequence[int]) -> list[Header]:
        """Return sizes and times of messages; of those that are there.

        Raises:
            Refused: the server says nothing about one of them.
        """
        with _said(self.access, one_message=True):
            found = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        return [
            Header(uid, int(values.get(b"RFC822.SIZE", 0)), values.get(b"INTERNALDATE"))
            for uid, values in sorted(found.items())
        ]

    def fetch(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return small messages whole; those that are not there any more are left out.

        Raises:
            Refused: the server does not give one of them.
        """
        with _said(self.access, one_message=True):
            found = self._client.fetch(uids, ["BODY.PEEK[]"])
        return {uid: values[b"BODY[]"] for uid, values in found.items() if values.get(b"BODY[]") is not None}

    def fetch_large(self, uid: int, most: int) -> bytes | None:
        """Return a message, fetched piece by piece, as far as ``most`` bytes; ``None`` where it is not there.

        Raises:
            Refused: the server does not give it.
        """
        pieces: list[bytes] = []
        length = 0
        while length < most:
            count = min(PIECE, most - length)
            with _said(self.access, one_message=True):
                found = self._client.fetch([uid], [f"BODY.PEEK[]<{length}.{count}>"])
            piece = found.get(uid, {}).get(b"BODY[]<%d>" % length)
            if piece is None:
                return None if not pieces else b"".join(pieces)
            pieces.append(piece)
            length += len(piece)
            if len(piece) < count:
                break
        return b"".join(pieces)

    def wait(self, seconds: float, go_on: Callable[[], bool], step: float) -> None:
        """Wait until something changes in the folder, at most ``seconds``, as long as ``go_on`` says so.

        Args:
            step: seconds after which ``go_on`` is asked again.
        """
        until = time.monotonic() + seconds
        if not self.can_idle:
            while time.monotonic() < until and go_on():
                time.sleep(min(step, max(0.0, until - time.monotonic())))
            with _said(self.access):
                self._client.noop()
            return
        with _said(self.access):
            self._client.idle()
            try:
                while time.monotonic() < until and go_on():
                    if self._client.idle_check(timeout=min(step, max(0.01, until - time.monotonic()))):
                        break
            finally:
                self._client.idle_done()

    # --- how it begins

    def _connect(self) -> IMAPClient:
        access = self.access
        context = trusted()
        if access.tls is ImapTls.WHOLE:
            client = IMAPClient(access.host, port=access.port, ssl_context=context, timeout=TIMEOUTS)
        else:
            client = IMAPClient(access.host, port=access.port, ssl=False, timeout=TIMEOUTS)
        client.normalise_times = False
        if access.tls is ImapTls.STARTTLS:
            try:
                if not client.has_capability("STARTTLS"):
                    raise ImapFailed("no_starttls")
                client.starttls(context)
            except BaseException:
                client.shutdown()
                raise
        return client

    def _sign_in(self) -> None:
        access = self.access
        if access.oauth2 is None:
            with _said(access, usual="sign_in"):
                # LOGIN takes ASCII alone; PLAIN is UTF-8 (RFC 4616).
                ascii_only = (access.user + access.password).isascii()
                (self._client.login if ascii_only else self._client.plain_login)(access.user, access.password)
            return
        try:
            with _said(access, usual="sign_in"):
                self._client.oauth2_login(access.user, access_token(access.oauth2))
        except ImapFailed as failure:
            if failure.problem != "sign_in":
                raise
            with _said(access, usual="sign_in"):  # it may have been withdrawn before its time
                self._client.oauth2_login(access.user, access_token(access.oauth2, fresh=True))

    def _open(self) -> Opened:
        with _said(self.access, usual="folder"):
            answer = self._client.select_folder(self.access.folder, readonly=True)
            validity, following = answer.get(b"UIDVALIDITY"), answer.get(b"UIDNEXT")
            if following is None:  # not every server says it there
                following = self._client.folder_status(self.access.folder, ["UIDNEXT"])[b"UIDNEXT"]
            if validity is None:
                raise ImapFailed("protocol", "the folder has no UIDVALIDITY")
            return Opened(int(validity), int(following), int(answer.get(b"EXISTS", 0)))

    def _search(self, first: int, last: int | None, more: str = "") -> list[int]:
        """Return the UIDs of a range; up to the newest where it has no ``last``."""
        found: list[int] = []
        end = max(self.opened.uid_next, first) if last is None else last
        for start in range(first, end + 1, WINDOW):
            until: int | str = min(start + WINDOW - 1, end)
            if last is None and until == end:
                until = "*"
            with _said(self.access):
                # ``n:*`` always has the last message in it, whatever n is (RFC 3501, 6.4.8).
                found += [uid for uid in self._client.search(f"UID {start}:{until}{more}") if uid >= start]
        return sorted(set(found))


def trusted() -> ssl.SSLContext:
    """Return what certificates are checked against: the system's authorities, and those of ``CONSOLE_IMAP_CA``."""
    context = ssl.create_default_context()
    if settings().imap_ca:
        context.load_verify_locations(settings().imap_ca)
    return context


@contextmanager
def _said(access: Access, *, usual: str = "protocol", one_message: bool = False) -> Iterator[None]:
    """Put what goes wrong in a block into our words.

    Args:
        usual: what it means that the server says NO.
        one_message: a NO is about one message alone.
    """
    try:
        yield
    except IMAPClientAbortError as error:
        raise ImapFailed("cut", _line(str(error))) from error
    except LoginError as error:
        cut = isinstance(error.__context__, IMAPClientAbortError)  # the library calls that a failed login too
        away = any(code in str(error).upper() for code in _FOR_NOW)
        raise ImapFailed("cut" if cut else "unavailable" if away else "sign_in", _line(str(error))) from error
    except (IMAPClientError, ProtocolError) as error:
        if one_message and _is_answer(str(error)):
            raise Refused(_line(str(error))) from error
        raise ImapFailed(usual, _line(str(error))) from error
    except (OSError, ssl.CertificateError) as error:
        raise _on_the_way(error, access) from error
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:  # an answer that makes no sense
        raise ImapFailed("protocol", _line(f"{type(error).__name__}: {error}")) from error


def _on_the_way(error: Exception, access: Access) -> ImapFailed:
    """Return what happened between us and the server."""
    if isinstance(error, ssl.SSLCertVerificationError | ssl.CertificateError):
        return ImapFailed("certificate", _line(getattr(error, "verify_message", "") or str(error)))
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ImapFailed("cut")
    if isinstance(error, ssl.SSLError):
        return ImapFailed("tls", _line(error.reason or ""))
    if isinstance(error, TimeoutError):
        return ImapFailed("timeout", access.server)
    if isinstance(error, ConnectionRefusedError):
        return ImapFailed("refused", access.server)
    if isinstance(error, socket.gaierror):
        return ImapFailed("not_found", access.host)
    return ImapFailed("cut", _line(str(error)))


def _is_answer(words: str) -> bool:
    """Return whether the server said NO or BAD, and the conversation goes on; else no one knows where it is."""
    return words.startswith("fetch failed") or "command error: BAD" in words


def _line(text: str) -> str:
    """Return a server's words as one line of plain text; the library leaves some as bytes are written."""
    written = re.fullmatch(r"b(['\"])(.*)\1", text)
    text = written[2] if written else text
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:MAX_DETAIL]
