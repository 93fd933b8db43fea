"""The collection of images: one document for each picture of a data set, with two blobs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from skinapi.errors import BlobDamaged, Duplicate, NotFound
from skinapi.lab.near_duplicates import bands_of, neighbours
from skinapi.storage.ids import now
from skinapi.storage.ports import Filter, Store
from skinapi.stored_record import StoredRecord
from skinapi.vision.context import Modality
from skinapi.web.pagination import Page, page_of

PAGE_SIZE = 500
BAND_FIELDS = ("band_a", "band_b", "band_c", "band_d")
HASH_FIELDS = ("dataset", "sha256", "dhash", "name")
# Beyond it the report could not show them anyway.
MOST_FOUND = 2000


@dataclass(frozen=True, slots=True)
class Origin:
    """The finding that a picture is the photo of, and whose it is. Never shown: it is there so that
    the picture can be erased.
    """

    submission: str
    account: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many pictures a data set has of each class, and their bytes."""

    counts: dict[str, int]
    size: int

    @property
    def pictures(self) -> int:
        return sum(self.counts.values())


class ImageHashes(StoredRecord):
    """What a search for duplicates needs."""

    id: str
    dataset: str
    sha256: str
    dhash: str
    name: str


class DatasetImage(ImageHashes):
    """A picture of a data set.

    - `name`: as it was sent; `image_id`: as its table has it
    - `label`: ours; `written`: as its table has it
    - `lesion`: its own id where nothing names one
    - `submission`, `account`: of a photo of a finding (see Origin)
    """

    created_at: datetime
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


class DatasetImages:
    def __init__(self, store: Store) -> None:
        self._blobs = store.blobs
        self._documents = store.collection("images")
        self._documents.ensure_index("dataset", "id")
        self._documents.ensure_index("dataset", "sha256", unique=True)
        self._documents.ensure_index("sha256", "id")
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("account", "id")
        for band in BAND_FIELDS:
            self._documents.ensure_index(band, "id")

    def add(self, image: DatasetImage, *, picture: bytes, thumbnail: bytes) -> None:
        """Store a picture: its files first, so that no document is without them."""
        kept = image.model_copy(
            update={
                "picture_blob": self._blobs.put(picture),
                "thumbnail_blob": self._blobs.put(thumbnail),
            }
        )
        bands = dict(zip(BAND_FIELDS, bands_of(image.dhash), strict=True))
        plain = kept.model_dump(mode="json", exclude={"created_at"})
        try:
            self._documents.insert({**plain, **bands, "created_at": now(), "schema": 1})
        except Duplicate:  # the same bytes, by an attempt that goes on at this moment
            self._delete_blobs(kept)

    def page(self, dataset: str, *, after: str | None, limit: int) -> Page[DatasetImage]:
        found = self._documents.find({"dataset": dataset}, after=after, limit=limit + 1)
        return page_of(found, limit).map(DatasetImage.model_validate)

    def walk(self, dataset: str) -> Iterator[DatasetImage]:
        for batch in self.batches(dataset, PAGE_SIZE):
            yield from batch

    def batches(self, dataset: str, size: int) -> Iterator[Sequence[DatasetImage]]:
        after: str | None = None
        while True:
            page = self.page(dataset, after=after, limit=size)
            yield page.items
            after = page.next_after
            if after is None:
                return

    def tally(self, dataset: str) -> Tally:
        """Count what is stored, reading no more of each picture than that needs."""
        counts: Counter[str] = Counter()
        size, after = 0, None
        while found := self._documents.find(
            {"dataset": dataset}, after=after, limit=PAGE_SIZE, fields=("label", "size")
        ):
            counts.update(one["label"] for one in found)
            size += sum(one["size"] for one in found)
            after = found[-1]["id"]
        return Tally(dict(counts), size)

    def of_account(self, account: str) -> list[DatasetImage]:
        """Some of the pictures that are photos of this account, in any data set."""
        return self._some({"account": account})

    def of_submission(self, submission: str) -> list[DatasetImage]:
        """Some of the pictures that are the photo of this finding, in any data set."""
        return self._some({"submission": submission})

    def _some(self, wanted: Filter) -> list[DatasetImage]:
        found = self._documents.find(wanted, limit=PAGE_SIZE)
        return [DatasetImage.model_validate(one) for one in found]

    def is_there(self, identifier: str) -> bool:
        return self._documents.get(identifier) is not None

    def get(self, dataset: str, identifier: str) -> DatasetImage:
        """Raises NotFound."""
        found = self._documents.get(identifier)
        if found is None or found["dataset"] != dataset:
            raise NotFound("There is no such picture in this data set")
        return DatasetImage.model_validate(found)

    def read(self, image: DatasetImage, *, thumbnail: bool = False) -> bytes:
        """Raises NotFound where its file is lost or damaged."""
        key = image.thumbnail_blob if thumbnail else image.picture_blob
        try:
            content = self._blobs.get(key) if key else None
        except BlobDamaged as error:
            raise NotFound("The file of this picture is damaged") from error
        if content is None:
            raise NotFound("The file of this picture is lost")
        return content

    def same(self, hashes: Sequence[str]) -> list[ImageHashes]:
        """All images with one of these SHA-256, in any data set."""
        found = self._documents.find(
            {"sha256": {"$in": list(hashes)}}, limit=MOST_FOUND, fields=HASH_FIELDS
        )
        return [ImageHashes.model_validate(one) for one in found]

    def in_near_bands(self, dhashes: Sequence[str]) -> list[ImageHashes]:
        """Images of any data set that may look like one of these: compare their hashes."""
        near: dict[str, ImageHashes] = {}
        for position, field in enumerate(BAND_FIELDS):
            bands = {band for one in dhashes for band in neighbours(bands_of(one)[position])}
            wanted = {field: {"$in": sorted(bands)}}
            for found in self._documents.find(wanted, limit=MOST_FOUND, fields=HASH_FIELDS):
                near[found["id"]] = ImageHashes.model_validate(found)
        return list(near.values())

    def forget(self, dataset: str) -> None:
        """Delete all images of a data set with their files. It is idempotent."""
        while found := self._documents.find({"dataset": dataset}, limit=PAGE_SIZE):
            for image in map(DatasetImage.model_validate, found):
                self.remove(image)

    def remove(self, image: DatasetImage) -> None:
        """Delete one picture with its files. It is idempotent."""
        self._delete_blobs(image)
        self._documents.delete({"id": image.id})

    def remove_record(self, image: DatasetImage) -> list[str]:
        """Delete one picture without its files; return their keys."""
        self._documents.delete({"id": image.id})
        return [key for key in (image.picture_blob, image.thumbnail_blob) if key]

    def datasets(self) -> list[str]:
        """The ids of all data sets that have an image; for `check`."""
        return sorted(self._documents.count_by("dataset"))

    def _delete_blobs(self, image: DatasetImage) -> None:
        for key in (image.picture_blob, image.thumbnail_blob):
            if key:
                self._blobs.delete(key)
