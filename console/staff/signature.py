"""What an agent has under their replies by mail, in both languages of customers. Without one it is their first name."""

from __future__ import annotations

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.staff.models import Staff

MAX_LENGTH = 500
MAX_LINES = 8


def set_signature(actor: Actor, serbian: str, english: str) -> Staff:
    """Set one's own signature; an empty one takes it away.

    Raises:
        NotFound: ``actor`` is none of the staff.
        Invalid: it is too long; names ``signature_sr`` or ``signature_en``.
    """
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    staff = db.session.get_one(Staff, actor.id, with_for_update=True)
    texts = {"signature_sr": paragraphs(serbian), "signature_en": paragraphs(english)}
    wrong: dict[str, list[Text]] = {
        name: [lazy_gettext("At most %(lines)s lines and %(length)s characters.", lines=MAX_LINES, length=MAX_LENGTH)]
        for name, text in texts.items()
        if len(text) > MAX_LENGTH or text.count("\n") >= MAX_LINES
    }
    if wrong:
        raise Invalid(fields=wrong)
    if texts != {name: getattr(staff, name) for name in texts}:
        staff.signature_sr, staff.signature_en = texts["signature_sr"], texts["signature_en"]
        db.session.flush()
        record(actor, "staff.signature_changed", staff.email)
    return staff
