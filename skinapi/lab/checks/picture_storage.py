"""Stores the checked pictures of a data set that nobody sees yet, some in each transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from skinapi.base.errors import StoreUnavailable
from skinapi.lab.checks.check_report import Checked
from skinapi.lab.datasets.dataset_images import DatasetImage, Origin
from skinapi.lab.repositories import LabRepositories
from skinapi.platform.storage.files import refuse_full_disk
from skinapi.platform.storage.ids import new_id, now


class Contributions(Protocol):
    """What decides on photos of findings; see ContributedPictures."""

    def hold(self, image: DatasetImage) -> bool: ...

    def note_publication(self, dataset: str, by: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the pictures come from that nobody sent: the name of each -> its finding, and what else
    the report says. `contributed` says whether a picture may be in it, in the transaction that
    stores that, and has a part in the one that publishes.
    """

    origins: Mapping[str, Origin] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    contributed: Contributions | None = None


SENT_BY_OWNER = Provenance()


@dataclass(frozen=True, slots=True)
class PictureStorage:
    """`disk` is a folder of the disk that the store fills."""

    data: LabRepositories
    disk: Path

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
        insert = partial(self._insert, dataset, images, provenance.contributed)
        try:
            left_out = self.data.store.transaction(insert)
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
        refuse_full_disk(self.disk)
        return self.data.images.store_files(
            _image_of(dataset, picture, origins.get(picture.name)),
            picture=picture.labelled.entry.path.read_bytes(),
            thumbnail=picture.thumbnail.read_bytes(),
        )

    def _insert(
        self, dataset: str, images: Sequence[DatasetImage], contributed: Contributions | None
    ) -> list[DatasetImage]:
        """The result is what may not be in the data set."""
        self.data.datasets.hold_checked(dataset)
        left_out = []
        for image in images:
            if contributed is None or contributed.hold(image):
                self.data.images.add(image)
            else:
                left_out.append(image)
        return left_out

    def _delete_files(self, images: Iterable[DatasetImage]) -> None:
        for image in images:
            self.data.images.delete_blobs(image.blobs)


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
