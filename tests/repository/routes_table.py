"""The table of all routes in docs/api.md, made from what they declare."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from flask import Response

from skinapi.base.subject import ROLES
from skinapi.platform.web.declaration import (
    MetricsReader,
    OpenedToClient,
    Public,
    Rate,
    Route,
    routes_of_areas,
)
from skinapi.platform.web.schemas import Message
from tests.support.backends import Backend

HEAD = ("route", "who", "rate", "in", "out")
PAGING = {"limit", "after"}


@cache
def read_routes() -> list[tuple[str, Route]]:
    """All of them, with the area of the API."""
    with TemporaryDirectory() as folder:
        return [*routes_of_areas(Backend(Path(folder)).app)]


def list_json_photos() -> list[str]:
    """Where a photo may come in JSON."""
    return sorted({r.path for _, r in read_routes() if r.carries_photo and not r.form})


def route_rows() -> Iterator[tuple[str, ...]]:
    """All routes by the area of the API, whose name is a row before them."""
    last = ""
    for area, route in read_routes():
        if area != last:
            yield (f"**{area}**", "", "", "", "")
            last = area
        path = route.path.replace("<", "{").replace(">", "}")
        yield (f"`{route.method} {path}`", _who(route), _rate(route), _in(route), _out(route))


def _who(route: Route) -> str:
    access = route.access
    if isinstance(access, Public):
        return "anyone"
    if isinstance(access, MetricsReader):
        return "admin, scraper"
    who = [] if access.roles == ROLES else [", ".join(access.roles)]
    who = ["anyone, where opened"] if isinstance(access, OpenedToClient) else who
    return "; ".join([*who, *(f"`{scope}`" for scope in access.scopes)])


def _rate(route: Route) -> str:
    usual = Rate.READ if route.method == "GET" else Rate.WRITE
    return "" if route.rate is usual else route.rate.value


def _in(route: Route) -> str:
    body = route.body or route.form or route.parts
    query = route.query.model_fields if route.query else ()
    fields = [field for field in query if field not in PAGING]
    return ", ".join([*([_name(body)] if body else []), *(f"?{field}" for field in fields)])


def _out(route: Route) -> str:
    if not route.is_json:
        return route.produces
    kinds = [kind for kind in get_args(route.returns) or (route.returns,) if kind is not Response]
    names = " or ".join(_name(kind) for kind in kinds if kind is not Message)
    is_list = route.lists or getattr(route.returns, "__origin__", None) is list
    return f"[{names}]" if is_list else names


def _name(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
