"""Base classes of the schemas, and paging: the query `?limit&after`, and a Link header to the next
page. A list is a bare JSON array, because existing clients expect it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar
from urllib.parse import urlencode

from flask import Request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
)
from pydantic_core import CoreSchema, core_schema

from skinapi.base.field_types import Identifier
from skinapi.base.pages import Page, PageRequest
from skinapi.base.values import Value

LARGEST_PAGE = 1000


class Body(BaseModel):
    """A request body of our own routes. Unknown fields are refused by name. With `needed`, the body
    is described as required, although all its fields may be optional for some callers.
    """

    # `defer_build` as in base/stored_record.py.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    missing: ClassVar[str | None] = None
    needed: ClassVar[bool] = False


class ContractBody(Body):
    """A request body of an existing client: unknown fields are ignored. `missing` is the sentence
    that it shows when a required field is absent or empty.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


@dataclass(frozen=True, slots=True)
class Upload:
    """The name is chosen by the client and must never be used as a path."""

    filename: str = field(repr=False)
    content: bytes = field(repr=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, __: Any) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}


class Form(Body):
    """A multipart form of our own routes. Its fields arrive as text, so they are converted."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)


class ContractForm(Form):
    """A multipart form of an existing client. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=False, frozen=True)


class Answer(Value):
    pass


class Message(Answer):
    message: str


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PageQuery(Query):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE
    after: Identifier | None = None

    @property
    def paging(self) -> PageRequest:
        return PageRequest(self.limit, self.after)


class ContractPageQuery(PageQuery):
    """The query of a list that existing clients use: unknown parameters are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def link_to_next(page: Page[Any], request: Request) -> dict[str, str]:
    if page.next_after is None:
        return {}
    query = urlencode({**request.args.to_dict(), "after": page.next_after})
    # A relative link, because the Host header cannot be trusted to name this server. Format:
    # https://www.rfc-editor.org/rfc/rfc8288
    return {"Link": f'<{request.path}?{query}>; rel="next"'}
