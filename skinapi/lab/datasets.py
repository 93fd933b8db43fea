"""The collection of data sets: one document each version. A published version never changes.

A document begins as `checking`, without a version. In this order: the document, then its images
with their files, then one update that makes it `published` and gives it the next version of its
name. So what an interruption leaves is never listed: images of a data set that is not published,
which `check` finds, and which are removed when the next data set is sent.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from skinapi.errors import Duplicate, NotFound, StoreUnavailable
from skinapi.lab.entry_names import comparable
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Filter, Store
from skinapi.vision.context import Modality
from skinapi.web.pagination import Page, page_of

Status = Literal["checking", "published", "refused"]
NO_SUCH = "There is no such data set"
ATTEMPTS = 100
# A check says at least so often that it goes on; of one that is silent for longer the process died.
SILENT_FOR = timedelta(minutes=10)
# Of a refused data set the report is kept so long.
REFUSED_FOR = timedelta(days=1)
SHOWN_FILES = 5


class DatasetVersion(BaseModel):
    """A data set.

    - `version`: 1, 2, … of its name; None until it is published
    - `counts`: pictures of each class
    - `report`: what its check found (validation.py)
    - `size`: bytes of its pictures, or while it is checked, of what was sent
    - `problem`: why it was refused
    - `files`: the names of its first pictures
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    created_at: datetime
    touched_at: datetime
    owner: str
    name: str
    name_key: str
    status: Status = "checking"
    version: int | None = None
    licence: str = ""
    source: str = ""
    modality: Modality | None = None
    counts: Mapping[str, int] = {}
    report: Mapping[str, Any] = {}
    size: int = 0
    pictures: int = 0
    files: tuple[str, ...] = ()
    progress: float = 0.0
    message: str = ""
    problem: str | None = None
    problem_code: str | None = None


class NewDataset(BaseModel):
    """What its owner says of a data set that is sent. `labels`: theirs -> ours, or None for
    pictures to leave out.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    owner: str
    licence: str = ""
    source: str = ""
    modality: Modality | None = None
    labels: Mapping[str, str | None] = {}
    skip_unknown_labels: bool = False


class Datasets:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("datasets")
        self._documents.ensure_index("name_key", "version", unique=True)
        self._documents.ensure_index("name_key", "version", "id")
        self._documents.ensure_index("status", "id")
        self._documents.ensure_index("status", "touched_at", "id")
        self._documents.ensure_index("owner", "id")

    def begin(self, new: NewDataset, *, size: int) -> DatasetVersion:
        """Store a data set that is about to be checked."""
        moment = now()
        dataset = DatasetVersion(
            id=new_id(),
            created_at=moment,
            touched_at=moment,
            owner=new.owner,
            name=new.name,
            name_key=comparable(new.name),
            licence=new.licence,
            source=new.source,
            modality=new.modality,
            size=size,
        )
        times = {"created_at": moment, "touched_at": moment}
        plain = dataset.model_dump(mode="json", exclude=set(times))
        self._documents.insert({**plain, **times, "schema": 1})
        return dataset

    def touch(self, identifier: str, *, progress: float, message: str) -> bool:
        """Say that its check goes on. False where it was deleted meanwhile."""
        said = {"touched_at": now(), "progress": progress, "message": message}
        checking = {"id": identifier, "status": "checking"}
        return self._documents.update(checking, {"$set": said}) is not None

    def publish(self, identifier: str, **fields: Any) -> DatasetVersion:
        """Publish it under the next version of its name. Raises NotFound where it was deleted."""
        dataset = self.by_id(identifier)
        for _ in range(ATTEMPTS):
            newest = self.newest(dataset.name)
            version = (newest.version or 0) + 1 if newest else 1
            done = {"status": "published", "version": version, "touched_at": now(), **fields}
            try:
                found = self._documents.update(
                    {"id": identifier, "status": "checking"}, {"$set": done}
                )
            except Duplicate:  # another of this name was published at this moment
                continue
            if found is None:
                raise NotFound(NO_SUCH)
            return DatasetVersion.model_validate(found)
        raise StoreUnavailable

    def refuse(self, identifier: str, *, code: str, problem: str, report: Any) -> None:
        """Keep for its owner why it was not published."""
        said = {"problem": problem, "problem_code": code, "report": report, "touched_at": now()}
        refused = {"status": "refused", "size": 0, **said}
        self._documents.update({"id": identifier, "status": "checking"}, {"$set": refused})

    def by_id(self, identifier: str) -> DatasetVersion:
        """Raises NotFound."""
        found = self._documents.get(identifier)
        if found is None:
            raise NotFound(NO_SUCH)
        return DatasetVersion.model_validate(found)

    def newest(self, name: str) -> DatasetVersion | None:
        """The newest published version of this name."""
        wanted = {"name_key": comparable(name), "version": {"$gt": 0}}
        found = self._documents.find(wanted, sort="-version", limit=1)
        return DatasetVersion.model_validate(found[0]) if found else None

    def get(self, name_or_id: str) -> DatasetVersion:
        """The published data set of this id, or the newest of this name. Raises NotFound."""
        found = self._documents.get(name_or_id)
        if found and found["status"] == "published":
            return DatasetVersion.model_validate(found)
        named = self.newest(name_or_id)
        if named is None:
            raise NotFound(NO_SUCH)
        return named

    def page(self, *, after: str | None, limit: int) -> Page[DatasetVersion]:
        """A page of the published data sets, the oldest first."""
        found = self._documents.find({"status": "published"}, after=after, limit=limit + 1)
        return page_of(found, limit).map(DatasetVersion.model_validate)

    def of_owner(self, owner: str) -> list[DatasetVersion]:
        found = self._documents.find({"owner": owner})
        return [DatasetVersion.model_validate(one) for one in found]

    def abandoned(self, limit: int = 100) -> Iterator[DatasetVersion]:
        """Those whose check was interrupted, and those that were refused a day ago."""
        for status, since in (("checking", SILENT_FOR), ("refused", REFUSED_FOR)):
            wanted: Filter = {"status": status, "touched_at": {"$lt": now() - since}}
            for found in self._documents.find(wanted, sort="touched_at", limit=limit):
                yield DatasetVersion.model_validate(found)

    def is_there(self, identifier: str) -> bool:
        return self._documents.get(identifier) is not None

    def remove(self, identifier: str) -> bool:
        return self._documents.delete({"id": identifier}) > 0
