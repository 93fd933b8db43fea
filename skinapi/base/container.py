import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Factory = Callable[..., object]
OWN_CODE = "skinapi."


class CompositionError(Exception):
    pass


class Container:
    """Builds one object of each type on first use.

    A type is looked up in this order: objects that were `put` in, factories (by return type), the
    types that implement a protocol, and finally the class itself. Arguments are built in the same
    way. An argument with a default is only passed if there is a rule for its type. `values` holds
    arguments that a type cannot identify, such as numbers and addresses, by class and name.
    """

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {Container: self}
        self._factories: dict[Any, Factory] = {}
        self._stand_for: dict[Any, Any] = {}
        self._values: dict[Any, Mapping[str, Any]] = {}
        self._building: list[Any] = []
        self._lock = threading.RLock()

    def put(self, objects: Mapping[Any, object]) -> None:
        self._made.update(objects)

    def learn(
        self,
        factories: Sequence[Factory],
        values: Mapping[Any, Mapping[str, Any]],
        stand_for: Mapping[Any, Any],
    ) -> None:
        self._factories |= {
            _without_none(_hints_of(factory)["return"]): factory for factory in factories
        }
        self._values |= values
        self._stand_for |= stand_for

    def get(self, kind: type[T]) -> T:
        with self._lock:
            if kind not in self._made:
                self._made[kind] = self._make(kind)
            found: T = self._made[kind]
            return found

    def build(self, make: Callable[..., T], **given: Any) -> T:
        given = {**self._values.get(make, {}), **given}
        for name, kind, is_needed in _parameters_of(make):
            if name not in given and (self._knows(kind) or is_needed):
                if not (self._knows(kind) or _is_buildable(kind)):
                    raise CompositionError(f"{self._path()}: nothing gives `{name}: {kind}`")
                given[name] = self.get(kind)
        return make(**given)

    def _make(self, kind: Any) -> Any:
        if kind in self._building:
            raise CompositionError(f"{self._path()} needs {_name(kind)}: a cycle")
        self._building.append(kind)
        try:
            if kind in self._stand_for:
                return self.get(self._stand_for[kind])
            return self.build(self._factories.get(kind, kind))
        finally:
            self._building.pop()

    def _knows(self, kind: Any) -> bool:
        return (
            kind in self._made
            or kind in self._factories
            or kind in self._stand_for
            or kind in self._values
        )

    def _path(self) -> str:
        return " -> ".join(map(_name, self._building))


_hints_of: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


@cache
def _parameters_of(make: Callable[..., object]) -> list[tuple[str, Any, bool]]:
    return [
        (name, _without_none(parameter.annotation), parameter.default is parameter.empty)
        for name, parameter in inspect.signature(make).parameters.items()
    ]


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        kinds = [arg for arg in get_args(kind) if arg is not NoneType]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _is_buildable(kind: Any) -> bool:
    own = inspect.isclass(kind) and kind.__module__.startswith(OWN_CODE)
    return own and not getattr(kind, "_is_protocol", False)


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


class Parts:
    def __init__(self, container: Container) -> None:
        self.container = container

    def get(self, kind: type[T]) -> T:
        return self.container.get(kind)

    def build_all(self) -> None:
        for name in _hints_of(type(self)):
            getattr(self, name)

    if not TYPE_CHECKING:  # otherwise type checkers would accept any name

        def __getattr__(self, name: str) -> Any:
            kind = _hints_of(type(self)).get(name)
            if kind is None:
                raise AttributeError(f"{type(self).__name__} has no {name}")
            self.__dict__[name] = made = self.container.get(kind)
            return made
