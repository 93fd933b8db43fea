"""Writes deploy/nginx/skinapi-errors.conf: nginx's own errors, in the words of the server. `make
docs` takes them from the server's own renderers; test_nginx.py fails while they differ.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Response, g, request

from skinapi.app.application import Application
from skinapi.base.errors import (
    BadRequest,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    SkinAPIError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from skinapi.base.problem import SECURITY_HEADERS
from skinapi.base.settings.settings import Settings
from skinapi.base.size_limits import body_too_large, photo_too_large
from skinapi.platform.web.admission import LARGEST_SPOOLED
from skinapi.platform.web.declaration import choose_client_route, renderer_for
from skinapi.platform.web.headers import HTTPS_ONLY, METHODS, READABLE, SENDABLE
from tests.repository.documents import ROOT
from tests.repository.routes_table import list_json_photos
from tests.support.access import PARTS
from tests.support.backends import Backend

FILE = ROOT / "deploy" / "nginx" / "skinapi-errors.conf"
ID = "0" * 32  # nginx puts the request's own in its place
HEAD = """\
# What nginx answers by itself, in the form of each client. Written from the server's own errors by
# `make docs`: do not edit. `skinapi.conf.template` includes it, and says which form is whose.
"""
OF_AREAS = {name: form for part in PARTS for name, form in part.proxy_forms.items()}
# How a request looks to which nginx answers in this form.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "problem": ("/predict", {}),
    **{name: (path, options) for name, (_, path, options) in OF_AREAS.items()},
}
PHOTO = Settings.model_fields["max_upload_bytes"].default


class UriTooLong(SkinAPIError):
    status, code, sentence = 414, "uri_too_long", "The address of the request is too long"


class HeadersTooLarge(SkinAPIError):
    status, code = 431, "headers_too_large"
    sentence = "The headers of the request are too large"


class NotImplementedHere(SkinAPIError):
    status, code = 501, "not_implemented"
    sentence = "Of transfer codings, this server takes only chunked"


class HttpVersionUnsupported(SkinAPIError):
    status, code = 505, "http_version_unsupported"
    sentence = "This server speaks HTTP/1 and HTTP/2"


class BadGateway(Unavailable):
    status, code = 502, "bad_gateway"
    sentence = "The server does not answer; try again shortly"


class GatewayTimeout(Unavailable):
    status, code = 504, "gateway_timeout"
    sentence = "The server gave no answer in time; try again shortly"


# By nginx's status. Of those that come before nginx knows the address there is one form, and of 401
# and 403, where it asks the server before it takes a body.
EVERYBODYS: dict[int, SkinAPIError] = {
    400: BadRequest(),
    401: Unauthenticated("You are not logged in. Please log in."),
    403: Forbidden("This account or key may not send this"),
    404: NotFound(),
    405: MethodNotAllowed(),
    414: UriTooLong(),
    494: HeadersTooLarge(),
    501: NotImplementedHere(),
    505: HttpVersionUnsupported(),
}
# The recipe says what nginx means by 500.
FAULT = {500: "$skinapi_fault"}
EACH_CLIENTS: dict[int, SkinAPIError] = {
    413: photo_too_large(PHOTO),
    429: TooManyRequests(retry_after=5),
    500: SkinAPIError(),
    502: BadGateway(),
    503: Unavailable(),
    504: GatewayTimeout(),
}


def write_errors() -> str:
    lines = [HEAD, 'set $skinapi_retry_after "";']
    lines += [f"error_page {status} = /.skinapi/{status}/problem;" for status in EVERYBODYS]
    lines += [
        f"error_page {status} = /.skinapi/{FAULT.get(status, status)}/$skinapi_form;"
        for status in EACH_CLIENTS
    ]
    # Of nginx's headers a location inherits all or none.
    # With HTTP/2, nginx looks at the size of the body a second time in the place of the error.
    lines += ["location ^~ /.skinapi/ {", "internal;", "client_max_body_size 0;", *_headers()]
    with TemporaryDirectory() as folder:
        backend = Backend(Path(folder))
        for status, error in EVERYBODYS.items():
            lines += _location(backend.app, status, "problem", error)
        for status, error in EACH_CLIENTS.items():
            for form in FORMS:
                lines += _location(backend.app, status, form, error)
            lines += _preflight(status)
        backend.services.store.close()
    return "\n".join([*lines, "}", ""])


def list_forms() -> list[str]:
    """Return lines of a `map`, by which nginx knows the form of an error."""
    return [f'    "{pattern}" {name};' for name, (pattern, *_) in OF_AREAS.items()]


def find_json_photos() -> list[str]:
    return [f"    location ~ ^(?:{'|'.join(list_json_photos()) or '(?!)'})/?$ {{"]


def _headers() -> Iterator[str]:
    """Return the headers of every answer by nginx itself. A header without a value is not sent."""
    values = SECURITY_HEADERS | {
        "Strict-Transport-Security": HTTPS_ONLY,
        "X-Request-ID": "$skinapi_request_id",
        "Retry-After": "$skinapi_retry_after",
        "Access-Control-Allow-Origin": "$skinapi_origin",
        "Access-Control-Expose-Headers": ", ".join(READABLE),
        "Vary": "Origin",
    }
    for name, value in values.items():
        yield f'add_header {name} "{value}" always;'


def _location(app: Application, status: int, form: str, error: SkinAPIError) -> Iterator[str]:
    if isinstance(error, PayloadTooLarge) and form == "dataset":
        error = body_too_large(LARGEST_SPOOLED)
    answer = _rendered(app, form, error)
    yield f"location = /.skinapi/{status}/{form} {{"
    yield "internal;"
    yield f"default_type {answer.mimetype};"
    if error.retry_after is not None:
        yield f"set $skinapi_retry_after {error.retry_after};"
    yield f"return {answer.status_code} {_quoted(answer.get_data(as_text=True))};"
    yield "}"


def _rendered(app: Application, form: str, error: SkinAPIError) -> Response:
    """Return the server's own answer to a request of this form that fails so."""
    path, options = FORMS[form]
    with app.test_request_context(path, method="POST", **options):
        choose_client_route(app, request)
        g.request_id = ID
        return renderer_for(app)(request)(error)


def _preflight(status: int) -> Iterator[str]:
    """Without it a page could not read the error of the request that follows."""
    yield f"location = /.skinapi/{status}/preflight {{"
    yield "internal;"
    yield from _headers()
    yield f'add_header Access-Control-Allow-Methods "{", ".join(METHODS)}" always;'
    yield f'add_header Access-Control-Allow-Headers "{", ".join(SENDABLE)}" always;'
    yield "return 200;"
    yield "}"


def _quoted(body: str) -> str:
    """Quote a string for nginx, which has no escape for a dollar."""
    if body.startswith("{"):
        body = json.dumps(json.loads(body), ensure_ascii=True, separators=(",", ":"))
    assert "$" not in body
    body = body.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{body.replace(ID, '$skinapi_request_id')}'"
