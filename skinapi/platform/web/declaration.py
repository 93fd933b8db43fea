"""Declares routes: access, rate, validation, answers and OpenAPI follow from one declaration.

Access is by role, and accounts/auth/authorizer.py enforces it; findings/records/service.py decides
who may see a finding. A route without access is refused at import.

The signature of a route's function is its schema. The first argument is the service of its package.
The others are keywords: `body`, `form` and `query` (their annotations are the schemas), `subject`
(the caller), `idempotency_key`, and the parts of the path. The return annotation is the schema of
the answer.

A function with `spooled=True` reads a body that may exceed memory itself: `parts` is a form, part
by part, and `stream` is the plain body.

If several clients share a path, each declares its own route. `when` selects by the headers alone,
before the body is read. The route without `when` gets the rest.
"""

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial, reduce
from operator import or_
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin

from flask import Blueprint, Flask, Request, Response, request
from pydantic import BaseModel, TypeAdapter
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from skinapi.base.errors import Forbidden, SkinAPIError
from skinapi.base.pages import Page
from skinapi.base.subject import ROLES
from skinapi.platform.web.answers import Renderer, problem_json, refusal_page
from skinapi.platform.web.request_context import current_subject, idempotency_key
from skinapi.platform.web.request_parsing import (
    BodyStream,
    FormStream,
    may_be_absent,
    read_body,
    read_form,
    read_query,
)
from skinapi.platform.web.schemas import Body, Form, link_to_next


@dataclass(frozen=True)
class Public:
    pass


@dataclass(frozen=True)
class MetricsReader:
    pass


@dataclass(frozen=True)
class Authenticated:
    """An approved account with one of these roles; others get `refusal`. `even_unready` also admits
    an account that must first replace its initial password or set up a second factor. A key needs
    one of `scopes`. A test key may change nothing, unless `test_keys` says that the route stores
    nothing for it. With `filed`, a session key may read the findings that it has just filed. With
    `before_another`, the request does not count against a key's quota, because a proxy sends it
    before the one that does.
    """

    roles: tuple[str, ...] = ROLES
    refusal: str = Forbidden.sentence
    even_waiting: bool = False
    even_unready: bool = False
    scopes: Sequence[str] = field(default=(), hash=False)  # SCOPES, to which areas add
    test_keys: bool = False
    filed: bool = False
    before_another: bool = False


@dataclass(frozen=True)
class OpenedToClient:
    """Anyone, if the operator opened the server to one of these clients, which send no token.
    Otherwise an approved account with one of these roles, or a key with one of `scopes`.
    """

    clients: tuple[str, ...]
    roles: tuple[str, ...] = ROLES
    refusal: str = ""
    scopes: Sequence[str] = ()

    @property
    def closed(self) -> str:
        return self.refusal or closed_to(*self.clients)


def closed_to(*clients: str) -> str:
    """The refusal of a request without a token: it names the clients that the operator would have
    to open.
    """
    return (
        "Nobody is served here without logging in, unless the operator of this server opens it to "
        f"{' or '.join(clients)}."
    )


Access = Public | MetricsReader | Authenticated | OpenedToClient


def admins(refusal: str, scopes: Sequence[str] = ()) -> Authenticated:
    return Authenticated(roles=("admin",), refusal=refusal, scopes=scopes)


class Rate(Enum):
    READ = "read"
    WRITE = "write"
    SIGN_IN = "sign_in"
    LOG_IN = "log_in"
    ANONYMOUS = "anonymous"
    PREDICTIONS = "predictions"
    RENDERINGS = "renderings"
    UNLIMITED = "unlimited"


