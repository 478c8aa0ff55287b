"""The ticket desk of the demo: departments, questions and answers, reviews, views; all through the verbs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.demo.ages import WorkingTime, desk_now
from console.demo.story import Story
from console.demo.tickets import stories
from console.demo.tickets.teller import Desk
from console.mail.models import Mail, MailState
from console.staff.departments import DepartmentData, change_department
from console.staff.models import Department
from console.tickets.service import saved_views

REFUSED = "hannah.brooks@birchwood.example.com"  # a mailbox that is not there
DEFERRED = "incident@aurora-bank.example.com"  # whose server lets strangers wait
OPENED = 399  # days ago
MEMBERS = {
    "technical": ("agent", "agent2", "supervisor"),
    "accounting": ("billing", "supervisor"),
    "sales": ("agent", "agent2", "supervisor"),
    "abuse": ("agent2", "supervisor"),
}
SHARED_VIEWS: tuple[tuple[str, dict[str, str], tuple[str, ...]], ...] = (
    ("Pošta", {"view": "open", "tag": "pošta"}, ()),
    ("Hitno i visoko", {"view": "open", "priority": "3", "sort": "due_at"}, ()),
    ("Iz inostranstva", {"view": "all", "requester": "office.nordlicht@example.test"}, ("number", "subject", "status")),
)
OWN_VIEWS: tuple[tuple[str, str, dict[str, str], tuple[str, ...]], ...] = (
    ("agent", "Bezbednost", {"view": "all", "tag": "bezbednost"}, ("subject", "customer", "status", "updated_at")),
    ("agent2", "Čekaju me", {"view": "waiting", "assignee": "me"}, ()),
)


def tell(story: Story, working: WorkingTime) -> None:
    """Put the desk into ``story``. Its ages are counted in ``working``."""
    story.build_on(story.at(story.instant(OPENED, hour=15), lambda: _open_departments(story)))
    Desk(story, working).tell(stories.load())
    story.at(working.ago(130), lambda: _save_views(story))


def settle() -> None:
    """Run the worker's jobs over the story: SLA notifications sent, the review queue filled."""
    from console.tickets.reviews.jobs import gather
    from console.tickets.sla.jobs import update_targets

    with clock.standing_at(desk_now()):
        update_targets()
        gather()


def send_mail(story: Story) -> None:
    """Let the mail of the story have left, as it would have: one came back, one is tried again."""
    now = desk_now()
    refused = select(Mail).where(Mail.template == "ticket_opened", Mail.to_address == REFUSED).limit(1)
    deferred = select(Mail).where(Mail.template == "ticket_opened", Mail.to_address == DEFERRED).limit(1)
    for mail in db.session.scalars(select(Mail).where(Mail.state == MailState.QUEUED, Mail.send_after < now)):
        left = mail.send_after + timedelta(seconds=1 + story.rng.randint(0, 4))
        mail.state, mail.attempts = MailState.SENT, 1
        mail.first_try_at = mail.last_try_at = mail.sent_at = left
    for mail in db.session.scalars(refused):
        mail.state, mail.sent_at, mail.failed_at = MailState.FAILED, None, mail.last_try_at
        mail.last_error = "550 5.1.1 <hannah.brooks@birchwood.example.com>: Recipient address rejected: User unknown"
    for mail in db.session.scalars(deferred):
        mail.state, mail.sent_at, mail.attempts = MailState.QUEUED, None, 3
        mail.last_try_at, mail.send_after = now - timedelta(minutes=4), now + timedelta(hours=2)
        mail.last_error = "451 4.7.1 Greylisting in action, please come back later"
    db.session.flush()


def _open_departments(story: Story) -> None:
    actor = story.actor("supervisor")
    for department in db.session.scalars(select(Department).order_by(Department.id)).all():
        change_department(
            actor,
            department.id,
            DepartmentData(
                name_sr=department.name_sr,
                name_en=department.name_en,
                verified_only=department.verified_only,
                private=department.private,
                position=department.position,
                members=[story.staff[who].id for who in MEMBERS.get(department.key, ())],
            ),
        )


def _save_views(story: Story) -> None:
    for name, query, columns in SHARED_VIEWS:
        saved_views.save_view(story.actor("supervisor"), name, query, columns, shared=True)
    for who, name, query, columns in OWN_VIEWS:
        saved_views.save_view(story.actor(who), name, query, columns)
