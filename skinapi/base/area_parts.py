"""The list of areas. An area declares its settings and similar parts in a module of that name in
its folder, so that no other code names an area or has to import the whole of it.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

# What a clinic may do without. In the order in which they listen, and their routes are described.
AREA_FOLDERS: tuple[str, ...] = (
    "integrations.oidc",
    "integrations.clients",
    "integrations.fhir",
    "integrations.dicom",
    "integrations.webhooks",
    "lab",
    "integrations.broker",
)


def list_parts(
    name: str, root: str = "skinapi", *, on: Callable[[str], bool] = lambda _: True
) -> list[ModuleType]:
    """The modules of this name in all areas that are `on` and have one, by folder name. No other
    module is imported.
    """
    folders = sorted(folder for folder in AREA_FOLDERS if on(folder.rpartition(".")[2]))
    parts = (find_part(f"{root}.{folder}.{name}") for folder in folders)
    return [part for part in parts if part]


@cache
def find_part(module: str) -> ModuleType | None:
    return import_module(module) if find_spec(module) else None
