"""From files that were sent to a published data set: unpack, decode, compare, store, publish."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinapi.errors import NotFound
from skinapi.lab.archives import Contents, gather
from skinapi.lab.checks.check_report import (
    BoundedList,
    Checked,
    bounded_list,
    count_groups,
    drop_duplicates,
    duplicates_elsewhere,
    give_id,
    near_within,
    others_beside,
    seen_by_model,
    unknown_labels,
    warnings_of,
)
from skinapi.lab.checks.layouts import LabelledPicture, LabelMapping, Layout, read_layout
from skinapi.lab.checks.picture_decoder import PictureDecoder
from skinapi.lab.checks.picture_storage import SENT_BY_OWNER, PictureStorage, Provenance
from skinapi.lab.datasets.dataset_images import LearnedPictures, Tally
from skinapi.lab.datasets.dataset_versions import SHOWN_FILES, DatasetVersion, NewDataset
from skinapi.lab.datasets.near_duplicates import Comparisons
from skinapi.lab.errors import RefusedDataset, UnknownLabels
from skinapi.lab.file_names import shown
from skinapi.lab.quarantine import Quarantine, QuarantineFolder, SentFile
from skinapi.lab.repositories import LabRepositories
from skinapi.lab.uploads import Quota
from skinapi.vision.context import Modality

TOUCH_EVERY = STORED_AT_ONCE = 25
# Less often than a request asks for it, and much more often than its silence counts as its end.
HEARTBEAT_EVERY_S = 2.0
TOUCH_WAITING_EVERY_S = 30.0
DECODED_SHARE = 80.0


@dataclass(frozen=True, slots=True)
class Published:
    """`unpacked` is how many files came out of archives."""

    dataset: DatasetVersion
    unpacked: int


class Heartbeat:
    """Calls `beat` when it is called itself, but not again within HEARTBEAT_EVERY_S.

    What `beat` raises, because the data set was deleted, ends the check.
    """

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._next_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next_at:
            self._beat()
            self._next_at = time.monotonic() + HEARTBEAT_EVERY_S


class Publisher:
    def __init__(
        self,
        data: LabRepositories,
        quarantine: Quarantine,
        quota: Quota,
        *,
        learned: Callable[[], LearnedPictures],
        waiting: Callable[[], Sequence[str]],
        largest_picture: int,
        most_bytes: int,
        disk: Path,
    ) -> None:
        """`learned` tells of the model in service, `waiting` which data sets wait for this one's
        check to end; `disk` is a folder of the disk that the store fills.
        """
        self._store, self._trail = data.store, data.trail
        self._datasets, self._images, self._uploads = data.datasets, data.images, data.uploads
        self._quarantine, self._quota = quarantine, quota
        self._learned, self._waiting = learned, waiting
        self._largest_picture, self._most_bytes = largest_picture, most_bytes
        self._pictures = PictureStorage(data, disk=disk)
        self._touched_waiting_at = 0.0

    def publish(
        self,
        dataset: DatasetVersion,
        new: NewDataset,
        sent: Sequence[SentFile],
        provenance: Provenance = SENT_BY_OWNER,
    ) -> Published:
        """Publish the data set, and delete the uploads that it is made of. Raises BadDataset
        (UnknownLabels, BadArchive), PayloadTooLarge, DiskFull, DatasetQuotaReached, NotFound where
        it was deleted; nothing is left of it then.
        """
        mapping = LabelMapping(new.labels)
        try:
            with self._quarantine.opened(most=self._most_bytes) as folder:
                go_on = Heartbeat(lambda: self._touch(dataset, 0.0, "Unpacking"))
                contents = gather(sent, folder, go_on=go_on)
                layout = read_layout(contents, go_on=go_on)
                self._refuse_unknown_labels(layout, mapping, skip=new.skip_unknown_labels)
                return self._check(dataset, new, mapping, contents, layout, sent, provenance)
        except BaseException:
            # The store may have failed just after it had published the data set.
            if self._datasets.find_published_name(dataset.id) is None:
                self._images.forget(dataset.id)
            raise

    def _refuse_unknown_labels(self, layout: Layout, mapping: LabelMapping, *, skip: bool) -> None:
        unknown = unknown_labels(layout, mapping)
        if unknown and not skip:
            names = ", ".join(shown(each["label"]) or "(empty)" for each in unknown[:5])
            raise UnknownLabels(
                f"Labels that are not known: {names}. Send the data set again with `labels`, which "
                "maps each to one of ours, or to null to leave its pictures out",
                report={"unknown_labels": unknown},
            )

    def _check(
        self,
        dataset: DatasetVersion,
        new: NewDataset,
        mapping: LabelMapping,
        contents: Contents,
        layout: Layout,
        sent: Sequence[SentFile],
        provenance: Provenance,
    ) -> Published:
        decoded, unreadable = self._decode(dataset, new, mapping, contents.folder, layout)
        learned = self._learned()
        if layout.ids_from_names:
            decoded = [give_id(picture, learned) for picture in decoded]
        checked, duplicates = drop_duplicates(decoded)
        if not checked:
            raise RefusedDataset(
                "No picture of the data set can be used", report={"unreadable": unreadable}
            )
        report = {
            **provenance.report,
            **count_groups(checked, lesions_known=layout.lesions_known),
            "sources": [{"name": new.source or "not named", "pictures": len(checked)}],
            "unreadable": unreadable,
            "missing": bounded_list(layout.missing),
            "without_label": bounded_list(layout.without_label),
            "named_twice": bounded_list(layout.named_twice),
            "skipped_files": dict(contents.skipped),
            "labels": mapping.describe(picture.row.label for picture in layout.pictures),
            "unknown_labels": unknown_labels(layout, mapping),
            "seen_by_model": seen_by_model(checked, learned),
            **self._compare(dataset, checked, duplicates),
        }
        report["warnings"] = warnings_of(report)
        size = sum(picture.labelled.entry.size for picture in checked)
        # What was sent is counted already.
        self._quota.refuse_excess(dataset.owner, size - sum(each.size for each in sent))
        self._store_pictures(dataset, checked, provenance)
        counts = {label: known["pictures"] for label, known in report["classes"].items()}
        names = [picture.name for picture in checked[:SHOWN_FILES]]

        def publish() -> tuple[DatasetVersion, list[str]]:
            kept = self._images.tally(dataset.id) if provenance.origins else Tally(counts, size)
            published = self._datasets.publish(
                dataset.id,
                report=report,
                counts=kept.counts,
                pictures=kept.pictures,
                size=kept.size,
                erased=len(checked) - kept.pictures,
                files=names,
                progress=100.0,
                message="Published",
            )
            provenance.on_publication()
            self._trail.record("dataset.published", by=dataset.owner, target=dataset.id)
            return published, [
                key for upload in dataset.uploads for key in self._uploads.delete_record(upload)
            ]

        published, parts = self._store.transaction(publish)
        self._uploads.delete_blobs(parts)
        return Published(published, contents.unpacked)

    def _compare(
        self, dataset: DatasetVersion, checked: Sequence[Checked], duplicates: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What of the report tells which pictures are the same or alike."""
        comparisons = Comparisons()
        go_on = Heartbeat(lambda: self._touch(dataset, DECODED_SHARE, "Comparing pictures"))
        near = near_within(checked, comparisons, go_on)
        others = others_beside(dataset, self._datasets)
        elsewhere = duplicates_elsewhere(checked, self._images, others, comparisons, go_on)
        return {
            "duplicates": {**duplicates, "near": near},
            "elsewhere": elsewhere,
            "all_compared": comparisons.all_made,
        }

    def _decode(
        self,
        dataset: DatasetVersion,
        new: NewDataset,
        mapping: LabelMapping,
        folder: QuarantineFolder,
        layout: Layout,
    ) -> tuple[list[Checked], dict[str, Any]]:
        checked: list[Checked] = []
        unreadable = BoundedList()
        with PictureDecoder() as decoder:
            for number, picture in enumerate(layout.pictures):
                if number % TOUCH_EVERY == 0:
                    share = DECODED_SHARE * number / len(layout.pictures)
                    self._touch(dataset, share, f"Decoded {number} of {len(layout.pictures)}")
                label = mapping.find(picture.row.label)
                if label is None:
                    continue
                usable = self._decode_one(decoder, picture, label, new.modality, folder)
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
        """The picture, or why it cannot be used."""
        written = picture.row.modality
        if written and written not in list(Modality):
            return f"unknown modality; choose among {', '.join(Modality)}"
        if picture.entry.size > self._largest_picture:
            return f"larger than {self._largest_picture} bytes"
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

    def _store_pictures(
        self, dataset: DatasetVersion, checked: Sequence[Checked], provenance: Provenance
    ) -> None:
        rest = 100.0 - DECODED_SHARE
        for first in range(0, len(checked), STORED_AT_ONCE):
            share = DECODED_SHARE + rest * first / len(checked)
            self._touch(dataset, share, f"Stored {first} of {len(checked)}")
            self._pictures.add(dataset.id, checked[first : first + STORED_AT_ONCE], provenance)

    def _touch(self, dataset: DatasetVersion, progress: float, message: str) -> None:
        if not self._datasets.touch(dataset.id, progress=round(progress, 1), message=message):
            raise NotFound("The data set was deleted while it was checked")
        if time.monotonic() - self._touched_waiting_at > TOUCH_WAITING_EVERY_S:
            self._touched_waiting_at = time.monotonic()
            for other in self._waiting():
                self._datasets.touch(other, progress=0.0, message="Waiting for another check")
