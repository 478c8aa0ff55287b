"""What the new owner takes over: the documents that a plan would make to them, and what of it they accepted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

from console.billing.migration.plan import Issue, Plan
from console.billing.models import Migration

Terms = list[list[Any]]
ENDINGS = (".rs", ".xn--90a3ac")  # RNIDS's; the second is .срб


def new_documents(plan: Plan) -> list[Issue]:
    """Return the documents that a plan makes to the new owner."""
    return [issue for step in plan.steps for issue in step.issue if issue.moved]


def terms_of(plan: Plan) -> Terms:
    """Return what the new owner would owe, line by line: what is due later or not at all asks for no other yes."""
    return [
        [line.service_id, line.description, line.quantity, issue.currency, line.net, line.tax, line.total]
        for issue in new_documents(plan)
        for line in issue.lines
    ]


def digest_of(terms: Terms) -> str:
    """Return the fingerprint of what was looked at."""
    return hashlib.sha256(json.dumps(terms, ensure_ascii=False).encode()).hexdigest()


def are_covered(terms: Terms, accepted: Terms) -> bool:
    """Tell whether everything in ``terms`` was accepted; less may come, never more."""
    return not Counter(map(tuple, terms)) - Counter(map(tuple, accepted))


def totals_of(plan: Plan) -> dict[str, int]:
    """Return what the new owner would owe, with PDV, by currency."""
    totals: Counter[str] = Counter()
    for issue in new_documents(plan):
        totals[issue.currency] += issue.total
    return dict(totals)


def is_at_registry(name: str) -> bool:
    """Tell whether a domain's registrant is RNIDS's."""
    return name.endswith(ENDINGS)


def registry_names(migration: Migration) -> list[tuple[int, str]]:
    """Return the domains of a migration whose registrant changes at the registry: id and name."""
    names = [(item.service.domain.id, item.service.domain.name) for item in migration.items if item.service.domain]
    return [(key, name) for key, name in names if is_at_registry(name)]


def readable_domain(name: str) -> str:
    """Return a registered name as people write it."""
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name
