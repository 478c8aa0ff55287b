"""Tickets, chats and what staff get."""

from __future__ import annotations

from typing import Any

from console.core.texts import lazy_pgettext
from console.mail.examples.example import AT, NAME, TICKET, TOKEN, UNTIL, Example, Typed


def examples(base_url: str) -> tuple[Example, ...]:
    """Return them; ``base_url`` is what links begin with."""
    return (
        *_tickets(base_url),
        *_targets(),
        *_staff(base_url),
    )


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


def _staff(base_url: str) -> tuple[Example, ...]:
    name = {"name": Typed("Mila Agent")}
    return (
        Example("staff_password_reset", name | {"link": f"{base_url}/reset/{TOKEN}", "until": UNTIL}),
        Example("staff_password_changed", name | {"at": AT}),
    )
