import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from skinapi.base.errors import NotFound, StoreUnavailable
from skinapi.lab.checks.check_queue import CheckQueue
from skinapi.lab.checks.check_report import (
    BoundedList,
    Checked,
    bounded_list,
    count_groups,
    drop_duplicates,
    duplicates_elsewhere,
    give_id,
    others_beside,
    seen_by_model,
    unknown_labels,
    warnings_of,
)
from skinapi.lab.checks.label_mapping import LabelMapping, explain_groups
from skinapi.lab.checks.layouts import LabelledPicture, Layout, read_layout
from skinapi.lab.checks.picture_decoder import PictureDecoder
from skinapi.lab.datasets.archives import Contents, gather
from skinapi.lab.datasets.dataset_images import DatasetCounts, DatasetImage, Origin
from skinapi.lab.datasets.dataset_versions import SHOWN_FILES, DatasetVersion, NewDataset
from skinapi.lab.datasets.learned_pictures import learned_by_serving
from skinapi.lab.datasets.quarantine import Quarantine, QuarantineFolder, SentFile, shown
from skinapi.lab.datasets.uploads import LabRepositories, Quota
from skinapi.lab.errors import RefusedDataset, UnknownLabels
from skinapi.model.context import Modality
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.storage.files import refuse_full_disk
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import AuditRow


class Contributions(Protocol):
    def lock(self, image: DatasetImage) -> bool: ...

    def note_publication(self, dataset: str, by: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """For pictures made from findings: the finding of each by name, and further fields of the
    report. `contributed` takes part in the transactions that store and publish them.
    """

    origins: Mapping[str, Origin] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    contributed: Contributions | None = None


SENT_BY_OWNER = Provenance()


@dataclass(frozen=True, slots=True)
class PictureStorage:
    data: LabRepositories
    disk: Path

    def add(self, dataset: str, checked: Sequence[Checked], provenance: Provenance) -> None:
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
            raise  # without an answer from the store, they may have been stored
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
        self.data.datasets.hold_checked(dataset)
        left_out = []
        for image in images:
            if contributed is None or contributed.lock(image):
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
        submission=origin.finding if origin else None,
        account=origin.account if origin else None,
    )


TOUCH_EVERY = STORED_AT_ONCE = 25
# Less often than a request asks for it, and much more often than its silence counts as its end.
HEARTBEAT_EVERY_S = 2.0
TOUCH_WAITING_EVERY_S = 30.0
DECODED_SHARE = 80.0


@dataclass(frozen=True, slots=True)
class Published:
    dataset: DatasetVersion
    unpacked: int


