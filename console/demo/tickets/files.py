"""Files that came with the questions of the demo."""

from __future__ import annotations

import struct
import zlib


def picture() -> bytes:
    """Return a small picture: a page with a dark bar and an empty middle, as a broken site shows."""
    wide, high = 320, 180
    rows = bytearray()
    for line in range(high):
        shade = (36, 41, 51) if line < 24 else (176, 42, 42) if 84 < line < 96 else (245, 246, 248)
        margin = 0 if line < 24 else 60
        rows += b"\0" + bytes((250, 250, 251)) * margin + bytes(shade) * (wide - 2 * margin)
        rows += bytes((250, 250, 251)) * margin

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


FILES: dict[str, bytes] = {
    "ekran.png": picture(),
    "zaglavlje.txt": b"Received: from mx2.example.com (mx2.example.com [192.0.2.80])\n"
    b"\tby mail.example.rs; Mon, 10:02:17 +0200\n"
    b"Received: from localhost (localhost [127.0.0.1])\n\tby mx2.example.com; Mon, 08:01:55 +0200\n",
    "url.txt": b"hxxps://prijava-banka.example.rs/login/\nserved from 198.51.100.23, first seen 07:40 UTC\n",
    "zona.txt": b"gradjevina-zunic.example.rs. 300 IN MX 10 mx1.example.net.\n"
    b"gradjevina-zunic.example.rs. 300 IN MX 20 mx2.example.net.\n",
    "bounce.txt": b"550-5.7.26 This mail is unauthenticated. SPF check for nordlicht.example.com failed.\n",
    "error.log": b"PHP Fatal error: Uncaught Error: Call to undefined function each() in brza-korpa.php:118\n",
    "ugovor.txt": "UGOVOR O OBRADI PODATAKA O LIČNOSTI\n\n1. Predmet\n2. Obaveze obrađivača\n".encode(),
}
