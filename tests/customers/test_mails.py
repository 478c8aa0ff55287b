"""The mails: complete in both languages, nothing loaded, nothing that was typed taken for markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask

from console.mail.examples import TOKEN, Example, Typed, examples
from console.mail.labels import TEMPLATES
from console.mail.templates import FOLDER, Rendered, names, render

BRAND, BASE = "Mint podrška", "https://console.example.test"
EVIL = '<b>Ana</b> & "sinovi"\r\nBcc: x@example.test'
LINK, CARD = f"{BASE}/t/{TOKEN}", f"{BASE}/v/{TOKEN}"
SILENT = {
    "registration",
    "registration_known",
    "ticket_opened",
    "chat_transcript_link",
    "email_change_new",
    "email_change_known",
}  # never repeats what was typed: it may go to a person who asked nothing
TO_STAFF = {"sla_targets_at_risk", "sla_targets_missed"}
EXAMPLES = examples(BASE)
IDS = [f"{one.template}-{number}" for number, one in enumerate(EXAMPLES)]


def retyped(example: Example, text: str) -> Example:
    """Return the example with ``text`` in place of everything that a person typed."""
    return replace(example, values=_retyped(example.values, text))


def _retyped(value: Any, text: str) -> Any:
    if isinstance(value, Typed):
        return Typed(text)
    if isinstance(value, Mapping):
        return {name: _retyped(one, text) for name, one in value.items()}
    return [_retyped(one, text) for one in value] if isinstance(value, list) else value


def rendered(app: Flask, example: Example, language: str) -> Rendered:
    with app.app_context():
        return example.render(language, brand=BRAND, base_url=BASE)


def check_each(app: Flask, check: Callable[[Example, Rendered], None], *, typed: str | None = None) -> None:
    """Check every mail in both languages, ``typed`` in it where people type, and tell all that is wrong together."""
    wrong = []
    for name, plain in zip(IDS, EXAMPLES, strict=True):
        example = plain if typed is None else retyped(plain, typed)
        for language in ("sr_Latn", "en"):
            mail = rendered(app, example, language)
            try:
                assert f'lang="{"sr-Latn" if language == "sr_Latn" else "en"}"' in mail.html
                check(example, mail)
            except AssertionError as error:
                wrong.append(f"{name}, {language}: {error}")
    assert not wrong, "\n".join(wrong)


def test_each_is_whole_and_harmless(sqlite_app: Flask) -> None:
    check_each(sqlite_app, _check_whole_and_harmless, typed=EVIL)


def _check_whole_and_harmless(example: Example, mail: Rendered) -> None:
    assert mail.subject and "\n" not in mail.subject and "\r" not in mail.subject
    assert "%(" not in mail.subject + mail.text + mail.html
    assert len(mail.text.splitlines()) > 4 and BRAND in mail.text
    assert not re.search(r"[^\s(]https?://", mail.text)  # a block that ends its line takes the line's end along
    assert "<b>" not in mail.html
    if example.template in SILENT:
        assert "&lt;b&gt;" not in mail.html and "sinovi" not in mail.subject + mail.text
    else:
        assert "&lt;b&gt;" in mail.html and "sinovi" in mail.text
    assert not re.search(r"<(script|img|link|iframe)|url\(|@import", mail.html)
    assert _targets(mail.html) <= _allowed(example.template) | FOOT


def _targets(html: str) -> set[str]:
    return set(re.findall(r'(?:href|src)="([^"]*)"', html))


FOOT = {f"{BASE}/help/", f"{BASE}/help/privacy"}
ALLOWED = {
    "verification_asked": {CARD, f"{BASE}/moj/"},
    "staff_password_reset": {f"{BASE}/reset/{TOKEN}"},
    "staff_password_changed": {f"{BASE}/login/forgotten"},
    "person_password_reset": {f"{BASE}/moj/reset/{TOKEN}"},
    "person_password_changed": {f"{BASE}/moj/forgotten"},
    "person_new_sign_in": {f"{BASE}/moj/sessions"},
    "security_notice": {f"{BASE}/moj/security"},
    "device_recovery": {f"{BASE}/moj/recovery/{TOKEN}", f"{BASE}/moj/recovery/stop/{TOKEN}"},
    "device_recovery_notice": {f"{BASE}/moj/recovery/stop/{TOKEN}"},
    "registration": {f"{BASE}/moj/register/{TOKEN}"},
    "registration_known": {f"{BASE}/moj/login"},
    "invitation": {f"{BASE}/moj/invitation/{TOKEN}"},
    "migration_offer": {f"{BASE}/moj/transfer/{TOKEN}"},
    "migration_stopped": {f"{BASE}/console/migrations/M-0317"},
    "export_ready": {f"{BASE}/moj/export/{TOKEN}"},
    "erasure_requested": {f"{BASE}/moj/privacy"},
    "erasure_cancelled": {f"{BASE}/moj/privacy"},
    "people_changed": {f"{BASE}/moj/users/"},
    "profile_changed": {f"{BASE}/moj/profile?account=K-10482"},
    "email_change_old": {f"{BASE}/moj/email/confirm/{TOKEN}"},
    "email_change_new": {f"{BASE}/moj/email/confirm/{TOKEN}"},
    "email_change_known": {f"{BASE}/moj/login"},
    "handover_offer": {f"{BASE}/moj/handover/accept/{TOKEN}"},
    "handover_update": {f"{BASE}/moj/handover?account=K-10482", f"{BASE}/moj/?account=K-10482"},
    "device_recovery_review": {f"{BASE}/console/recoveries/"},
    "verification_disputed": {f"{BASE}/console/customers/K-10482"},
    "payment_received": {f"{BASE}/moj/documents/PR-2026-004512", f"{BASE}/moj/documents/", f"{BASE}/moj/credit/"},
    "dns_changed": {f"{BASE}/moj/domains/jovic.example/history"},
    "ticket_answered": {f"{BASE}/moj/tickets/T-20418"},
    "proforma_issued": {f"{BASE}/moj/documents/PR-2026-000412"},
    "proforma_reminder": {f"{BASE}/moj/documents/PR-2026-000412"},
    "proforma_cancelled": {f"{BASE}/moj/documents/PR-2026-000412"},
    "quote_sent": {f"{BASE}/moj/quotes/P-0012"},
    "request_ended": {f"{BASE}/moj/requests/"},
    "chat_transcript": set(),
    "chat_transcript_link": {f"{BASE}/chat/transcript/{TOKEN}"},
}


def _allowed(template: str) -> set[str]:
    if template in TO_STAFF:
        return {f"{BASE}/console/tickets/{number}" for number in ("T-20418", "T-20391", "T-20377")}
    if template in ALLOWED:
        return ALLOWED[template]
    scores = {f"{LINK}?score={score}#rate" for score in range(1, 6)}
    return {LINK, *scores, f"{LINK}#answer"} if template.startswith("ticket_") else {f"{BASE}/moj/"}


def test_both_parts_say_the_same(sqlite_app: Flask) -> None:
    """Whoever reads the text alone is not told less: each link, each value that was typed."""
    check_each(sqlite_app, _check_both_parts)


def _check_both_parts(example: Example, mail: Rendered) -> None:
    assert {target.partition("#")[0] for target in _targets(mail.html)} <= set(re.findall(r"https://\S+", mail.text))
    whole = mail.subject + mail.text
    for value in _typed(example.values):
        assert (value in whole) == (example.template not in SILENT and _is_shown(example, value)), value


def _typed(value: object) -> list[str]:
    if isinstance(value, Typed):
        return [str(value)]
    if isinstance(value, dict):
        return [text for one in value.values() for text in _typed(one)]
    return [text for one in value for text in _typed(one)] if isinstance(value, list) else []


def _is_shown(example: Example, value: str) -> bool:
    """Return whether the mail names this value: an answer greets by itself, who asks for identity names no subject."""
    values = example.values
    unsaid: dict[str, list[str | None]] = {
        "ticket_reply": [values.get("name")],
        "verification_asked": [values.get("subject")],
        "sla_targets_at_risk": ["Mila Agent", "Nikola Agent"],
    }
    return value not in unsaid.get(example.template, [])


def test_each_template_is_tried() -> None:
    there = set(names())
    assert there == {example.template for example in EXAMPLES} == set(TEMPLATES)
    assert all((FOLDER / f"{name}{end}").exists() for name in there for end in (".txt", ".html"))


def test_times_and_amounts_are_written_for_their_reader(sqlite_app: Flask) -> None:
    moved = next(one for one in EXAMPLES if one.values.get("recipient") == "new")
    locked = next(one for one in EXAMPLES if one.template == "pin_locked")
    serbian, english = (rendered(sqlite_app, moved, language).text for language in ("sr_Latn", "en"))
    assert "1.234,50 RSD" in serbian and "30.11.2026." in serbian
    assert "1,234.50 RSD" in english and "30 Nov 2026" in english
    assert "23.11.2026. 15:12" in rendered(sqlite_app, locked, "sr_Latn").text  # Belgrade, not UTC


def test_a_line_break_never_reaches_the_subject(sqlite_app: Flask) -> None:
    example = next(one for one in EXAMPLES if one.template == "ticket_reply")
    values = retyped(example, "a\r\nBcc: x@example.test\u2028b")
    with sqlite_app.app_context():
        subject = render("ticket_reply", "en", brand=BRAND, base_url=BASE, **values.values).subject
    assert subject.startswith("a") and subject.isprintable()
