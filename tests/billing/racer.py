"""Processes of their own that race: each is told a verb, starts with the others, and says what it was answered."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any
from uuid import uuid4

from flask import Flask

from console.app import create_app
from console.billing import migration as migrate
from console.billing.models import Proforma
from console.billing.payments.models import PaymentSource
from console.billing.payments.service import IncomingPayment, receive, resolve, undo
from console.billing.renewals import generating
from console.billing.service import LineDraft, cancel_proforma, issue_proforma, today
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Busy, Refusal
from console.core.settings import Settings
from console.core.texts import in_language
from console.core.transaction import transaction
from console.customers.models import Customer
from console.staff.models import Staff

# Each process is forked off one that has imported the application already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.warmed", "tests.billing.racer"])
Job = dict[str, Any]
Answer = tuple[str, Any]  # "done" and what was answered, or the code of a refusal and its text


@contextmanager
def racers(settings: Settings, count: int) -> Iterator[Callable[[Sequence[Job]], list[Answer]]]:
    """Start processes; yield what lets the first of them carry out a job each at once, and returns their answers."""
    lines, processes = [], []
    for _ in range(count):
        ours, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=serve, args=(settings, theirs))
        process.start()
        theirs.close()
        lines.append(ours)
        processes.append(process)

    def race(jobs: Sequence[Job]) -> list[Answer]:
        running = list(zip(lines, jobs, strict=False))
        for line, job in running:
            line.send(job)
        for line, _job in running:
            assert line.recv() == "ready"
        for line, _job in running:
            line.send("go")
        return [line.recv() for line, _job in running]

    try:
        yield race
    finally:
        for line in lines:
            line.send(None)
        for process in processes:
            process.join()


def serve(settings: Settings, line: Connection) -> None:
    """Carry out one job after the other, until there is none."""
    app = create_app(settings)
    VERBS["draw"] = partial(_draw, app)
    with app.app_context():
        while (job := line.recv()) is not None:
            line.send("ready")
            line.recv()
            try:
                line.send(("done", VERBS[job["verb"]](job)))
            except Refusal as refusal:
                with in_language("en"):
                    message = str(refusal.message)
                line.send((refusal.code, message))
            db.session.remove()


def _staff(job: Job) -> Actor:
    actor = db.session.get_one(Staff, job["staff"]).actor()
    db.session.rollback()
    return actor


def _request(job: Job) -> str:
    actor = _staff(job)
    with transaction():
        request = migrate.Request((job["service"],), job["target"], job["verification"], "Prodaja sajta")
        return str(migrate.request_migration(actor, request, uuid4().hex)["ref"])


def _execute(job: Job) -> str:
    actor = _staff(job)
    with transaction():
        answer = migrate.execute(actor, job["ref"], job["digest"], uuid4().hex, lose_exemption=True)
    return str(answer["migration"]["state"])


def _pay(job: Job) -> str:
    incoming = IncomingPayment(job["reference"], job["amount"], "RSD", today(), source=PaymentSource.STATEMENT)
    with transaction():
        (payment,) = receive(SYSTEM, [incoming], by_person=False)
        return f"{payment.state.value} {payment.unmatched_reason or ''}".strip()


def _renew(_job: Job) -> int:
    return generating.generate()


def _issue(job: Job) -> str:
    with transaction() as session:
        customer = session.get_one(Customer, job["customer"])
        return issue_proforma(SYSTEM, customer, [LineDraft("Rad", 100_00, service_id=job.get("service"))]).number


def _storno(job: Job) -> str:
    with transaction() as session:
        return cancel_proforma(SYSTEM, session.get_one(Proforma, job["document"]), "Provera").number


def _split(job: Job) -> str:
    with transaction():
        answer = resolve(SYSTEM, job["payment"], "document", job["numbers"], key=uuid4().hex)
    return str(answer["payment"]["state"])


def _undo(job: Job) -> str:
    with transaction():
        return undo(SYSTEM, job["payment"], "Provera").state.value


def _draw(app: Flask, job: Job) -> int:
    """Issue documents by several clients at once; every fifth of each changes its mind. Return how many were issued."""
    issued: list[int] = []
    threads = [threading.Thread(target=_draw_some, args=(app, job, issued)) for _ in range(job["clients"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(issued)


class _ChangedMind(Exception):
    pass


def _draw_some(app: Flask, job: Job, issued: list[int]) -> None:
    done = tries = 0
    with app.app_context():
        while done < job["count"]:
            tries += 1
            try:
                with transaction() as session:
                    customer = session.get_one(Customer, job["customer"])
                    issue_proforma(SYSTEM, customer, [LineDraft("Rad", 100_00)])
                    if tries % 5 == 0:
                        raise _ChangedMind
            except (_ChangedMind, Busy):
                continue
            done += 1
        db.session.remove()
    issued.append(done)


VERBS: dict[str, Callable[[Job], Any]] = {
    "request": _request,
    "execute": _execute,
    "pay": _pay,
    "renew": _renew,
    "issue": _issue,
    "storno": _storno,
    "split": _split,
    "undo": _undo,
}
