import re
import secrets

from flask import Flask, Request, Response, g, has_request_context, request

from skinapi.base.errors import BadRequest, PayloadTooLarge
from skinapi.base.logs import current_key_id, current_request_id
from skinapi.base.subject import Caller

# The forms that proxies and clients make up, and nobody's name or number fits in: 32 to 64 hex
# digits, a UUID, a ULID (https://github.com/ulid/spec), a W3C traceparent
# (https://www.w3.org/TR/trace-context/).
ACCEPTED_ID = re.compile(
    r"[0-9a-fA-F]{32,64}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|0[0-7][0-9A-HJKMNP-TV-Z]{24}"
    r"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
)
HEADER = "X-Request-ID"
KEY_HEADER = "Idempotency-Key"
ACCEPTED_KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")


def request_id() -> str | None:
    if not has_request_context():
        return None
    if "request_id" not in g:
        # The id stays in logs and audit rows for good, so it must not hold a person's data.
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if ACCEPTED_ID.fullmatch(sent) else secrets.token_hex(16)
    found: str = g.request_id
    return found


def remember_subject(subject: Caller | None) -> None:
    g.subject = subject
    current_key_id.set(subject.key.id if subject and subject.key else None)


def current_subject() -> Caller | None:
    subject: Caller | None = g.get("subject")
    return subject


def limit_body(largest: int, error: PayloadTooLarge) -> None:
    g.oversize = error
    # Werkzeug refuses whatever reaches its limit, also where a body ends just there.
    request.max_content_length = largest + 1


def largest_body() -> int:
    return (request.max_content_length or 1) - 1


def is_oversize(request: Request, read: int) -> bool:
    return read == request.max_content_length


def oversize() -> PayloadTooLarge:
    error: PayloadTooLarge = g.get("oversize") or PayloadTooLarge()
    return error


def idempotency_key() -> str | None:
    """https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
    sent = request.headers.get(KEY_HEADER)
    if sent is None:
        return None
    if not ACCEPTED_KEY.fullmatch(sent):
        raise BadRequest(f"{KEY_HEADER}: 1 to 200 letters, digits and . _ : - please")
    return sent


def add_request_ids(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        current_request_id.set(request_id())

    @app.after_request
    def add(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        current_request_id.set(None)
        current_key_id.set(None)
