"""Words for statements and their lines."""

from __future__ import annotations

from console.billing.statements.readers import FORMATS

DOMESTIC = 18
FORMAT_NAMES: dict[str, str] = {key: one.name for key, one in FORMATS.items()}


def account_words(account: str) -> str:
    """Return an account as people write it: ``840-955845-10``, others as they are."""
    if len(account) != DOMESTIC or not account.isdecimal():
        return account
    return f"{account[:3]}-{account[3:16].lstrip('0') or '0'}-{account[16:]}"
