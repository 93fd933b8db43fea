"""Finds what an area declares where the whole application need not be imported, such as its
settings: in a module of that name in its folder. So nobody else names the area.
"""

import importlib
import pkgutil
from types import ModuleType

FOLDERS = "skinapi.integrations"


def list_parts(name: str, folders: str = FOLDERS) -> list[ModuleType]:
    """The module of this name of each folder that has one, by the names of the folders."""
    package = importlib.import_module(folders)
    areas = sorted(found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg)
    modules = ((area, importlib.import_module(f"{folders}.{area}")) for area in areas)
    return [
        importlib.import_module(f"{folders}.{area}.{name}")
        for area, module in modules
        if any(found.name == name for found in pkgutil.iter_modules(module.__path__))
    ]
