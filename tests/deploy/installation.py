"""An installation in a folder: the package built and installed, the files of ``deploy/`` filled in as the page says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from tests.support import processes
from tests.support.server import ROOT

DEPLOY = ROOT / "deploy"
NAME = "localhost"
FOLDERS = ("/opt/console", "/etc/console", "/var/lib/console", "/var/backups/console")
SWITCH = "setpriv --reuid=console --regid=console --init-groups "
WAIT = 60


class Installation:
    """Everything under one folder, where a server has it under ``/``."""

    def __init__(self, root: Path, certificates: Path) -> None:
        self.root = root
        self.first, second = _two_ports()
        self.https, self.http = processes.free_port(), processes.free_port()
        self.url = f"https://{NAME}:{self.https}"
        self.ports = (self.first, second)
        self._certificates = certificates
        self._stack = ExitStack()
        for folder in (*FOLDERS, "/var/log/nginx", "/var/www/html", "/tmp"):
            self.path(folder).mkdir(parents=True, exist_ok=True)

    def path(self, absolute: str) -> Path:
        """Return where a server's file lies here."""
        return self.root / absolute.lstrip("/")

    def log(self, name: str) -> Path:
        return self.root / f"{name}.log"

    def close(self) -> None:
        """End what was started, the last first."""
        self._stack.close()

    # --- the package ----------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Build the package from a copy of its sources and install it into an environment of its own."""
        sources, wheels = self.root / "sources", self.root / "dist"
        for folder in ("console", "templates"):
            shutil.copytree(ROOT / folder, sources / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("pyproject.toml", "setup.py", "README.md"):
            shutil.copyfile(ROOT / file, sources / file)
        offline = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
        self._pip("wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), str(sources))
        shutil.rmtree(sources)  # nothing of it may be needed from here on
        place = self.path("/opt/console")
        self._run([sys.executable, "-m", "venv", "--without-pip", str(place)])
        (wheel,) = wheels.glob("*.whl")
        self._pip("--python", str(place / "bin" / "python"), "install", *offline, "--no-compile", str(wheel))
        # What it depends on is what tests have: a line that adds a folder, whose own such lines are not read.
        (packages,) = place.glob("lib/python3*/site-packages")
        (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")

    def _pip(self, *arguments: str) -> None:
        self._run([sys.executable, "-m", "pip", *arguments])

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.root)
        assert done.returncode == 0, (command, done.stdout[-1000:], done.stderr[-2000:])

    # --- the files of deploy/ ---------------------------------------------------------------------------------------

    def fill_in(self, settings: dict[str, str], path: str) -> None:
        """Write the settings' file, each of ``settings`` in its line, and the command and nginx's site."""
        text = (DEPLOY / "console.env").read_text()
        for name, value in settings.items():
            line = re.compile(rf"^#?CONSOLE_{name}='.*'$", re.MULTILINE)
            found = line.findall(text)
            assert found, f"deploy/console.env has no CONSOLE_{name}"
            for other in found[:-1]:  # the way for one machine
                text = text.replace(f"{other}\n", "")
            text = line.sub(lambda _line, name=name, value=value: f"CONSOLE_{name}='{value}'", text)  # type: ignore[misc]
        file = self.path("/etc/console/console.env")
        file.write_text(self._adapted(text))
        file.chmod(0o600)
        script = self.path("/opt/console/bin/console-as-service")
        text = (DEPLOY / "console").read_text()
        assert SWITCH in text  # a test has one user
        script.write_text(self._adapted(text.replace(SWITCH, f"env PATH={shlex.quote(path)} ")))
        self._fill_in_nginx()

    def _adapted(self, text: str) -> str:
        for folder in FOLDERS:
            text = text.replace(folder, str(self.path(folder)))
        return text

    def _fill_in_nginx(self) -> None:
        site = self.path("/etc/letsencrypt/live") / NAME
        site.mkdir(parents=True)
        shutil.copyfile(self._certificates / "cert.pem", site / "fullchain.pem")
        shutil.copyfile(self._certificates / "key.pem", site / "privkey.pem")
        text = (DEPLOY / "nginx.conf").read_text().replace("console.example.com", NAME)
        for index, port in enumerate(self.ports):
            assert f"127.0.0.1:{8000 + index} " in text
            text = text.replace(f"127.0.0.1:{8000 + index} ", f"127.0.0.1:{port} ")
        text = re.sub(r"listen (\[::\]:)?(80|443)\b", self._listen, text)
        text = re.sub(r"(?<=\s)/(etc|var)/", rf"{self.root}/\1/", text)
        (self.root / "site.conf").write_text(text)
        # What Debian has around a site: /etc/nginx/nginx.conf.
        temporary = "".join(
            f"{kind}_temp_path {self.root}/tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        (self.root / "nginx.conf").write_text(
            f"{user} daemon off; pid {self.root}/nginx.pid; error_log {self.root}/nginx.log; worker_processes 1; "
            f"events {{ worker_connections 512; }} http {{ {temporary} include site.conf; }}"
        )

    def _listen(self, found: re.Match[str]) -> str:
        host = "[::1]" if found[1] else "127.0.0.1"
        return f"listen {host}:{self.http if found[2] == '80' else self.https}"

    # --- running ----------------------------------------------------------------------------------------------------

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``console …`` as an administrator does."""
        script = self.path("/opt/console/bin/console-as-service")
        return subprocess.run(
            ["sh", str(script), *arguments], input=stdin, capture_output=True, text=True, check=False, env=_plain()
        )

    def commands_of(self, unit: str, environment: dict[str, str]) -> list[list[str]]:
        """Return what a unit starts: systemd fills ``${NAME}`` in, and takes ``$$`` and ``%%`` for the signs alone."""
        text = self._unit(unit).replace("127.0.0.1:8000", f"127.0.0.1:{self.first}")
        lines = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
        assert lines
        filled = [re.sub(r"(?<!\$)\$\{(\w+)\}", lambda name: environment[name[1]], line) for line in lines]
        return [[part.replace("$$", "$").replace("%%", "%") for part in shlex.split(line)] for line in filled]

    def start_unit(self, unit: str, path: str) -> subprocess.Popen[bytes]:
        """Start what a unit starts, until the end."""
        environment = self._environment(unit, path)
        (command,) = self.commands_of(unit, environment)
        return self._start(command, unit, env=environment, cwd=self.path("/var/lib/console"))

    def run_unit(self, unit: str, path: str) -> None:
        """Run what a unit starts one after the other."""
        environment = self._environment(unit, path)
        for command in self.commands_of(unit, environment):
            done = subprocess.run(
                command, env=environment, cwd=self.path("/var/lib/console"), capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, (command, done.stdout[-1000:], done.stderr[-2000:])

    def start_nginx(self, program: str) -> None:
        """Check its configuration and start it."""
        command = [program, "-p", f"{self.root}/", "-c", "nginx.conf"]
        self._run([*command, "-t"])
        self._start(command, "nginx", env=_plain(), cwd=self.root)

    def _start(self, command: list[str], name: str, *, env: dict[str, str], cwd: Path) -> subprocess.Popen[bytes]:
        log: IO[bytes] = self._stack.enter_context(self.log(name).open("ab"))
        process = processes.start(command, log=log, env=env, cwd=cwd)
        self._stack.callback(processes.stop, process)
        return process

    def _environment(self, unit: str, path: str) -> dict[str, str]:
        """Return what systemd gives a unit: its Environment, over it its EnvironmentFile, and little else."""
        own = re.findall(r"^Environment=(\w+)=(.*)$", self._unit(unit), re.MULTILINE)
        lines = re.findall(r"^(CONSOLE_\w+)='(.*)'$", self.path("/etc/console/console.env").read_text(), re.MULTILINE)
        return {"PATH": path, "LANG": "C.UTF-8", **dict(own), **dict(lines)}

    def _unit(self, unit: str) -> str:
        return self._adapted((DEPLOY / f"{unit}.service").read_text())


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the process ids of its children."""
    return [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def answers(url: str) -> bool:
    """Return whether a server answers there."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def wait_until(done: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait until ``done``.

    Raises:
        AssertionError: it does not come to that; says what ``otherwise`` returns.
    """
    deadline = time.monotonic() + WAIT
    while not done():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("CONSOLE_", "PYTHON"))}


def _two_ports() -> tuple[int, int]:
    """Return two free ports, one after the other."""
    first = processes.free_port()
    while (second := processes.free_port()) != first + 1:
        first = second
    return first, second
