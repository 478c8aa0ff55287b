"""Accounts and their people: verification, sign-in, permissions, profile, handover."""

from __future__ import annotations

from typing import Any

from console.core.texts import lazy_gettext, lazy_pgettext
from console.mail.examples.example import AT, NAME, TOKEN, UNTIL, Example, Typed


def examples(base_url: str) -> tuple[Example, ...]:
    """Return them; ``base_url`` is what links begin with."""
    return (
        *_accounts(),
        *_people(base_url),
        *_sign_in(base_url),
        *_holders(base_url),
    )


def _accounts() -> tuple[Example, ...]:
    account = {"customer": Typed("Jović Studio d.o.o."), "number": "K-10482"}
    seen = NAME | account | {"staff": Typed("Mila Agent"), "at": AT, "until": UNTIL}
    person = {"person": Typed("Petar Ilić")}
    renewed = NAME | account | {"at": AT}
    state = renewed | {"portal": "Moj Mint"}
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
        Example(
            "account_state",
            state | {"state": "suspended", "reason": Typed("Dug stariji od 60 dana")},
            lazy_pgettext("account", "suspended"),
        ),
        Example(
            "account_state",
            state | {"state": "closed", "reason": Typed("Na zahtev vlasnika")},
            lazy_pgettext("account", "closed"),
        ),
        Example(
            "account_state",
            state | {"state": "active", "reason": Typed("Dug je izmiren")},
            lazy_pgettext("account", "open"),
        ),
        Example("pin_locked", NAME | {"at": AT, "until": UNTIL}),
        Example("pin_renewed", renewed | {"by": None}, lazy_gettext("by the person")),
        Example("pin_renewed", renewed | {"by": Typed("Petar Ilić")}, lazy_gettext("by the owner")),
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
        Example("people_changed", changed | {"what": "invited", "whom": ""}, lazy_pgettext("example", "user invited")),
        Example(
            "people_changed",
            changed | {"what": "reinvited", "whom": ""},
            lazy_pgettext("example", "invitation sent again"),
        ),
        Example(
            "people_changed",
            changed | {"what": "revoked", "whom": "", "by_support": True},
            lazy_pgettext("example", "invitation revoked by support"),
        ),
        Example("people_changed", changed | {"what": "details"}, lazy_pgettext("example", "details changed")),
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
        "recovery_stopped_by_owner": lazy_pgettext("example", "lost phone: stopped by an owner"),
        "recovery_refused": lazy_pgettext("example", "lost phone: refused"),
        "recovery_done": lazy_pgettext("example", "lost phone: done"),
        "sso_on": lazy_pgettext("example", "single sign-on on"),
        "sso_off": lazy_pgettext("example", "single sign-on off"),
        "sso_granted": lazy_pgettext("example", "application allowed"),
    }
    more: dict[str, dict[str, Any]] = {
        "passkey_added": {"passkey": Typed("Moj telefon")},
        "passkey_removed": {"passkey": Typed("Moj telefon")},
        "recovery_stopped_by_owner": {"account": "K-10482"},
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
    taxed = {"field": "tax_status", "before": "domestic", "after": "abroad"}
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
        "withdrawn": lazy_pgettext("example", "withdrawn by support"),
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
            profile | {"what": "withdrawn", "by_support": True, "lines": [pib]},
            lazy_pgettext("example", "correction withdrawn by support"),
        ),
        Example(
            "profile_changed",
            decided | {"what": "confirmed", "lines": [pib, taxed]},
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
