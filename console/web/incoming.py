"""What a request brings, cleaned once: its query, its form and the parts of its address.

A text is cleaned by :func:`console.core.text.clean`; a view, a form or a verb never sees it otherwise. A NUL is what
no keyboard types: a form marks the field that held one (``console.core.forms``).
"""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict, iter_multi_items
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser
from werkzeug.routing import BaseConverter, UnicodeConverter, ValidationError
from werkzeug.utils import cached_property

from console.core.ids import read_key
from console.core.text import clean

URLENCODED = "application/x-www-form-urlencoded"


class CleanValues(ImmutableMultiDict[str, Any]):
    """Values as they came, the texts among them clean. ``with_nul`` names those that held a NUL."""

    with_nul: frozenset[str]

    def __init__(self, mapping: Any = None) -> None:
        pairs = list(iter_multi_items(mapping)) if mapping is not None else []
        self.with_nul = frozenset(name for name, value in pairs if isinstance(value, str) and "\0" in value)
        super().__init__([(name, clean(value) if isinstance(value, str) else value) for name, value in pairs])


class IdConverter(BaseConverter):
    """``<id:key>`` in an address: a row's key. What can be none is an address that does not exist."""

    regex = "[0-9]+"
    weight = 50  # as werkzeug's own for numbers: tried before a text

    def to_python(self, value: str) -> int:
        """Return the key."""
        key = read_key(value)
        if key is None:
            raise ValidationError
        return key


SECRET = "<secret:"  # noqa: S105  (as a rule is written)


class SecretConverter(UnicodeConverter):
    """``<secret:token>`` in an address: who knows it is let in. No log shows it (``console.web.access``)."""


class StrictFormDataParser(FormDataParser):
    """Refuses a form of other bytes than UTF-8, which werkzeug would let stand as text, percent-encoded."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Any:
        """Return the stream, the form and the files.

        Raises:
            BadRequest: the form is not UTF-8.
        """
        limit = self.max_form_memory_size
        if mimetype == URLENCODED and (limit is None or (content_length or 0) <= limit):  # of more it speaks itself
            body = stream.read()
            try:
                unquote_to_bytes(body).decode()
            except UnicodeDecodeError as error:
                raise BadRequest from error
            stream = BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class CleanRequest(Request):
    """A request whose texts are clean."""

    parameter_storage_class = CleanValues
    form_data_parser_class = StrictFormDataParser

    @cached_property
    def args(self) -> Any:
        """The query.

        Raises:
            BadRequest: it holds bytes that are neither percent-encoded nor UTF-8.
        """
        try:
            return super().args
        except UnicodeDecodeError as error:
            raise BadRequest from error


def init_app(app: Flask) -> None:
    """Clean the parts of addresses, and know which of them are keys."""
    app.url_map.converters["id"] = IdConverter
    app.url_map.converters["secret"] = SecretConverter

    @app.url_value_preprocessor
    def clean_address(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        for name, value in (values or {}).items():
            if isinstance(value, str):
                values[name] = clean(value)  # type: ignore[index]
