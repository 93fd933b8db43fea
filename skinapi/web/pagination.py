"""Lists in pages: `?limit&after`, and a Link to the next one. The body stays a bare array."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import Request
from pydantic import BaseModel, ConfigDict, Field

from skinapi.web.schema_types import Identifier

T = TypeVar("T")
U = TypeVar("U")
LARGEST_PAGE = 1000


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
    after: Identifier | None = None


class ContractPageQuery(PageQuery):
    """The query of a list that existing clients read: unknown parameters are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Page(Generic[T]):
    """`items` are made when they are first asked for, from what the store gave: of a large page
    that takes long enough to be done for one caller at a time.
    """

    def __init__(self, found: Iterable[T], next_after: str | None = None) -> None:
        self._found = found
        self.next_after = next_after

    @cached_property
    def items(self) -> list[T]:
        return list(self._found)

    def headers(self, request: Request) -> dict[str, str]:
        if self.next_after is None:
            return {}
        query = urlencode({**request.args.to_dict(), "after": self.next_after})
        # Relative to the request's own address: what host a header names is nobody's promise.
        return {"Link": f'<{request.path}?{query}>; rel="next"'}

    def map(self, view: Callable[[T], U]) -> "Page[U]":
        # A generator: `items` of this page is asked for once that of the new one is.
        return Page((view(item) for item in self._each()), self.next_after)

    def _each(self) -> Iterator[T]:
        yield from self.items


def page_of(found: Sequence[T], limit: int) -> Page[T]:
    """A page from up to `limit` + 1 records: the one too many says that more follow."""
    shown = list(found[:limit])
    return Page(shown, _id(shown[-1]) if len(found) > limit else None)


def _id(record: Any) -> str:
    return str(record["id"] if isinstance(record, dict) else record.id)
