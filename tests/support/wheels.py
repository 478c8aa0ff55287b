"""Which wheel of each locked package a Python installs: noted by ``make lock``, looked at by ``tests/test_lock.py``.

A lock file has hashes alone, and a test must not ask a registry. So ``make lock``, which asks one anyway, writes down
the wheel that each Python takes, beside its hash in the lock.

    python -m tests.support.wheels pylock.toml > requirements.wheels
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
GLIBC = 36  # 2.36: Debian 12, the oldest with a Python that is new enough
OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# Pure Python that its authors publish as source alone: pip makes the wheel, anywhere, without a compiler.
SOURCES = frozenset({"dkimpy", "quotequail"})
HEAD = "# Written by `make lock`: the wheel of each locked package that a Python installs on Linux, and its hash.\n"


@dataclass(frozen=True)
class Locked:
    """A package of the lock file: its version, where it is wanted, the hashes it may have."""

    name: NormalizedName
    requirement: Requirement
    hashes: frozenset[str]

    def is_needed(self, python: str, machine: str) -> bool:
        """Return whether that Python installs it there."""
        return applies(self.requirement.marker, python, machine)


@dataclass(frozen=True)
class Wheel:
    """A note of ``requirements.wheels``: a wheel, its hash, and where it is installed: ``3.11/x86_64``, …"""

    file: str
    hash: str
    places: tuple[str, ...]


def applies(marker: Marker | None, python: str, machine: str, *, extra: str = "") -> bool:
    """Return whether a marker holds for the newest release of ``python`` on Linux."""
    if marker is None:
        return True
    return marker.evaluate(
        {
            "python_version": python,
            "python_full_version": f"{python}.99",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_machine": machine,
            "os_name": "posix",
            "extra": extra,
        }
    )


def read_lock(path: Path) -> list[Locked]:
    """Return what a lock file of pip's names."""
    packages = []
    for entry in re.split(r"\n(?=[a-zA-Z0-9])", path.read_text()):
        line, *options = entry.replace("\\\n", "\n").splitlines()
        requirement = Requirement(line)
        hashes = frozenset(found for option in options for found in re.findall(r"--hash=sha256:(\w+)", option))
        packages.append(Locked(canonicalize_name(requirement.name), requirement, hashes))
    return packages


def read_notes(path: Path) -> list[Wheel]:
    """Return what ``make lock`` noted."""
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    return [Wheel(file, digest, tuple(places)) for file, digest, *places in lines]


def tags(python: str, machine: str) -> list[Tag]:
    """Return what a CPython takes on a Linux with our oldest glibc, the best first."""
    major, minor = (int(part) for part in python.split("."))
    platforms: list[str] = []
    for glibc in range(GLIBC, 4, -1):
        platforms.append(f"manylinux_2_{glibc}_{machine}")
        platforms += [f"{OLD_NAMES[glibc]}_{machine}"] if glibc in OLD_NAMES else []
    platforms.append(f"linux_{machine}")
    return [
        *cpython_tags((major, minor), platforms=platforms),
        *compatible_tags((major, minor), interpreter=f"cp{major}{minor}", platforms=platforms),
    ]


def best(files: Iterable[str], python: str, machine: str) -> str | None:
    """Return the wheel that is installed there; ``None``: there is none."""
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(tags(python, machine))))}
    fitting = {
        min(ranks[tag] for tag in found): file
        for file in files
        if (found := parse_wheel_filename(file)[3] & ranks.keys())
    }
    return fitting[min(fitting)] if fitting else None


def notes(pylock: dict[str, Any], lock: Iterable[Locked]) -> Iterator[Wheel]:
    """Yield a note for each wheel that is installed somewhere.

    Args:
        pylock: a lock in the format of PEP 751, which names the files.
        lock: the lock that is installed from; of the same versions.

    Raises:
        SystemExit: a package has no wheel somewhere. Says which.
    """
    files = {
        (package["name"], package["version"]): {
            urlsplit(wheel["url"]).path.rpartition("/")[2]: wheel["hashes"]["sha256"]
            for wheel in package.get("wheels", ())
        }
        for package in pylock["packages"]
    }
    missing = []
    for package in lock:
        (version,) = (pin.version for pin in package.requirement.specifier)
        wheels = files[package.name, version]
        places: dict[str, list[str]] = {}
        for python, machine in product(PYTHONS, MACHINES):
            if package.is_needed(python, machine) and package.name not in SOURCES:
                file = best(wheels, python, machine)
                if file is None:
                    missing.append(f"{package.requirement} has no wheel for Python {python} on {machine}")
                else:
                    places.setdefault(file, []).append(f"{python}/{machine}")
        for file, found in places.items():
            yield Wheel(file, wheels[file], tuple(found))
    if missing:
        raise SystemExit("\n".join(missing))


def main(pylock: str, lock: str = "requirements.lock") -> None:
    """Print the notes, a line for each wheel."""
    lines = [
        f"{note.file} {note.hash} {' '.join(note.places)}\n"
        for note in notes(tomllib.loads(Path(pylock).read_text()), read_lock(Path(lock)))
    ]
    sys.stdout.write(HEAD + "".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
