"""Bodies that a handler reads itself, piece by piece, because they may be larger than memory."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from flask import Request
from werkzeug.exceptions import HTTPException

from skinapi.errors import BadRequest, UnsupportedMediaType
from skinapi.web.bodies.forms import MOST_TEXT, MULTIPART
from skinapi.web.bodies.multipart import PartBegins, stream_parts
from skinapi.web.request_context import is_oversize, oversize
from skinapi.web.schemas.schema_types import Form

F = TypeVar("F", bound=Form)
MOST_STREAMED_PARTS = 20_000


class FormStream(Generic[F]):
    """A multipart form: the head of each part, then its bytes. `F` describes it for the docs."""

    def __init__(self, request: Request) -> None:
        """Raises UnsupportedMediaType."""
        if request.mimetype != MULTIPART:
            raise UnsupportedMediaType(f"Send the body as {MULTIPART}")
        self._request = request

    def __iter__(self) -> Iterator[PartBegins | bytes]:
        """Raises BadRequest for a form that is broken or cut off, PayloadTooLarge for one that is
        too large. What its consumer raises is not touched.
        """
        request = self._request
        boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
        found = stream_parts(
            request.stream, boundary, most=MOST_STREAMED_PARTS, most_text=MOST_TEXT
        )
        while True:
            try:
                event = next(found)
            except StopIteration:
                if is_oversize(request, request.stream.tell()):  # its last byte was one too many
                    raise oversize() from None
                return
            except HTTPException:
                raise
            except Exception as error:  # every server has errors of its own
                raise _broken(request) from error
            yield event


class BodyStream:
    """A plain body."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end. Raises BadRequest, PayloadTooLarge."""
        request = self._request
        try:
            data = request.stream.read(size)
        except HTTPException:
            raise
        except Exception as error:
            raise _broken(request) from error
        if is_oversize(request, request.stream.tell()):
            raise oversize()
        return data


def _broken(request: Request) -> Exception:
    too_large = is_oversize(request, request.stream.tell())
    return oversize() if too_large else BadRequest("The body could not be read")
