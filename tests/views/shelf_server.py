"""``python -m tests.views.shelf_server PORT``: the console as it is served, with the tests' own list in it."""

from __future__ import annotations

import sys

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

    from console.app import create_app
    from console.core.binds import Bind
    from console.server import serve
    from tests.views.support import add_shelf

    app = create_app()
    add_shelf(app)
    serve(app, Bind(port=int(sys.argv[1])), with_worker=False)
