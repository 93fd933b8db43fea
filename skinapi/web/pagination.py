"""Lists in pages: `?limit&after`, and a Link to the next one. The body stays a bare array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import Request
from pydantic import BaseModel, ConfigDict, Field

from skinapi.web.fields import Identifier

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


@dataclass(frozen=True)
class Page(Generic[T]):
    items: list[T]
    next_after: str | None = None

    def headers(self, request: Request) -> dict[str, str]:
        if self.next_after is None:
            return {}
        query = urlencode({**request.args.to_dict(), "after": self.next_after})
        return {"Link": f'<{request.base_url}?{query}>; rel="next"'}

    def map(self, view: Callable[[T], U]) -> "Page[U]":
        return Page([view(item) for item in self.items], self.next_after)


def page_of(found: Sequence[T], limit: int) -> Page[T]:
    """A page from up to `limit` + 1 records: the one too many says that more follow."""
    shown = list(found[:limit])
    return Page(shown, _id(shown[-1]) if len(found) > limit else None)


def _id(record: Any) -> str:
    return str(record["id"] if isinstance(record, dict) else record.id)
