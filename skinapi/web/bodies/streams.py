"""Bodies that a route reads itself, piece by piece, because they may be larger than memory."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from flask import Request

from skinapi.errors import UnsupportedMediaType
from skinapi.web.bodies.forms import MOST_TEXT, MULTIPART
from skinapi.web.bodies.multipart import PartHead, stream_parts
from skinapi.web.bodies.request_parsing import client_stream
from skinapi.web.schemas.schema_types import Form

F = TypeVar("F", bound=Form)
MOST_STREAMED_PARTS = 20_000
UNREADABLE = "The body could not be read"


class FormStream(Generic[F]):
    """A multipart form: the head of each part, then its bytes. `F` describes it for the docs."""

    def __init__(self, request: Request) -> None:
        """Raises UnsupportedMediaType."""
        if request.mimetype != MULTIPART:
            raise UnsupportedMediaType(f"Send the body as {MULTIPART}")
        self._request = request

    def __iter__(self) -> Iterator[PartHead | bytes]:
        """Raises BadRequest for a form that is broken or cut off, PayloadTooLarge for one that is
        too large. What its consumer raises is not touched.
        """
        request = self._request
        boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
        found = stream_parts(
            request.stream, boundary, most=MOST_STREAMED_PARTS, most_text=MOST_TEXT
        )
        event: PartHead | bytes | None
        while True:
            with client_stream(request, UNREADABLE):
                event = next(found, None)
            if event is None:
                return
            yield event


class BodyStream:
    """A plain body."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end. Raises BadRequest, PayloadTooLarge."""
        with client_stream(self._request, UNREADABLE):
            return self._request.stream.read(size)
