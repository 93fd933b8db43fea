"""What a clinic may do without, such as webhooks: one value says all of it that the application has
to know. The package has it in its `area.py`, and `skinapi/app/areas.py` lists them.
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
    """What an area has stored of people, `STORED` in its `stored.py`. It is forgotten also while
    the area is off: so each server imports that module, which names by their places
    (`module:Class.method`) what is called then, and imports none of them.

    `erases`: what is called in the transaction of an event. `forgets`: what is called with an
    account that is erased, before its findings are, by what its result counts. `log_ins`: what ends
    log-ins of an account.
    """

    erases: Mapping[type, str] = field(default_factory=dict)
    forgets: Mapping[str, str] = field(default_factory=dict)
    log_ins: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePart:
    """What an area adds to the console: modules in `console` of its `folder`, each with its `View`,
    and in `words` what they alone say, a `console_staff.yaml` for each language.

    `views`: the module of each, by its name in an address. `open`: those for whoever is not logged
    in, which say no word of `console_staff.yaml`. `beside_models`: those that stand beside the
    models in the navigation; `children`: those that are opened from such a place. `sections`: those
    of a page, by their names. `inside`: what is shown within a view of the core.
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
    """Classes are named, and made by the application's container, which also gives each function
    here what it asks for.

    `routes` are in `blueprint`. `errors_in`: who writes errors, by the beginning of a path.
    `stores`: the repositories; each has a collection, which `check` reads. `checks`: those who look
    for what is broken besides, by what it is. `problems`: those with a sentence for `/readyz`.
    `begin` is called at a start. `values`, `factories` and `stand_for`: what the container is to
    know. `channels`: who sends the deliveries of a kind. `subscribe`: whom it adds to the
    listeners, after those of the findings. `page` describes it, `summary` in a line. `scopes`: what
    a key may be made for besides. `reads`: whether what doctors decide comes to who has such a key.
    `log_ins`: what the log-in page shows besides the password.
    `condition_names`: what its clients call each condition. `spooled`: the largest body that lies
    in a file, where a route has no limit of its own. `console`: its part of the console.
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
