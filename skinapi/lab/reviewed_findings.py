"""Data sets made of reviewed findings: which findings, their labels and pseudonyms, and their
erasure.

A photo is used if it is stored, its owner consents to `training`, and a review labels it: the one
that is also in effect for its owner (findings/status/reviews.py).
"""

import csv
import hashlib
import hmac
import io
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import IO, Any

from skinapi.accounts.auth.account import TEACHING_CONSENT, Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.events import ConsentWithdrawn, KeptPhotosUnwanted
from skinapi.base.errors import BlobDamaged, Duplicate
from skinapi.findings.records.events import FindingEvent
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.stored_finding import SubmittedPhoto
from skinapi.findings.status.reviews import Review, Reviews
from skinapi.findings.status.spot import Certainty
from skinapi.lab.checks.publishing import Provenance, Publisher
from skinapi.lab.datasets.dataset_images import DatasetImage, Origin
from skinapi.lab.datasets.dataset_versions import DatasetVersion, LabelSource, NewDataset
from skinapi.lab.datasets.quarantine import SentFile
from skinapi.lab.datasets.uploads import LabRepositories
from skinapi.lab.errors import RefusedDataset
from skinapi.lab.service import DatasetsService
from skinapi.model.conditions import conditions_table
from skinapi.model.context import TOLD, Modality
from skinapi.model.dataset_labels import TABLE_NAME
from skinapi.model.told_facts import say_answer
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Filter, Store
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

# Names for patients and findings in data sets that do not lead back to the account.
#
# They are keyed hashes (HMAC). The key is in the store, made when it is first needed, and does not
# follow `JWT_SECRET_KEY`: after a change of the secret a patient would get another name, and could
# then be in the training part of one version and in the test part of the next.

