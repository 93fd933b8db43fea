from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask, Request, Response, jsonify, request
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from skinapi.base import errors
from skinapi.base.errors import SkinAPIError
from skinapi.base.languages import LANGUAGES, Language, known_language, load_words
from skinapi.base.logs import log_fault
from skinapi.base.problem import PROBLEM_TYPE, problem_of
from skinapi.platform.web.request_context import oversize, request_id

# Makes the whole answer, including its status. One that serves several clients on the same path
# tells them apart by the request's headers.
Renderer = Callable[[SkinAPIError], Response]
BY_STATUS: dict[int, type[SkinAPIError]] = {
    400: errors.BadRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    415: errors.UnsupportedMediaType,
}


def problem_json(
    error: SkinAPIError, *, status: int | None = None, members: Mapping[str, Any] | None = None
) -> Response:
    """The format for clients without one of their own. `status` overrides that of the error, and
    `members` are added.
    """
    problem = problem_of(error, request_id=request_id(), status=status)
    response = jsonify(problem.model_dump(mode="json") | dict(members or {}))
    response.status_code = problem.status
    response.mimetype = PROBLEM_TYPE
    return response


def plain_text(error: SkinAPIError) -> Response:
    return Response(error.detail, error.status, mimetype="text/plain")


class RefusalWords(BaseModel):
    title: str
    too_many: str
    failed: str
    wait: str
    again: str


REFUSAL_WORDS: Mapping[Language, RefusalWords] = load_words("accounts.refusal", RefusalWords)


def refusal_page(error: SkinAPIError) -> Response:
    language = known_language(request.accept_languages.best_match(LANGUAGES)) or LANGUAGES[0]
    words = REFUSAL_WORDS[language]
    why = words.too_many if isinstance(error, errors.TooManyRequests) else words.failed
    when = words.wait.format(seconds=error.retry_after) if error.retry_after else words.again
    page = f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{words.title} · SkinAPI</title>
</head>
<body>
<main><h1>{words.title}</h1><p>{why} {when}</p></main>
</body>
</html>
"""
    return Response(page, error.status, mimetype="text/html")


class _RenderedErrorRaised(Exception):
    def __init__(self, raised: Exception, renderer: Renderer) -> None:
        self.raised = raised
        self.renderer = renderer


@contextmanager
def rendering_errors(renderer: Renderer) -> Iterator[None]:
    try:
        yield
    except Exception as raised:
        raise _RenderedErrorRaised(raised, renderer) from raised


def answer_errors(app: Flask, renderer_for: Callable[[Request], Renderer]) -> None:
    app.log_exception = lambda *_, **__: None  # type: ignore[method-assign]

    @app.errorhandler(Exception)
    def answer(raised: Exception) -> Response:
        renderer = renderer_for(request)
        if isinstance(raised, _RenderedErrorRaised):
            renderer, raised = raised.renderer, raised.raised
        error = _as_skinapi_error(raised)
        response = renderer(error)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, errors.Unauthenticated):
            response.headers["WWW-Authenticate"] = "Bearer"
        if isinstance(raised, WrongMethod) and raised.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(raised.valid_methods))
        return response


def _as_skinapi_error(raised: Exception) -> SkinAPIError:
    if isinstance(raised, SkinAPIError):
        if raised.status >= errors.SkinAPIError.status and not isinstance(raised, errors.Starting):
            log_fault(raised)
        return raised
    if isinstance(raised, RequestEntityTooLarge):
        return oversize()
    if isinstance(raised, HTTPException) and raised.code in BY_STATUS:
        return BY_STATUS[raised.code]()
    log_fault(raised)
    return SkinAPIError()
