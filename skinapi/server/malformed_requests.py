"""Answers to requests that gunicorn's parser refuses: they never reach the application.

gunicorn's own answers are HTML, and quote the request.
"""

import secrets
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors as refusals

from skinapi.errors import (
    BadRequest,
    ExpectationFailed,
    HeadersTooLarge,
    SkinAPIError,
    UnsupportedTransferCoding,
    UriTooLong,
)
from skinapi.problem import PROBLEM_TYPE, SECURITY_HEADERS, problem_of

HTTP_1_1 = (1, 1)
# The first match counts. gunicorn raises ParseException for what the client sent.
BY_REFUSAL: dict[type[Exception], type[SkinAPIError]] = {
    refusals.LimitRequestLine: UriTooLong,
    refusals.LimitRequestHeaders: HeadersTooLarge,
    refusals.ExpectationFailed: ExpectationFailed,
    refusals.UnsupportedTransferCoding: UnsupportedTransferCoding,
    refusals.ConfigurationProblem: SkinAPIError,
    refusals.InvalidResponseHeader: SkinAPIError,
    refusals.InvalidResponseHeaderName: SkinAPIError,
    refusals.ParseException: BadRequest,
}


def error_for(raised: BaseException) -> SkinAPIError:
    """The error that answers what gunicorn raised: our own fault unless it refused the request."""
    kinds = (ours for theirs, ours in BY_REFUSAL.items() if isinstance(raised, theirs))
    return next(kinds, SkinAPIError)()


def raw_answer(error: SkinAPIError) -> bytes:
    """The whole answer as it is sent: after it the connection is closed."""
    request_id = secrets.token_hex(16)
    body = problem_of(error, request_id=request_id).model_dump_json().encode()
    headers = {
        "Connection": "close",
        "Content-Type": PROBLEM_TYPE,
        "Content-Length": str(len(body)),
        "X-Request-ID": request_id,
        **SECURITY_HEADERS,
    }
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refuse_unclear_head(request: Any) -> None:
    """Raise gunicorn's InvalidHeader for a head that another server may read in another way.

    A later HTTP/1 is answered as HTTP/1.1: https://www.rfc-editor.org/rfc/rfc9110#section-2.5
    """
    request.version = min(request.version, HTTP_1_1)
    # https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    hosts = [name for name, _ in request.headers if name.upper() == "HOST"]
    if len(hosts) > 1 or (not hosts and request.version == HTTP_1_1):
        raise refusals.InvalidHeader("HOST", req=request)
    _refuse_unclear_coding(request)


def _refuse_unclear_coding(request: Any) -> None:
    """Transfer-Encoding must be absent or exactly `chunked`.

    gunicorn also takes `identity, chunked` and `gzip, chunked`, which another server may frame in
    another way: https://www.rfc-editor.org/rfc/rfc9112#section-11.2
    """
    for name, value in request.headers:
        if name.upper() == "TRANSFER-ENCODING" and value.strip(" \t").lower() != "chunked":
            raise refusals.InvalidHeader(name, req=request)
