"""Finds what an area declares where the whole application need not be imported, such as its
settings: in a module of that name in its folder. So nobody else names the area.
"""

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

FOLDERS = "skinapi.integrations"


def list_parts(name: str, folders: str = FOLDERS) -> list[ModuleType]:
    """The module of this name of each folder that has one, by the names of the folders."""
    found = pkgutil.iter_modules(import_module(folders).__path__)
    parts = (f"{folders}.{area.name}.{name}" for area in found if area.ispkg)
    return [import_module(part) for part in sorted(parts) if find_spec(part)]
