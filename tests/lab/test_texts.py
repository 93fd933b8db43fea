from collections.abc import Callable, Collection, Iterator
from itertools import chain
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from skinapi.lab import routes as lab_routes
from skinapi.model.registry import routes as models_routes
from skinapi.platform.jobs import routes as jobs_routes
from skinapi.platform.web.declaration import declared_routes
from tests.support.backends import Backend

MODULES = {module.__name__ for module in (jobs_routes, lab_routes, models_routes)}
HOSTILE = ("\0", "\ud800", "\x1b", "\x7f", "\u202e", "\u2066", "\u2028")
GOOD = ("plain text", "0" * 8, "0" * 32, "0" * 64)
SHAPES: tuple[Callable[[str], Any], ...] = (
    lambda text: text,
    lambda text: [text, "nv"],
    lambda text: {text: "nv"},
    lambda text: {"nv": text},
)


def texts_of(
    backend: Backend, modules: Collection[str]
) -> Iterator[tuple[str, TypeAdapter[Any], Callable[[str], Any], str]]:
    for route in declared_routes(backend.app):
        if route.function.__module__ not in modules:
            continue
        schemas: list[type[BaseModel]] = [s for s in (route.body, route.query, route.parts) if s]
        fields = chain.from_iterable(
            ((schema, name, field) for name, field in schema.model_fields.items())
            for schema in schemas
        )
        for schema, name, field in fields:
            annotated: Any = Annotated[field.annotation, field]
            adapter: TypeAdapter[Any] = TypeAdapter(annotated)
            for shape in SHAPES:
                good = next((text for text in GOOD if takes(adapter, shape(text))), None)
                if good:
                    yield f"{schema.__name__}.{name}", adapter, shape, good


def takes(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def find_hostile(backend: Backend, *modules: str) -> tuple[set[str], set[str]]:
    taken, seen = set(), set()
    for name, adapter, shape, good in texts_of(backend, modules):
        seen.add(name)
        for hostile in HOSTILE:
            if takes(adapter, shape(f"{good[:3]}{hostile}{good[3:]}")):
                taken.add(name)
    return taken, seen


def test_no_field_takes_what_cannot_be_stored_or_reaches_beyond_its_line(
    shared_backend: Backend,
) -> None:
    taken, seen = find_hostile(shared_backend, *MODULES)
    assert taken == set()
    assert {
        "NewUpload.name", "NewDatasetBody.name", "NewDatasetBody.labels", "NewDatasetBody.licence",
        "NewReason.reason", "Promotion.reason", "NewModel.labels",
        "NewModel.licence", "NewModel.upload", "StartTraining.dataset_name", "JobPageQuery.after",
    } <= seen  # fmt: skip
