"""What of a message goes into a ticket: its text, its files by the rules of tickets, its language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.core.errors import Invalid
from console.core.text import paragraphs, words
from console.core.texts import gettext, in_language
from console.customers.masking import mask_name, mask_pins
from console.mail.reading import without_tokens
from console.mail.receiving.cards import Card
from console.mail.receiving.charsets import decode
from console.mail.receiving.message import ReadMail
from console.mail.receiving.parts import File
from console.tickets.mail_in.addresses import without_signatures
from console.tickets.models import MAX_BODY
from console.tickets.service.attachments import MOST, check, clean_name

_SERBIAN = frozenset({
    "je", "su", "da", "se", "na", "za", "sam", "smo", "ste", "nije", "ne", "li",
    "kako", "ali", "ili", "molim", "hvala", "postovani", "pozdrav", "moj", "vas",
})  # fmt: skip
_ENGLISH = frozenset({
    "the", "is", "are", "and", "to", "of", "you", "for", "not", "my", "we", "it",
    "please", "thanks", "hello", "regards", "with", "have", "can", "how",
})  # fmt: skip
_LOOKED_AT = 400  # words


@dataclass(frozen=True)
class Letter:
    """A message as an entry takes it. ``left_out``: names of files that a ticket does not take, or too many."""

    text: str
    files: tuple[tuple[str, bytes], ...] = ()
    left_out: tuple[str, ...] = ()


def letter_of(mail: ReadMail, language: str) -> Letter:
    """Return what goes into a ticket.

    Args:
        language: of the words that stand for what is no text.
    """
    written = safe_text(mail.text)
    with in_language(language):
        lines = [card_line(card) for card in mail.contents.notes]
        text = paragraphs("\n\n".join([written, *lines]).strip()) or gettext("(The e-mail has no text.)")
        cut = gettext("(The message is longer; all of it is in the attached file.)")
    files = [_masked(file) if file.is_body else file for file in mail.files]
    if len(text) > MAX_BODY:
        files.insert(0, File("message.txt", mask_pins(text)[0].encode()))
        text = f"{text[: MAX_BODY - len(cut) - 2].rstrip()}\n\n{cut}"
    taken, left_out = _choose(files)
    return Letter(text, taken, left_out)


def _masked(file: File) -> File:
    """Return a body that is too long for an entry as its text would be there."""
    return replace(file, content=mask_pins(safe_text(decode(file.content)))[0].encode())


def safe_text(text: str) -> str:
    """Return a text without what opens something: an answer quotes our mail, with its link and address."""
    return without_signatures(without_tokens(text))


def _choose(files: Sequence[File]) -> tuple[tuple[tuple[str, bytes], ...], tuple[str, ...]]:
    """Divide files into those a ticket takes and those it leaves out; images of the HTML come last."""
    taken: list[tuple[str, bytes]] = []
    left_out: list[str] = []
    for file in sorted(files, key=lambda one: bool(one.cid)):
        try:
            check(file.name, file.content)
        except Invalid:
            left_out.append(mask_name(clean_name(file.name)))
            continue
        if len(taken) < MOST:
            taken.append((file.name, file.content))
        else:
            left_out.append(mask_name(clean_name(file.name)))
    return tuple(taken), tuple(left_out[:50])


def card_line(card: Card) -> str:
    """Return an invitation or a card in one line."""
    facts = card.facts
    if card.kind == "vcard":
        values = ", ".join(facts[key] for key in ("name", "company", "email", "phone") if key in facts)
        return gettext("[Contact card: %(facts)s]", facts=values)
    when = facts.get("starts", "").replace("T", " ")[:16]
    values = ", ".join(value for value in (facts.get("what"), when, facts.get("where"), facts.get("by")) if value)
    if card.kind == "cancelled":
        return gettext("[Cancelled invitation: %(facts)s]", facts=values)
    if card.kind == "answer":
        return gettext("[Answer to an invitation: %(facts)s]", facts=values)
    return gettext("[Invitation: %(facts)s]", facts=values)


def guess_language(text: str) -> str | None:
    """Return the language that a text is in, as far as it is one of ours."""
    found = words(text[: 8 * _LOOKED_AT])[:_LOOKED_AT]
    serbian, english = sum(word in _SERBIAN for word in found), sum(word in _ENGLISH for word in found)
    if any(char in "čćšžđČĆŠŽĐљњћђџјЉЊЋЂЏЈ" for char in text[:4_000]):
        serbian += 3
    if serbian == english:
        return None
    return "sr_Latn" if serbian > english else "en"
