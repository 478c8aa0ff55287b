"""By what the same line of another file is known."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator

from console.billing.statements.readers import Statement

_BETWEEN = "\x1f"


def fingerprints(statement: Statement) -> Iterator[str]:
    """Yield the fingerprint of each line, in order.

    Of lines that are alike in everything it is the first, the second and so on of its day: banks give statements of
    whole days, so the second one is the second one in every file.
    """
    count: Counter[str] = Counter()
    for line in statement.lines:
        parts = (
            statement.account, statement.currency, line.booked_on.isoformat(), str(line.amount), line.reference,
            line.payer, line.payer_account, line.purpose, line.bank_id,
        )  # fmt: skip
        content = _BETWEEN.join(parts)
        count[content] += 1
        yield hashlib.sha256(f"{content}{_BETWEEN}{count[content]}".encode()).hexdigest()
