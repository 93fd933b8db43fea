import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, InstanceOf

from skinapi.accounts.auth.events import PatientNumber
from skinapi.base.errors import ChangedMeanwhile, NotFound
from skinapi.base.languages import Language
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.errors import VersionMissing
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot import Level, Spot
from skinapi.findings.status.spot_view import (
    Instruction,
    JudgedPhoto,
    MeasuredChange,
    SpotView,
)
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.model.context import NOTHING_TOLD, PLACE_ON_SITE, Context, Modality
from skinapi.model.detectors import ModalityFinding
from skinapi.model.finding import Finding, FindingSummary
from skinapi.platform.storage.ids import made_at

NO_PICTURE = "This finding has no picture of that number"
URGENT = next(iter(Band))
MOST_VERSIONS = 20
# A patient can correct this often, so that some versions remain for the doctor in charge.
MOST_BY_PATIENT = 15
MOST_AMENDMENTS = 100
PLACE = ("body_site", *PLACE_ON_SITE)
Placed = tuple[str | None, ...]


class Source(StoredRecord):
    """`issuer_oid` is the Universal Entity ID of the issuer of the patient number."""

    patient_id: str
    issuer: str | None = None
    issuer_oid: str | None = None
    accession_number: str | None = None
    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str

    @property
    def patient_number(self) -> PatientNumber:
        system = f"urn:oid:{self.issuer_oid}" if self.issuer_oid else self.issuer
        return PatientNumber(system=system or "", value=self.patient_id)


class EnteredInError(StoredRecord):
    entered_at: datetime
    by: str
    reason: str


class JudgedVersion(StoredRecord):
    """A photo may be judged again after a correction or by another model."""

    version: int = 1
    band: Band
    judged_at: datetime


class EarlierVersion(JudgedVersion):
    """`corrected` fields differ from the version before."""

    judged_by: str | None = None
    corrected: tuple[str, ...] = optional(default=())
    finding: Finding
    context: Context
    sections: dict[str, str]
    narrative_source: Mapping[str, str | None]


class Amendment(StoredRecord):
    """A correction that does not affect the model. `before` has the former values."""

    version: int
    amended_at: datetime
    by: str
    before: Mapping[str, Any]


class Dispute(StrEnum):
    """What the system that sent a finding says of it since: its photo is of another patient, or its
    order is taken back, which changes nothing once a doctor has signed a review.
    """

    OTHER_PATIENT = "other_patient"
    TAKEN_BACK = "taken_back"


class StoredFindingRow(StoredRecord):
    """`error` excludes a finding from all lists and counts. `judged_at` is None for the first
    `version`. Of the entered facts, `context` holds only the age and the place. `filed_by` filed it
    for its owner. It is `disputed` until the doctor in charge signs a review.
    """

    id: str
    created_at: datetime
    number: int
    level: Level
    queued_at: datetime | None = None
    covered_by: tuple[str, ...] = optional(default=())
    owner: str
    finding: FindingSummary
    language: Language
    lesion: str
    error: EnteredInError | None = optional()
    context: Context = NOTHING_TOLD
    photo_blob: str | None = None
    picture_blobs: tuple[str, ...] = optional(default=())
    filed_by: str | None = optional()
    disputed: Dispute | None = optional()
    version: int = optional(default=1)
    judged_at: datetime | None = None
    corrected: tuple[str, ...] = optional(default=())
    earlier: tuple[JudgedVersion, ...] = optional(default=())
    amendments: tuple[Amendment, ...] = optional(default=())
    changes: tuple[MeasuredChange, ...] = optional(default=())
    seen_in: InstanceOf[SpotView] | None = Field(default=None, exclude=True, repr=False)

    def see_in(self, view: SpotView) -> Self:
        return self.model_copy(update={"seen_in": view})

    @property
    def spot_view(self) -> SpotView:
        if self.seen_in is None:
            raise ValueError("this finding was read without its spot")
        return self.seen_in

    @property
    def spot(self) -> Spot:
        return self.spot_view.spot

    @property
    def decision(self) -> Decision | None:
        return self.spot_view.decide_about(self.id)

    @property
    def instruction(self) -> Instruction:
        counts = self.spot_view.instruction
        if counts is None:
            raise ValueError("a spot without findings has no instruction")
        return counts

    @property
    def says_instruction(self) -> bool:
        return self.instruction.is_said_by(self.decision, self.number, self.band)

    @property
    def reviews(self) -> list[Review]:
        return [*self.spot_view.reviews.values()]

    @property
    def current_review(self) -> Review | None:
        decision = self.decision
        return self.spot_view.reviews[decision.review] if decision else None

    @property
    def said_at(self) -> datetime:
        changed = self.spot.changed
        return changed.changed_at if changed else self.newest.judged_at

    @property
    def band(self) -> Band:
        return self.finding.band

    @property
    def newest(self) -> JudgedVersion:
        since = self.judged_at or self.created_at
        return JudgedVersion(version=self.version, band=self.band, judged_at=since)

    @property
    def amended(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for item in self.amendments for name in item.before))

    @property
    def amended_at(self) -> datetime | None:
        return max((item.amended_at for item in self.amendments), default=None)

    def require_seen(self, version: int | None) -> None:
        """Raise ChangedMeanwhile or VersionMissing if the current version may be unseen."""
        if version is None and self.version > 1:
            raise VersionMissing(self.version)
        if version not in (None, self.version):
            raise ChangedMeanwhile

    @property
    def photo(self) -> JudgedPhoto:
        place = tuple(getattr(self.context, name) for name in PLACE)
        kept = self.photo_blob is not None
        return JudgedPhoto(
            self.id,
            self.number,
            self.created_at,
            kept,
            self.changes,
            place,
            self.finding.malignant_score,
            corrected=bool(self.corrected),
        )

    @property
    def more_urgent(self) -> bool:
        return bool(self.earlier) and urgency(self.band) < urgency(self.earlier[-1].band)

    @property
    def reviewed(self) -> bool:
        return self.queued_at is None

    @property
    def photos(self) -> int:
        return len(self.picture_blobs) or int(self.photo_blob is not None)