KEY = "datasets"
KEY_BYTES = 32
# 96 bits: of a million names, two are equal with a chance of one in 10^17.
DIGITS = 24


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Each id has a stable pseudonym for its kind. The mapping back requires the key."""

    key: bytes

    def make(self, kind: str, identifier: str) -> str:
        named = f"{kind}:{identifier}".encode()
        return hmac.new(self.key, named, hashlib.sha256).hexdigest()[:DIGITS]


def open_pseudonyms(store: Store) -> Pseudonyms:
    """The first caller creates the key of this store."""
    keys = store.collection("pseudonym_keys")
    stored = keys.get(KEY)
    if stored is None:
        key = secrets.token_hex(KEY_BYTES)
        made: Document = {"id": KEY, "schema": 1, "created_at": now(), "key": key}
        with suppress(Duplicate):  # another process has just made it
            keys.insert(made)
        stored = keys.get(KEY) or made
    return Pseudonyms(bytes.fromhex(stored["key"]))


READ_AT_ONCE = 100
TOLD_COLUMNS = {name: fact.dataset for name, fact in TOLD.items() if fact.dataset}
COLUMNS = (
    "image_id",
    "label",
    "lesion_id",
    "patient_id",
    "modality",
    "dx_type",
    *TOLD_COLUMNS.values(),
)


class LeftOut(StrEnum):
    FINDING_DELETED = "finding_deleted"
    NO_CONSENT = "no_consent"
    PHOTO_NOT_KEPT = "photo_not_kept"
    NO_HISTOLOGY = "no_histology"
    AWAITING_HISTOLOGY = "awaiting_histology"
    UNSURE = "unsure"
    UNKNOWN_LABEL = "unknown_label"


@dataclass(frozen=True, slots=True)
class ReviewedLabel:
    key: str
    histology: bool
    said: str


def label_of(reviews: Sequence[Review], source: LabelSource) -> ReviewedLabel | LeftOut:
    decides = next((item for item in reversed(reviews) if not item.voided), None)
    if decides is None:
        return LeftOut.UNSURE
    opinion = decides.opinion
    if source == "histology" and not opinion.proven:
        return LeftOut.NO_HISTOLOGY
    # The laboratory may say something else soon, and the next version has that.
    if opinion.awaited:
        return LeftOut.AWAITING_HISTOLOGY
    if opinion.label is None or opinion.certainty is Certainty.SUSPECTED:
        return LeftOut.UNSURE
    table = conditions_table()
    key = table.counted_as(opinion.label, table.keys)
    if key is None:
        return LeftOut.UNKNOWN_LABEL
    return ReviewedLabel(key, histology=opinion.proven, said=opinion.label)


@dataclass
class GatheredFindings:
    sent: list[SentFile] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewedFindings:
    store: Store
    reviews: Reviews
    records: FindingRecords
    accounts: Accounts

    def gather(self, source: LabelSource) -> GatheredFindings:
        gathered, pseudonyms = GatheredFindings(), open_pseudonyms(self.store)
        left_out: Counter[str] = Counter()
        counted_within: Counter[str] = Counter()
        rows, verdicts = [], self._verdicts()
        findings = list(verdicts)
        for first in range(0, len(findings), READ_AT_ONCE):
            batch = findings[first : first + READ_AT_ONCE]
            photos = self.records.photos_of(batch)
            owners = self.accounts.by_ids({photo.owner for photo in photos.values()})
            for identifier in batch:
                finding = photos.get(identifier)
                label = _decide(finding, owners, verdicts[identifier], source)
                if finding is None or isinstance(label, LeftOut):
                    left_out[str(label)] += 1
                    continue
                if label.said != label.key:
                    counted_within[f"{label.said} within {label.key}"] += 1
                row = _row_of(finding, label, pseudonyms)
                name = f"{row['image_id']}.jpg"
                rows.append(row)
                gathered.sent.append(self._photo(name, finding))
                gathered.origins[name] = Origin(finding=finding.id, account=finding.owner)
        if rows:
            gathered.sent.append(_table(rows))
        gathered.report = {
            "labels_from": source,
            "reviewed": len(verdicts),
            "taken": len(rows),
            "with_histology": sum(row["dx_type"] == "histo" for row in rows),
            "counted_within": dict(sorted(counted_within.items())),
            "left_out": dict(sorted(left_out.items())),
        }
        return gathered

    def _verdicts(self) -> dict[str, list[Review]]:
        verdicts: dict[str, list[Review]] = {}
        for verdict in self.reviews.walk_all():
            verdicts.setdefault(verdict.submission, []).append(verdict)
        return verdicts

    def _photo(self, name: str, finding: SubmittedPhoto) -> SentFile:
        # Nothing is uploaded or counted yet, so the size is 0.
        return SentFile(name, 0, partial(self._open, finding.photo_blob or ""))

    def _open(self, blob: str) -> IO[bytes]:
        """A lost or damaged photo has no bytes, and is unreadable in the report."""
        try:
            return io.BytesIO(self.store.blobs.find(blob) or b"")
        except BlobDamaged:
            return io.BytesIO()


def _decide(
    finding: SubmittedPhoto | None,
    owners: Mapping[str, Account],
    verdicts: Sequence[Review],
    source: LabelSource,
) -> ReviewedLabel | LeftOut:
    if finding is None:
        return LeftOut.FINDING_DELETED
    owner = owners.get(finding.owner)
    # A suspended account cannot withdraw its consent.
    if owner is None or not owner.approved or not owner.may_teach:
        return LeftOut.NO_CONSENT
    if finding.photo_blob is None:
        return LeftOut.PHOTO_NOT_KEPT
    return label_of(verdicts, source)


def _row_of(
    finding: SubmittedPhoto, label: ReviewedLabel, pseudonyms: Pseudonyms
) -> dict[str, str]:
    """Each finding is a lesion of its own, because photos of the same lesion are not known. The
    patient keeps them in one part of a split.
    """
    modality = finding.modality
    return {
        "image_id": pseudonyms.make("picture", finding.id),
        "label": label.key,
        "lesion_id": pseudonyms.make("lesion", finding.id),
        "patient_id": pseudonyms.make("patient", finding.owner),
        "modality": "" if modality is Modality.UNKNOWN else str(modality),
        "dx_type": "histo" if label.histology else "review",
        **{
            column: say_answer(getattr(finding.context, name)).replace("_", " ")
            for name, column in TOLD_COLUMNS.items()
        },
    }


def _table(rows: Sequence[Mapping[str, str]]) -> SentFile:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    content = out.getvalue().encode()
    return SentFile(TABLE_NAME, 0, lambda: io.BytesIO(content))


# Pictures that data sets have from findings, and how they leave again.
#
# A data set that was made from reviews holds copies of photos. They are erased where the owner
# withdraws the consent, the finding or the account is deleted: the version stays with fewer
# pictures, and says how many are gone.
#
# A consent may be withdrawn while a data set is made. The transaction that stores a picture changes
# the account and the finding (`hold`), as those do that withdraw the consent or delete the finding:
# of two at the same time one runs again. So either the picture is not stored, or it is erased.

SYSTEM = "system"
HELD = {"$inc": {"holds": 1}}


class ContributedPictures:
    def __init__(self, data: LabRepositories, work: UnitOfWork) -> None:
        self.work, self._store, self._trail = work, data.store, data.trail
        self._datasets, self._images = data.datasets, data.images

    def lock(self, image: DatasetImage) -> bool:
        """Return whether this photo may be in a data set, checked in the transaction that stores
        it.
        """
        account = self._store.collection("accounts").update({"id": image.account}, HELD)
        in_force: Filter = {"id": image.submission, "error": None}
        finding = self._store.collection(FINDINGS).update(in_force, HELD)
        return bool(account and finding) and Account.model_validate(account).may_teach

    def note_publication(self, dataset: str, by: str) -> None:
        for account in self._images.accounts_of(dataset):
            self._trail.record(AuditRow("photo.to_dataset", by=by, target=account))

    def on_gone(self, event: FindingEvent) -> list[str]:
        """Delete all copies of its photo in data sets, in the transaction of its deletion. Returns
        the keys of files to delete after it.
        """
        return self._delete({FINDING: event.finding.id})

    def on_withdrawn(self, event: ConsentWithdrawn) -> list[str]:
        taught = event.purpose == TEACHING_CONSENT
        return self._delete({"account": event.account}, withdrawn=True) if taught else []

    def on_unwanted(self, event: KeptPhotosUnwanted) -> list[str]:
        return self._delete({"account": event.account}, withdrawn=True)

    @atomic
    def forget(self, unit: Unit, account: str) -> int:
        """Erase all copies of this account's photos in data sets. Idempotent."""
        keys = self._delete({"account": account})
        unit.erase(keys)
        return len(keys)

    def _delete(self, wanted: Filter, *, withdrawn: bool = False) -> list[str]:
        gone, keys = self._images.delete_records(wanted)
        for dataset, counts in sorted(gone.items()):
            self._datasets.count_erased(dataset, counts, withdrawn=withdrawn)
            if self._datasets.find_published_name(dataset):
                self._trail.record(AuditRow("dataset.pictures_erased", by=SYSTEM, target=dataset))
        return keys


@dataclass(frozen=True, slots=True)
class FromReviewsService:
    datasets: DatasetsService
    publisher: Publisher
    findings: ReviewedFindings
    contributed: ContributedPictures

    def send(self, *, new: NewDataset, labels_from: LabelSource) -> DatasetVersion:
        publish = partial(self._publish, new=new, labels_from=labels_from)
        return self.datasets.send(new=new, publish=publish)

    def _publish(
        self, dataset: DatasetVersion, *, new: NewDataset, labels_from: LabelSource
    ) -> DatasetVersion:
        gathered = self.findings.gather(labels_from)
        if dropped := self._count_dropped(new.name):
            gathered.report["dropped"] = dropped
        provenance = Provenance(gathered.origins, {"reviews": gathered.report}, self.contributed)
        if not gathered.sent:
            raise RefusedDataset(
                "No reviewed finding may be used; the report says why", report=provenance.report
            )
        return self.publisher.publish(dataset, new, gathered.sent, provenance).dataset

    def _count_dropped(self, name: str) -> dict[str, int] | None:
        before = self.datasets.data.datasets.find_newest(name)
        if before is None or before.labels_from is None or before.version is None:
            return None
        return {"version": before.version, "erased": before.erased, "withdrawn": before.withdrawn}
