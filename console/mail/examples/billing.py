"""Services, documents and migrations."""

from __future__ import annotations

from datetime import date
from typing import Any

from console.core.texts import lazy_pgettext
from console.mail.examples.example import AT, NAME, TICKET, TOKEN, UNTIL, Example, Typed


def examples(base_url: str) -> tuple[Example, ...]:
    """Return them; ``base_url`` is what links begin with."""
    return (
        *_migrations(),
        *_migration_steps(base_url),
        *_services(),
        *_documents(),
    )


def _services() -> tuple[Example, ...]:
    portal = NAME | {"portal": "Moj Mint"}
    ended = portal | {"number": TICKET, "subject": Typed("Otkazivanje: sajt.example.rs"), "path": "/moj/requests/"}
    quote = portal | {
        "number": "P-0012", "lines": [Typed("VPS 4, 12 meseci"), Typed("Prenos sajta")], "total": 6_480_000,
        "currency": "RSD", "valid_until": date(2026, 12, 7), "note": Typed("Prenos radimo u dogovoreno vreme."),
        "path": "/moj/quotes/P-0012",
    }  # fmt: skip
    paid = portal | {
        "numbers": ["PR-2026-004512"], "amount": 1_548_000, "currency": "RSD", "paid_on": date(2026, 11, 20),
        "owed": 500_000, "credit": 0, "renewed": [("jovic.example.rs", date(2027, 11, 20))],
        "path": "/moj/documents/PR-2026-004512",
    }  # fmt: skip
    return (
        Example("payment_received", paid, lazy_pgettext("example", "for a pro-forma")),
        Example(
            "payment_received",
            paid | {"numbers": ["PR-2026-004512", "PR-2026-004513"], "path": "/moj/documents/"},
            lazy_pgettext("example", "for several pro-formas"),
        ),
        Example(
            "payment_received",
            paid | {"numbers": [], "owed": 0, "credit": 250_000, "renewed": [], "path": "/moj/credit/"},
            lazy_pgettext("example", "on credit"),
        ),
        Example("quote_sent", quote),
        Example("request_ended", ended | {"state": "done", "answer": ""}, lazy_pgettext("example", "request done")),
        Example(
            "request_ended",
            ended | {"state": "refused", "answer": Typed("Domen je još zaključan.")},
            lazy_pgettext("example", "request refused"),
        ),
    )


def _documents() -> tuple[Example, ...]:
    document = NAME | {
        "number": "PR-2026-000412", "total": 1_440_000, "currency": "RSD", "portal": "Moj Mint",
        "path": "/moj/documents/PR-2026-000412",
    }  # fmt: skip
    to_pay = document | {
        "lines": [Typed("Produženje: Mint Start, sajt.example.rs (1.12.2026 – 30.11.2027)")], "more": 0,
        "owed": 1_440_000, "due_on": date(2026, 12, 1), "reference": "702026000412", "account": "840-955845-10",
    }  # fmt: skip
    storno = document | {
        "number": "ST-2026-000031", "total": -1_440_000, "cancelled": "PR-2026-000412",
        "reason": Typed("Usluga je otkazana."), "credited": 0, "replaced_by": "",
    }  # fmt: skip
    return (
        Example("proforma_issued", to_pay | {"note": Typed("Hvala na poverenju."), "more": 3}),
        Example("proforma_issued", to_pay | {"note": "", "owed": 0}, lazy_pgettext("example", "paid from credit")),
        Example("proforma_reminder", to_pay | {"late": 0, "left": 3}, lazy_pgettext("example", "before it is due")),
        Example("proforma_reminder", to_pay | {"late": 7, "left": 0}, lazy_pgettext("example", "overdue")),
        Example("proforma_cancelled", storno),
        Example(
            "proforma_cancelled",
            storno | {"credited": 500_000, "replaced_by": "PR-2026-000413"},
            lazy_pgettext("example", "replaced by another"),
        ),
    )


