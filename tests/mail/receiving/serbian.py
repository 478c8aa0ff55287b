"""Serbian in the charsets and codings that clients write, and mislabel, each with the text that must be read."""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Callable

from tests.mail.receiving.odd import OURS

LATIN = "Poštovani, naručio sam žičani uređaj. Đorđe Ćosić čeka džip u Šapcu."
CYRILLIC = "Поштовани, наручио сам жичани уређај. Ђорђе Ћосић чека џип у Љубљани, њега."
CHARSETS = {
    "windows-1250": LATIN, "iso-8859-2": LATIN, "iso-8859-16": LATIN, "utf-8": LATIN,
    "windows-1251": CYRILLIC, "iso-8859-5": CYRILLIC, "UTF-8": CYRILLIC, "utf-16": CYRILLIC,
}  # fmt: skip
# Written in one charset, said to be another: what people's programs do.
WRONG = {
    ("windows-1250", "iso-8859-1"): LATIN, ("windows-1250", "iso-8859-2"): LATIN, ("windows-1250", "us-ascii"): LATIN,
    ("windows-1250", "utf-8"): LATIN, ("utf-8", "iso-8859-1"): LATIN, ("utf-8", "windows-1250"): LATIN,
    ("utf-8", "windows-1252"): LATIN, ("utf-8", "koi8-r"): CYRILLIC, ("utf-8", "windows-1251"): CYRILLIC,
    ("windows-1251", "iso-8859-5"): CYRILLIC, ("windows-1251", ""): CYRILLIC, ("utf-8", ""): CYRILLIC,
    ("windows-1251", "x-nema"): CYRILLIC, ("windows-1250", ""): LATIN,
}  # fmt: skip
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "8bit": bytes, "base64": base64.encodebytes, "quoted-printable": quopri.encodestring,
}  # fmt: skip


def _word(charset: str, text: str, coding: str) -> bytes:
    """Return a header's value as encoded words, cut anywhere, as clients do that count bytes."""
    raw, size = text.encode(charset), 30
    pieces = [raw[place : place + size] for place in range(0, len(raw), size)]
    if coding == "base64":
        words = [b"=?%s?B?%s?=" % (charset.encode(), base64.b64encode(piece)) for piece in pieces]
    else:
        hexed = ["".join(f"={byte:02X}" for byte in piece).encode() for piece in pieces]
        words = [b"=?%s?Q?%s?=" % (charset.encode(), piece) for piece in hexed]
    return b"\r\n ".join(words)


def serbian_mails(rng: random.Random) -> list[tuple[str, bytes, str]]:
    """Return name, message and the text that its subject and body are."""
    made: list[tuple[str, bytes, str]] = []
    ways = [(charset, charset, text) for charset, text in CHARSETS.items()]
    ways += [(real, declared, text) for (real, declared), text in WRONG.items()]
    for real, declared, text in ways:
        for coding, encode in CODINGS.items():
            if coding == "8bit" and real == "utf-16":
                continue
            written = f"{text} {rng.choice(text.split())}"
            kind = rng.choice(("plain", "html"))
            body = f"<html><body><p>{written}</p></body></html>" if kind == "html" else written
            param = f'; charset="{declared}"' if declared else ""
            bare = coding == "8bit" or not declared
            subject = text.encode(real) if bare else _word(declared, text, coding) if real == declared else b"Proba"
            head = [
                b"Message-ID: <sr-%d@gost.test>" % len(made), b"From: Ana <ana-sr-%d@gost.test>" % len(made),
                b"To: " + OURS.encode(), b"Subject: " + (b"Proba" if real == "utf-16" and bare else subject),
                b"MIME-Version: 1.0", f"Content-Type: text/{kind}{param}".encode(),
                f"Content-Transfer-Encoding: {coding}".encode(),
            ]  # fmt: skip
            made.append(
                (
                    f"{real} as {declared or 'nothing'}, {coding}, {kind}",
                    b"\r\n".join(head) + b"\r\n\r\n" + encode(body.encode(real)),
                    written,
                )
            )
    return made
