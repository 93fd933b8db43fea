"""Reads stored documents as records, and names each one that cannot be read.

A request that only reads leaves such records out of its lists and counts them in its answer
(platform/web/headers.py), as does the export of a person's file. Everything else fails: a write
must not decide by an incomplete list.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from skinapi.base.errors import RecordDamaged, SkinAPIError
from skinapi.base.logs import log
from skinapi.platform.storage.ports import Document

R = TypeVar("R")
Name = tuple[str, str]


@dataclass(slots=True)
class Unreadable:
    """The records that the current request could not read, by collection and id.

    `hidden` are missing in its lists. `damaged` are broken themselves, with the type of the error.
    A damaged review hides its whole finding.
    """

    leaves_out: bool
    hidden: set[Name] = field(default_factory=set)
    damaged: dict[Name, str] = field(default_factory=dict)


current_unreadable: ContextVar[Unreadable | None] = ContextVar("unreadable", default=None)


@contextmanager
def leaving_out() -> Iterator[Unreadable]:
    unreadable = Unreadable(leaves_out=True)
    token = current_unreadable.set(unreadable)
    try:
        yield unreadable
    finally:
        current_unreadable.reset(token)


def read_each(
    collection: str, documents: Iterable[Document], read: Callable[[Document], R]
) -> Iterator[R]:
    """Yield each document as a record. A request that only reads leaves out and counts unreadable
    ones.
    """
    for document in documents:
        try:
            yield read_one(collection, document, read)
        except RecordDamaged:
            if not hide(collection, str(document.get("id"))):
                raise


def read_others(
    collection: str, documents: Iterable[Document], read: Callable[[Document], R]
) -> Iterator[R]:
    """Yield the documents that can be read as records, in any request: for use if the work on one
    record does not depend on the others.
    """
    for document in documents:
        try:
            record = read_one(collection, document, read)
        except RecordDamaged:
            continue
        yield record


def read_one(collection: str, document: Document, read: Callable[[Document], R]) -> R:
    """A damaged record is logged without its content, and raises RecordDamaged."""
    try:
        return read(document)
    except SkinAPIError:
        raise
    except Exception as error:  # damaged data can break any code that reads it
        record = (collection, str(document.get("id")))
        _note(*record, _say(error), type(error).__name__)
        raise RecordDamaged(record) from error


def pass_over(collection: str, identifier: str) -> None:
    """Note a record that a query could not read. Raises RecordDamaged in a request that must not
    leave anything out; background work and commands continue.
    """
    _note(collection, identifier, "no JSON", "JSONDecodeError")
    if not hide(collection, identifier) and current_unreadable.get():
        raise RecordDamaged((collection, identifier))


def _note(collection: str, identifier: str, said: str, kind: str) -> None:
    log.error("record_damaged", collection=collection, item=identifier, reason=said)
    if current := current_unreadable.get():
        current.damaged[collection, identifier] = kind


def hide(collection: str, identifier: str) -> bool:
    current = current_unreadable.get()
    if current is None or not current.leaves_out:
        return False
    current.hidden.add((collection, identifier))
    return True


def name_left_out() -> str:
    current = current_unreadable.get()
    counted = Counter(collection for collection, _ in current.hidden) if current else {}
    return ", ".join(f"{name}={count}" for name, count in sorted(counted.items()))


def hides_any(collection: str) -> bool:
    current = current_unreadable.get()
    return current is not None and any(name == collection for name, _ in current.hidden)


def is_hidden(collection: str, identifier: str) -> bool:
    current = current_unreadable.get()
    return current is not None and (collection, identifier) in current.hidden


def _say(error: Exception) -> str:
    """The damaged fields, or the type of the error; never a value, which may be personal."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    return ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}))