def _migrations() -> tuple[Example, ...]:
    moved = NAME | {"ref": "M-0317", "services": [Typed("Hosting S · jovic-studio.example"), Typed("jovic.example")]}
    one = NAME | {"ref": "M-0317", "services": [Typed("Hosting S · jovic-studio.example")]}
    first, second = _document("PR-2026-000117", 123_450), _document("PR-2026-000118", 59_900)
    executed = "migration_executed"
    return (
        Example("migration_requested", moved),
        Example(
            "migration_rejected", NAME | {"ref": "M-0317", "reason": Typed("Novi vlasnik nije potvrdio podatke firme.")}
        ),
        Example(
            executed,
            moved
            | {"recipient": "old", "left": [Typed("Email M · jovic.example")]}
            | {"cancelled": [first | {"storno": "ST-2026-000011"}], "issued": [second]}
            | {"credit": [{"number": "PR-2026-004512", "amount": 500_000, "currency": "RSD"}]}
            | {"domains": ["jovic.rs"], "reverses": ""},
            lazy_pgettext("example", "to the old owner"),
        ),
        Example(
            executed,
            moved
            | {"recipient": "new", "left": [], "cancelled": [], "issued": [first]}
            | {"credit": [], "domains": [], "reverses": ""},
            lazy_pgettext("example", "to the new owner"),
        ),
        Example(
            executed,
            one
            | {"recipient": "old", "left": [], "cancelled": [], "issued": []}
            | {"credit": [], "domains": [], "reverses": "M-0298"},
            lazy_pgettext("example", "to the old owner, no documents"),
        ),
    )


def _migration_steps(base_url: str) -> tuple[Example, ...]:
    one = NAME | {"ref": "M-0317", "services": [Typed("Hosting S · jovic-studio.example")]}
    step: dict[str, Any] = one | {"reason": "", "at": None, "domains": [], "why": None}
    steps: dict[str, dict[str, Any]] = {
        "requested": {}, "accepted": {}, "declined": {"reason": Typed("Nisam ja.")}, "approved": {},
        "scheduled": {"at": UNTIL}, "unscheduled": {}, "postponed": {}, "asked_again": {},
        "rejected": {"reason": Typed("Bez saglasnosti")},
        "withdrawn": {"reason": Typed("Kupac je odustao.")}, "expired": {}, "registry": {"domains": ["jovic.rs"]},
    }  # fmt: skip
    sides = {"accepted", "declined"}
    reasons = ("not_accepted", "not_approved", "not_executed", "not_possible")
    due = {"currency": "RSD", "total": 123_450, "due_on": date(2026, 12, 7), "lines": 1}
    offer = one | {
        "documents": [due], "domains": ["jovic.rs"], "until": UNTIL, "portal": "Moj Mint",
        "link": f"{base_url}/moj/transfer/{TOKEN}",
    }  # fmt: skip
    return (
        Example("migration_offer", offer, lazy_pgettext("example", "with a document")),
        Example("migration_offer", offer | {"documents": [], "domains": []}, lazy_pgettext("example", "no documents")),
        *(
            Example("migration_update", step | values | {"what": what, "side": side}, f"{what}, {side}")
            for what, values in steps.items()
            for side in (("old", "new") if what in sides else ("new",))
        ),
        *(
            Example("migration_update", step | {"what": "expired", "side": side, "why": why}, f"expired, {why}, {side}")
            for why in reasons
            for side in (("old", "new") if why == "not_accepted" else ("new",))
        ),
        Example(
            "migration_stopped",
            {"name": Typed("Snežana Đukić"), "ref": "M-0317", "reason": "…", "at": AT}
            | {"url": f"{base_url}/console/migrations/M-0317"},
        ),
    )


def _document(number: str, total: int) -> dict[str, Any]:
    return {
        "number": number,
        "total": total,
        "currency": "RSD",
        "due_on": date(2026, 11, 30),
        "reference": "97 16 3220000",
    }
