"""Which reviewed findings may become pictures of a data set, and with which label.

A photo is taken where it was kept, its owner consents that it teaches a model (`training`), and a
review says what it shows: the one that counts for its owner too (records/reviews/deciding.py).
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import IO, Any

from skinapi.auth.accounts.accounts import Account, Accounts
from skinapi.errors import BlobDamaged
from skinapi.lab.archives.contents import Sent
from skinapi.lab.datasets.dataset_images import Origin
from skinapi.lab.datasets.dataset_versions import LabelSource
from skinapi.lab.from_reviews.pseudonyms import Pseudonyms, open_pseudonyms
from skinapi.records.findings.photo_sources import SubmittedPhoto
from skinapi.records.findings.submissions import Submissions
from skinapi.records.reviews.deciding import deciding_review
from skinapi.records.reviews.opinions import Histology, Verdict
from skinapi.records.reviews.reviews import Reviews
from skinapi.storage.ports import Store
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import Modality
from skinapi.vision.labels.label_tables import TABLE_NAME

READ_AT_ONCE = 100
COLUMNS = (
    "image_id",
    "label",
    "lesion_id",
    "patient_id",
    "modality",
    "dx_type",
    "sex",
    "localization",
    "fitzpatrick",
    "skin_tone",
)


class LeftOut(StrEnum):
    """Why a reviewed finding is not in a data set; the first reason counts."""

    FINDING_DELETED = "finding_deleted"
    NO_CONSENT = "no_consent"
    PHOTO_NOT_KEPT = "photo_not_kept"
    NO_HISTOLOGY = "no_histology"
    AWAITING_HISTOLOGY = "awaiting_histology"
    UNSURE = "unsure"
    UNKNOWN_LABEL = "unknown_label"


@dataclass(frozen=True, slots=True)
class ReviewedLabel:
    """What a picture shows. `histology`: it is the laboratory's result. `said` is what the review
    names, where a model counts that as `key`.
    """

    key: str
    histology: bool
    said: str


def label_of(reviews: Sequence[Verdict], source: LabelSource) -> ReviewedLabel | LeftOut:
    """The label by the reviews of one finding, in the order in which they were signed."""
    decides = deciding_review(reviews)
    if decides is None:
        return LeftOut.UNSURE
    opinion = decides.opinion
    if source == "histology" and opinion.histology_result is None:
        return LeftOut.NO_HISTOLOGY
    # The laboratory may say something else soon, and the next version has that.
    if opinion.histology is Histology.AWAITED:
        return LeftOut.AWAITING_HISTOLOGY
    if opinion.condition is None or not opinion.sure:
        return LeftOut.UNSURE
    table = conditions_table()
    key = table.counted_as(opinion.condition, table.keys)
    if key is None:
        return LeftOut.UNKNOWN_LABEL
    return ReviewedLabel(
        key, histology=opinion.histology_result is not None, said=opinion.condition
    )


@dataclass
class GatheredFindings:
    """The pictures and their table, as a data set that is sent; whose each picture is; and for the
    report what was taken and what was left out.
    """

    sent: list[Sent] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)


class ReviewedFindings:
    def __init__(
        self, *, store: Store, reviews: Reviews, submissions: Submissions, accounts: Accounts
    ) -> None:
        self._store = store
        self._reviews = reviews
        self._submissions = submissions
        self._accounts = accounts

    def gather(self, source: LabelSource) -> GatheredFindings:
        """Everything that may be in a data set now. The photos are read later, one by one."""
        gathered, pseudonyms = GatheredFindings(), open_pseudonyms(self._store)
        left_out: Counter[str] = Counter()
        counted_within: Counter[str] = Counter()
        rows, verdicts = [], self._verdicts()
        findings = list(verdicts)
        for first in range(0, len(findings), READ_AT_ONCE):
            batch = findings[first : first + READ_AT_ONCE]
            photos = self._submissions.photos_of(batch)
            owners = self._accounts.by_ids({photo.owner for photo in photos.values()})
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
                gathered.origins[name] = Origin(submission=finding.id, account=finding.owner)
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

    def _verdicts(self) -> dict[str, list[Verdict]]:
        """Submission -> what its reviews say, in the order in which they were signed."""
        verdicts: dict[str, list[Verdict]] = {}
        for verdict in self._reviews.walk():
            verdicts.setdefault(verdict.submission, []).append(verdict)
        return verdicts

    def _photo(self, name: str, finding: SubmittedPhoto) -> Sent:
        # Nothing of it is sent or counted yet, so it has no size here.
        return Sent(name, 0, partial(self._open, finding.photo_blob or ""))

    def _open(self, blob: str) -> IO[bytes]:
        """The photo. One that is lost or damaged has no bytes, and is unreadable in the report."""
        try:
            return io.BytesIO(self._store.blobs.find(blob) or b"")
        except BlobDamaged:
            return io.BytesIO()


def _decide(
    finding: SubmittedPhoto | None,
    owners: Mapping[str, Account],
    verdicts: Sequence[Verdict],
    source: LabelSource,
) -> ReviewedLabel | LeftOut:
    if finding is None:
        return LeftOut.FINDING_DELETED
    owner = owners.get(finding.owner)
    # Who is suspended cannot withdraw a consent.
    if owner is None or not owner.approved or not owner.may_teach:
        return LeftOut.NO_CONSENT
    if finding.photo_blob is None:
        return LeftOut.PHOTO_NOT_KEPT
    return label_of(verdicts, source)


def _row_of(
    finding: SubmittedPhoto, label: ReviewedLabel, pseudonyms: Pseudonyms
) -> dict[str, str]:
    """The row of the table. A finding is a lesion of its own, because nothing stored says which
    photos show the same one; the patient keeps them in one part of a split.
    """
    context = finding.context
    modality = finding.modality
    return {
        "image_id": pseudonyms.of("picture", finding.id),
        "label": label.key,
        "lesion_id": pseudonyms.of("lesion", finding.id),
        "patient_id": pseudonyms.of("patient", finding.owner),
        "modality": "" if modality is Modality.UNKNOWN else str(modality),
        "dx_type": "histo" if label.histology else "review",
        "sex": context.sex or "",
        "localization": (context.body_site or "").replace("_", " "),
        "fitzpatrick": str(context.fitzpatrick or ""),
        "skin_tone": context.skin_tone or "",
    }


def _table(rows: Sequence[Mapping[str, str]]) -> Sent:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    content = out.getvalue().encode()
    return Sent(TABLE_NAME, 0, lambda: io.BytesIO(content))
