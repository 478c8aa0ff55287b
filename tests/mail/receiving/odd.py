"""Odd mail: what comes to a support address in a year, each kind once, then again with other bytes."""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Callable, Iterator

from tests.tickets.mail_in.scene import OURS

Maker = Callable[[random.Random, bytes], bytes]
SERBIAN = "Šaljem račun, žurno je. Đorđe Ćosić, čekam."
CYRILLIC = "Шаљем рачун, журно је. Ђорђе Ћосић."
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def head(number: bytes, *more: bytes, sender: bytes | None = None, subject: bytes = b"Pitanje") -> bytes:
    sender = b"Ana <ana-" + number + b"@gost.test>" if sender is None else sender
    lines = [
        b"Message-ID: <odd-" + number + b"@gost.test>", b"From: " + sender, b"To: " + OURS.encode(),
        b"Subject: " + subject, b"Date: Mon, 23 Nov 2026 10:00:00 +0100", *more,
    ]  # fmt: skip
    return b"\r\n".join(lines) + b"\r\n\r\n"


def plain(charset: str, text: str, coding: str = "8bit") -> Maker:
    def make(_rng: random.Random, number: bytes) -> bytes:
        body = text.encode(charset)
        if coding == "base64":
            body = base64.encodebytes(body)
        kind = f'Content-Type: text/plain; charset="{charset}"\r\nContent-Transfer-Encoding: {coding}'
        return head(number, b"MIME-Version: 1.0", kind.encode()) + body

    return make


def with_header(*lines: bytes, body: bytes = b"Zdravo") -> Maker:
    return lambda _rng, number: head(number, *lines) + body


def multipart(*parts: bytes, kind: bytes = b"mixed", end: bytes = b"--gr--\r\n") -> Maker:
    def make(_rng: random.Random, number: bytes) -> bytes:
        start = head(number, b"MIME-Version: 1.0", b"Content-Type: multipart/" + kind + b'; boundary="gr"')
        return start + b"".join(b"--gr\r\n" + part + b"\r\n" for part in parts) + end

    return make


def nested(depth: int) -> Maker:
    def make(_rng: random.Random, number: bytes) -> bytes:
        body = b"Content-Type: text/plain\r\n\r\nDuboko unutra\r\n"
        for level in range(depth):
            mark = b"b%d" % level
            body = b'Content-Type: multipart/mixed; boundary="' + mark + b'"\r\n\r\n--' + mark + b"\r\n" + body
            body += b"\r\n--" + mark + b"--\r\n"
        return head(number, b"MIME-Version: 1.0").removesuffix(b"\r\n") + body

    return make


def many_parts(rng: random.Random, number: bytes) -> bytes:
    part = b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a%d.txt\r\n\r\nx"
    return multipart(*(part % place for place in range(rng.choice((1_000, 1_200)))))(rng, number)


def long_head(rng: random.Random, number: bytes) -> bytes:
    return head(
        number, b"X-Long: " + b"a" * 1_000_000, b"X-Many: b\r\n" * 3_000 + b"X-End: c"
    ) + b"Kratko %d" % rng.randrange(9)


def winmail(*attributes: tuple[int, bytes]) -> bytes:
    """Return files as Outlook packs them (MS-OXTNEF): level 2, number, length, bytes and their sum."""
    packed = b"\x78\x9f\x3e\x22\x01\x00"
    for number, content in attributes:
        packed += b"\x02" + struct.pack("<II", number, len(content)) + content
        packed += struct.pack("<H", sum(content) % 65536)
    return packed


