"""What crosses the wire about uploads."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from skinapi.lab.uploads.upload_records import LARGEST_PART, SMALLEST_PART, UploadRecord
from skinapi.web.schemas.schema_types import Answer, Body, Name


class NewUpload(Body):
    name: Name
    size: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class UploadView(Answer):
    id: str
    name: str
    size: int
    received: int = Field(description="where the next part begins")
    complete: bool
    expires_at: datetime
    largest_part: int
    smallest_part: int = Field(description="of all parts but the last")

    @classmethod
    def of(cls, upload: UploadRecord) -> Self:
        return cls(
            **upload.model_dump(include={"id", "name", "size", "received", "expires_at"}),
            complete=upload.complete,
            largest_part=LARGEST_PART,
            smallest_part=SMALLEST_PART,
        )
