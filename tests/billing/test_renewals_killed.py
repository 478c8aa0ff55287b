"""kill -9 while renewals are billed: what was committed stays, nothing is half, the next run bills the rest once."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.app import create_app
from console.billing.models import BilledPeriod, Proforma
from console.billing.renewals import generating
from console.billing.service import today
from console.core.settings import Settings
from console.mail.models import Mail
from tests import factories

pytestmark = [pytest.mark.full, pytest.mark.long]  # its sample is the crash in the middle of test_renewals.py
ACCOUNTS = 12


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Automatic billing on."""
    return replace(settings, renewals=True)


def _bill(database: str, line: Connection) -> None:
    app = create_app(Settings(database_url=database, renewals=True))
    with app.app_context():
        line.send("ready")
        line.recv()
        generating.generate()
        line.send("done")


def test_a_kill_at_any_moment_bills_nothing_twice_and_loses_no_number(
    app: Flask,
    session: Session,
    database: str,
    rng: random.Random,
    samples: Callable[[int, int], int],
    proof: Callable[[str], None],
) -> None:
    spawn, kills, met = multiprocessing.get_context("spawn"), samples(20, 3), 0
    for _ in range(kills):
        customers = [factories.make_customer() for _ in range(ACCOUNTS)]
        for customer in customers:
            factories.make_service(customer, paid_until=today() + timedelta(days=9))
        session.commit()
        before = session.scalar(select(func.count(Proforma.id))) or 0
        session.rollback()  # SQLite would count again what it saw before
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_bill, args=(database, theirs))
        process.start()
        assert ours.recv() == "ready"
        ours.send("go")
        time.sleep(rng.uniform(0, 0.25))
        process.kill()
        process.join()
        done = (session.scalar(select(func.count(Proforma.id))) or 0) - before
        met += 0 < done < ACCOUNTS
        session.rollback()
        assert generating.generate() == ACCOUNTS - done
    numbers = list(session.scalars(select(Proforma.sequence).order_by(Proforma.sequence)))
    assert numbers == list(range(1, kills * ACCOUNTS + 1))
    assert session.scalar(select(func.count(BilledPeriod.id))) == kills * ACCOUNTS
    assert session.scalar(select(func.count(Mail.id)).where(Mail.template == "proforma_issued")) == kills * ACCOUNTS
    proof(f"{kills} kills while billing {ACCOUNTS} renewals, {met} of them in the middle: each billed once, no gap")
