"""The collection of data sets, with one document for each version. A published version never
changes.

A document begins as `checking`. Its images are stored in batches, before one transaction publishes
it as the next version of its name. The remains of an interrupted check are never listed, and are
removed once its heartbeat is missing.

**A name belongs to the account that used it first, while it has a data set of that name**:
otherwise a training "on the newest version" could get somebody else's pictures. **A number is never
used again**, because model cards contain it; its counter stores a hash of the name and no owner.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from skinapi.base.errors import IdempotencyKeyReused, NotFound
from skinapi.base.field_types import ID, Name
from skinapi.base.pages import Page, PageRequest
from skinapi.base.stored_record import StoredRecord
from skinapi.lab.datasets.dataset_images import DatasetCounts
from skinapi.lab.datasets.quarantine import comparable
from skinapi.lab.errors import NameTaken
from skinapi.model.context import Modality
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Filter, Store
from skinapi.platform.storage.records import Repository


def _no_id(name: str) -> str:
    # If a text is both a name and an id, it is taken as an id.
    if ID.fullmatch(name.casefold()):
        raise ValueError("A name must not look like an id; choose another one")
    return name


DatasetName = Annotated[Name, StringConstraints(max_length=100), AfterValidator(_no_id)]


class DatasetNames:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("datasets")
        self._documents.ensure_index("name_key", "id")
        self._counters = store.collection("counters")

    def refuse_taken(self, name_key: str, *, owner: str) -> None:
        """Also changes the name's counter, so that a concurrent transaction for it is repeated."""
        self._change_counter(name_key, "claims", 1)
        wanted = {"name_key": name_key, "owner": {"$ne": owner}, "status": {"$ne": "refused"}}
        if self._documents.find(wanted, limit=1, fields=()):
            raise NameTaken

    def next_version(self, name_key: str) -> int:
        number = self._change_counter(name_key, "value", 1)
        wanted = {"name_key": name_key, "version": {"$gt": 0}}
        newest = self._documents.find(wanted, sort="-version", limit=1, fields=("version",))
        if newest and newest[0]["version"] >= number:  # published before numbers were counted
            more = newest[0]["version"] + 1 - number
            number = self._change_counter(name_key, "value", more)
        return number

    def _change_counter(self, name_key: str, field: str, more: int) -> int:
        hashed = hashlib.sha256(name_key.encode()).hexdigest()
        counter = {"id": f"dataset-versions-{hashed}"}
        counted = self._counters.update(counter, {"$inc": {field: more}}, upsert=True)
        return int(counted[field]) if counted else more


Status = Literal["checking", "published", "refused"]
# To everybody a data set that is being deleted is gone.
StoredStatus = Status | Literal["deleting"]
# Whose word counts as the label of a reviewed finding: the laboratory's alone, or a doctor's too.
LabelSource = Literal["histology", "reviews"]
NO_SUCH = "There is no such data set"
# A check says at least so often that it goes on; of one that is silent for longer the process died.
SILENT_FOR = timedelta(minutes=10)
# Of a refused data set the report is kept so long.
REFUSED_FOR = timedelta(days=1)
# Of a class a fifth is for validation and a fifth for the test: of fewer pictures, or lesions, they
# would hold next to none.
FEWEST_TO_SPLIT = 10
FEWEST_CLASSES = 2
SHOWN_FILES = 5
PAGE_SIZE = 100


class DatasetVersion(StoredRecord):
    """A data set.

    - `report`: what its check found; `problem`: why it was refused
    - `size`: bytes of its pictures, or while it is checked, of what was sent
    - `files`: the names of its first pictures
    - `labels_from`: of one that was made from reviews
    - `erased`: how many of its pictures were erased since; `withdrawn`: by their owners
    - `request_hash`: by which a retry with its key is recognised
    """

    id: str
    created_at: datetime
    touched_at: datetime
    owner: str
    name: str
    name_key: str
    status: StoredStatus = "checking"
    version: int | None = None
    licence: str = ""
    source: str = ""
    modality: Modality | None = None
    counts: Mapping[str, int] = {}
    report: Mapping[str, Any] = {}
    size: int = 0
    pictures: int = 0
    files: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    progress: float = 0.0
    message: str = ""
    problem: str | None = None
    problem_code: str | None = None
    reference: bool = False
    labels_from: LabelSource | None = None
    erased: int = 0
    withdrawn: int = 0
    idempotency_key: str | None = None
    request_hash: str | None = None

    @property
    def is_interrupted(self) -> bool:
        return self.status == "checking" and self.touched_at < now() - SILENT_FOR


# What a data set keeps of a NewDataset under the same names.
SAID = {"owner", "name", "licence", "source", "modality", "labels_from", "uploads"}
# A report may have megabytes, so no list reads any.
LISTED = tuple(name for name in DatasetVersion.model_fields if name not in ("id", "report"))


