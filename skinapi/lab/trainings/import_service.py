"""Importing a network of one's own: an upload becomes a model version. A job does the work."""

from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Annotated

from pydantic import Field, StringConstraints

from skinapi.base.errors import BadRequest
from skinapi.base.field_types import Contained, Identifier, Printable
from skinapi.base.stored_record import StoredRecord
from skinapi.lab.uploads import KEPT_FOR, Uploads
from skinapi.model.dataset_labels import name_outputs
from skinapi.model.network.tensor import Scaling
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.storage.ids import now

KIND = "import"
SUFFIXES = (".keras", ".h5")
OutputLabel = Annotated[
    str, StringConstraints(max_length=100, strip_whitespace=True), Printable, Contained
]


class ImportRequest(StoredRecord):
    """What a job of this kind is asked for. `side` is needed where a network accepts any."""

    upload: Identifier
    labels: tuple[OutputLabel, ...] = Field(
        min_length=2, max_length=100, description="of the network's outputs, in their order"
    )
    scaling: Scaling
    side: int | None = Field(default=None, ge=32, le=1024)
    licence: Annotated[str, Field(max_length=200), Printable, Contained] = "unknown"


@dataclass(frozen=True, slots=True)
class ImportsService:
    uploads: Uploads
    jobs: JobsService

    def start(self, *, request: ImportRequest, owner: str, key: str | None = None) -> Job:
        """Queue the import of an upload.

        The same request with the same key gets the job of the first one. Raises
        IdempotencyKeyReused for another request with that key, NotFound, BadRequest,
        WrongNetworkLabels, TooManyJobs.
        """
        fields = request.model_dump(mode="json")
        # First of all: the upload of a network that was imported is deleted.
        if before := self.jobs.queue.find_by_key(kind=KIND, owner=owner, request=fields, key=key):
            return before
        upload = self.uploads.get_owned(request.upload, owner=owner)
        if not upload.complete:
            raise BadRequest(f"The upload {upload.id} has {upload.received} of {upload.size} bytes")
        if suffix_of(upload.name) not in SUFFIXES:
            raise BadRequest(f"{upload.name}: a network is a file that ends in .keras or .h5")
        name_outputs(request.labels)
        keep = partial(self._keep, upload.id, owner=owner)
        return self.jobs.submit(
            kind=KIND, owner=owner, request=fields, key=key, short=True, hold=keep
        )

    def _keep(self, upload: str, *, owner: str) -> None:
        current = self.uploads.get_owned(upload, owner=owner)
        self.uploads.keep(current, until=now() + KEPT_FOR)


def suffix_of(name: str) -> str:
    return PurePath(name).suffix.lower()
