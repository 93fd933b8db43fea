"""Says who listens to which event, in which order."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.app.areas import FOLDERS
from skinapi.app.composition.services import open_services
from skinapi.base.settings import Settings
from skinapi.platform.stores import make_store


def describe_listeners(settings: Settings) -> list[str]:
    """A line for each event. They are asked of a store that is made for it, and is gone then."""
    with TemporaryDirectory() as folder:
        beside = {"instance_dir": Path(folder), "mongo_uri": None}
        made = settings.model_copy(update=beside)
        make_store(made)
        services = open_services(made)
        with closing(services.store):
            listed = list(services.data.work.list_listeners())
    return [
        f"{event} ({when}): {', '.join(who for who, _ in groupby(_name(one[2]) for one in calls))}"
        for (event, when), calls in groupby(listed, key=lambda each: each[:2])
    ]


def _name(call: Callable[[Any], Any]) -> str:
    """The area that listens, or the core."""
    named: Any = call
    while isinstance(named, partial):
        named = named.args[0]
    owner = type(getattr(named, "__self__", None)).__module__
    module = owner if owner.startswith("skinapi.") else getattr(named, "__module__", named)
    inside = (name for name, folder in FOLDERS.items() if module.startswith(f"{folder}."))
    return next(inside, "core")
