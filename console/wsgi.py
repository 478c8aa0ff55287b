"""The app for a server, wherever it is installed: ``gunicorn -k gevent -w 1 console.wsgi:app``.

gevent patches before any other import.
"""

import gc

gc.disable()  # a third of a start: what is loaded now stays (see console.core.hub.rest_the_collector)

from gevent import monkey  # noqa: E402

from console.speedups.plugin_search import searched_once  # noqa: E402

with searched_once():
    monkey.patch_all()

from console.app import create_app  # noqa: E402
from console.core.context import settings  # noqa: E402
from console.core.hub import rest_the_collector  # noqa: E402
from console.core.logging import write_to_stderr  # noqa: E402
from console.setup import check_start  # noqa: E402

app = create_app()
with app.app_context():
    write_to_stderr(production=settings().production)
check_start(app)
rest_the_collector()
