"""Changing canned replies and their categories, with ``MANAGE_DESK``; all staff of the desk read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.help.queries import published_slugs
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.canned.defaults import CATEGORIES, standard_replies
from console.tickets.canned.models import (
    MAX_BODY,
    MAX_NAME,
    MAX_SHORTCUT,
    MAX_TITLE,
    REPLY_SEARCH,
    CannedCategory,
    CannedReply,
)
from console.tickets.canned.placeholders import unknown

_SHORTCUT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_POSITION = 10_000
TAKEN: Text = lazy_gettext("Another reply uses this shortcut.")


@dataclass(frozen=True)
class ReplyData:
    """What a canned reply is."""

    category_id: int
    shortcut: str
    title_sr: str
    title_en: str
    body_sr: str
    body_en: str
    department_id: int | None = None
    verified_only: bool = False
    active: bool = True
    position: int = 0


def add_reply(actor: Actor, data: ReplyData) -> CannedReply:
    """Make a canned reply.

    Raises:
        NotFound: the role does not manage the desk.
        Invalid: by field, what is missing, unknown or taken.
    """
    actor.require(Permission.MANAGE_DESK)
    reply = CannedReply(**_checked(data), updated_at=clock.now())
    _keep(reply)
    record(actor, "reply.added", reply.shortcut, reply=reply.id)
    return reply


def change_reply(actor: Actor, reply: CannedReply, data: ReplyData) -> CannedReply:
    """Change a canned reply. What was answered with it before stays as it was sent.

    Raises:
        NotFound, Invalid: see :func:`add_reply`.
    """
    actor.require(Permission.MANAGE_DESK)
    values = _checked(data, reply)
    changed = sorted(name for name, value in values.items() if getattr(reply, name) != value)
    if not changed:
        return reply
    for name in changed:
        setattr(reply, name, values[name])
    reply.updated_at = clock.now()
    _keep(reply)
    record(actor, "reply.changed", reply.shortcut, reply=reply.id, fields=changed)
    return reply


def remove_reply(actor: Actor, reply: CannedReply) -> None:
    """Remove a canned reply; what was sent stays sent."""
    actor.require(Permission.MANAGE_DESK)
    record(actor, "reply.removed", reply.shortcut, reply=reply.id)
    REPLY_SEARCH.put_titled(db.session(), reply.id, "", "")  # finds nothing any more
    db.session.delete(reply)
    db.session.flush()


def save_category(
    actor: Actor, category_id: int | None, *, name_sr: str, name_en: str, position: int = 0
) -> CannedCategory:
    """Make a category, or change the one named.

    Raises:
        NotFound: no such category, or the role does not manage the desk.
        Invalid: a name is missing or too long.
    """
    actor.require(Permission.MANAGE_DESK)
    category = CannedCategory() if category_id is None else _category(category_id)
    names = {"name_sr": one_line(name_sr), "name_en": one_line(name_en)}
    wrong: dict[str, list[Text]] = {
        field: [_length(MAX_NAME)] for field, name in names.items() if not 0 < len(name) <= MAX_NAME
    }
    if not 0 <= position <= MAX_POSITION:
        wrong["position"] = [lazy_gettext("Not a valid integer value.")]
    if wrong:
        raise Invalid(fields=wrong)
    category.name_sr, category.name_en, category.position = names["name_sr"], names["name_en"], position
    db.session.add(category)
    db.session.flush()
    for reply in _replies_in(category):  # they are found by its name, too
        index(reply)
    record(actor, "reply.category_saved", category.name_sr, category=category.id)
    return category


def remove_category(actor: Actor, category_id: int) -> None:
    """Remove a category that holds nothing.

    Raises:
        NotFound: no such category, or the role does not manage the desk.
        Conflict: ``used``: replies are sorted under it.
    """
    actor.require(Permission.MANAGE_DESK)
    category = _category(category_id)
    if _replies_in(category):
        raise Conflict(lazy_gettext("This category still has replies. Move them first."), code="used")
    record(actor, "reply.category_removed", category.name_sr, category=category.id)
    db.session.delete(category)
    db.session.flush()


def load_standard(actor: Actor) -> int:
    """Load the standard replies that are not there yet; return how many were. What was changed since stays changed.

    Raises:
        NotFound: the role does not manage the desk.
    """
    actor.require(Permission.MANAGE_DESK)
    # Locked, so that two who load them at once load them once.
    places = select(Department).order_by(Department.id).with_for_update()
    departments = {row.key: row.id for row in db.session.scalars(places)}
    categories = _standard_categories()
    there = set(db.session.scalars(select(CannedReply.key).where(CannedReply.key.is_not(None))))
    taken = set(db.session.scalars(select(CannedReply.shortcut)))
    added = [
        CannedReply(
            key=text.key,
            category=categories[text.category],
            shortcut=text.shortcut,
            title_sr=text.title_sr,
            title_en=text.title_en,
            body_sr=text.body_sr,
            body_en=text.body_en,
            department_id=departments.get(text.department),
            verified_only=text.verified_only,
            position=position,
            updated_at=clock.now(),
        )
        for position, text in enumerate(standard_replies(), 1)
        if text.key not in there and text.shortcut not in taken
    ]
    db.session.add_all(added)
    db.session.flush()
    REPLY_SEARCH.put_titled_many(db.session(), [_searched(reply) for reply in added])
    if added:
        record(actor, "reply.standard_loaded", str(len(added)), added=len(added))
    return len(added)


def _standard_categories() -> dict[str, CannedCategory]:
    found = {row.key: row for row in db.session.scalars(select(CannedCategory)) if row.key}
    for position, (key, name_sr, name_en) in enumerate(CATEGORIES, 1):
        if key not in found:
            found[key] = CannedCategory(key=key, name_sr=name_sr, name_en=name_en, position=position)
            db.session.add(found[key])
    db.session.flush()
    return found


def index(reply: CannedReply) -> None:
    """Write what the reply is found by."""
    REPLY_SEARCH.put_titled_many(db.session(), [_searched(reply)])


def _searched(reply: CannedReply) -> tuple[int, str, str]:
    """Return its key, titles and shortcut, which count more, and category and texts."""
    title = f"{reply.shortcut} {reply.title_sr} {reply.title_en}"
    rest = (reply.category.name_sr, reply.category.name_en, reply.body_sr, reply.body_en)
    return reply.id, title, " ".join(rest)


def _keep(reply: CannedReply) -> None:
    db.session.add(reply)
    try:
        db.session.flush()
    except IntegrityError as error:  # another request was faster
        raise Invalid(fields={"shortcut": [TAKEN]}) from error
    db.session.refresh(reply, ["category"])
    index(reply)


def _checked(data: ReplyData, reply: CannedReply | None = None) -> dict[str, object]:
    """Return the columns' values in their one form."""
    wrong: dict[str, list[Text]] = {}
    titles = {name: one_line(getattr(data, name)) for name in ("title_sr", "title_en")}
    for name, title in titles.items():
        if not 0 < len(title) <= MAX_TITLE:
            wrong[name] = [_length(MAX_TITLE)]
    bodies = {name: paragraphs(getattr(data, name)) for name in ("body_sr", "body_en")}
    for name, body in bodies.items():
        problems = _problems(body)
        if problems:
            wrong[name] = problems
    shortcut = one_line(data.shortcut).removeprefix("/").lower()
    if len(shortcut) > MAX_SHORTCUT or not _SHORTCUT.fullmatch(shortcut):
        wrong["shortcut"] = [
            lazy_gettext(
                "Use letters without accents, digits and dashes, at most %(max)d characters.", max=MAX_SHORTCUT
            )
        ]
    elif _taken(shortcut, reply):
        wrong["shortcut"] = [TAKEN]
    wrong |= _misplaced(data)
    if wrong:
        raise Invalid(fields=wrong)
    return {
        "category_id": data.category_id,
        "department_id": data.department_id,
        "shortcut": shortcut,
        **titles,
        **bodies,
        "verified_only": data.verified_only,
        "active": data.active,
        "position": data.position,
    }


