"""What a fork server imports first: the application, and all that its first making works out for later ones."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from console.app import create_app
from console.core.db import db
from console.core.settings import Settings
from tests.support import routing

routing.keep_compiled()
with TemporaryDirectory() as _folder:
    _app = create_app(Settings(database_url=f"sqlite:///{Path(_folder) / 'none.sqlite3'}"))
    with _app.app_context():
        db.engine.dispose()  # a connection must not be inherited
