"""Words for statements and their lines."""

from __future__ import annotations

from console.billing.statements.readers import FORMATS

FORMAT_NAMES: dict[str, str] = {key: one.name for key, one in FORMATS.items()}