def _misplaced(data: ReplyData) -> dict[str, list[Text]]:
    wrong: dict[str, list[Text]] = {}
    if db.session.get(CannedCategory, data.category_id) is None:
        wrong["category_id"] = [lazy_gettext("Choose a category.")]
    if data.department_id is not None and db.session.get(Department, data.department_id) is None:
        wrong["department_id"] = [lazy_gettext("Choose a department.")]
    if not 0 <= data.position <= MAX_POSITION:
        wrong["position"] = [lazy_gettext("Not a valid integer value.")]
    return wrong


def _problems(body: str) -> list[Text]:
    if not 0 < len(body) <= MAX_BODY:
        return [_length(MAX_BODY)]
    strange = unknown(body, published_slugs())
    if strange:
        return [lazy_gettext("Unknown placeholder: %(names)s.", names=", ".join(strange))]
    return []


def _length(most: int) -> Text:
    return lazy_gettext("Field must be between %(min)d and %(max)d characters long.", min=1, max=most)


def _taken(shortcut: str, reply: CannedReply | None) -> bool:
    holder = db.session.scalar(select(CannedReply.id).where(CannedReply.shortcut == shortcut))
    return holder is not None and (reply is None or holder != reply.id)


def _category(category_id: int) -> CannedCategory:
    category = db.session.get(CannedCategory, category_id)
    if category is None:
        raise NotFound
    return category


def _replies_in(category: CannedCategory) -> Sequence[CannedReply]:
    return db.session.scalars(select(CannedReply).where(CannedReply.category_id == category.id)).all()
