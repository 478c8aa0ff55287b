"""A real IMAP server (Dovecot) as a private process: mail as maildir, TLS with a certificate of its own, XOAUTH2.

It runs without rights of root: as who runs the tests, or as ``nobody`` where that is root, for which it keeps no mail.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from imapclient import IMAPClient

from tests.support import processes
from tests.support.smtp import make_certificate

SBIN = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
HERE = "127.0.0.1"
HOST = "localhost"  # what the certificate names
USER, PASSWORD = "podrska@example.test", "tajna/lozinka@1"
STARTS = 15.0


class NoDovecot(Exception):
    """No Dovecot could be started; says why."""


@dataclass
class Dovecot:
    """One server. It can be stopped and started again with the mail it had.

    Args:
        oauth2: the address that tells whose a token is (RFC 7662); without it there is no XOAUTH2.
    """

    folder: Path
    oauth2: str = ""
    imap: int = field(default_factory=processes.free_port)
    imaps: int = field(default_factory=processes.free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> Path:
        """Return the certificate to trust."""
        return self.folder / "cert.pem"

    def url(self, user: str = USER, folder: str = "INBOX", *, tls: bool = True) -> str:
        """Return what ``CONSOLE_IMAP_URL`` is set to."""
        scheme, port = ("imaps", self.imaps) if tls else ("imap+starttls", self.imap)
        who = f"{quote(user, safe='')}:{quote(PASSWORD, safe='')}"
        return f"{scheme}://{who}@{HOST}:{port}/{quote(folder, safe='')}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("dovecot", path=SBIN)
        if program is None:
            raise NoDovecot("no Dovecot on this machine (Debian: apt-get install dovecot-imapd)")
        user = _user()
        if not self.ca_file.exists():
            make_certificate(self.folder)
        (self.folder / "dovecot.conf").write_text(self._settings(program, user))
        with (self.folder / "log").open("ab") as log:
            if os.geteuid() == 0:
                _hand_over(self.folder, user)
            self.process = processes.start(
                [program, "-F", "-c", self.folder / "dovecot.conf"], log=log,
                user=user if os.geteuid() == 0 else None,
            )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """End it and its connections; its mail stays."""
        if self.process is not None:
            processes.stop(self.process)
            self.process = None

    @contextmanager
    def signed_in(self, user: str = USER) -> Iterator[IMAPClient]:
        """Give a client of its own."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with IMAPClient(HOST, port=self.imaps, ssl_context=context, timeout=20) as client:
            client.login(user, PASSWORD)
            yield client

    def put(self, *raws: bytes, user: str = USER, folder: str = "INBOX") -> None:
        """Let messages come in."""
        with self.signed_in(user) as client:
            for raw in raws:
                client.append(folder, raw)

    def fill(self, raws: Iterable[bytes], user: str = USER) -> int:
        """Put many messages into the mailbox's files at once, in their order, and return how many."""
        count = 0
        with self.signed_in(user) as client:  # it makes the folders
            client.select_folder("INBOX")
        place = self._maildir(user) / "new"
        for count, raw in enumerate(raws, 1):
            (place / f"{1_700_000_000 + count}.M{count}P1.test").write_bytes(raw)
        if os.geteuid() == 0:
            _hand_over(place, _user())
        return count

    def renumber(self, user: str = USER) -> None:
        """Give the folder another UIDVALIDITY, as after a restore; its messages stay."""
        maildir = self._maildir(user)
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (maildir / name).unlink(missing_ok=True)

    def spoil(self, number: int, user: str = USER) -> Path:
        """Let the server fail at one message of :meth:`fill`, as at a damaged disk: it ends the connection."""
        (found,) = self._maildir(user).glob(f"*/{1_700_000_000 + number}.*")
        found.chmod(0)
        return found

    def empty(self) -> None:
        """Delete all mail, folders too."""
        shutil.rmtree(self.folder / "mail", ignore_errors=True)

    def log(self) -> str:
        """Return what it wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def _maildir(self, user: str) -> Path:
        return self.folder / "mail" / user / "Maildir"

    def _settings(self, program: str, user: str) -> str:
        """Write the server's settings, in the language of its version: 2.4 (Debian 13) has another than 2.3."""
        here = self.folder
        (here / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\nprodaja@example.test:{{PLAIN}}{PASSWORD}\n")
        version = _version(program)
        own = self._settings_24(version, user) if version >= "2.4" else self._settings_23(user)
        return f"""{own}
listen = {HERE}
base_dir = {here}/run
state_dir = {here}/run
log_path = {here}/log
default_internal_user = {user}
default_internal_group = {_group(user)}
default_login_user = {user}
auth_mechanisms = plain login {"xoauth2" if self.oauth2 else ""}
auth_failure_delay = 0
ssl = yes
mail_fsync = never
maildir_copy_with_hardlinks = yes
mailbox_list_index = no
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 100
imap_idle_notify_interval = 30 s
service imap-login {{
 chroot =
 inet_listener imap {{
  port = {self.imap}
 }}
 inet_listener imaps {{
  port = {self.imaps}
  ssl = yes
 }}
}}
service anvil {{
 chroot =
}}
service stats {{
 chroot =
}}
namespace inbox {{
 inbox = yes
 separator = /
}}
"""

    def _settings_23(self, user: str) -> str:
        here, owner = self.folder, pwd.getpwnam(user)
        tokens = ""
        if self.oauth2:
            (here / "oauth2").write_text(_introspection(self.oauth2))
            tokens = f"passdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {here}/oauth2\n}}"
        return f"""
protocols = imap
disable_plaintext_auth = yes
ssl_cert = <{here}/cert.pem
ssl_key = <{here}/key.pem
ssl_dh =
mail_location = maildir:~/Maildir
{tokens}
passdb {{
 driver = passwd-file
 args = scheme=plain username_format=%u {here}/users
}}
userdb {{
 driver = static
 args = uid={owner.pw_uid} gid={owner.pw_gid} home={here}/mail/%u
}}
"""

    def _settings_24(self, version: str, user: str) -> str:
        here, owner = self.folder, pwd.getpwnam(user)
        tokens = ""
        if self.oauth2:
            tokens = f"oauth2 {{\n{_introspection(self.oauth2)}}}\npassdb oauth2 {{\n mechanisms_filter = xoauth2\n}}"
        return f"""
dovecot_config_version = {version}
dovecot_storage_version = {version}
protocols = imap
auth_allow_cleartext = no
ssl_server_cert_file = {here}/cert.pem
ssl_server_key_file = {here}/key.pem
mail_driver = maildir
mail_path = ~/Maildir
{tokens}
passdb passwd-file {{
 passwd_file_path = {here}/users
}}
userdb static {{
 fields {{
  uid = {owner.pw_uid}
  gid = {owner.pw_gid}
  home = {here}/mail/%{{user}}
 }}
}}
"""

    def _wait(self) -> None:
        until = time.monotonic() + STARTS
        while time.monotonic() < until and self.process is not None and self.process.poll() is None:
            try:
                with socket.create_connection((HERE, self.imap), timeout=2) as connection:
                    connection.settimeout(2)
                    if connection.recv(4) == b"* OK":
                        return
            except OSError:
                time.sleep(0.02)
        raise NoDovecot(f"Dovecot does not answer: {self.log()[-2000:]}")


@contextmanager
def running(*, oauth2: str = "") -> Iterator[Dovecot]:
    """Run a server until the end of the block.

    Raises:
        NoDovecot: none is installed, or it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="console-dovecot-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        server = Dovecot(place, oauth2)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _version(program: str) -> str:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=30)
    return answer.stdout.split("-")[0].split()[0]


def _introspection(url: str) -> str:
    """Return where a token is looked up, in the words of both versions."""
    return (
        f"introspection_mode = post\nintrospection_url = {url}\nusername_attribute = username\n"
        "active_attribute = active\nactive_value = true\n"
    )


def _user() -> str:
    return "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _group(user: str) -> str:
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _hand_over(folder: Path, user: str) -> None:
    """Give a folder with all in it to ``user``."""
    owner = pwd.getpwnam(user)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(place) / name, owner.pw_uid, owner.pw_gid)
