"""What a clinic may do without: each is an area, declared in the `area.py` of its folder."""

from collections.abc import Mapping
from importlib import import_module

from pydantic.fields import FieldInfo

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings import Settings
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.subject import SCOPES
from skinapi.platform.area import Area

# In the order in which they listen, and in which their routes are described.
NAMES: tuple[str, ...] = (
    "oidc",
    "clients",
    "fhir",
    "dicom",
    "webhooks",
)


def _load(name: str) -> Area:
    area: Area = import_module(f"skinapi.integrations.{name}.area").AREA
    return area


AREAS = tuple(map(_load, NAMES))
SCOPES.extend(scope for area in AREAS for scope in area.scopes)


def faults_of_areas(settings: Settings) -> list[str]:
    """A sentence where AREAS names what is none."""
    named, known = settings.areas_on or frozenset(), [area.name for area in AREAS]
    wrong = sorted(named - {*known})
    if not wrong or named == {"none"}:
        return []
    return [f"AREAS: {', '.join(wrong)} is none of {', '.join(known)}; or say `none` alone"]


def switched_on(settings: Settings) -> tuple[Area, ...]:
    """Those that AREAS names; all of them where it is not set. Raises UnsafeSettings."""
    if faults := faults_of_areas(settings):
        raise UnsafeSettings("\n".join(faults))
    return tuple(area for area in AREAS if settings.switches_on(area.name))


def list_condition_names() -> dict[str, Mapping[str, str | None]]:
    """For each condition its names by client: `GET /conditions` tells them."""
    return {key: names for area in AREAS for key, names in area.condition_names.items()}


def list_channels(settings: Settings) -> tuple[str, ...]:
    """The kinds of deliveries."""
    return tuple(kind for area in switched_on(settings) for kind in area.channels)


def list_area_settings(*areas: str) -> list[tuple[str, FieldInfo]]:
    """The settings of these areas, or of all, with their names in the environment."""
    return [
        (name.upper(), field)
        for kind in sorted(AreaSettings.__subclasses__(), key=lambda kind: kind.__module__)
        for name, field in Settings.model_fields.items()
        if name in kind.__annotations__
        if not areas or kind.__module__.split(".")[-2] in areas
    ]


def describe_areas(settings: Settings) -> list[str]:
    """A line for each area: whether it is on, how many routes it adds, what it stores and sends."""
    on, lines = switched_on(settings), list[str]()
    for area in AREAS:
        count = sum(len(routes) for routes, _ in area.routes)
        stores = ", ".join(store.collection for store in area.stores)
        adds = {
            "stores": stores,
            "sends": ", ".join(area.channels),
            "settings": ", ".join(name for name, _ in list_area_settings(area.name)),
        }
        said = [f"{count} routes", *(f"{verb} {what}" for verb, what in adds.items() if what)]
        lines.append(f"{area.name:<10}{'on' if area in on else 'off':<5}{'; '.join(said)}")
    return lines
