"""Static files go out compressed: a visitor on a phone waits for the widget's.

Only these. A page holds secrets beside what its reader typed, and the length of both together, compressed, tells of
the secrets (the BREACH attack, CVE-2013-3587).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import cast

from flask import Flask, Request, Response, request
from flask_compress import Compress, DictCache

VIEWS = ("static", "static_other", "admin.static")
_ETAG = "console.etag"
View = Callable[..., Response]


def init_app(app: Flask) -> None:
    """Compress what the views of static files answer, where the browser takes it."""
    app.config.update(
        COMPRESS_REGISTER=False,  # not everything: see above
        COMPRESS_ALGORITHM=["br", "zstd", "gzip"],
        COMPRESS_BR_LEVEL=6,  # a tenth smaller than at 4, the default, and a file takes 50 ms at most, once
        COMPRESS_CACHE_BACKEND=DictCache,  # each file is compressed once
        COMPRESS_CACHE_KEY=_version,
    )
    compress = Compress(app)
    for name in VIEWS:
        if name not in app.view_functions:
            continue
        app.view_functions[name] = compress.compressed()(_whole(cast(View, app.view_functions[name])))


def _version(cached: Request) -> str:
    return str(cached.environ[_ETAG])  # Werkzeug's: of the file's path, time and size, whatever it was asked for as


def _whole(view: View) -> View:
    """Read the file into the answer: Flask-Compress leaves a file open that it reads piece by piece."""

    @wraps(view)
    def answer(*args: object, **values: object) -> Response:
        response = view(*args, **values)
        request.environ[_ETAG] = response.get_etag()[0]
        response.direct_passthrough = False
        file = response.response
        response.make_sequence()
        if hasattr(file, "close"):
            file.close()  # at once: the client may never read the answer
        return response

    return answer
