"""Stores the checked pictures of a data set that nobody sees yet, some in each transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from skinapi.errors import StoreUnavailable
from skinapi.lab.checks.check_report import Checked
from skinapi.lab.datasets.dataset_images import DatasetImage, Origin
from skinapi.lab.repositories import LabRepositories
from skinapi.server.spool_file import refuse_full_disk
from skinapi.storage.ids import new_id, now


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the pictures come from that nobody sent: the name of each -> its finding, and what else
    the report says. `may_take` tells whether a picture may be in it, in the transaction that stores
    that; `on_publication` is a part of the one that publishes.
    """

    origins: Mapping[str, Origin] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    may_take: Callable[[DatasetImage], bool] = lambda _: True
    on_publication: Callable[[], None] = lambda: None


SENT_BY_OWNER = Provenance()


class PictureStorage:
    """`disk` is a folder of the disk that the store fills."""

    def __init__(self, data: LabRepositories, *, disk: Path) -> None:
        self._store, self._datasets, self._images = data.store, data.datasets, data.images
        self._disk = disk

    def add(self, dataset: str, checked: Sequence[Checked], provenance: Provenance) -> None:
        """Store these, but for those that may not be in the data set. Raises NotFound where it was
        deleted, and DiskFull.
        """
        images: list[DatasetImage] = []
        try:
            for picture in checked:
                images.append(self._with_files(dataset, picture, provenance.origins))  # noqa: PERF401 (deleted after an error)
        except BaseException:
            self._delete_files(images)
            raise
        insert = partial(self._insert, dataset, images, provenance.may_take)
        try:
            left_out = self._store.transaction(insert)
        except StoreUnavailable:
            raise  # without an answer, they may be stored
        except BaseException:
            self._delete_files(images)
            raise
        self._delete_files(left_out)

    def _with_files(
        self, dataset: str, picture: Checked, origins: Mapping[str, Origin]
    ) -> DatasetImage:
        # What keeps space free for the database while bodies arrive must hold here too.
        refuse_full_disk(self._disk)
        return self._images.store_files(
            _image_of(dataset, picture, origins.get(picture.name)),
            picture=picture.labelled.entry.path.read_bytes(),
            thumbnail=picture.thumbnail.read_bytes(),
        )

    def _insert(
        self,
        dataset: str,
        images: Sequence[DatasetImage],
        may_take: Callable[[DatasetImage], bool],
    ) -> list[DatasetImage]:
        """The result is what may not be in the data set."""
        self._datasets.hold_checked(dataset)
        left_out = []
        for image in images:
            if may_take(image):
                self._images.insert(image)
            else:
                left_out.append(image)
        return left_out

    def _delete_files(self, images: Iterable[DatasetImage]) -> None:
        for image in images:
            self._images.delete_blobs(image.blobs)


def _image_of(dataset: str, picture: Checked, origin: Origin | None) -> DatasetImage:
    row, decoded = picture.row, picture.decoded
    return DatasetImage(
        id=new_id(),
        created_at=now(),
        dataset=dataset,
        sha256=decoded.sha256,
        dhash=decoded.dhash,
        name=picture.name,
        image_id=row.image_id,
        label=picture.label,
        written=row.label,
        lesion=row.lesion_id,
        patient=row.patient_id,
        modality=picture.modality,
        facts=dict(row.facts),
        width=decoded.width,
        height=decoded.height,
        format=decoded.format,
        size=picture.labelled.entry.size,
        submission=origin.submission if origin else None,
        account=origin.account if origin else None,
    )
