"""What belongs to the request at hand: its id, its caller, its declared route."""

import re
import secrets

from flask import Flask, Response, g, has_request_context, request

from skinapi.web.access import Subject

ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADER = "X-Request-ID"


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


def add_request_ids(app: Flask) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        response.headers[HEADER] = request_id()
        return response
