"""What belongs to the request at hand: its id, its caller, its declared route."""

import re
import secrets

from flask import Flask, Response, g, has_request_context, request

from skinapi.errors import BadRequest, PayloadTooLarge
from skinapi.web.access import Subject

ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADER = "X-Request-ID"
KEY_HEADER = "Idempotency-Key"
ACCEPTED_KEY = re.compile(r"[A-Za-z0-9._:-]{1,200}")


def request_id() -> str | None:
    """The id of the request at hand: the caller's where it is a plain one, else our own."""
    if not has_request_context():
        return None
    if "request_id" not in g:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if ACCEPTED_ID.fullmatch(sent) else secrets.token_hex(16)
    found: str = g.request_id
    return found


def remember_subject(subject: Subject | None) -> None:
    g.subject = subject


def current_subject() -> Subject | None:
    subject: Subject | None = g.get("subject")
    return subject


def remember_oversize(error: PayloadTooLarge) -> None:
    g.oversize = error


def oversize() -> PayloadTooLarge:
    """The error for a body that turns out too large for its route."""
    error: PayloadTooLarge = g.get("oversize") or PayloadTooLarge()
    return error


def idempotency_key() -> str | None:
    """The caller's name for this very request, so that a retry does not do it twice."""
    sent = request.headers.get(KEY_HEADER)
    if sent is None:
        return None
    if not ACCEPTED_KEY.fullmatch(sent):
        raise BadRequest(f"{KEY_HEADER}: 1 to 200 letters, digits and . _ : - please")
    return sent


def add_request_ids(app: Flask) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response
