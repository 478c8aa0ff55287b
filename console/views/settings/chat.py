"""Settings of the chat desk: rules, announcements, blocked visitors, and the line that adds the widget to a site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, jsonify, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from wtforms import DateTimeLocalField, HiddenField, IntegerField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.chat import queries
from console.chat.models import Assignment, ChatBlock, ChatSettings
from console.chat.service import blocking
from console.chat.service import settings as chat_settings
from console.chat.service.settings import MAX_ANNOUNCEMENT, RANGES, DeskRules
from console.core import clock
from console.core.context import settings
from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.hours.queries import current_calendar
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.web.answers import local_time, refuse, wants_json
from console.web.identity import current_actor

OWN_COLOR = "#0a6c61"  # the widget's default, the same as in its stylesheet
KINDS: dict[str, tuple[Text, Text]] = {
    Assignment.PULL.value: (
        lazy_gettext("Agents take chats from the queue"),
        lazy_gettext("Chats wait in the queue until an agent takes them."),
    ),
    Assignment.PUSH.value: (
        lazy_gettext("Chats are assigned automatically"),
        lazy_gettext(
            "The longest-waiting chat goes to an available agent of its department with the most free capacity."
        ),
    ),
}
# The unit after the number, and what the setting does.
NUMBERS: dict[str, tuple[Text, Text, Text]] = {
    "capacity": (
        lazy_gettext("Chats per agent"),
        lazy_gettext("chats"),
        lazy_gettext("The most chats assigned to one agent at a time. Agents can still take more manually."),
    ),
    "wait_minutes": (
        lazy_gettext("Wait in the queue"),
        lazy_gettext("minutes"),
        lazy_gettext("Chats not taken by then become tickets with a confirmation e-mail."),
    ),
    "notice_minutes": (
        lazy_gettext("Notice before closing"),
        lazy_gettext("minutes"),
        lazy_gettext("Visitors and agents are notified before closing."),
    ),
    "limit_minutes": (
        lazy_gettext("Open chats after closing"),
        lazy_gettext("minutes"),
        lazy_gettext("Grace period to finish a chat; then it becomes a ticket."),
    ),
    "grace_seconds": (
        lazy_gettext("Agent disconnected"),
        lazy_gettext("seconds"),
        lazy_gettext("After that the chats return to the queue and visitors are notified."),
    ),
}


def views() -> list[Page]:
    """Return the page."""
    return [
        ChatSettingsPage(
            name=lazy_gettext("Chat settings"),
            endpoint="chat_settings",
            url="chat-settings",
            menu_icon_value="settings",
        )
    ]


class RulesForm(Form):
    """The rules of the desk. ``revision``: the one that the form was filled in from."""

    assignment = RadioField(
        lazy_gettext("Assignment"), choices=[SelectChoice(key, words[0]) for key, words in KINDS.items()]
    )
    capacity = IntegerField(NUMBERS["capacity"][0])
    wait_minutes = IntegerField(NUMBERS["wait_minutes"][0])
    notice_minutes = IntegerField(NUMBERS["notice_minutes"][0])
    limit_minutes = IntegerField(NUMBERS["limit_minutes"][0])
    grace_seconds = IntegerField(NUMBERS["grace_seconds"][0])
    revision = HiddenField()


class AnnouncementForm(Form):
    """The announcement that visitors see before they write."""

    announcement_sr = TextAreaField(lazy_gettext("In Serbian"))
    announcement_en = TextAreaField(lazy_gettext("In English"))
    announced_until = DateTimeLocalField(lazy_gettext("Until"), format=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
    revision = HiddenField()


class ChatSettingsPage(Page):
    """The page of chat settings, for supervisors and administrators."""

    permission = Permission.SET_CHAT
    group = "system"
    parent = "settings"
    settings_group = "desk"
    settings_lead = lazy_gettext("Assignment, waiting time, announcements and the code for your site.")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the settings."""
        row = queries.desk_settings()
        if wants_json():
            return jsonify(_as_json(row))
        return self._page(row)

    @expose("/", methods=["POST"])
    def change(self) -> ResponseReturnValue:
        """Change the rules."""
        form = RulesForm()

        def save() -> ChatSettings:
            form.refuse_spoiled()
            return chat_settings.set_rules(current_actor(), _rules(form))

        return self._save(save, gettext("Rules saved."), rules=form)

    @expose("/announcement", methods=["POST"])
    def announce(self) -> ResponseReturnValue:
        """Publish the announcement; an empty one removes it."""
        form = AnnouncementForm()
        serbian, english = form.announcement_sr.data or "", form.announcement_en.data or ""

        def save() -> ChatSettings:
            form.refuse_spoiled()
            if (
                form.announced_until.raw_data
                and form.announced_until.raw_data[0].strip()
                and not form.announced_until.data
            ):
                raise Invalid(fields={"announced_until": [lazy_gettext("Not a valid datetime value.")]})
            return chat_settings.announce(
                current_actor(), serbian, english, _until(form), seen=read_key(form.revision.data or "")
            )

        there = bool(serbian.strip())
        done = gettext("The announcement is published.") if there else gettext("The announcement was removed.")
        return self._save(save, done, announcement=form)

    @expose("/blocks/<id:key>/lift", methods=["POST"])
    def lift(self, key: int) -> ResponseReturnValue:
        """Unblock a visitor."""
        with transaction():
            blocking.lift(current_actor(), key)
        if wants_json():
            return jsonify(lifted=True)
        flash(gettext("The visitor is unblocked."), "success")
        return redirect(f"{self.get_url('.index')}#blocks", 303)

    def _save(
        self,
        save: Callable[[], ChatSettings],
        message: str,
        *,
        rules: RulesForm | None = None,
        announcement: AnnouncementForm | None = None,
    ) -> ResponseReturnValue:
        """Save a form; errors, and a colleague's change in the meantime, are shown above what was typed."""
        try:
            with transaction():
                row = save()
        except (Invalid, Conflict) as refusal:
            if wants_json():
                return refuse(refusal)
            form = rules or announcement
            for name, texts in refusal.fields.items():
                if form is not None and name in form:
                    form[name].errors = texts
            row = queries.desk_settings()
            if form is not None and isinstance(refusal, Conflict):
                form.revision.data = str(row.revision)  # saving again overwrites: the page says that it was changed
            page = self._page(row, rules=rules, announcement=announcement, refusal=refusal)
            return Response(page, refusal.status)
        if wants_json():
            return jsonify(_as_json(row))
        flash(message, "success")
        return redirect(self.get_url(".index"), 303)

    def _page(
        self,
        row: ChatSettings,
        *,
        rules: RulesForm | None = None,
        announcement: AnnouncementForm | None = None,
        refusal: Refusal | None = None,
    ) -> str:
        now = clock.now()
        page: str = self.render(
            "admin/settings/chat.html",
            row=row,
            rules=rules or _rules_form(row),
            announcement=announcement or _announcement_form(row),
            refused="rules" if rules is not None else "announcement" if announcement is not None else "",
            refusal=refusal,
            kinds=KINDS,
            numbers=NUMBERS,
            ranges=RANGES,
            most=MAX_ANNOUNCEMENT,
            running=chat_settings.announcement(row, now) is not None,
            over=bool(row.announcement_sr) and chat_settings.announcement(row, now) is None,
            closes=current_calendar()[0].closes_at(now),
            blocks=blocking.blocks(),
            line=_embed(),
            sites=settings().allowed_origins,
            color=settings().widget_color or OWN_COLOR,
            own_color=not settings().widget_color,
            sets_brand=current_actor().may(Permission.MANAGE_SETTINGS),
            here=now.astimezone(settings().zone).strftime("%Y-%m-%dT%H:%M"),
        )
        return page