def packed_by_outlook(rng: random.Random, number: bytes) -> bytes:
    whole = bytearray(_WINMAIL)
    if rng.randrange(2):  # damaged on the way
        for _time in range(rng.randrange(1, 9)):
            whole[rng.randrange(6, len(whole))] = rng.randrange(256)
        del whole[rng.randrange(len(whole) // 2, len(whole)) :]
    part = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return multipart(_TEXT, part + base64.encodebytes(bytes(whole)))(rng, number)


def noise(rng: random.Random, number: bytes) -> bytes:
    return head(number) + rng.randbytes(rng.randrange(1, 4_000))


def cut(rng: random.Random, number: bytes) -> bytes:
    whole = multipart(_TEXT, _FILE, kind=rng.choice((b"mixed", b"alternative", b"related")))(rng, number)
    return whole[: rng.randrange(len(whole) // 3, len(whole))]


def flipped(rng: random.Random, number: bytes) -> bytes:
    whole = bytearray(multipart(_TEXT, _FILE, _ICS)(rng, number))
    for _time in range(rng.randrange(1, 40)):
        whole[rng.randrange(250, len(whole))] = rng.randrange(256)
    return bytes(whole)


_TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + SERBIAN.encode()
_FILE = (
    b'Content-Type: application/pdf; name="r.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    b"Content-Disposition: attachment; filename*=utf-8''ra%C4%8Dun.pdf\r\n\r\n" + base64.encodebytes(b"%PDF-1.4 x")
)
_EXE = b"Content-Type: application/octet-stream; name=a.exe\r\nContent-Disposition: attachment\r\n\r\nMZ\x90"
_ICS = (
    b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n"
    b"BEGIN:VEVENT\r\nSUMMARY:Sastanak\r\nDTSTART:20261201T090000Z\r\nLOCATION:Beograd\r\nEND:VEVENT\r\nEND:VCALENDAR"
)
_VCF = b"Content-Type: text/vcard; name=ana.vcf\r\n\r\nBEGIN:VCARD\r\nFN:Ana\r\nTEL:011\r\nEND:VCARD"
_HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Zdravo <img src='cid:s'></p><script>alert(1)</script>"
_IMAGE = b"Content-Type: image/png\r\nContent-ID: <s>\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(
    _PNG
)
_TNEF = (
    b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode(b"\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00")
)
_WINMAIL = winmail(
    (0x69002, b"\x01\x00" + bytes(12)), (0x18010, b"ponuda.txt\x00"), (0x6800F, b"Ponuda broj 7"),
)  # fmt: skip
_MESSAGE = b"Content-Type: message/rfc822\r\n\r\nFrom: x@y.test\r\nSubject: Unutra\r\n\r\nTekst"

KINDS: dict[str, Maker] = {
    "utf8": plain("utf-8", SERBIAN),
    "cp1250": plain("windows-1250", SERBIAN),
    "latin2": plain("iso-8859-2", SERBIAN),
    "cp1251": plain("windows-1251", CYRILLIC),
    "cyrillic utf8": plain("utf-8", CYRILLIC),
    "koi8": plain("koi8-r", "Привет", "base64"),
    "utf16": plain("utf-16", SERBIAN, "base64"),
    "utf7": plain("utf-7", SERBIAN),
    "no charset": with_header(body=SERBIAN.encode("cp1250")),
    "unknown charset": with_header(b"Content-Type: text/plain; charset=x-nema", body=SERBIAN.encode()),
    "wrong charset": with_header(b"Content-Type: text/plain; charset=us-ascii", body=SERBIAN.encode("cp1250")),
    "bare eight bit subject": lambda _rng, n: head(n, subject=SERBIAN.encode("cp1250")) + b"x",
    "utf8 subject": lambda _rng, n: head(n, subject=SERBIAN.encode()) + b"x",
    "broken word": lambda _rng, n: head(n, subject=b"=?utf-8?B?xI0=?= =?x-nema?Q?=E8=E6?= =?utf-8?B?!!!?=") + b"x",
    "wrong word": lambda _rng, n: head(n, subject=b"=?utf-8?Q?=E8=E6_proba?=") + b"x",
    "no subject": lambda _rng, n: head(n, subject=b"") + b"Tekst",
    "no sender": lambda _rng, n: head(n, sender=b"") + b"Tekst",
    "broken sender": lambda _rng, n: head(n, sender=b"Ana <ana(at)gost>, ,, <>") + b"Tekst",
    "two senders": lambda _rng, n: head(n, sender=b"a@gost.test, b@gost.test") + b"Tekst",
    "group sender": lambda _rng, n: head(n, sender=b"Undisclosed:;") + b"Tekst",
    "long sender": lambda _rng, n: head(n, sender=b"A" * 5_000 + b" <" + b"b" * 300 + b"@gost.test>") + b"Tekst",
    "header in name": lambda _rng, n: head(n, sender=b"=?utf-8?q?Ana=0D=0ABcc=3A_x=40e.test?= <a@gost.test>") + b"T",
    "empty": lambda _rng, n: head(n),
    "nothing but spaces": with_header(body=b" \r\n\t\r\n"),
    "NUL": with_header(body=b"a\x00b\x00\x00" * 20),
    "NUL in head": with_header(b"X-Nul: a\x00b"),
    "bare CR": with_header(body=b"a\rb\rc"),
    "no line ends": lambda _rng, n: b"From: a@gost.test\nSubject: x" + n + b"\n\ntekst",
    "1970": lambda _rng, n: head(n).replace(b"Mon, 23 Nov 2026", b"Thu, 1 Jan 1970") + b"x",
    "2099": lambda _rng, n: head(n).replace(b"Mon, 23 Nov 2026", b"Thu, 1 Jan 2099") + b"x",
    "broken date": lambda _rng, n: head(n).replace(b"Mon, 23 Nov 2026", b"Foo, 99 Bar 0000") + b"x",
    "file": multipart(_TEXT, _FILE),
    "program": multipart(_TEXT, _EXE),
    "invitation": multipart(_TEXT, _ICS, kind=b"alternative"),
    "card": multipart(_TEXT, _VCF),
    "winmail": multipart(_TEXT, _TNEF),
    "winmail packed": packed_by_outlook,
    "html alone": multipart(_HTML),
    "html and a plain footer": multipart(_HTML, b"Content-Type: text/plain\r\n\r\nProvereno od virusa."),
    "many boundaries": multipart(*[b""] * 6_000),
    "many headers": lambda _rng, n: head(n, *(b"X-%d: a" % place for place in range(30_000))) + b"Kratko",
    "long address": lambda _rng, n: head(n, *[b"Delivered-To: " + b"a" * 16_000] * 30, sender=b"b" * 16_000) + b"x",
    "deep html": multipart(b"Content-Type: text/html\r\n\r\nDno" + b"<div>" * 9_000 + b"<b><font>" * 4_000),
    "long parameters": multipart(b"Content-Type: text/plain;" + b" a=b;" * 9_000 + b"\r\n\r\nx"),
    "empty reports": multipart(b"Content-Type: message/delivery-status\r\n\r\n" + b"a:b\r\n\r\n" * 6_000),
    "related": multipart(_HTML, _IMAGE, kind=b"related"),
    "message": multipart(_TEXT, _MESSAGE),
    "no end": multipart(_TEXT, _FILE, end=b""),
    "no boundary": with_header(b"MIME-Version: 1.0", b"Content-Type: multipart/mixed"),
    "empty multipart": multipart(),
    "broken base64": with_header(b"Content-Transfer-Encoding: base64", body=b"!!!! nije base64 ???"),
    "unknown coding": with_header(b"Content-Transfer-Encoding: x-uuencode", body=b"begin 644 a\nx\n"),
    "uuencode": with_header(b"Content-Transfer-Encoding: uuencode", body=b"begin 644 a\n#86)C\n`\nend\n"),
    "nested": nested(20),
    "nested deep": nested(400),
    "1000 parts": many_parts,
    "1 MB of headers": long_head,
    "noise": noise,
    "cut": cut,
    "flipped": flipped,
    "quoted forever": with_header(body=b"> " * 200 + b"\n" + b"> x\n" * 3_000),
    "long": with_header(body=("Reč " * 30_000).encode()),
    "lone boundary": multipart(b"", b"", b"\r\n"),
    "broken name": multipart(
        b'Content-Type: text/plain; name="\xe8\xe6.txt"\r\nContent-Disposition: attachment\r\n\r\nx'
    ),
    "path name": multipart(b'Content-Type: text/plain; name="../../etc/passwd.txt"\r\n\r\nx'),
    "digest": multipart(b"\r\nFrom: a@b.test\r\n\r\nx", kind=b"digest"),
    "pgp": multipart(b"Content-Type: application/pgp-signature; name=s.asc\r\n\r\nx", _TEXT, kind=b"signed"),
    "no header": lambda rng, n: b"\x00\x01 nema zaglavlja " + n + rng.randbytes(20),
}


def odd_mails(rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """Yield ``count`` mails, every kind first, then random ones of the kinds."""
    names = list(KINDS)
    for place in range(count):
        name = names[place] if place < len(names) else rng.choice(names)
        yield name, KINDS[name](rng, b"%d-%d" % (place, rng.randrange(10**9)))
