"""Flask, as the console uses it."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from console.web.access import path_of
from console.web.incoming import CleanRequest


class Application(Flask):
    """Cleans what comes in, and writes no token of an address into its log."""

    request_class = CleanRequest

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception of a request."""
        self.logger.error("Exception on %s [%s]", path_of(request), request.method, exc_info=exc_info)