S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., Any])
Registration = Callable[[Blueprint], None]
# Limits how many lists are built at the same time: one per process, and a few waiting per caller.
#
# To build a list of 1,000 items keeps Python's interpreter (GIL) busy for tens of milliseconds, in
# which no other request of the process goes on. In many threads at the same time, lists would leave
# no time for anything else.
one_list_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Route:
    """`or_produces` and `or_statuses` describe other answers, `consumes` is the media type of a
    `stream`, and `errors_in` that of a custom renderer. The body of a `spooled` route is kept in a
    file.
    """

    method: str
    path: str
    access: Access
    rate: Rate
    function: Callable[..., Any]
    status: int = 200
    or_statuses: tuple[int, ...] = ()
    renderer: Renderer = problem_json
    errors_in: str | None = None
    raises: tuple[type[SkinAPIError], ...] = ()
    produces: str = "application/json"
    consumes: str = "application/octet-stream"
    or_produces: tuple[str, ...] = ()
    max_body: int | None = None
    carries_photo: bool = False
    spooled: bool = False
    when: Callable[[Request], bool] | None = None
    parameters: dict[str, inspect.Parameter] = field(init=False)
    returns: Any = field(init=False)

    def __post_init__(self) -> None:
        signature = inspect.signature(self.function, eval_str=True)
        without_service = dict(list(signature.parameters.items())[1:])
        # A frozen dataclass can set its computed fields only in this way.
        object.__setattr__(self, "parameters", without_service)
        object.__setattr__(self, "carries_photo", self.carries_photo or self.form is not None)
        object.__setattr__(self, "returns", signature.return_annotation)

    @cached_property
    def answer(self) -> TypeAdapter[Any]:
        """Serializes the answer. Built on first use, because building all takes a third of a
        start.
        """
        return TypeAdapter(_json_type(self.returns))

    @property
    def is_json(self) -> bool:
        return self.produces == "application/json"

    @property
    def has_page(self) -> bool:
        return "text/html" in (self.produces, *self.or_produces)

    @property
    def lists(self) -> bool:
        return get_origin(self.returns) is Page

    @property
    def says(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def body(self) -> type[Body] | None:
        return self.parameters["body"].annotation if "body" in self.parameters else None

    @property
    def form(self) -> type[Form] | None:
        return self.parameters["form"].annotation if "form" in self.parameters else None

    @property
    def needs_body(self) -> bool:
        """Return whether a request without a body is refused. A missing JSON body is read as one
        without fields, but a missing form is an error.
        """
        return self.body is None or self.body.needed or not may_be_absent(self.body)

    @property
    def parts(self) -> type[Form] | None:
        if "parts" not in self.parameters:
            return None
        described: type[Form] = get_args(self.parameters["parts"].annotation)[0]
        return described

    @property
    def query(self) -> type[BaseModel] | None:
        return self.parameters["query"].annotation if "query" in self.parameters else None

    def run(self, service: object, path: dict[str, str]) -> Response:
        result = self.function(service, **self._read_arguments(path))
        if isinstance(result, Response):
            return result
        headers = {}
        # The function has read from the store already, so a slow query holds no lock here.
        with one_list_at_a_time if isinstance(result, Page) else nullcontext():
            if isinstance(result, Page):
                headers, result = link_to_next(result, request), result.items
            text = self.answer.dump_json(result, by_alias=True)
        return Response(text, self.status, headers, mimetype=self.produces)

    def _read_arguments(self, path: dict[str, str]) -> dict[str, Any]:
        arguments: dict[str, Any] = dict(path)
        if self.body:
            arguments["body"] = read_body(self.body, request)
        if self.form:
            arguments["form"] = read_form(self.form, request)
        if self.parts:
            arguments["parts"] = FormStream(request)
        if "stream" in self.parameters:
            arguments["stream"] = BodyStream(request)
        if self.query:
            arguments["query"] = read_query(self.query, request)
        if "subject" in self.parameters:
            arguments["subject"] = current_subject()
        if "idempotency_key" in self.parameters:
            arguments["idempotency_key"] = idempotency_key()
        return arguments


def _json_type(annotation: Any) -> Any:
    if get_origin(annotation) is Page:
        return list[get_args(annotation)[0]]  # type: ignore[misc]
    if isinstance(annotation, UnionType):
        return reduce(or_, (part for part in get_args(annotation) if part is not Response))
    return annotation


class Routes(Generic[S]):
    """The routes of one package. `access`, `rate` and `options` are defaults, but a public route
    must always declare itself public.
    """

    def __init__(
        self,
        *,
        access: Authenticated | OpenedToClient | None = None,
        rate: Rate | None = None,
        **options: Any,
    ) -> None:
        self._access, self._rate, self._options = access, rate, options
        self._routes: list[Route] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        access: Access | None = None,
        rate: Rate | None = None,
        **options: Any,
    ) -> Callable[[F], F]:
        """Without a `rate`, a GET counts as READ and all others as WRITE."""
        allowed = access or self._access
        if allowed is None:
            raise ValueError(f"{method} {path} declares no access")
        counted_as = rate or self._rate or (Rate.READ if method == "GET" else Rate.WRITE)
        given = self._options | options

        def declare(function: F) -> F:
            self._routes.append(Route(method, path, allowed, counted_as, function, **given))
            return function

        return declare

    def answered_by(self, service: S) -> Registration:
        return partial(self.register, service=service)

    def __len__(self) -> int:
        return len(self._routes)

    def register(self, area: Blueprint | Flask, service: S) -> None:
        for route in self._routes:
            area.add_url_rule(
                route.path,
                endpoint=route.function.__name__,
                view_func=_view(route, service),
                methods=[route.method],
            )