def _rules(form: RulesForm) -> DeskRules:
    """Return what was typed.

    Raises:
        Invalid: something is no number, no choice, or missing.
    """
    wrong: dict[str, list[Text]] = {}
    values: dict[str, int] = {}
    for name, (least, most) in RANGES.items():
        value = form[name].data
        if not isinstance(value, int):
            wrong[name] = [lazy_gettext("Enter a number from %(least)d to %(most)d.", least=least, most=most)]
        else:
            values[name] = value
    kind = form.assignment.data
    if kind not in KINDS:
        wrong["assignment"] = [lazy_gettext("Not a valid choice.")]
    if wrong:
        raise Invalid(fields=wrong)
    return DeskRules(assignment=Assignment(kind), seen=read_key(form.revision.data or ""), **values)


def _until(form: AnnouncementForm) -> datetime | None:
    """Return the typed time, in local time."""
    typed = form.announced_until.data
    return None if typed is None else typed.replace(tzinfo=settings().zone).astimezone(UTC)


def _rules_form(row: ChatSettings) -> RulesForm:
    numbers = {name: getattr(row, name) for name in RANGES}
    return RulesForm(formdata=None, assignment=row.assignment.value, revision=str(row.revision), **numbers)


def _announcement_form(row: ChatSettings) -> AnnouncementForm:
    until = row.announced_until
    return AnnouncementForm(
        formdata=None,
        announcement_sr=row.announcement_sr,
        announcement_en=row.announcement_en,
        announced_until=None if until is None else until.astimezone(settings().zone).replace(tzinfo=None),
        revision=str(row.revision),
    )


def _embed() -> str:
    """Return the script tag that adds the widget to a site."""
    return str(Markup('<script src="{}/chat/widget.js" defer></script>').format(settings().base_url.rstrip("/")))


def _as_json(row: ChatSettings) -> dict[str, Any]:
    return {
        "assignment": row.assignment.value,
        **{name: getattr(row, name) for name in RANGES},
        "announcement": {
            "sr": row.announcement_sr,
            "en": row.announcement_en,
            "until": local_time(row.announced_until),
            "shown": chat_settings.announcement(row, clock.now()) is not None,
        },
        "revision": row.revision,
        "blocks": [_block_json(one) for one in blocking.blocks()],
        "embed": _embed(),
        "allowed_origins": list(settings().allowed_origins),
        "color": settings().widget_color or OWN_COLOR,
    }


def _block_json(row: ChatBlock) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "reason": row.reason,
        "by": row.staff.name,
        "created_at": local_time(row.created_at),
        "until": local_time(row.until),
    }