class NewDataset(BaseModel):
    """`labels` maps the owner's labels to ours, or to None to exclude pictures. `key` is the
    idempotency key.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    owner: str
    licence: str = ""
    source: str = ""
    modality: Modality | None = None
    labels: Mapping[str, str | None] = {}
    skip_unknown_labels: bool = False
    labels_from: LabelSource | None = None
    uploads: tuple[str, ...] = ()
    key: str | None = None

    @property
    def request_hash(self) -> str:
        request = self.model_dump(mode="json", exclude={"owner", "key"})
        return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


class Datasets(Repository[DatasetVersion]):
    collection, record = "datasets", DatasetVersion
    indexes = (
        ("name_key", "version", "id"),
        ("name_key", "status", "version", "id"),
        ("status", "id"),
        ("status", "touched_at", "id"),
        ("owner", "id"),
    )
    unique = (("name_key", "version"), ("owner", "idempotency_key"), ("reference",))

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.names = DatasetNames(store)

    def begin(self, new: NewDataset, *, size: int) -> DatasetVersion:
        moment = now()
        dataset = DatasetVersion(
            id=new_id(),
            created_at=moment,
            touched_at=moment,
            name_key=comparable(new.name),
            size=size,
            idempotency_key=new.key,
            request_hash=new.request_hash if new.key else None,
            **new.model_dump(include=SAID),
        )
        # At most one document has the field.
        return self.insert(dataset, reference=None)

    def find_sent_before(self, new: NewDataset) -> DatasetVersion | None:
        before = self._by_key(new.key, owner=new.owner)
        if before is None:
            return None
        if before.request_hash != new.request_hash:
            raise IdempotencyKeyReused
        if before.status == "deleting":
            raise NotFound(NO_SUCH)
        return before

    def touch(self, identifier: str, *, progress: float, message: str) -> bool:
        fields = {"touched_at": now(), "progress": progress, "message": message}
        return self._change({"id": identifier, "status": "checking"}, **fields) is not None

    def hold_checked(self, identifier: str) -> None:
        checking: Filter = {"id": identifier, "status": "checking"}
        if self._documents.update(checking, {"$inc": {"holds": 1}}) is None:
            raise NotFound(NO_SUCH)

    def publish(self, identifier: str, **fields: Any) -> DatasetVersion:
        version = self.names.next_version(self.get(identifier).name_key)
        done = {"status": "published", "version": version, "touched_at": now(), **fields}
        published = self._change({"id": identifier, "status": "checking"}, **done)
        if published is None:
            raise NotFound(NO_SUCH)
        return published

    def refuse(self, identifier: str, *, code: str, problem: str, report: Any) -> bool:
        fields = {"problem": problem, "problem_code": code, "report": report, "touched_at": now()}
        refused = {"status": "refused", "size": 0, **fields}
        return self._change({"id": identifier, "status": "checking"}, **refused) is not None

    def count_erased(
        self, identifier: str, gone: DatasetCounts, *, withdrawn: bool = False
    ) -> None:
        """Subtract pictures in the transaction that erases them. It changes the data set even
        before it is published, so that a concurrent publication counts again.
        """
        dataset = self.find(identifier)
        if dataset is None:
            return
        counts = {
            label: number
            for label, before in dataset.counts.items()
            if (number := before - gone.counts.get(label, 0))
        }
        left = {
            "counts": counts,
            "pictures": sum(counts.values()),
            "size": dataset.size - gone.size,
        }
        self._documents.update(
            {"id": identifier},
            {
                "$inc": {
                    "erased": gone.pictures,
                    **({"withdrawn": gone.pictures} if withdrawn else {}),
                },
                **({"$set": left} if dataset.status == "published" else {}),
            },
        )

    def get(self, identifier: str, /) -> DatasetVersion:
        dataset = self.find(identifier)
        if dataset is None or dataset.status == "deleting":
            raise NotFound(NO_SUCH)
        return dataset

    def find_published_name(self, identifier: str) -> str | None:
        document = self._documents.get(identifier)
        return str(document["name"]) if document and document["status"] == "published" else None

    def find_newest(self, name: str) -> DatasetVersion | None:
        wanted = {"name_key": comparable(name), "status": "published", "version": {"$gt": 0}}
        newest = self._list(wanted, sort="-version", limit=1, fields=LISTED)
        return newest[0] if newest else None

    def get_published(self, name_or_id: str) -> DatasetVersion:
        dataset = self.find(name_or_id)
        if dataset and dataset.status == "published":
            return dataset
        named = self.find_newest(name_or_id)
        if named is None:
            raise NotFound(NO_SUCH)
        return named

    def find_reference(self) -> DatasetVersion | None:
        return self._first({"reference": True})

    def set_reference(self, identifier: str) -> None:
        before = self.find_reference()
        if before and before.id != identifier:
            self.end_reference(before.id)
        self._change({"id": identifier}, reference=True)

    def end_reference(self, identifier: str) -> None:
        self._change({"id": identifier}, reference=None)

    def page_of_status(
        self,
        paging: PageRequest,
        *,
        status: Status = "published",
        owner: str | None = None,
    ) -> Page[DatasetVersion]:
        wanted = {"status": status} if owner is None else {"status": status, "owner": owner}
        return self._page(wanted, paging, fields=LISTED)

    def lock(self, identifier: str) -> None:
        """Change the data set in a job's transaction, so that a concurrent deletion is repeated."""
        published: Filter = {"id": identifier, "status": "published"}
        if self._documents.update(published, {"$inc": {"holds": 1}}) is None:
            raise NotFound(NO_SUCH)

    def list_of_owner(self, owner: str) -> list[DatasetVersion]:
        return self._list({"owner": owner}, fields=LISTED)

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))

    def begin_deletion(self, identifier: str) -> None:
        self._change({"id": identifier}, status="deleting", touched_at=now(), reference=None)

    def abandoned(self) -> Iterator[DatasetVersion]:
        for status, since in (
            ("checking", SILENT_FOR),
            ("deleting", SILENT_FOR),
            ("refused", REFUSED_FOR),
        ):
            wanted: Filter = {"status": status, "touched_at": {"$lt": now() - since}}
            yield from self._list(wanted, sort="touched_at", limit=PAGE_SIZE, fields=LISTED)

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})
