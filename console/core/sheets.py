"""Cells for spreadsheets: written so that none is taken for a formula (OWASP, CSV injection)."""

from __future__ import annotations

_FORMULA = (
    "=", "+", "-", "@", "\t", "\r", "\n",
    # Some spreadsheets read these as the signs above.
    "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)  # fmt: skip
_TEXT = "'"  # what spreadsheets themselves put before text that looks like a formula


def neutral(cell: str) -> str:
    """Return ``cell`` as a spreadsheet shows it and never runs it."""
    return _TEXT + cell if _is_formula(cell) else cell


def as_meant(cell: str) -> str:
    """Return the argument of :func:`neutral`."""
    return cell[1:] if cell.startswith(_TEXT) and _is_formula(cell[1:]) else cell


def _is_formula(cell: str) -> bool:
    return cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA)
