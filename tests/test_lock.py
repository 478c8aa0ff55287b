"""The lock file fits every Python that the README names: nothing is missing there, nothing has to be compiled.

No registry is asked: ``make lock`` noted the wheels in ``requirements.wheels``, and the hashes tie them to the lock.
"""

from __future__ import annotations

import re
import tomllib
from itertools import product

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from tests.support import wheels
from tests.support.server import ROOT

LOCK = wheels.read_lock(ROOT / "requirements.lock")
NOTES = wheels.read_notes(ROOT / "requirements.wheels")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENTS = [
    Requirement(text)
    for text in (
        *PROJECT["build-system"]["requires"],  # our own package is built without a registry
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
    )
]
PLACES = [pytest.param(*place, id="-".join(place)) for place in product(wheels.PYTHONS, wheels.MACHINES)]


@pytest.mark.parametrize(("python", "machine"), PLACES)
def test_what_is_asked_for_is_locked(python: str, machine: str) -> None:
    locked = {package.name: package.requirement.specifier for package in LOCK if package.is_needed(python, machine)}
    for requirement in REQUIREMENTS:
        if wheels.applies(requirement.marker, python, machine):
            pins = list(locked.get(canonicalize_name(requirement.name), SpecifierSet()))
            assert len(pins) == 1, f"{requirement} is not locked for Python {python}"
            assert requirement.specifier.contains(pins[0].version), f"{requirement} on Python {python}"


@pytest.mark.parametrize(("python", "machine"), PLACES)
def test_everything_locked_has_a_wheel(python: str, machine: str) -> None:
    fitting = set(wheels.tags(python, machine))
    found = set()
    for note in NOTES:
        if f"{python}/{machine}" in note.places:
            name, version, _build, tags = parse_wheel_filename(note.file)
            assert tags & fitting, f"{note.file} does not fit Python {python} on {machine}"
            found.add((name, version, note.hash))
    for package in LOCK:
        if package.is_needed(python, machine) and package.name not in wheels.SOURCES:
            (pin,) = package.requirement.specifier
            version = Version(pin.version)
            hashes = {digest for name, of, digest in found if (name, of) == (package.name, version)}
            assert hashes, f"no wheel of {package.requirement} for Python {python} on {machine}: make lock"
            assert hashes <= package.hashes, f"{package.requirement} was locked again since: make lock"


def test_a_package_without_a_wheel_stops_the_lock() -> None:
    package = wheels.read_lock(ROOT / "requirements.lock")[0]
    (pin,) = package.requirement.specifier
    old = f"{package.name.replace('-', '_')}-{pin.version}-cp311-cp311-manylinux_2_17_x86_64.whl"
    listed = {"name": package.name, "version": pin.version, "wheels": [_listed(old)]}
    with pytest.raises(SystemExit) as stopped:
        list(wheels.notes({"packages": [listed]}, [package]))
    output = str(stopped.value).splitlines()
    assert len(output) == len(PLACES) - 1  # all but Python 3.11 on x86-64
    assert f"{package.requirement} has no wheel for Python 3.13 on x86_64" in output


def _listed(file: str) -> dict[str, object]:
    return {"url": f"https://files.example/{file}", "hashes": {"sha256": "0"}}


def test_the_newest_fitting_wheel_is_taken() -> None:
    files = [
        "a-1-cp311-cp311-manylinux2014_x86_64.whl",
        "a-1-cp313-cp313-musllinux_1_2_x86_64.whl",
        "a-1-cp39-abi3-manylinux_2_28_x86_64.whl",
        "a-1-cp313-cp313-manylinux_2_39_x86_64.whl",
        "a-1-py3-none-any.whl",
    ]
    assert wheels.best(files, "3.11", "x86_64") == files[0]
    assert wheels.best(files, "3.13", "x86_64") == files[2]  # 2.39 is newer than what Debian 12 has
    assert wheels.best(files, "3.13", "aarch64") == files[4]
    assert wheels.best(files[:2], "3.13", "x86_64") is None


def test_no_address_of_a_registry_is_written_down() -> None:
    for name in ("requirements.lock", "requirements.wheels"):
        assert "://" not in (ROOT / name).read_text()
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_the_same_pythons_are_named_everywhere() -> None:
    first, last = wheels.PYTHONS[0], wheels.PYTHONS[-1]
    assert PROJECT["project"]["requires-python"] == f">={first}"
    named = {line.rpartition(" :: ")[2] for line in PROJECT["project"]["classifiers"]}
    assert named == set(wheels.PYTHONS)
    assert f"Python {first} to {last}" in (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert f"({first} to {last})" in makefile
    assert re.findall(r"python(3\.\d+)\b(?=[^\n]*; do)", makefile) == list(wheels.PYTHONS)
