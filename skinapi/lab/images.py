"""The collection of images: one document for each picture of a data set, with two blobs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from skinapi.errors import BlobDamaged, Duplicate, NotFound
from skinapi.lab.near_duplicates import bands_of, neighbours
from skinapi.storage.ids import now
from skinapi.storage.ports import Store
from skinapi.vision.context import Modality
from skinapi.web.pagination import Page, page_of

PAGE_SIZE = 500
BAND_FIELDS = ("band_a", "band_b", "band_c", "band_d")
HASH_FIELDS = ("dataset", "sha256", "dhash", "name")
# Beyond it the report could not show them anyway.
MOST_FOUND = 2000


class ImageHashes(BaseModel):
    """What a search for duplicates needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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


class DatasetImages:
    def __init__(self, store: Store) -> None:
        self._blobs = store.blobs
        self._documents = store.collection("images")
        self._documents.ensure_index("dataset", "id")
        self._documents.ensure_index("dataset", "sha256", unique=True)
        self._documents.ensure_index("sha256", "id")
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
        after: str | None = None
        while True:
            page = self.page(dataset, after=after, limit=PAGE_SIZE)
            yield from page.items
            after = page.next_after
            if after is None:
                return

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
                self._delete_blobs(image)
                self._documents.delete({"id": image.id})

    def datasets(self) -> list[str]:
        """The ids of all data sets that have an image; for `check`."""
        return sorted(self._documents.count_by("dataset"))

    def _delete_blobs(self, image: DatasetImage) -> None:
        for key in (image.picture_blob, image.thumbnail_blob):
            if key:
                self._blobs.delete(key)
