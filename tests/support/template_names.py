"""The names that templates use, as Python that vulture reads: what only a template calls is not unused.

python -m tests.support.template_names > var/template_names.py
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Iterable

from jinja2 import Environment

from tests.support.server import ROOT

EXTENSIONS = ("jinja2.ext.i18n", "jinja2.ext.do")


def names(sources: Iterable[str]) -> set[str]:
    """Return every name in the expressions and statements of templates."""
    environment = Environment(extensions=EXTENSIONS)  # noqa: S701  nothing is rendered
    tokens = (token for source in sources for token in environment.lex(source))
    return {value for _line, kind, value in tokens if kind == "name" and not keyword.iskeyword(value)}


if __name__ == "__main__":
    files = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
    sys.stdout.writelines(f"_.{name}\n" for name in sorted(names(path.read_text() for path in files)))
