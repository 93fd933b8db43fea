"""What a clinic may do without, such as webhooks: one value says all of it that the application has
to know. The package has it in its `area.py`, and `skinapi/app/areas.py` lists them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from skinapi.base.container import Factory
from skinapi.base.settings import Settings
from skinapi.platform.notices.deliveries import Send
from skinapi.platform.storage.records import Repository
from skinapi.platform.web.answers import Renderer
from skinapi.platform.web.declaration import Routes

Values = Mapping[Any, Mapping[str, Any]]


class Forgets(Protocol):
    def forget(self, account: str) -> None: ...


class NotesProblems(Protocol):
    def problems(self) -> list[str]: ...


class Sends(Protocol):
    @property
    def send(self) -> Send: ...


def _subscribe_to_nothing() -> None: ...


def _no_values(_: Settings) -> Values:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Classes are named, and made by the application's container.

    `routes`: each with the class that answers it; they are in `blueprint`. `errors_in`: who writes
    errors, by the beginning of a path. `stores`: the repositories; each has a collection, which
    `check` reads. `forgets`: those of them with something of one account, which is forgotten after
    its findings. `counted`: those that an erasure counts, by kind. `told`: those with receivers of
    what is told of a person, by place. `problems`: those with a sentence for `/readyz`. `values`
    and `factories`: what the container is to know. `channels`: who sends the deliveries of a kind.
    `subscribe`: whom it adds to the listeners, after those of the findings; the container gives
    what it asks for. `page` describes it, `summary` in a line. `scopes`: what a key may be made for
    besides. `log_ins`: what the log-in page shows besides the password. `condition_names`: what its
    clients call each condition.
    """

    name: str
    blueprint: str
    summary: str
    page: str
    routes: Sequence[tuple[Routes[Any], type]]
    errors_in: Mapping[str, Renderer] = field(default_factory=dict)
    stores: Sequence[type[Repository[Any]]] = ()
    forgets: Sequence[type[Forgets]] = ()
    counted: Mapping[str, type[Repository[Any]]] = field(default_factory=dict)
    told: Mapping[str, type[Repository[Any]]] = field(default_factory=dict)
    problems: Sequence[type[NotesProblems]] = ()
    values: Callable[[Settings], Values] = _no_values
    factories: Sequence[Factory] = ()
    channels: Mapping[str, type[Sends]] = field(default_factory=dict)
    subscribe: Callable[..., None] = _subscribe_to_nothing
    scopes: Sequence[str] = ()
    log_ins: Callable[..., Mapping[Any, object]] = _no_values
    condition_names: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
