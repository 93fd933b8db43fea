"""An area is a part of the server that a clinic can switch off, such as webhooks. Its `area.py`
declares everything that the application needs from it; `skinapi/app/areas.py` lists the areas.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from skinapi.base.container import Factory
from skinapi.platform.notices.deliveries import Send
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.records import Repository
from skinapi.platform.web.answers import Renderer
from skinapi.platform.web.declaration import Routes

Values = Mapping[Any, Mapping[str, Any]]
# With the class that answers them.
AreaRoutes = tuple[Routes[Any], type]


class ChecksIntegrity(Protocol):
    def check_integrity(self) -> Iterator[Fault]: ...


class NotesProblems(Protocol):
    def problems(self) -> list[str]: ...


class Sends(Protocol):
    @property
    def send(self) -> Send: ...


def _do_nothing() -> None: ...


def _no_values() -> Values:
    return {}


def _yes() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What an area has stored about people: `STORED` in its `stored.py`. Every server imports that
    module, also while the area is off, so that erasure is complete. Hooks are named as
    `module:Class.method` and imported only when they are called.

    `erases` are called in the transaction of an event. `forgets` are called with the id of an
    account before its findings are erased, and are keyed by what their result counts. `log_ins` end
    the sessions of an account.
    """

    erases: Mapping[type, str] = field(default_factory=dict)
    forgets: Mapping[str, str] = field(default_factory=dict)
    log_ins: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePart:
    """What an area adds to the console: modules in `console` of its `folder`, each with its `View`,
    and in `words` a `console_staff.yaml` for each language.

    `views` maps a name in an address to its module. `open` are the views for visitors without a
    log-in, which may not use `console_staff.yaml`. `beside_models` are shown next to the models in
    the navigation, and `children` are opened from there. `sections` are the sections of a page by
    their names, and `inside` is shown within a view of the core.
    """

    folder: Path | None = None
    views: Mapping[str, str] = field(default_factory=dict)
    open: Sequence[str] = ()
    beside_models: Sequence[str] = ()
    children: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The container of the application makes the classes that are named here, and passes each
    function the services that it asks for.

    `errors_in` maps the beginning of a path to its error renderer. `stores` are repositories, whose
    collections `check` reads; `checks` look for other faults. `problems` return a sentence for
    `/readyz`. `begin` is called at the start. `values`, `factories` and `stand_for` configure the
    container. `channels` send the deliveries of a kind. `subscribe` adds listeners after those of
    the findings. `scopes` are the scopes of keys, and `reads` says if such a key shows its owner
    what doctors decide. `log_ins` adds to the log-in page. `condition_names` are the names that its
    clients use. `spooled` is the largest body kept in a file, unless the route has its own limit.
    """

    name: str
    summary: str
    page: str
    blueprint: str = ""
    routes: Sequence[AreaRoutes] = ()
    errors_in: Mapping[str, Renderer] = field(default_factory=dict)
    stores: Sequence[type[Repository[Any]]] = ()
    checks: Mapping[str, type[ChecksIntegrity]] = field(default_factory=dict)
    problems: Sequence[type[NotesProblems]] = ()
    begin: Callable[..., None] = _do_nothing
    values: Callable[..., Values] = _no_values
    factories: Sequence[Factory] = ()
    stand_for: Mapping[Any, Any] = field(default_factory=dict)
    channels: Mapping[str, type[Sends]] = field(default_factory=dict)
    subscribe: Callable[..., None] = _do_nothing
    scopes: Sequence[str] = ()
    reads: Callable[..., bool] = _yes
    log_ins: Callable[..., Mapping[Any, object]] = _no_values
    condition_names: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    spooled: Callable[..., int] | None = None
    console: ConsolePart = field(default_factory=ConsolePart)
