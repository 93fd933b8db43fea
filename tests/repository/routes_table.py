"""The table of all routes in docs/api.md, made from what they declare."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from skinapi.base.subject import ROLES
from skinapi.platform.web.declaration import (
    MetricsReader,
    OpenedToClient,
    Public,
    Rate,
    Route,
    routes_of_areas,
)
from tests.support.backends import Backend

HEAD = ("route", "who", "rate")


@cache
def read_routes() -> list[tuple[str, Route]]:
    with TemporaryDirectory() as folder:
        return [*routes_of_areas(Backend(Path(folder)).app)]


def list_json_photos() -> list[str]:
    return sorted({r.path for _, r in read_routes() if r.carries_photo and not r.form})


def route_rows() -> Iterator[tuple[str, ...]]:
    last = ""
    for area, route in read_routes():
        if area != last:
            yield (f"**{area}**", "", "")
            last = area
        path = route.path.replace("<", "{").replace(">", "}")
        yield (f"`{route.method} {path}`", _who(route), _rate(route))


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
