# ruff: noqa: E501  (mails as servers write them)
"""What is read of a message: quotes folded, servers' results, reports, HTML that runs and loads nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from console.core.settings import Settings
from console.mail.receiving import authentication, bounces, quoting
from console.mail.receiving.cards import invitations, vcards
from console.mail.receiving.charsets import decode
from console.mail.receiving.classification import classify
from console.mail.receiving.images import draw
from console.mail.receiving.message import ReadMail, read_message
from console.mail.receiving.models import IncomingKind, Proof
from tests.mail.receiving.hostile import WRAPS, payloads
from tests.mail.receiving.odd import _HTML, _IMAGE, multipart
from tests.tickets.mail_in.scene import make_raw

pytestmark = pytest.mark.sqlite


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, mail_authserv_id="mx.test")


def read(**more: str) -> ReadMail:
    return read_message(make_raw(**more))


# --- quotes

QUOTES = {
    "gmail sr": "уто, 24. нов 2026. у 10:15 Mint podrška <p@x.rs> је написао/ла:\n\n> Rešeno.\n> Pozdrav",
    "gmail sr latin": "uto, 24. nov 2026. u 10:15 Mint podrška <p@x.rs> je napisao/la:\n\n> Rešeno.",
    "gmail en": "On Tue, Nov 24, 2026 at 10:15 AM Mint <p@x.rs> wrote:\n\n> Rešeno.\n> Pozdrav",
    "gmail wrapped": "On Tue, Nov 24, 2026 at 10:15 AM Mint podrška\n<podrska@example.test> wrote:\n\n> Rešeno.",
    "thunderbird sr": "Dana 24.11.2026. u 10:15, Mint podrška je napisao(la):\n> Rešeno.",
    "apple sr": "Dana 24. 11. 2026., u 10:15, Mint podrška <p@x.rs> napisao je:\n\n> Rešeno.",
    "outlook en": "From: Mint podrška <p@x.rs>\nSent: Tuesday, November 24, 2026 10:15\nTo: Ana\nSubject: Sajt\n\nRešeno.",
    "outlook sr": "________________________________\nŠalje: Mint podrška\nPoslato: 24.11.2026. 10:15\nPrima: Ana\nTema: Sajt\n\nRešeno.",
    "outlook sr 2": "Od: Mint podrška\nDatum: utorak, 24. novembar 2026.\nZa: Ana\nPredmet: Sajt\n\nRešeno.",
    "outlook cyrillic": "Шаље: Mint\nПослато: 24.11.2026.\nПрима: Ана\nТема: Сајт\n\nРешено.",
    "old outlook": "-----Originalna poruka-----\nFrom: Mint\nRešeno.",
    "signature": "-- \nAna Petrović\nDirektorka",
    "telephone": "Poslato sa mog iPhone uređaja",
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_what_is_quoted_is_folded(quote: str) -> None:
    folded = quoting.fold_quoted(f"Hvala, radi.\n\n{quote}")
    assert folded.text == "Hvala, radi."
    assert folded.rest.replace("\n", "") == quote.strip("\n").replace("\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "On 24.11. at 10:15, Mint <a@b.rs> wrote:\n> Da li radi?\nRadi.\n> A pošta?\nI pošta.",
        "> Sve je citat.\n> I ovo.",
        "From: mene\nZdravo",
        "Napisao sam 24.11.2026. u 10:15 ovo:\nprva stavka",
        "Spisak:\n- prvo\n- drugo",
        "",
    ],
)
def test_what_is_no_quote_at_the_end_stays(text: str) -> None:
    assert quoting.fold_quoted(text).text == text


# --- who it is from


@pytest.mark.parametrize(
    ("header", "proof"),
    [
        ("mx.test; dmarc=pass header.from=gost.test", Proof.PASSED),
        ("mx.test 1; DMARC=Pass (policy=none; x) header.From=GOST.test", Proof.PASSED),
        ("mx.test; dmarc=pass header.from=other.test", Proof.NONE),
        ("mx.test; dmarc=fail header.from=gost.test; dkim=pass header.d=gost.test", Proof.FAILED),
        ("mx.test; dmarc=none; dkim=pass header.d=mail.gost.test", Proof.PASSED),
        ("mx.test; dkim=pass header.d=test", Proof.NONE),
        ("mx.test; dkim=pass header.d=evilgost.test", Proof.NONE),
        ('mx.test; spf=pass smtp.mailfrom="x@gost.test"', Proof.PASSED),
        ("mx.test; spf=fail smtp.mailfrom=x@gost.test", Proof.FAILED),
        ("mx.test; spf=pass smtp.mailfrom=x@zli.test (dmarc=pass header.from=gost.test)", Proof.NONE),
        ("mx.test; none", Proof.NONE),
        ("zli.test; dmarc=pass header.from=gost.test", Proof.NONE),
        ('"mx.test"x; dmarc=pass header.from=gost.test', Proof.NONE),
        ("", Proof.NONE),
    ],
)
def test_the_trusted_servers_result(app: Flask, header: str, proof: Proof) -> None:
    with app.app_context():
        assert authentication.authenticate(read_message(make_raw(auth=header))).proof is proof


def test_two_senders_prove_nothing(app: Flask) -> None:
    passed = "mx.test; dmarc=pass header.from=gost.test"
    raw = make_raw(auth=passed).replace(b"\nTo:", b"\nFrom: x@gost.test\nTo:", 1)
    with app.app_context():
        assert authentication.authenticate(read_message(raw)).proof is Proof.FAILED


# --- delivery reports


def report(status: str, action: str, diagnostic: str, *, text: str = "", original: str = "<nas@example.test>") -> bytes:
    lines = [
        "From: MAILER-DAEMON@gost.test", "To: podrska@example.test", "Subject: Undelivered Mail Returned to Sender",
        "Message-ID: <r@gost.test>", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="gr"', "", "--gr",
        "Content-Type: text/plain", "", text or "I am sorry.", "--gr", "Content-Type: message/delivery-status", "",
        "Reporting-MTA: dns; mx.gost.test", "", "Final-Recipient: rfc822; ana@gost.test", f"Action: {action}",
        f"Status: {status}", f"Diagnostic-Code: smtp; {diagnostic}", "", "--gr", "Content-Type: text/rfc822-headers", "",
        f"Message-ID: {original}", "Subject: x", "", "--gr--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("status", "action", "reason", "hard", "delayed"),
    [
        ("5.1.1", "failed", "550 5.1.1 User unknown", True, False),
        ("5.1.10", "failed", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", True, False),
        ("5.0.0", "failed", "550 No such user here", True, False),
        ("5.2.2", "failed", "552 5.2.2 Mailbox full", False, False),
        ("5.7.1", "failed", "550 5.7.1 Message rejected as spam", False, False),
        ("5.4.4", "failed", "Host or domain name not found", True, False),
        ("4.4.1", "delayed", "Connection timed out", False, True),
        ("4.2.2", "failed", "452 4.2.2 Over quota", False, False),
    ],
)
def test_reports_by_the_standard(status: str, action: str, reason: str, hard: bool, delayed: bool) -> None:
    mail = read_message(report(status, action, reason))
    assert bounces.is_bounce(mail)
    bounce = bounces.read_bounce(mail)
    assert (bounce.status, bounce.hard, bounce.delayed) == (status, hard, delayed)
    assert bounce.recipients == ("ana@gost.test",)
    assert bounce.message_ids[0] == "<nas@example.test>"


TEXTS = {
    "postfix": ("Undelivered Mail Returned to Sender", "This is the mail system at host mx.\n<ana@gost.test>: 550 5.1.1 User unknown"),
    "exim": ("Mail delivery failed: returning message to sender", "A message that you sent could not be delivered.\n  ana@gost.test\n    550 No such user"),
    "qmail": ("failure notice", "Hi. This is the qmail-send program at x.\n<ana@gost.test>:\nSorry, no mailbox here by that name. (#5.1.1)"),
    "gmail": ("Delivery Status Notification (Failure)", "Address not found\nYour message wasn't delivered to ana@gost.test. 550-5.1.1 The email account does not exist."),
    "outlook": ("Undeliverable: Sajt", "Delivery has failed to these recipients or groups:\nana@gost.test\n550 5.1.10 RecipientNotFound"),
    "yahoo": ("Failure Notice", "Sorry, we were unable to deliver your message to the following address.\n<ana@gost.test>:\n554: delivery error: This user doesn't have a yahoo.com account"),
    "sendmail": ("Returned mail: see transcript for details", "The following addresses had permanent fatal errors\n<ana@gost.test>\n(reason: 550 5.1.1 User unknown)"),
    "icloud": ("Undelivered Mail Returned to Sender", "<ana@gost.test>: host mx said: 550 5.1.1 <ana@gost.test>: user does not exist"),
    "serbian": ("Isporuka nije uspela", "Poruka nije isporučena.\nana@gost.test: 550 5.1.1 nepoznat korisnik"),
    "mdaemon": ("Mail delivery failed", "550 Recipient address rejected: no such user ana@gost.test"),
}  # fmt: skip


@pytest.mark.parametrize(("subject", "text"), TEXTS.values(), ids=TEXTS)
def test_reports_of_servers_that_write_none(app: Flask, subject: str, text: str) -> None:
    raw = make_raw(text, subject=subject, sender="MAILER-DAEMON@gost.test", Return_Path="<>")
    mail = read_message(raw)
    with app.app_context():
        assert classify(mail)[0] is IncomingKind.BOUNCE
    bounce = bounces.read_bounce(mail)
    assert "ana@gost.test" in bounce.recipients
    assert bounce.status.startswith("5")


def test_a_person_who_writes_of_a_report_is_none(app: Flask) -> None:
    with app.app_context():
        assert classify(read(text="Stigla mi je poruka: Delivery has failed.", subject="Undeliverable"))[0] is (
            IncomingKind.PERSON
        )


# --- invitations and cards


def test_invitations_and_cards() -> None:
    text = "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:Sas\n tanak\\, drugi\nDTSTART;TZID=Europe/Belgrade:20261201T090000\n"
    (event,) = invitations(f"{text}LOCATION:Beograd\nORGANIZER;CN=A:mailto:a@b.rs\nEND:VEVENT\nEND:VCALENDAR")
    assert event.kind == "cancelled"
    assert event.facts == {
        "what": "Sastanak, drugi", "starts": "2026-12-01T09:00:00", "where": "Beograd", "by": "a@b.rs",
    }  # fmt: skip
    (card,) = vcards("BEGIN:VCARD\nFN:Ana\nitem1.EMAIL;TYPE=x:a@b.rs\nEND:VCARD\nBEGIN:VCARD")
    assert card.facts == {"name": "Ana", "email": "a@b.rs"}


# --- broken lines


@pytest.mark.parametrize(
    ("parameters", "body", "text"),
    [
        ("format=flowed", "Dobar dan, \r\nne radi \r\nsajt.\r\nHvala", "Dobar dan, ne radi sajt.\nHvala"),
        ("Format=Flowed; DelSp=Yes", "PIN je 123 \r\n456, ne radi  \r\nsajt.", "PIN je 123456, ne radi sajt."),
        ("format=flowed", " razmak\r\n >ovo nije citat \r\n From nije zaglavlje", "razmak\n>ovo nije citat From nije zaglavlje"),
        ("format=flowed", ">> prvi \r\n>> citat \r\n> drugi \r\nmoje \r\n-- \r\nAna", ">> prvi citat\n> drugi\nmoje\n--\nAna"),
        ("format=fixed; delsp=yes", "ne radi \r\nsajt", "ne radi\nsajt"),
    ],
)  # fmt: skip
def test_flowed_lines_are_put_together(parameters: str, body: str, text: str) -> None:
    head = f"From: a@gost.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8; {parameters}\r\n\r\n"
    assert read_message((head + body).encode()).text == text


# --- charsets


@pytest.mark.parametrize("spoiled", [b"\xff", b"\x96", b"\xc4", b"\xe8"])
@pytest.mark.parametrize("text", ["Poštovani, čekam već dva dana. Živeli.", "Поштовани, не ради ми сајт."])
@pytest.mark.parametrize("charset", ["utf-8", None])
def test_one_wrong_byte_costs_no_other_letter(spoiled: bytes, text: str, charset: str | None) -> None:
    assert decode(text.encode() + b" " + spoiled, charset) == f"{text} \ufffd"
    assert decode(f"{text} č".encode()[:-1], charset) == f"{text} \ufffd"  # cut off


# --- HTML


def test_no_part_swallows_the_next() -> None:
    part = b"Content-Type: text/html\r\n\r\n"
    mail = read_message(multipart(part + b"<p>prvi<!-- <style>", part + b"<p>drugi</p>")(None, b"3"))  # type: ignore[arg-type]
    assert "prvi" in draw(mail).document and "<p>drugi</p>" in draw(mail).document
    assert mail.text == "prvi\n\ndrugi"


def test_own_images_are_shown_and_others_asked_about() -> None:
    mail = read_message(multipart(_HTML, _IMAGE, kind=b"related")(None, b"1"))  # type: ignore[arg-type]
    assert re.search(r'<img src="data:image/png;base64,[\w+/=]+">', draw(mail).document)
    mail = read(html='<img src="https://zli.test/a.png"><img src="http://zli.test/b.png" srcset="//zli.test/c 2x">')
    drawn = draw(mail)
    assert (drawn.blocked, "zli.test" in drawn.document) == (2, False)
    assert 'src="https://zli.test/a.png"' in draw(mail, remote=True).document
    assert "http://" not in draw(mail, remote=True).document.replace("http://www.w3", "")


def test_nothing_hostile_is_left(samples: Callable[[int, int], int]) -> None:
    """No tag or attribute that runs, loads or sends: whatever else is left is text."""
    forbidden = re.compile(
        r"<(script|iframe|form|input|button|meta http|link|object|embed|video|audio|base h|svg|math|source|template|style x)"
        r"|<[^>]*\s(on\w+|style|srcset|background|action|formaction)\s*=|<[^>]*(javascript|vbscript):|<img[^>]*zli\.test",
        re.IGNORECASE,
    )
    for payload in payloads(samples(len(WRAPS), 2)):
        mail = read(html=payload)
        body = draw(mail).document.partition("<body>")[2]
        assert not forbidden.search(body), (payload, body)


def test_windows_files_open_or_stay() -> None:
    broken = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    mail = read_message(multipart(broken + base64.b64encode(b"\x78\x9f\x3e\x22nista"))(None, b"2"))  # type: ignore[arg-type]
    assert [file.name for file in mail.files] == ["winmail.dat"]
