"""``python -m tests.speedups.hub_waits URL``: waits for PostgreSQL on gevent's hub in every way; tells JSON of it."""

from __future__ import annotations

import sys

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

    import json

    import gevent
    import psycopg
    from psycopg import waiting

    from console.speedups import postgres_wait

    postgres_wait.install(on=True)
    waits: list[int] = []
    wait = postgres_wait._ready

    def counting_ready(fileno: int, waits_for: int) -> int:
        waits.append(waits_for)
        return wait(fileno, waits_for)

    postgres_wait._ready = counting_ready
    url = sys.argv[1].replace("+psycopg", "")
    seen: dict[str, object] = {"installed": waiting.wait is postgres_wait.wait_on_hub}

    def connect() -> psycopg.Connection[tuple[int]]:
        return psycopg.connect(url, autocommit=True)

    with connect() as one, connect() as other:
        # Another greenlet runs while one waits, and the wait is one.
        went_on = gevent.spawn(lambda: other.execute("SELECT 7").fetchone())
        waits.clear()
        one.execute("SELECT pg_sleep(0.3)")
        seen["meanwhile"] = went_on.get(timeout=0)[0]
        seen["waits of a sleep"] = len(waits)
        # In a pipeline psycopg waits for either side; writing alone is always possible.
        waits.clear()
        with one.pipeline():
            for _ in range(3):
                one.execute("SELECT pg_sleep(0.1)")
        seen["waits of a pipeline"] = len(waits)
        # More than the sockets hold, both ways.
        text = "ž" * 8_000_000
        seen["long text"] = one.execute("SELECT %s::text", [text]).fetchone() == (text,)
        # A statement that is given up, and the connection after that.
        with gevent.Timeout(0.2, False):
            one.execute("SELECT pg_sleep(30)")
        seen["given up"] = one.info.transaction_status.name
        # A connection that is cut while one waits.
        pid = one.info.backend_pid
        one.close()
    with connect() as one, connect() as other:
        gevent.spawn_later(0.2, other.execute, "SELECT pg_terminate_backend(%s)", [one.info.backend_pid])
        try:
            one.execute("SELECT pg_sleep(30)")
        except psycopg.OperationalError as error:
            seen["cut"] = type(error).__name__
    # Many at once.
    connections = [connect() for _ in range(10)]
    jobs = [
        gevent.spawn(lambda c, n: [c.execute("SELECT %s::int", [n * 100 + i]).fetchone()[0] for i in range(100)], c, n)
        for n, c in enumerate(connections)
    ]
    gevent.joinall(jobs, raise_error=True)
    seen["many"] = sorted(n for job in jobs for n in job.value) == list(range(1000))
    postgres_wait.install(on=False)
    waits.clear()
    with connect() as one:
        seen["off"] = [one.execute("SELECT 7").fetchone(), len(waits)]
    sys.stdout.write(json.dumps(seen))