class Heartbeat:
    """Calls `beat` at most once in HEARTBEAT_EVERY_S. An error that it raises ends the check."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._next_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next_at:
            self._beat()
            self._next_at = time.monotonic() + HEARTBEAT_EVERY_S


@dataclass(frozen=True, slots=True)
class _Sending:
    dataset: DatasetVersion
    new: NewDataset
    contents: Contents
    layout: Layout
    mapping: LabelMapping
    provenance: Provenance

    @property
    def unknown_labels(self) -> list[dict[str, Any]]:
        return unknown_labels(self.layout, self.mapping)


@dataclass(slots=True)
class Publisher:
    data: LabRepositories
    quarantine: Quarantine
    quota: Quota
    models: ModelsService
    checks: CheckQueue
    largest_picture: int
    most_bytes: int
    disk: Path
    _touched_waiting_at: float = 0.0

    def publish(
        self,
        dataset: DatasetVersion,
        new: NewDataset,
        sent: Sequence[SentFile],
        provenance: Provenance = SENT_BY_OWNER,
    ) -> Published:
        """Publish the data set and delete its uploads. Nothing of it remains after an error."""
        mapping = LabelMapping(new.labels)
        try:
            with self.quarantine.opened(most=self.most_bytes) as folder:
                go_on = Heartbeat(lambda: self._touch(dataset, 0.0, "Unpacking"))
                contents = gather(sent, folder, go_on=go_on)
                layout = read_layout(contents, go_on=go_on)
                sending = _Sending(dataset, new, contents, layout, mapping, provenance)
                self._refuse_unknown_labels(sending)
                checked, report = self._check(sending)
                # The upload is counted already.
                more = _size_of(checked) - sum(each.size for each in sent)
                self.quota.refuse_excess(dataset.owner, more)
                self._store_pictures(sending, checked)
                published, parts = self.data.store.transaction(
                    partial(self._publish, sending, checked, report)
                )
                self.data.uploads.delete_blobs(parts)
                return Published(published, contents.unpacked)
        except BaseException:
            # The store may have failed just after it had published the data set.
            if self.data.datasets.find_published_name(dataset.id) is None:
                self.data.images.forget(dataset.id)
            raise

    def _refuse_unknown_labels(self, sending: _Sending) -> None:
        unknown = sending.unknown_labels
        if unknown and not sending.new.skip_unknown_labels:
            names = ", ".join(shown(each["label"]) or "(empty)" for each in unknown[:5])
            groups = explain_groups(each["label"] for each in unknown)
            raise UnknownLabels(
                f"Labels that are not known: {names}. Send the data set again with `labels`, which "
                f"maps each to one of ours, or to null to leave its pictures out. {groups}".strip(),
                report={"unknown_labels": unknown},
            )

    def _check(self, sending: _Sending) -> tuple[list[Checked], dict[str, Any]]:
        layout = sending.layout
        decoded, unreadable = self._decode(sending)
        learned = learned_by_serving(self.models)
        if layout.ids_from_names:
            decoded = [give_id(picture, learned) for picture in decoded]
        checked, duplicates = drop_duplicates(decoded)
        if not checked:
            raise RefusedDataset(
                "No picture of the data set can be used", report={"unreadable": unreadable}
            )
        report = {
            **sending.provenance.report,
            **count_groups(checked, lesions_known=layout.lesions_known),
            "sources": [{"name": sending.new.source or "not named", "pictures": len(checked)}],
            "unreadable": unreadable,
            "missing": bounded_list(layout.missing),
            "without_label": bounded_list(layout.without_label),
            "named_twice": bounded_list(layout.named_twice),
            "skipped_files": dict(sending.contents.skipped),
            "labels": sending.mapping.describe(picture.row.label for picture in layout.pictures),
            "unknown_labels": sending.unknown_labels,
            "seen_by_model": seen_by_model(checked, learned),
            "duplicates": duplicates,
            "elsewhere": self._compare(sending.dataset, checked),
        }
        return checked, {**report, "warnings": warnings_of(report)}

    def _publish(
        self, sending: _Sending, checked: Sequence[Checked], report: Mapping[str, Any]
    ) -> tuple[DatasetVersion, list[str]]:
        dataset, provenance = sending.dataset, sending.provenance
        if provenance.contributed:
            kept = self.data.images.count(dataset.id)
            provenance.contributed.note_publication(dataset.id, sending.new.owner)
        else:
            counts = {label: known["pictures"] for label, known in report["classes"].items()}
            kept = DatasetCounts(counts, _size_of(checked))
        published = self.data.datasets.publish(
            dataset.id,
            report=report,
            counts=kept.counts,
            pictures=kept.pictures,
            size=kept.size,
            erased=len(checked) - kept.pictures,
            files=[picture.name for picture in checked[:SHOWN_FILES]],
            progress=100.0,
            message="Published",
        )
        self.data.trail.record(AuditRow("dataset.published", by=dataset.owner, target=dataset.id))
        uploads = self.data.uploads
        return published, [
            key for upload in dataset.uploads for key in uploads.delete_record(upload)
        ]

    def _compare(self, dataset: DatasetVersion, checked: Sequence[Checked]) -> dict[str, Any]:
        go_on = Heartbeat(lambda: self._touch(dataset, DECODED_SHARE, "Comparing pictures"))
        others = others_beside(dataset, self.data.datasets)
        return duplicates_elsewhere(checked, self.data.images, others, go_on)

    def _decode(self, sending: _Sending) -> tuple[list[Checked], dict[str, Any]]:
        pictures, folder = sending.layout.pictures, sending.contents.folder
        checked: list[Checked] = []
        unreadable = BoundedList()
        with PictureDecoder() as decoder:
            for number, picture in enumerate(pictures):
                if number % TOUCH_EVERY == 0:
                    share = DECODED_SHARE * number / len(pictures)
                    self._touch(
                        sending.dataset, share, f"Reading pictures: {number} of {len(pictures)}"
                    )
                label = sending.mapping.find(picture.row.label)
                if label is None:
                    continue
                usable = self._decode_one(decoder, picture, label, sending.new.modality, folder)
                if isinstance(usable, Checked):
                    checked.append(usable)
                else:
                    unreadable.add({"name": picture.entry.name, "reason": usable})
        return checked, unreadable.as_dict()

    def _decode_one(
        self,
        decoder: PictureDecoder,
        picture: LabelledPicture,
        label: str,
        modality: Modality | None,
        folder: QuarantineFolder,
    ) -> Checked | str:
        written = picture.row.modality
        if written and written not in list(Modality):
            return f"unknown modality; choose among {', '.join(Modality)}"
        if picture.entry.size > self.largest_picture:
            return f"larger than {self.largest_picture} bytes"
        decoded = decoder.decode(picture.entry.path)
        if isinstance(decoded, str):
            return decoded
        with folder.new_file() as file:
            file.write(decoded.thumbnail)
        return Checked(
            labelled=picture,
            label=label,
            decoded=decoded.without_thumbnail(),
            modality=Modality(written) if written else modality or Modality.UNKNOWN,
            thumbnail=file.path,
        )

    def _store_pictures(self, sending: _Sending, checked: Sequence[Checked]) -> None:
        dataset, storage = sending.dataset, PictureStorage(self.data, disk=self.disk)
        rest = 100.0 - DECODED_SHARE
        for first in range(0, len(checked), STORED_AT_ONCE):
            share = DECODED_SHARE + rest * first / len(checked)
            self._touch(dataset, share, f"Storing pictures: {first} of {len(checked)}")
            batch = checked[first : first + STORED_AT_ONCE]
            storage.add(dataset.id, batch, sending.provenance)

    def _touch(self, dataset: DatasetVersion, progress: float, message: str) -> None:
        if not self.data.datasets.touch(dataset.id, progress=round(progress, 1), message=message):
            raise NotFound("The data set was deleted while it was checked")
        if time.monotonic() - self._touched_waiting_at > TOUCH_WAITING_EVERY_S:
            self._touched_waiting_at = time.monotonic()
            for other in self.checks.waiting():
                self.data.datasets.touch(other, progress=0.0, message="Waiting for another check")


def _size_of(checked: Sequence[Checked]) -> int:
    return sum(picture.labelled.entry.size for picture in checked)