class StoredFindingSummary(StoredFindingRow):
    sections: dict[str, str]
    narrative_source: Mapping[str, str | None] = {"writer": "template"}
    picture_count: int = optional(default=1)


class StoredFinding(StoredFindingSummary):
    """`changed` is an id made at the last change for its patient. `session_of` is the key whose
    session key filed it. `uncompared` is set until the photo is compared.
    """

    finding: Finding
    context: Context
    changed: str
    judged_by: str | None = None
    earlier: tuple[EarlierVersion, ...] = optional(default=())
    thumbnail_blob: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    session_of: str | None = optional()
    photo_removed_at: datetime | None = optional()
    photo_blob_lost_at: datetime | None = optional()
    source: Source | None = optional()
    uncompared: str | None = optional()

    @property
    def photo_lost_at(self) -> datetime | None:
        return self.photo_blob_lost_at

    @property
    def changed_at(self) -> datetime:
        return made_at(self.changed)

    def as_earlier(self) -> EarlierVersion:
        return EarlierVersion.from_record(self, judged_at=self.newest.judged_at)

    def found_in(self, version: int) -> Finding:
        return next(
            (item.finding for item in self.earlier if item.version == version), self.finding
        )

    def as_told_at(self, moment: datetime) -> "StoredFinding":
        versions = [(item.judged_at, item.version, item.context) for item in self.earlier]
        first, *others = (*versions, (self.newest.judged_at, self.version, self.context))
        *_, (_, version, context) = (first, *(item for item in others if item[0] <= moment))
        for item in reversed(self.amendments):
            if item.version == version and item.amended_at > moment:
                context = context.model_copy(update=dict(item.before))
        return self.model_copy(update={"version": version, "context": context})

    @property
    def band_told_by_another(self) -> Band | None:
        """The urgency by facts that someone other than the owner entered last, if any."""
        filed_by = None if self.session_of else self.filed_by
        versions = (
            *((item.band, item.judged_by if item.corrected else None) for item in self.earlier),
            (self.band, self.judged_by if self.corrected else None),
        )
        tellers = ((versions[0][0], filed_by), *versions)
        told = (band for band, by in reversed(tellers) if by not in (None, self.owner))
        return next(told, None)

    @property
    def filed_request(self) -> str | None:
        """Identifies the request in the list of erased ids, equally for all keys of an archive."""
        if not self.filed_by or not self.idempotency_key:
            return None
        by = ANY_ARCHIVE if self.source else self.filed_by
        return hash_of_request(by, self.idempotency_key)

    @property
    def pictures(self) -> list[Self]:
        pictures = self.finding.pictures
        blobs = self.picture_blobs or (None,) * len(pictures)
        return [
            self.model_copy(update={"finding": finding, "photo_blob": blob})
            for finding, blob in zip(pictures, blobs, strict=True)
        ] or [self]

    def of_picture(self, place: int) -> Self:
        """`place` counts from 1."""
        if place > len(self.pictures):
            raise NotFound(NO_PICTURE)
        return self.pictures[place - 1]


class RecognisedKind(StoredRecord):
    modality: ModalityFinding | None = None


class SubmittedPhoto(StoredRecord):
    """The facts about a photo that are known without looking at it."""

    id: str
    owner: str
    photo_blob: str | None = None
    context: Context
    finding: RecognisedKind

    @property
    def modality(self) -> Modality:
        recognised = self.finding.modality
        if self.context.modality is not Modality.UNKNOWN or recognised is None:
            return self.context.modality
        return recognised.recognised


# Replaces the account in `hash_of_request` for objects of an archive, which gets a new account with
# each key and must not send deleted findings again.
ANY_ARCHIVE = "archive"


def hashes_of_request(by: str, key: str) -> list[str]:
    """List the possible `filed_request` of a finding filed with this key."""
    return [hash_of_request(by, key), hash_of_request(ANY_ARCHIVE, key)]


def hash_of_request(by: str, key: str) -> str:
    return hashlib.sha256(f"{by}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()


def _fields_of(view: type[StoredFindingRow]) -> tuple[str, ...]:
    own = view.model_fields.keys() - {"id", "finding", "context", "seen_in"}
    told = ("age_band", "body_site", "body_laterality", "body_side")
    return (
        *sorted(own),
        *(f"finding.{name}" for name in FindingSummary.model_fields),
        *(f"context.{name}" for name in told),
    )


LISTED_FIELDS = _fields_of(StoredFindingRow)
SUMMARY_FIELDS = _fields_of(StoredFindingSummary)
PHOTO_FIELDS = ("owner", "photo_blob", "context", "finding.modality")
