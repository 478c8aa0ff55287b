"""Rules of the house that no single test would notice broken."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import ROOT

# What must not know that there is a request.
INNER = ("service", "queries", "models", "events")
INNER_PACKAGES = ("core", "hours", "audit")
# Of Flask: what names the request, the session cookie or a response.
FORBIDDEN_NAMES = {
    "flask": {
        "request",
        "session",
        "g",
        "has_request_context",
        "redirect",
        "url_for",
        "render_template",
        "flash",
        "abort",
    },
    "flask_login": None,
    "flask_admin": None,
    "flask_wtf": None,
}
SKIPPED = {".venv", "node_modules", ".git", "var", "vendor", "build", "dist"}
TEXT_FILES = {
    ".py",
    ".md",
    ".toml",
    ".lock",
    ".json",
    ".html",
    ".js",
    ".css",
    ".txt",
    ".cfg",
    ".ini",
    ".mako",
    ".po",
    "",
}


def inner_modules() -> Iterator[Path]:
    for path in sorted((ROOT / "console").rglob("*.py")):
        parts = path.relative_to(ROOT / "console").with_suffix("").parts
        inner = parts[0] in INNER_PACKAGES or parts[-1] in INNER or parts[0] == "billing"
        if inner and parts[-1] != "forms":
            yield path


def forbidden_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            package = node.module.partition(".")[0]
            names = FORBIDDEN_NAMES.get(package, set())
            for alias in node.names:
                if names is None or alias.name in names:
                    yield f"{path.relative_to(ROOT)}: from {node.module} import {alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if FORBIDDEN_NAMES.get(alias.name.partition(".")[0], set()) is None:
                    yield f"{path.relative_to(ROOT)}: import {alias.name}"


def test_verbs_and_models_know_no_request() -> None:
    allowed = {"console/core/texts.py: from flask import g"}  # as Flask-Babel keeps the locale there
    modules = list(inner_modules())
    assert len(modules) > 20
    assert {found for path in modules for found in forbidden_imports(path)} <= allowed


def test_the_rule_above_can_fail(tmp_path: Path) -> None:
    offender = ROOT / "console" / "web" / "identity.py"
    assert any("import request" in found for found in forbidden_imports(offender))
    assert any("current_user" in found for found in forbidden_imports(offender))


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def test_pages_pass_arguments_and_not_g() -> None:
    """``flask.g`` is for values that one request reads once, in one helper."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "console" / "views").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "flask" and "g" in {alias.name for alias in node.names}
    ]
    assert [place for place in found if "views/shared/per_request.py" not in place] == []


def test_only_transaction_commits() -> None:
    """Verbs flush; ``console.core.transaction`` alone commits."""
    allowed = {"console/core/transaction.py", "console/cli/backup.py"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "console").rglob("*.py"))
        for node, name in calls(path)
        if name.endswith((".commit", "session.begin"))
    ]
    assert [place for place in found if place.rpartition(":")[0] not in allowed] == []


def test_the_clock_is_the_only_source_of_time() -> None:
    """``clock.now()`` everywhere; machine time only where machines are measured or libraries count by it."""
    allowed = {
        "core/clock.py",
        "core/files.py",  # the file system's own
        "web/access.py",
        "web/limits.py",
        "worker.py",
        "cli/doctor.py",
    }
    asks = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|time\.time)$")
    found = {
        str(path.relative_to(ROOT / "console"))
        for path in sorted((ROOT / "console").rglob("*.py"))
        for _node, name in calls(path)
        if asks.search(name)
    }
    assert found - allowed == set()


def test_templates_hold_no_inline_handler_or_style() -> None:
    """The Content-Security-Policy blocks both: they would silently not work."""
    inline = re.compile(r"""<[^>]*\s(on[a-z]+|style)\s*=\s*["']""")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if "mail" not in path.relative_to(ROOT).parts  # mail clients know no stylesheet of ours
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if inline.search(line)
    ]
    assert found == []


def project_files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    names = listed.stdout.splitlines() if listed.returncode == 0 else ROOT.rglob("*")  # an unpacked archive
    for name in names:
        path = ROOT / name
        if path.is_file() and path.suffix in TEXT_FILES and not SKIPPED.intersection(path.relative_to(ROOT).parts):
            yield path


def test_no_file_names_a_package_index() -> None:
    """Locked packages come from wherever this machine gets them."""
    address = re.compile(r"https?://[^\s\"']*(/simple/|registry|package-?index|\.tgz|\.whl)")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in project_files()
        if (match := address.search(path.read_text(errors="replace")))
    ]
    assert found == []


def test_locked_packages_have_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.findall(r"^([a-z0-9-]+)==\S+.*\\$", lock, re.MULTILINE)
    assert len(packages) > 50
    assert len(re.findall(r"^[a-z0-9-]+==", lock, re.MULTILINE)) == len(packages)  # each goes on with its hashes
    assert "--index-url" not in lock
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


# Folders of what is no page of the console, and what several of them share.
OTHER_PAGES = {"auth", "demo", "pay", "portal", "requester", "widget"}
SHARED_FOLDERS = {"admin", "lib", "mail", "model", "replies", "vendor"}


def _folders(place: Path) -> set[str]:
    return {
        path.name for path in place.iterdir() if path.name != "__pycache__" and path.is_dir() and any(path.iterdir())
    }


def test_the_three_parts_of_a_page_lie_under_the_same_name() -> None:
    subjects = _folders(ROOT / "console/views")
    for place in ("templates", "templates/admin", "console/static"):
        assert _folders(ROOT / place) - subjects - OTHER_PAGES - SHARED_FOLDERS == set(), place


def test_a_page_draws_a_template_of_its_own_subject() -> None:
    found = []
    for path in sorted((ROOT / "console/views").rglob("*.py")):
        subject = path.relative_to(ROOT / "console/views").parts[0]
        drawn = re.findall(r'"admin/([a-z_]+)/[a-z_/]+\.html"', path.read_text())
        found += [f"{path.name}: {name}" for name in drawn if name not in {subject, "model", "shared"}]
    assert found == []


def test_a_domains_verbs_are_in_its_service() -> None:
    domains = {path.parent for path in (ROOT / "console").glob("*/models.py")}
    assert len(domains) > 12
    elsewhere = {
        path.name for path in domains if not (path / "service.py").is_file() and not (path / "service").is_dir()
    }
    assert elsewhere == set()


def test_words_for_an_enum_are_in_its_domain() -> None:
    """What the pages share joins several domains, or adds an icon and a colour to a word."""
    joining = {"Grain"}  # the steps of every report
    found = [
        f"{path.name}: {name}"
        for path in sorted((ROOT / "console/views/shared/labels").glob("*.py"))
        for name in re.findall(r"^\w+: dict\[(\w+), Text\]", path.read_text(), re.MULTILINE)
        if name not in {"str", "int"} | joining
    ]
    assert found == []