def _view(route: Route, service: object) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        return route.run(service, path)

    view.route = route  # type: ignore[attr-defined]
    return view


def route_of(app: Flask, endpoint: str | None) -> Route | None:
    return getattr(app.view_functions.get(endpoint or ""), "route", None)


def choose_client_route(app: Flask, request: Request) -> None:
    rule = request.url_rule
    if rule is None or request.method == "OPTIONS":
        return
    found = [(other, route_of(app, other.endpoint)) for other in _sharing(app, rule)]
    routes = [(other, route) for other, route in found if route and route.method == request.method]
    if len(routes) < 2:
        return
    matching = [other for other, route in routes if route.when and route.when(request)]
    default = [other for other, route in routes if route.when is None]
    request.url_rule = (matching or default or [rule])[0]


def _sharing(app: Flask, rule: Rule) -> list[Rule]:
    """The rules of the same path. Flask accepts no further ones after the first request."""
    by_path: dict[str, list[Rule]] | None = app.extensions.get("rules_by_path")
    if by_path is None:
        by_path = {}
        for each in app.url_map.iter_rules():
            by_path.setdefault(each.rule, []).append(each)
        app.extensions["rules_by_path"] = by_path
    return by_path[rule.rule]


def declared_routes(app: Flask) -> Iterable[Route]:
    return [route for _, route in routes_of_areas(app)]


def routes_of_areas(app: Flask) -> list[tuple[str, Route]]:
    found = ((rule.endpoint, route_of(app, rule.endpoint)) for rule in app.url_map.iter_rules())
    return [(endpoint.split(".")[0], route) for endpoint, route in found if route]


def renderer_for(
    app: Flask, missing: Renderer = problem_json, below: Mapping[str, Renderer] | None = None
) -> Callable[[Request], Renderer]:
    """Find a request's error renderer, even if its method is not allowed. `missing` handles unknown
    addresses in a browser, and `below` those with a prefix.
    """

    def find(request: Request) -> Renderer:
        route = route_of(app, request.endpoint) or _route_of_path(app, request)
        opens = request.method == "GET" and prefers_page(request)
        if route is None:
            beginning = "/" + request.path.split("/")[1]
            return (below or {}).get(beginning) or (missing if opens else problem_json)
        return refusal_page if opens and route.has_page else route.renderer

    return find


def prefers_page(request: Request) -> bool:
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _route_of_path(app: Flask, request: Request) -> Route | None:
    try:
        adapter = app.create_url_adapter(request)
    except HTTPException:
        return None  # the Host header is invalid
    if adapter is None:
        return None
    for method in adapter.allowed_methods():
        try:
            rule, _ = adapter.match(method=method, return_rule=True)
        except HTTPException:
            continue
        routes = [route_of(app, other.endpoint) for other in _sharing(app, rule)]
        matching = (
            route for route in routes if route and (route.when is None or route.when(request))
        )
        return next(matching, None)
    return None
