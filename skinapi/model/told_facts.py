"""The properties of an entered fact. Each is declared at its field of `Context`; all code that
asks, corrects, hashes, displays or exports facts reads it there.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import Field

# What a fact is of, in the order in which the API has the fields.
Question = Literal["picture", "person", "place", "signs", "skin"]


@dataclass(frozen=True, slots=True)
class ToldFact:
    """The name of the field is its key in `reports.yaml` (`facts`, `answers`). `part_of`: it is
    shown as a part of that fact.

    In the console its label is `word`. If `asked` is a title, one answer is chosen (about the
    picture, person or skin). The words of answers begin with `answers`, and `shown` are those
    offered, in order.

    After a correction the photo is judged again, unless the fact is a text and not `judged`. The
    `first` facts are in hashes even if they were not entered. A new fact must not be, to keep
    stored hashes valid.

    `observed` is its name in coded exports, `dataset` its column in data sets made from findings,
    and `column` that in tables of findings.
    """

    question: Question
    word: str
    description: str | None = None
    part_of: str | None = None
    asked: str | None = None
    hint: str | None = None
    answers: str | None = None
    shown: tuple[str, ...] = ()
    judged: bool = True
    first: bool = False
    observed: str | None = None
    dataset: str | None = None
    column: bool = False


def told(question: Question, word: str, *, default: Any = None, **more: Any) -> Any:
    fact = ToldFact(question, word, **more)
    left_out = None if fact.first else lambda value: bool(value == default)
    field = Field(default=default, exclude_if=left_out)
    field.metadata.append(fact)
    return field


def say_answer(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def base_of(annotation: Any) -> Any:
    origin = get_origin(annotation)
    if origin in (None, tuple):
        return origin or (annotation if isinstance(annotation, type) else type(annotation))
    return base_of(get_args(annotation)[0])


def list_choices(annotation: Any) -> tuple[Any, ...]:
    base = base_of(annotation)
    if base is bool:
        return True, False
    if issubclass(base, Enum):
        return tuple(base)
    return get_args(next(iter(get_args(annotation)), None))
