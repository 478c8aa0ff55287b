"""Many tries at once in one process: run by test_verification_attacks, several at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from threading import Barrier

from console.app import create_app
from console.core.db import db
from console.core.errors import Busy, TooMany
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.verification.service import verify
from console.staff.models import Staff


def try_many(url: str, email: str, pin: str, staff_id: int, tries: int, answer: Connection) -> None:
    """Try ``pin`` in ``tries`` threads, and send how many were verified once every thread is done."""
    app = create_app(Settings(database_url=url))
    gate = Barrier(tries)

    def one(_number: int) -> bool:
        with app.app_context():
            actor = db.session.get_one(Staff, staff_id).actor("192.0.2.9")
            gate.wait()
            while True:
                try:
                    with transaction():
                        return verify(actor, email=email, pin=pin, channel="phone") is not None
                except Busy:
                    continue
                except TooMany:
                    return False

    with ThreadPoolExecutor(tries) as pool:
        verified = sum(pool.map(one, range(tries)))
    with app.app_context():
        db.engine.dispose()
    answer.send(verified)
