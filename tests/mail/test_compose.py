"""The message on the wire: what it says, and that nothing in it can become a header, a recipient or a command."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.mail.compose import OutgoingMail, Sender, Unsendable, compose, file_name, plain, recipient

SENDER = Sender("Mint podrška", "podrska@example.test", ZoneInfo("Europe/Belgrade"))
LETTER = OutgoingMail(
    id=1,
    message_id="<1732354950.1.2@example.test>",
    template="ticket_reply",
    language="sr_Latn",
    to_address="ana@example.test",
    to_name="Ana Đorđević",
    subject="Sajt ne radi",
    text="Poštovana,\n\n.sve radi\n.\nŽivi bili\n",
    html="<p>Poštovana</p>",
    created_at=datetime(2026, 11, 23, 15, 0, tzinfo=UTC),
    in_reply_to="<a.1@example.test>",
    references="<a.1@example.test> <b.2@example.test>",
    attachments=[],
    attempts=0,
    first_try_at=None,
)
PDF = {"name": "račun.pdf", "type": "application/pdf", "size": 4, "digest": "d" * 64}
# What a header may hold of ours: nothing else may ever stand there, nothing twice.
EXPECTED = [
    "message-id", "date", "from", "to", "subject", "in-reply-to", "references", "content-language", "mime-version",
    "content-type",
]  # fmt: skip
AUTOMATIC = ["auto-submitted", "x-auto-response-suppress"]
TRICKS = [
    "Ana\r\nBcc: x@evil.test",
    "Ana\nBcc: x@evil.test\n\nbody",
    "x@evil.test, y@evil.test",
    'Ana" <x@evil.test>, "',
    "Ana <x@evil.test>",
    "=?utf-8?q?Ana=0D=0ABcc=3A_x=40evil=2Etest?=",
    "\u202egnp.exe\u2066",
    "Ana\u2028Bcc: x@evil.test\u0085\x00\x1b[31m",
    "Đ" * 120,
    "a" * 120,
    "a b " * 30,
    "undisclosed:;",
    "(comment) Ana\\",
    "=?utf-8?b?" * 12,
    "",
    " ",
    "\ufeff",
    "Ana.",
    "😀" * 60,
]
text = st.one_of(
    st.sampled_from(TRICKS),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=120),
    st.text(alphabet='ab@,;:<>"()[]\\\r\n\t =?.čђ\u202e', max_size=120),
    st.lists(st.sampled_from([*TRICKS, "\r\n", ", ", "č", "=?utf-8?q?"]), max_size=4).map(lambda p: "".join(p)[:120]),
)


def read(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def write(letter: OutgoingMail, sender: Sender = SENDER) -> bytes:
    return compose(letter, sender, lambda _: b"%PDF")


def squeezed(name: str) -> str:
    """The parser of Python 3.11 puts a space where a long name was folded."""
    return "".join(name.split())


def check_lines(content: bytes) -> None:
    """Nothing but ASCII, every line ends in CRLF and is short enough (RFC 5321, 4.5.3.1.6)."""
    assert content.isascii()
    assert not re.search(rb"[^\r]\n|\r[^\n]|\x00", content)
    assert content.endswith(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 998


@given(subject=text, name=text, brand=text, file=text, thread=text)
@example(subject=TRICKS[0], name=TRICKS[2], brand=TRICKS[3], file=TRICKS[0], thread=TRICKS[1])
def test_nothing_adds_a_header_or_a_recipient(subject: str, name: str, brand: str, file: str, thread: str) -> None:
    letter = replace(
        LETTER, subject=subject, to_name=name, in_reply_to=thread, references=thread, attachments=[PDF | {"name": file}]
    )
    content = write(letter, replace(SENDER, name=brand))
    check_lines(content)
    message = read(content)
    names = [key.lower() for key in message.keys()]  # noqa: SIM118
    assert len(names) == len(set(names))
    assert set(names) <= set(EXPECTED) and set(EXPECTED) - {"in-reply-to", "references"} <= set(names)
    assert [a.addr_spec for a in message["To"].addresses] == ["ana@example.test"]
    assert squeezed(message["To"].addresses[0].display_name) == squeezed(plain(name))
    assert [a.addr_spec for a in message["From"].addresses] == ["podrska@example.test"]
    assert squeezed(message["From"].addresses[0].display_name) == squeezed(plain(brand))
    assert str(message["Subject"]) == plain(subject)
    assert recipient(letter) == "ana@example.test"
    parts = list(message.walk())
    kinds = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"]
    assert [part.get_content_type() for part in parts] == kinds
    assert parts[4].get_filename() == file_name(file) and parts[4].get_content_disposition() == "attachment"
    assert parts[4].get_content() == b"%PDF"
    assert not any(part.defects for part in parts)
    allowed = {"content-type", "content-transfer-encoding", "content-disposition", "mime-version"}
    for part in parts[1:]:
        assert {key.lower() for key in part.keys()} <= allowed  # noqa: SIM118


@given(address=st.one_of(text, text.map(lambda t: f"{t}@example.test"), text.map(lambda t: f"ana@example.test{t}")))
@example(address="ana@example.test\r\nRCPT TO:<x@evil.test>")
@example(address="ana@example.test, x@evil.test")
@example(address='"ana x"@example.test')
@example(address="<ana@example.test>")
@example(address="ana@example.test>\r\nBcc: x@evil.test")
@example(address="đura@example.test")
@example(address="=??Q?=0D@0.A")
def test_an_address_is_one_or_refused(address: str) -> None:
    letter = replace(LETTER, to_address=address)
    try:
        one = recipient(letter)
    except Unsendable:
        with pytest.raises(Unsendable):
            write(letter)
        return
    assert re.fullmatch(r"[!-~]+@[A-Za-z0-9.-]+", one) and not set(one) & set('<>,;:"()[]\\ ')
    assert [a.addr_spec for a in read(write(letter))["To"].addresses] == [one]


def test_it_says_what_was_written() -> None:
    content = write(replace(LETTER, attachments=[PDF]))
    message = read(content)
    assert [key.lower() for key in message.keys()] == EXPECTED  # noqa: SIM118
    assert message["Message-ID"] == LETTER.message_id
    assert message["Date"].datetime == LETTER.created_at and str(message["Date"]).endswith("+0100")
    assert str(message["From"]) == "Mint podrška <podrska@example.test>"
    assert message["In-Reply-To"] == "<a.1@example.test>"
    assert str(message["References"]).split() == ["<a.1@example.test>", "<b.2@example.test>"]
    plain_part, html = message.get_body(["plain"]), message.get_body(["html"])
    assert plain_part is not None and html is not None
    assert plain_part.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().strip() == "<p>Poštovana</p>"
    assert [part.get_filename() for part in message.iter_attachments()] == ["račun.pdf"]
    check_lines(content)


def test_twice_it_is_the_same_message() -> None:
    first, second = (re.sub(rb"={10,}\d+==", b"", write(LETTER)) for _ in range(2))
    assert first == second


def test_what_a_machine_sends_says_so() -> None:
    message = read(write(replace(LETTER, template="ticket_opened")))
    assert message["Auto-Submitted"] == "auto-generated"
    assert [key.lower() for key in message.keys() if key.lower() not in EXPECTED] == AUTOMATIC  # noqa: SIM118


@pytest.mark.parametrize(
    ("kind", "sent_as"),
    [
        ("application/pdf", "application/pdf"),
        ("text/html", "text/html"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ('text/html; x="\r\n', "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_file_is_a_file(kind: str, sent_as: str) -> None:
    content = b"From: x\n\n\xff.\r\n.\r\n"
    file = PDF | {"type": kind, "name": "a.eml"}
    message = read(compose(replace(LETTER, attachments=[file]), SENDER, lambda _: content))
    [attached] = message.iter_attachments()
    assert (attached.get_content_type(), attached.get_content_disposition()) == (sent_as, "attachment")
    assert attached.get_payload(decode=True) == content


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("račun.pdf", "račun.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x\\y.txt", "C__x_y.txt"),
        (".htaccess", "htaccess"),
        ('a"; filename="b.exe', "a__ filename=_b.exe"),
        ("\u202egpj.exe", "gpj.exe"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("x." + "y" * 300, ("x." + "y" * 300)[:120]),
    ],
)
def test_names_of_files(name: str, expected: str) -> None:
    assert file_name(name) == expected


def test_a_file_that_is_gone_is_said() -> None:
    def gone(_: str) -> bytes:
        raise FileNotFoundError

    with pytest.raises(Unsendable, match=r"račun\.pdf"):
        compose(replace(LETTER, attachments=[PDF]), SENDER, gone)


def test_a_domain_of_other_letters_is_written_in_ascii() -> None:
    letter = replace(LETTER, to_address="ana@пошта.срб")
    assert recipient(letter) == "ana@xn--80a1acn3a.xn--90a3ac"
    assert b"<ana@xn--80a1acn3a.xn--90a3ac>" in write(letter)
