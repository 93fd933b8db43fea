"""What there is to know of a fact that a sender tells with a photo, beside its type. The row stands
at its field of `Context`; all that ask, correct, hash, say and export facts read it there.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import Field

# What a fact is of, in the order in which the API has the fields.
Question = Literal["picture", "person", "place", "signs", "skin"]


@dataclass(frozen=True, slots=True)
class ToldFact:
    """Its name and answers in reports are words of `reports.yaml` (`facts`, `answers`), by the name
    of its field. `part_of`: people know it by the name of that fact.

    In the console it is named by `word`; where `asked` is the title, one of its answers is chosen
    (of the picture, person or skin), whose words begin with `answers`, and which are `shown` in an
    order of their own.

    A correction lets the photo be judged again, unless no judgement depends on it: it is a text
    then, and not `judged`. The `first` facts stand in hashes where they are not told, too; a later
    one must not, for the hashes of what is stored.

    `observed` is its name in coded exports, `dataset` its column in data sets that are made of
    findings; where it has a `column`, tables of findings have it.
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
    """Declare the field of a fact, with its row: see `ToldFact`."""
    fact = ToldFact(question, word, **more)
    left_out = None if fact.first else lambda value: bool(value == default)
    field = Field(default=default, exclude_if=left_out)
    field.metadata.append(fact)
    return field


def say_answer(value: Any) -> str:
    """The key of its words; empty where it was not told."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def base_of(annotation: Any) -> Any:
    """The type of a fact without None; of a choice that of its values."""
    origin = get_origin(annotation)
    if origin in (None, tuple):
        return origin or (annotation if isinstance(annotation, type) else type(annotation))
    return base_of(get_args(annotation)[0])


def list_choices(annotation: Any) -> tuple[Any, ...]:
    """What such a fact may be, where that is not open."""
    base = base_of(annotation)
    if base is bool:
        return True, False
    if issubclass(base, Enum):
        return tuple(base)
    return get_args(next(iter(get_args(annotation)), None))
