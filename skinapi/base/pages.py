from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class PageRequest:
    limit: int
    after: str | None = None


FIRST_PAGE = PageRequest(100)


class Page(Generic[T]):
    """One page of a list; `next_after` is None on the last page.

    `items` are built on first use: building a large page is so slow that only one caller at a time
    may do it (`one_list_at_a_time` in platform/web/declaration.py).
    """

    def __init__(self, records: Iterable[T], next_after: str | None = None) -> None:
        self._records = records
        self.next_after = next_after

    @cached_property
    def items(self) -> list[T]:
        return list(self._records)

    def map(self, view: Callable[[T], U]) -> "Page[U]":
        # A generator, so that this page is only built when the new page's `items` are read.
        return Page((view(item) for item in self._each()), self.next_after)

    def map_all(self, view: Callable[[list[T]], Iterable[U]]) -> "Page[U]":
        def build() -> Iterator[U]:
            yield from view(self.items)

        return Page(build(), self.next_after)

    def _each(self) -> Iterator[T]:
        yield from self.items


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := [*islice(rest, size)]:
        yield batch


def page_of(found: Sequence[T], paging: PageRequest, *, by: str = "id") -> Page[T]:
    """Return one page of a list sorted by the field `by`. `found` must have up to `limit` + 1
    records: the extra one shows that another page follows.
    """
    records = list(found[: paging.limit])
    return Page(records, _value(records[-1], by) if len(found) > paging.limit else None)


def join_pages(
    parts: Mapping[str, Callable[[PageRequest], Page[T]]], paging: PageRequest
) -> Page[T]:
    """Page several lists as one. Each name is one letter, in the lists' order, and prefixes its
    `after`.
    """
    after, found = paging.after or "", list[T]()
    names = [name for name in sorted(parts) if name >= after[:1]]
    for name in names:
        if len(found) >= paging.limit:
            return Page(found, name)
        behind = after[1:] if after[:1] == name else None
        page = parts[name](PageRequest(paging.limit - len(found), behind or None))
        found += page.items
        if page.next_after is not None:
            return Page(found, f"{name}{page.next_after}")
    return Page(found)


def read_pages(
    read: Callable[[PageRequest], Page[T]], first: PageRequest = FIRST_PAGE
) -> Iterator[Page[T]]:
    page = read(first)
    yield page
    while page.next_after is not None:
        page = read(replace(first, after=page.next_after))
        yield page


def read_all(
    read: Callable[[PageRequest], Page[T]], first: PageRequest = FIRST_PAGE
) -> Iterator[T]:
    for page in read_pages(read, first):
        yield from page.items


def _value(record: Any, field: str) -> str | None:
    value: str | None = record.get(field) if isinstance(record, dict) else getattr(record, field)
    return value
