"""Example values of every mail template: what the console's previews show and what the tests try.

Whatever a person could have typed is a :class:`Typed`, so that the tests can put something evil in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.mail.templates import Rendered, render

AT = datetime(2026, 11, 23, 13, 42, tzinfo=UTC)
UNTIL = datetime(2026, 11, 23, 14, 12, tzinfo=UTC)
TICKET = "T-20418"
# What a link looks like. The token belongs to no one.
TOKEN = "example-of-a-link-that-opens-nothing"  # noqa: S105


class Typed(str):
    """A value that a person typed."""

    __slots__ = ()


@dataclass(frozen=True)
class Example:
    """One template with values for it. ``case`` tells apart the several examples of one template."""

    template: str
    values: Mapping[str, Any]
    case: Text = ""

    def render(self, language: str, *, brand: str, base_url: str) -> Rendered:
        """Render both parts in ``language``."""
        return render(self.template, language, brand=brand, base_url=base_url, **self.values)


def examples(base_url: str) -> tuple[Example, ...]:
    """Return an example of every template, several where it says several things."""
    return (
        *_accounts(),
        *_people(base_url),
        *_sign_in(base_url),
        *_holders(base_url),
        *_migrations(),
        *_migration_steps(base_url),
        *_services(),
        *_documents(),
        *_tickets(base_url),
        *_targets(),
        *_staff(base_url),
    )


NAME = {"name": Typed("Ana Jović")}


def _staff(base_url: str) -> tuple[Example, ...]:
    name = {"name": Typed("Mila Agent")}
    return (
        Example("staff_password_reset", name | {"link": f"{base_url}/reset/{TOKEN}", "until": UNTIL}),
        Example("staff_password_changed", name | {"at": AT}),
    )


def _accounts() -> tuple[Example, ...]:
    account = {"customer": Typed("Jović Studio d.o.o."), "number": "K-10482"}
    seen = NAME | account | {"staff": Typed("Mila Agent"), "at": AT, "until": UNTIL}
    person = {"person": Typed("Petar Ilić")}
    renewed = NAME | account | {"at": AT}
    return (
        Example("verification", seen | person | {"channel": "phone", "role": "owner"}, lazy_gettext("by phone")),
        Example("verification", seen | person | {"channel": "mail", "role": "user"}, lazy_gettext("by e-mail")),
        Example("verification", seen | person | {"channel": "chat", "role": "contact"}, lazy_gettext("in a chat")),
        Example("verification", seen | person | {"channel": "ticket", "role": "owner"}, lazy_gettext("on a ticket")),
        Example(
            "verification",
            seen | person | {"channel": "portal", "role": "user", "staff": ""},
            lazy_gettext("in the portal"),
        ),
        Example(
            "override", seen | {"channel": "override", "reason": Typed("Prijava zloupotrebe, vlasnik se ne javlja")}
        ),
        Example("pin_locked", NAME | {"at": AT, "until": UNTIL}),
        Example("pin_renewed", renewed | {"by": None}, lazy_gettext("by the person")),
        Example("pin_renewed", renewed | {"by": Typed("Petar Ilić")}, lazy_gettext("by the owner")),
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


def _people(base_url: str) -> tuple[Example, ...]:
    account = {"customer": Typed("Jović Studio d.o.o."), "by": Typed("Petar Ilić")}
    changed = NAME | account | {
        "number": "K-10482", "whom": Typed("Jelena Tot"), "email": Typed("jelena@example.test"), "by_support": False,
    }  # fmt: skip
    sign_in = NAME | {"portal": "Moj Mint"}
    invitation = account | {"link": f"{base_url}/moj/invitation/{TOKEN}", "until": UNTIL, "portal": "Moj Mint"}
    return (
        Example("invitation", invitation),
        Example("export_ready", sign_in | {"link": f"{base_url}/moj/export/{TOKEN}", "until": UNTIL}),
        Example(
            "erasure_requested",
            sign_in | {"due": UNTIL, "by_support": False},
            lazy_pgettext("example", "by the person"),
        ),
        Example("erasure_cancelled", sign_in | {"due": UNTIL, "by_support": False}),
        Example("registration", {"portal": "Moj Mint", "link": f"{base_url}/moj/register/{TOKEN}", "until": UNTIL}),
        Example("registration_known", {"portal": "Moj Mint", "link": f"{base_url}/moj/login", "until": UNTIL}),
        Example("person_password_reset", sign_in | {"link": f"{base_url}/moj/reset/{TOKEN}", "until": UNTIL}),
        Example(
            "person_password_changed", sign_in | {"at": AT, "until": None}, lazy_pgettext("example", "by the person")
        ),
        Example(
            "person_password_changed", sign_in | {"at": AT, "until": UNTIL}, lazy_pgettext("example", "through a link")
        ),
        Example("people_changed", changed | {"what": "added"}, lazy_pgettext("example", "contact added")),
        Example(
            "people_changed", changed | {"what": "joined", "by": ""}, lazy_pgettext("example", "invitation accepted")
        ),
        Example(
            "people_changed",
            changed | {"what": "changed", "by_support": True},
            lazy_pgettext("example", "permissions changed by support"),
        ),
        Example("people_changed", changed | {"what": "removed"}, lazy_pgettext("example", "person removed")),
        Example(
            "dns_changed",
            NAME
            | {
                "domain": "jovic.example",
                "by": "Jovana Živković",
                "added": [Typed("www 3600 IN A 203.0.113.10"), Typed('@ 3600 IN TXT "v=spf1 mx -all"')],
                "removed": [Typed("www 3600 IN A 203.0.113.9")],
                "more": 3,
            },
        ),
    )


def _sign_in(base_url: str) -> tuple[Example, ...]:
    portal = NAME | {"portal": "Moj Mint"}
    changed = portal | {"at": AT, "until": None, "passkey": "", "application": "", "account": ""}
    stop = f"{base_url}/moj/recovery/stop/{TOKEN}"
    owner = portal | {
        "whom": Typed("Jelena Tot"), "email": Typed("jelena@example.test"), "customer": Typed("Jović Studio d.o.o."),
        "number": "K-10482", "cancel": stop, "ready": UNTIL,
    }  # fmt: skip
    notices = {
        "totp_on": lazy_pgettext("example", "two-factor authentication on"),
        "totp_off": lazy_pgettext("example", "two-factor authentication off"),
        "codes_renewed": lazy_pgettext("example", "new recovery codes"),
        "code_used": lazy_pgettext("example", "recovery code used"),
        "passkey_added": lazy_pgettext("example", "passkey added"),
        "passkey_removed": lazy_pgettext("example", "passkey removed"),
        "recovery_cancelled": lazy_pgettext("example", "lost phone: stopped"),
        "recovery_refused": lazy_pgettext("example", "lost phone: refused"),
        "recovery_done": lazy_pgettext("example", "lost phone: done"),
        "sso_on": lazy_pgettext("example", "single sign-on on"),
        "sso_off": lazy_pgettext("example", "single sign-on off"),
        "sso_granted": lazy_pgettext("example", "application allowed"),
    }
    more: dict[str, dict[str, Any]] = {
        "passkey_added": {"passkey": Typed("Moj telefon")},
        "passkey_removed": {"passkey": Typed("Moj telefon")},
        "recovery_done": {"until": UNTIL},
        "sso_on": {"account": "K-10482"},
        "sso_off": {"account": "K-10482"},
        "sso_granted": {"account": "K-10482", "application": "Webmail"},
    }
    lost = {"link": f"{base_url}/moj/recovery/{TOKEN}", "cancel": stop, "ready": AT, "until": UNTIL}
    return (
        Example("person_new_sign_in", portal | {"device": "Chrome, Windows", "address": "203.0.113.7", "at": AT}),
        *(
            Example("security_notice", changed | {"what": key} | more.get(key, {}), case)
            for key, case in notices.items()
        ),
        Example("device_recovery", portal | lost),
        Example("device_recovery_notice", owner),
    )


def _holders(base_url: str) -> tuple[Example, ...]:
    account = NAME | {"customer": Typed("Jović Studio d.o.o."), "number": "K-10482"}
    profile = account | {"answer": "", "by_support": False, "by": Typed("Petar Ilić")}
    decided = profile | {"by": "Petar Ilić"}  # they do not say who
    street = {"field": "address", "before": Typed("Ulica lipa 2"), "after": Typed("Bulevar kralja Petra 14")}
    pib = {"field": "pib", "before": Typed("100000024"), "after": Typed("100000032")}
    stranger = {"name": ""}  # who gets it may be no one who asked: it greets without a name
    portal = NAME | {"portal": "Moj Mint", "new_email": Typed("ana.nova@example.test"), "at": AT, "until": UNTIL}
    link = {"link": f"{base_url}/moj/email/confirm/{TOKEN}"}
    update = account | {"portal": "Moj Mint", "email": Typed("novi@example.test"), "at": AT, "until": UNTIL}
    offer = (
        update
        | stranger
        | {"by": Typed("Petar Ilić"), "email": "novi@example.test", "link": f"{base_url}/moj/handover/accept/{TOKEN}"}
    )
    steps = {
        "started": lazy_pgettext("example", "offered"),
        "refused": lazy_pgettext("example", "declined"),
        "expired": lazy_pgettext("example", "not answered"),
        "gone": lazy_pgettext("example", "to the old owner"),
        "received": lazy_pgettext("example", "to the new owner"),
    }
    unsaid = {"gone": {"customer": "Jović Studio d.o.o."}, "received": {"email": "novi@example.test"}}
    return (
        Example(
            "profile_changed",
            profile | {"what": "changed", "by_support": True, "lines": [street]},
            lazy_pgettext("example", "changed by support"),
        ),
        Example("profile_changed", profile | {"what": "asked", "lines": [pib]}, lazy_pgettext("example", "correction")),
        Example(
            "profile_changed",
            decided | {"what": "confirmed", "lines": [pib]},
            lazy_pgettext("example", "correction confirmed"),
        ),
        Example(
            "profile_changed",
            decided | {"what": "refused", "lines": [pib], "answer": Typed("Taj PIB pripada drugoj firmi.")},
            lazy_pgettext("example", "correction refused"),
        ),
        Example("email_change_old", portal | link),
        Example("email_change_new", portal | stranger | {"new_email": "ana.nova@example.test"} | link),
        Example(
            "email_change_known",
            portal | stranger | {"new_email": "ana.nova@example.test", "link": f"{base_url}/moj/login"},
        ),
        Example("email_changed", portal),
        Example("handover_offer", offer),
        *(
            Example("handover_update", update | unsaid.get(what, {}) | {"what": what}, case)
            for what, case in steps.items()
        ),
        Example("device_recovery_review", NAME | {"ready": AT, "url": f"{base_url}/console/recoveries/"}),
        Example(
            "verification_disputed",
            account
            | {
                "customer": "Jović Studio d.o.o.",
                "person": Typed("Petar Ilić"),
                "staff": Typed("Mila Agent"),
                "channel": "phone",
                "at": AT,
            }
            | {"url": f"{base_url}/console/customers/K-10482"},
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
    step: dict[str, Any] = one | {"reason": "", "at": None, "domains": []}
    steps: dict[str, dict[str, Any]] = {
        "requested": {}, "accepted": {}, "declined": {"reason": Typed("Nisam ja.")}, "approved": {},
        "scheduled": {"at": UNTIL}, "unscheduled": {}, "postponed": {},
        "rejected": {"reason": Typed("Bez saglasnosti")},
        "withdrawn": {"reason": Typed("Kupac je odustao.")}, "expired": {}, "registry": {"domains": ["jovic.rs"]},
    }  # fmt: skip
    sides = {"accepted", "declined"}
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


def _tickets(base_url: str) -> tuple[Example, ...]:
    ticket = NAME | {
        "number": TICKET,
        "subject": Typed("Pošta ne stiže od jutros"),
        "link": f"{base_url}/t/{TOKEN}",
    }
    answer = {
        "body": Typed(
            "Poštovana Ana,\n\nMX zapis domena pokazivao je na stari server. Vratili smo ga, "
            "i pošta stiže od 14:20.\n\nAko nešto još ne stiže, odgovorite na ovu poruku."
        ),
        "agent": Typed("Mila"),
        "desk": "Tehnička podrška, Mint podrška",
        "heading": Typed("Re: Pošta ne stiže od jutros"),
    }
    copy = {name: answer[name] for name in ("body", "agent", "desk", "heading")} | {
        "number": TICKET,
        "subject": ticket["subject"],
    }
    forwarded = {
        "heading": Typed("Fwd: Pošta ne stiže od jutros"),
        "body": Typed("Možete li da proverite MX zapis kod sebe?"),
        "sender": Typed("Mila Petrović"),
        "number": TICKET,
        "subject": ticket["subject"],
        "messages": [{"name": Typed("Ana Jović"), "at": AT, "body": Typed("Od jutros ne stiže nijedna poruka.")}],
    }
    answered = ticket | {
        "requester": Typed("Petar Ilić"), "customer": Typed("Jović Studio d.o.o."), "portal": "Moj Mint",
        "link": f"{base_url}/moj/tickets/{TICKET}",
    }  # fmt: skip
    return (
        Example("ticket_answered", answered, lazy_pgettext("example", "for people who may read it")),
        Example("ticket_answered", answered | {"link": ""}, lazy_pgettext("example", "for people who may not")),
        Example("ticket_copy", copy),
        Example("ticket_forward", forwarded | {"left_out": False}),
        Example("ticket_forward", forwarded | {"left_out": True}, lazy_pgettext("example", "of a long ticket")),
        Example("ticket_opened", ticket | {"heading": ""}),
        Example(  # its sender is proven: their own subject
            "ticket_opened", ticket | {"heading": "Re: Upit"}, lazy_pgettext("example", "in reply to an e-mail")
        ),
        Example("ticket_reply", ticket | answer),
        Example("ticket_solved", ticket | {"rates": True, "heading": answer["heading"]}),
        Example("chat_transcript", _chat()),
        Example("chat_transcript_link", {"number": "C-50031", "at": AT, "link": f"{base_url}/chat/transcript/{TOKEN}"}),
        Example("verification_asked", ticket | {"url": f"{base_url}/v/{TOKEN}", "minutes": 30}),
    )


def _chat() -> dict[str, Any]:
    lines = (
        ("Ana", "Dobar dan, sajt mi ne radi od jutros.\nNa telefonu piše da nije siguran."),
        ("Mila", "Dobar dan. Sertifikat je istekao jutros; obnovljen je, osvežite stranicu."),
        ("Ana", "Radi, hvala."),
    )
    return {
        "number": "C-50031",
        "at": AT,
        "lines": [{"at": AT, "name": Typed(name), "body": Typed(body)} for name, body in lines],
    }


def _targets() -> tuple[Example, ...]:
    lines = [
        _target(TICKET, "Pošta ne stiže od jutros", "first_answer", "Mila Agent"),
        _target("T-20391", "Kako da promenim lozinku za FTP?", "next_answer", ""),
        _target("T-20377", "Sajt je spor", "solution", "Nikola Agent"),
    ]
    return (
        Example("sla_targets_at_risk", NAME | {"lines": lines, "count": 3, "more": 0}),
        Example("sla_targets_missed", NAME | {"lines": lines, "count": 5, "more": 2}),
    )


def _target(number: str, subject: str, kind: str, assignee: str) -> dict[str, Any]:
    return {
        "number": number,
        "subject": Typed(subject),
        "kind": kind,
        "due_at": UNTIL,
        "assignee": Typed(assignee) if assignee else "",
    }
