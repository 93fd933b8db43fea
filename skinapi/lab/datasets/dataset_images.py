from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from skinapi.base.errors import BlobDamaged, NotFound
from skinapi.base.pages import Page, PageRequest, read_pages
from skinapi.base.stored_record import StoredRecord
from skinapi.model.context import Modality
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Filter, Store
from skinapi.platform.storage.records import Repository

PAGE_SIZE = 500
FOUND_BY = ("dataset", "sha256", "submission", "account")
BLOB_FIELDS = ("picture_blob", "thumbnail_blob")
TAKEN_FIELDS = ("dataset", "label", "size", *BLOB_FIELDS)
# Beyond it the report could not show them anyway.
MOST_FOUND = 2000


@dataclass(frozen=True, slots=True)
class Origin:
    """The finding and account of a photo, stored for its erasure and never shown."""

    finding: str
    account: str


@dataclass(frozen=True, slots=True)
class DatasetCounts:
    counts: dict[str, int]
    size: int

    @property
    def pictures(self) -> int:
        return sum(self.counts.values())


class DatasetImage(StoredRecord):
    """`label` is ours, `written` that of the table. `lesion` defaults to the picture's own id.
    `submission` and `account` are the finding and account of its Origin.
    """

    id: str
    created_at: datetime
    dataset: str
    sha256: str
    name: str
    image_id: str
    label: str
    written: str
    lesion: str
    patient: str = ""
    modality: Modality = Modality.UNKNOWN
    facts: Mapping[str, str] = {}
    width: int
    height: int
    format: str
    size: int
    picture_blob: str | None = None
    thumbnail_blob: str | None = None
    submission: str | None = None
    account: str | None = None

    @property
    def blobs(self) -> list[str]:
        return [key for key in (self.picture_blob, self.thumbnail_blob) if key]


class DatasetImages(Repository[DatasetImage]):
    collection, record, missing = (
        "images",
        DatasetImage,
        "There is no such picture in this data set",
    )
    indexes = tuple((field, "id") for field in FOUND_BY)
    unique = (("dataset", "sha256"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._blobs = store.blobs

    def store_files(self, image: DatasetImage, *, picture: bytes, thumbnail: bytes) -> DatasetImage:
        keys = {
            "picture_blob": self._blobs.put(picture),
            "thumbnail_blob": self._blobs.put(thumbnail),
        }
        return image.model_copy(update=keys)

    def add(self, image: DatasetImage) -> None:
        self.insert(image.model_copy(update={"created_at": now()}))

    def page_of_dataset(self, dataset: str, paging: PageRequest) -> Page[DatasetImage]:
        return self._page({"dataset": dataset}, paging)

    def walk(self, dataset: str) -> Iterator[DatasetImage]:
        for batch in self.batches(dataset, PAGE_SIZE):
            yield from batch

    def batches(self, dataset: str, size: int) -> Iterator[Sequence[DatasetImage]]:
        for page in read_pages(partial(self.page_of_dataset, dataset), PageRequest(size)):
            yield page.items

    def count(self, dataset: str) -> DatasetCounts:
        counts, size = Counter[str](), 0
        fields = ("label", "size")
        for image in walk_by_id(self._documents, {"dataset": dataset}, fields=fields):
            counts[image["label"]] += 1
            size += image["size"]
        return DatasetCounts(dict(counts), size)

    def accounts_of(self, dataset: str) -> list[str]:
        images = walk_by_id(self._documents, {"dataset": dataset}, fields=("account",))
        return sorted({image["account"] for image in images})

    def delete_records(self, wanted: Filter) -> tuple[dict[str, DatasetCounts], list[str]]:
        """Delete these pictures in the caller's transaction, including damaged ones. Returns the
        counts by data set, and the keys of files to delete after it.
        """
        documents = self._documents.find(wanted, fields=TAKEN_FIELDS)
        self._documents.delete(wanted)
        gone: dict[str, DatasetCounts] = {}
        for image in documents:
            dataset, label, size = (image.get(name) for name in ("dataset", "label", "size"))
            before = gone.get(str(dataset), DatasetCounts({}, 0))
            counts = Counter(before.counts) + Counter([str(label)])
            total = before.size + (size if isinstance(size, int) else 0)
            gone[str(dataset)] = DatasetCounts(dict(counts), total)
        keys = (image.get(name) for image in documents for name in BLOB_FIELDS)
        return gone, [key for key in keys if isinstance(key, str) and key]

    def exists(self, identifier: str) -> bool:
        return self._documents.get(identifier) is not None

    def get_of(self, dataset: str, identifier: str) -> DatasetImage:
        image = self.find(identifier)
        if image is None or image.dataset != dataset:
            raise NotFound(self.missing)
        return image

    def read_file(self, image: DatasetImage, *, thumbnail: bool = False) -> bytes:
        key = image.thumbnail_blob if thumbnail else image.picture_blob
        try:
            content = self._blobs.find(key) if key else None
        except BlobDamaged as error:
            raise NotFound("The file of this picture is damaged") from error
        if content is None:
            raise NotFound("The file of this picture is lost")
        return content

    def find_copies(self, hashes: Sequence[str]) -> list[tuple[str, str]]:
        documents = self._documents.find(
            {"sha256": {"$in": list(hashes)}}, limit=MOST_FOUND, fields=("dataset", "sha256")
        )
        return [(image["sha256"], image["dataset"]) for image in documents]

    def forget(self, dataset: str) -> None:
        """Delete all images of a data set, the files first, so that `sweep` finds the rest."""
        while documents := self._documents.find(
            {"dataset": dataset}, limit=PAGE_SIZE, fields=BLOB_FIELDS
        ):
            keys = (image.get(name) for image in documents for name in BLOB_FIELDS)
            self.delete_blobs(key for key in keys if key)
            self._documents.delete({"id": {"$in": [image["id"] for image in documents]}})

    def delete_blobs(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._blobs.delete(key)
