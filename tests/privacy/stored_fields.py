"""The paths of what is stored: of a model, and of a document."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel


def paths_of_model(model: type[BaseModel], _within: tuple[type, ...] = ()) -> set[str]:
    """Every field, and those of the models in it; of one that holds itself, once."""
    found = set[str]()
    for name, field in model.model_fields.items():
        inner = [one for one in _models_in(field.annotation) if one not in (*_within, model)]
        found |= {
            f"{name}.{path}" for one in inner for path in paths_of_model(one, (*_within, model))
        }
        found |= set() if inner else {name}
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def paths_of(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document, with its path; those of a list have the path of the list."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths_of(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from paths_of(part, path)
    else:
        yield path, value
