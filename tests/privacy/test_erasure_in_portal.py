"""Erasing a person who has been through Moj Mint: what waits ends, and where what is not theirs stays."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from console.billing.quotes.models import Quote, QuoteState
from console.chat import retention as chat_retention
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.transaction import transaction
from console.customers.account import acceptance, handover
from console.customers.account.handover import HandoverData
from console.customers.account.models import Correction, EmailChange, Handover, HandoverState
from console.customers.account.profile import profile_of, save_profile
from console.customers.models import Customer
from console.hosting.dns.models import Version, Zone
from console.hosting.dns.publishing import outbox
from console.hosting.models import Domain, Service
from console.identity.models import Authenticator, DeviceRecovery, Passkey, PersonRecoveryCode
from console.mail.models import Mail
from console.privacy.service import erasure, exports
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.service_requests.models import ServiceRequest
from console.tokens import service as tokens
from console.tokens.models import OneTimeToken
from tests import factories
from tests.conftest import Clock
from tests.privacy.people import Someone, someone
from tests.privacy.test_erasure import erase, tables_with

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def staff(session: Session, monkeypatch: pytest.MonkeyPatch) -> Staff:
    monkeypatch.setattr(chat_retention, "UNTOUCHED", 0)
    return factories.make_staff(Role.AGENT)


def test_what_waits_ends_with_the_person(staff: Staff) -> None:
    """Where it all is still open: the week is set aside, in which most of it would have run out."""
    one = someone("vetrenjaca", staff, everywhere=True)
    email, number = one.email, one.member.customer_id
    with transaction():
        erasure.request_erasure(one.actor).due_at = clock.now()
    assert open_tokens() > 4 and erasure.perform_due() == 1
    db.session.expire_all()
    for kind in (DeviceRecovery, EmailChange, Handover, Correction, ServiceRequest):
        assert list(db.session.scalars(select(kind.id).where(kind.ended_at.is_(None)))) == [], kind
    ended = {row.customer_id == number: row.state for row in db.session.scalars(select(Handover))}
    assert ended == {True: HandoverState.WITHDRAWN, False: HandoverState.REFUSED}
    states = set(db.session.scalars(select(Quote.state)))
    assert states == {QuoteState.WITHDRAWN, QuoteState.DECLINED}
    for gone in (Passkey, Authenticator, PersonRecoveryCode):
        assert db.session.scalar(select(func.count()).select_from(gone)) == 0
    assert open_tokens() == 0 and email not in str(db.session.execute(text("SELECT * FROM mail")).all())


def open_tokens() -> int:
    """Count the links in mails to the person that still serve."""
    about = ("recovery:", "email_change:", "handover:", "invitation:", "person:")
    kinds = or_(*(OneTimeToken.subject.startswith(kind) for kind in about))
    query = select(func.count()).select_from(OneTimeToken).where(kinds, OneTimeToken.used_at.is_(None))
    return db.session.scalar(query) or 0


def test_the_name_servers_forget_too(staff: Staff, clock: Clock) -> None:
    one, other = (someone(word, staff, everywhere=True) for word in ("vetrenjaca", "kukuruz"))
    folder = settings().zone_folder

    def published() -> str:
        outbox.publish_due()
        return "".join(file.read_text() for file in folder.glob("*.zone"))

    assert "vetrenjaca drugi" in published() and "kukuruz drugi" in published()
    erase(one, clock)
    assert "vetrenjaca" not in published() and "kukuruz drugi" in published()
    assert {row.actor_name for row in db.session.scalars(select(Version))} == {"—", other.name}
    assert one.member.customer_id not in set(
        db.session.scalars(select(Service.customer_id).join(Domain).join(Zone).join(Version))
    )


def test_a_new_holder_and_an_old_one_have_their_own(staff: Staff, clock: Clock) -> None:
    """Corrections of before a handover are the old holder's, and what is in the log of them is theirs alone."""
    old, new = someone("vetrenjaca", staff), someone("kukuruz", staff)
    customer, actor = old.member.customer, old.actor
    with transaction():
        save_profile(actor, customer.id, replace(profile_of(customer), name="Stari Ispravak"), correction="Greška")
        offer = handover.start(actor, customer.id, HandoverData(new.name, new.email))
        token = tokens.issue(handover.PURPOSE, handover.subject_of(offer), timedelta(days=1))
    with transaction():
        acceptance.accept(new.actor, token, new.member.person)
    db.session.expire_all()
    assert "Stari Ispravak" in copy_of(old) and "Stari Ispravak" not in copy_of(new)
    assert "Piše vetrenjaca" in copy_of(old)  # in a ticket that the new owner goes on with
    erase(old, clock)
    assert tables_with("Piše vetrenjaca") == tables_with("vetrenjaca.txt") == set()
    row = db.session.scalars(select(Correction)).one()
    assert set(row.after.values()) == {"—"} and row.reason == "—"
    assert db.session.get_one(Customer, customer.id).name == new.name
    assert db.session.scalars(select(Handover)).one().email == new.email  # the new holder's
    assert tables_with("Stari Ispravak") == set()


def copy_of(person: Someone) -> str:
    file = io.BytesIO()
    exports.write_archive(file, person.member.person, None)
    archive = zipfile.ZipFile(file)
    return "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".json"))


def test_mail_to_others_that_names_them_goes(staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff, everywhere=True)
    giver = db.session.scalars(select(Handover).where(Handover.email == one.email)).one().owner.person
    theirs = list(db.session.scalars(select(Mail.id).where(Mail.to_address == giver.email).order_by(Mail.id)))
    assert any(one.email in db.session.get_one(Mail, key).text for key in theirs)
    with transaction() as session:
        mail = session.get_one(Mail, theirs[0])
        columns = (
            "template",
            "language",
            "to_address",
            "to_name",
            "subject",
            "html",
            "state",
            "created_at",
            "send_after",
        )
        other = Mail(message_id="<drugi@example.test>", **{name: getattr(mail, name) for name in columns})
        other.text = f"Pišite na x{one.email} ili {one.email}.rs"  # addresses of others that have theirs in them
        session.add(other)
        session.flush()
        key = other.id
    erase(one, clock)
    assert {row.id for row in db.session.scalars(select(Mail)) if one.email in row.text} == {key}
