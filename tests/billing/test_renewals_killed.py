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


def _bill_and_die(database: str, seconds: float | None) -> float:
    """Bill in a process of its own, killed after so long or left to its end; return how long it had."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_bill, args=(database, theirs))
    process.start()
    assert ours.recv() == "ready"
    ours.send("go")
    begun = time.perf_counter()
    if seconds is None:
        assert ours.recv() == "done"
    else:
        time.sleep(seconds)
        process.kill()
    took = time.perf_counter() - begun
    process.join()
    return took


def test_a_kill_at_any_moment_bills_nothing_twice_and_loses_no_number(
    app: Flask,
    session: Session,
    database: str,
    rng: random.Random,
    samples: Callable[[int, int], int],
    proof: Callable[[str], None],
) -> None:
    kills, met, took = samples(20, 3), 0, 0.0
    for place in range(kills + 1):
        customers = [factories.make_customer() for _ in range(ACCOUNTS)]
        for customer in customers:
            factories.make_service(customer, paid_until=today() + timedelta(days=9))
        session.commit()
        before = session.scalar(select(func.count(Proforma.id))) or 0
        session.rollback()  # SQLite would count again what it saw before
        if place == 0:  # how long it takes here, so that the kills fall into it
            took = _bill_and_die(database, None)
        else:
            _bill_and_die(database, rng.uniform(0, took))
        done = (session.scalar(select(func.count(Proforma.id))) or 0) - before
        met += 0 < done < ACCOUNTS
        session.rollback()
        assert generating.generate() == ACCOUNTS - done
    numbers = list(session.scalars(select(Proforma.sequence).order_by(Proforma.sequence)))
    assert numbers == list(range(1, (kills + 1) * ACCOUNTS + 1))
    assert session.scalar(select(func.count(BilledPeriod.id))) == (kills + 1) * ACCOUNTS
    mails = select(func.count(Mail.id)).where(Mail.template == "proforma_issued")
    assert session.scalar(mails) == (kills + 1) * ACCOUNTS
    assert met, "no kill fell into the billing"
    proof(f"{kills} kills while billing {ACCOUNTS} renewals, {met} of them in the middle: each billed once, no gap")
