"""What customers and staff get by mail, with example data: every template, both languages, both parts."""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView

from console.core.context import settings
from console.core.errors import NotFound
from console.core.texts import lazy_gettext
from console.mail.examples import Example, examples
from console.mail.templates import Rendered
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.views.shared.labels.mail import template_name
from console.web.filters import language
from console.web.frames import framing, letter
from console.web.locale import LANGUAGES


def views() -> list[BaseView]:
    """Return the previews; the outbox is ``console.views.mail.list``."""
    return [
        MailTemplates(name=lazy_gettext("E-mail templates"), endpoint="mail_templates", url="/console/mail/templates")
    ]


class MailTemplates(Page):
    """Every template as its receiver sees it."""

    permission = Permission.SEE_MAIL
    parent = "mail"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show one template; with the list of all."""
        name, case, code = request.args.get("name", ""), request.args.get("case", ""), _language()
        by_name = _by_name()
        chosen = name if name in by_name else next(iter(by_name))
        cases = by_name[chosen]
        number = int(case) if case.isascii() and case.isdigit() and int(case[:3]) < len(cases) else 0
        page = self.render(
            "admin/mail/templates.html",
            names={one: template_name(one) for one in by_name},
            chosen=chosen,
            cases=[str(one.case) for one in cases],
            case=number,
            code=code,
            preview=_render(cases[number], code),
            frame=url_for("mail_templates.html", template=chosen, case=number, language=code),
            sender=f"{settings().sender_name} <{settings().mail_from}>",
        )
        return framing(page)

    @expose("/<template>/<int(max=99):case>/html")
    def html(self, template: str, case: int) -> ResponseReturnValue:
        """Answer the HTML part of an example, for the frame on the page."""
        cases = _by_name().get(template, [])
        if case >= len(cases):
            raise NotFound
        return letter(_render(cases[case], _language()).html)


def _by_name() -> dict[str, list[Example]]:
    found: dict[str, list[Example]] = {}
    for example in examples(settings().base_url):
        found.setdefault(example.template, []).append(example)
    return found


def _render(example: Example, code: str) -> Rendered:
    return example.render(code, brand=settings().brand, base_url=settings().base_url)


def _language() -> str:
    """Return the language of the preview: the one chosen, else the reader's."""
    code = request.args.get("language", "")
    return code if code in LANGUAGES else language()
