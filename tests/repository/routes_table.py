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

HEAD = ("who", "rate", "routes")


@cache
def read_routes() -> list[tuple[str, Route]]:
    with TemporaryDirectory() as folder:
        return [*routes_of_areas(Backend(Path(folder)).app)]


def list_json_photos() -> list[str]:
    return sorted({r.path for _, r in read_routes() if r.carries_photo and not r.form})


def route_rows() -> Iterator[tuple[str, ...]]:
    """For each area of the API, put the routes of one access and rate in one row."""
    areas: dict[str, dict[tuple[str, str], dict[str, list[str]]]] = {}
    for area, route in read_routes():
        path = route.path.replace("<", "{").replace(">", "}")
        paths = areas.setdefault(area, {}).setdefault((_who(route), _rate(route)), {})
        paths.setdefault(path, []).append(route.method)
    for area, rows in areas.items():
        yield (f"**{area}**", "", "")
        for (who, rate), paths in sorted(rows.items()):
            named = (f"`{', '.join(dict.fromkeys(of))} {path}`" for path, of in paths.items())
            yield (who or "account", rate, " ".join(named))


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
