"""An area that is off is imported only to check or delete what it has stored."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from pydantic.fields import FieldInfo

from skinapi.base.area_parts import AREA_FOLDERS, find_part
from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.settings import Settings
from skinapi.base.subject import SCOPES
from skinapi.platform.area import Area, AreaRoutes

FOLDERS = {folder.rpartition(".")[2]: f"skinapi.{folder}" for folder in AREA_FOLDERS}


@cache
def load_area(name: str) -> Area:
    area: Area = import_module(f"{FOLDERS[name]}.area").AREA
    SCOPES.extend(area.scopes)
    return area


def list_areas() -> tuple[Area, ...]:
    return tuple(map(load_area, FOLDERS))


def faults_of_areas(settings: Settings) -> list[str]:
    named = settings.areas_on or frozenset()
    wrong = sorted(named - FOLDERS.keys())
    if not wrong or named == {"none"}:
        return []
    return [f"AREAS: {', '.join(wrong)} is none of {', '.join(FOLDERS)}; or say `none` alone"]


def switched_on(settings: Settings) -> tuple[Area, ...]:
    """Return the areas in AREAS, or all if it is not set. Raises UnsafeSettings."""
    if faults := faults_of_areas(settings):
        raise UnsafeSettings("\n".join(faults))
    return tuple(load_area(name) for name in FOLDERS if settings.switches_on(name))


def list_routes(settings: Settings, *, of: str | None = None) -> Iterator[tuple[str, AreaRoutes]]:
    """A module named after another area is used only if both are on."""
    on = switched_on(settings)
    for area in on:
        if of in (None, area.name):
            yield from ((area.blueprint, routes) for routes in area.routes)
        for other in on:
            beside = f"{FOLDERS[area.name]}.{other.name}"
            if of in (None, area.name, other.name) and (part := find_part(beside)):
                yield from ((area.blueprint, each) for each in part.ROUTES)


def list_condition_names(settings: Settings) -> dict[str, Mapping[str, str | None]]:
    on = switched_on(settings)
    return {key: names for area in on for key, names in area.condition_names.items()}


def list_channels(settings: Settings) -> tuple[str, ...]:
    return tuple(kind for area in switched_on(settings) for kind in area.channels)


def list_area_settings(*areas: str) -> list[tuple[str, FieldInfo]]:
    return [
        (name.upper(), field)
        for kind in sorted(AreaSettings.__subclasses__(), key=lambda kind: kind.__module__)
        for name, field in Settings.model_fields.items()
        if name in kind.__annotations__
        if not areas or kind.__module__.split(".")[-2] in areas
    ]


def describe_areas(settings: Settings) -> list[str]:
    on, lines = switched_on(settings), list[str]()
    whole = settings.model_copy(update={"areas": None})
    for area in list_areas():
        count = sum(len(routes) for _, (routes, _) in list_routes(whole, of=area.name))
        stores = ", ".join(store.collection for store in area.stores)
        adds = {
            "stores": stores,
            "sends": ", ".join(area.channels),
            "settings": ", ".join(name for name, _ in list_area_settings(area.name)),
        }
        said = [f"{count} routes"] if count else []
        said += [f"{verb} {what}" for verb, what in adds.items() if what]
        lines.append(f"{area.name:<10}{'on' if area in on else 'off':<5}{'; '.join(said)}")
    return lines
