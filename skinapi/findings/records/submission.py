"""A stored finding with the facts known about its photos, as each list reads it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from pydantic import Field, InstanceOf

from skinapi.accounts.auth.consents import Way
from skinapi.base.errors import NotFound
from skinapi.base.languages import Language
from skinapi.base.stored_record import StoredRecord, optional
from skinapi.findings.records.decisions import Decision, WaitsFor
from skinapi.findings.records.queue_order import (
    FIRST_REVIEWED,
    make_awaited_key,
    make_due_key,
    make_hold_key,
    make_rest_key,
    make_reviewed_key,
    make_waiting_key,
)
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.standing import (
    Advice,
    FindingStanding,
    Instruction,
    JudgedPhoto,
    Reader,
    SpotFacts,
    SpotView,
    Standing,
)
from skinapi.model.bands import most_urgent
from skinapi.model.conditions import Band
from skinapi.model.context import NOTHING_TOLD, Context, Modality
from skinapi.model.detectors import ModalityFinding
from skinapi.model.finding import Finding, FindingSummary
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.unit_of_work import Unit

NO_PICTURE = "This finding has no picture of that number"
URGENT = next(iter(Band))


class Source(StoredRecord):
    """How the DICOM object that a clinic's archive sent names its patient, its order and itself.
    `issuer_oid` is the Universal Entity ID of who gave the number.
    """

    patient_id: str
    issuer: str | None = None
    issuer_oid: str | None = None
    accession_number: str | None = None
    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str


class EnteredInError(StoredRecord):
    """`reason` is what the patient reads."""

    entered_at: datetime
    by: str
    reason: str


class Listed(StoredRecord):
    """A finding as a list reads it. `view` is what holds about its spot for the reader of this copy
    (spots.py): it is never stored, and what is said of the finding is read from it alone. With an
    `error` it stands for nothing: it belongs to no spot and no list. Of one that was judged again,
    the new finding names the old one in `again_of`, and the old one it in `judged_again`;
    `corrected` are the fields of the context in which the new one differs.

    Of what the sender told, `context` holds the age and the place on the body alone. `photo_blob`
    is one of the `picture_blobs`, where there are several. `taken_by` is the doctor who works on
    it, `opinion_of` who is asked for a second opinion, which has come from `opinion_came_at` until
    the doctor in charge has answered it. The keys order lists (queue_order.py).
    """

    id: str
    created_at: datetime
    number: int
    band: Band
    owner: str
    finding: FindingSummary
    language: Language
    lesion: str | None = None
    queue_key: str | None = None
    photo_sent_at: datetime | None = None
    error: EnteredInError | None = optional()
    context: Context = NOTHING_TOLD
    photo_blob: str | None = None
    picture_blobs: tuple[str, ...] = optional(default=())
    doctor: str | None = None
    taken_by: str | None = None
    taken_at: datetime | None = None
    opinion_of: str | None = None
    opinion_at: datetime | None = None
    opinion_question: str | None = None
    opinion_key: str | None = None
    opinion_came_at: datetime | None = None
    hold_key: str | None = None
    due_key: str | None = None
    model_version: str | None = None
    again_of: int | None = None
    judged_again: int | None = None
    corrected: tuple[str, ...] = optional(default=())
    awaited_key: str | None = None
    rest_key: str | None = None
    view: InstanceOf[SpotView] | None = Field(default=None, exclude=True, repr=False)

    @property
    def photographed_at(self) -> datetime:
        return self.photo_sent_at or self.created_at

    @property
    def case(self) -> str:
        """Its spot, or itself where it belongs to none."""
        return self.lesion or self.id

    @property
    def photo(self) -> JudgedPhoto:
        return JudgedPhoto(self.id, self.number, self.band, self.created_at, self.photographed_at)

    @property
    def reader(self) -> Reader:
        return self._view.reader

    @property
    def standing(self) -> Standing:
        """What holds about its spot."""
        return self._view.standing

    @property
    def stands(self) -> FindingStanding:
        """What holds about the finding itself."""
        return self.standing.findings[self.id]

    @property
    def decision(self) -> Decision | None:
        return self.stands.decision

    @property
    def instruction(self) -> Instruction:
        return self.standing.instruction

    @property
    def reviewed(self) -> bool:
        """Whether a doctor has decided, as far as its reader knows; by its key without one."""
        if self.view is None:
            return self.queue_key is not None and self.queue_key >= FIRST_REVIEWED
        return self.decision is not None

    @property
    def held_until(self) -> datetime | None:
        return self.stands.held_until

    @property
    def awaited(self) -> WaitsFor | None:
        return self.standing.awaited(self.id)

    @property
    def replaced_by(self) -> Advice | None:
        """What counts about its spot, where that was said of another finding and differs."""
        decision = self.decision
        own = (decision.urgency, decision.waits_for) if decision else (self.band, None)
        return self.instruction.elsewhere(self.number, *own)

    @property
    def said_at(self) -> datetime:
        """When what holds about it could be read first."""
        own, counts = self.stands.said_at, self.replaced_by
        if counts is None:
            return own
        others = self.standing.findings.values()
        by_doctor = [
            one.said_at for one in others if counts.decision and one.photo.number == counts.finding
        ]
        return max([own, counts.since, *by_doctor])

    def for_programs(self) -> Self:
        """See it like a program, which may show the patient what it reads."""
        return self if self.reader.is_patient else self.seen_by(Reader.PROGRAM)

    def seen_by(self, reader: Reader) -> Self:
        return self.viewed(self._view.seen_by(reader))

    def alone(self, reader: Reader = Reader.DOCTOR) -> Self:
        """Before there is a review of it, without its spot."""
        facts = SpotFacts((self.photo,), {})
        return self.viewed(SpotView(facts, reader, self.created_at))

    def with_review(self, review: Review) -> Self:
        """See it like after the signing of this review."""
        facts = self._view.facts
        reviews = {**facts.reviews, self.id: (*facts.reviews.get(self.id, ()), review)}
        return self.viewed(replace(self._view, facts=replace(facts, reviews=reviews)))

    def seen_as(self, other: "Listed") -> Self:
        return self.viewed(other._view)

    def viewed(self, view: SpotView) -> Self:
        return self.model_copy(update={"view": view})

    def shows(self, written_at: datetime | None) -> bool:
        """Whether its reader may read what a doctor wrote then: it may tell what is held back."""
        since = self.stands.held_since
        return self.reader.knows_all or not (since and written_at and written_at >= since)

    @property
    def _view(self) -> SpotView:
        if self.view is None:
            raise LookupError("this copy of the finding has no reader")
        return self.view

    @property
    def photos(self) -> int:
        """How many of it are kept."""
        return len(self.picture_blobs) or int(self.photo_blob is not None)

    def make_keys(self, reader: Reader = Reader.DOCTOR) -> dict[str, str | None]:
        """The keys follow from what this reader knows; those of a doctor are stored."""
        standing = self._view.seen_by(reader).standing
        own, counts = standing.findings[self.id], standing.instruction.counts
        decision, awaited = own.decision, standing.awaited(self.id)
        if decision is None:
            queue_key = self._make_waiting_key(self.band, self.created_at)
        else:
            queue_key = make_reviewed_key(decision.urgency, self.created_at, self.number)
        is_due = counts.finding == self.number
        return {
            "awaited_key": make_awaited_key(awaited, decision.decided_at, self.number)
            if awaited and decision
            else None,
            "queue_key": queue_key,
            "hold_key": make_hold_key(own.hold_ends_at, self.number),
            "due_key": make_due_key(counts.due, self.number) if is_due else None,
        }

    def untold(self, reviews: Sequence[Review]) -> list[Review]:
        """Reviews whose hold has ended by its time, of which nobody was told yet."""
        first, moment = self.hold_key, self._view.moment
        return [
            one
            for one in reviews
            if first and (key := make_hold_key(one.hold_ends_at, self.number))
            if key >= first and not one.held_at(moment)
        ]

    def make_opinion_key(self, asked: Band, came_at: datetime) -> str:
        """A graver opinion that came before stands."""
        key = self._make_waiting_key(most_urgent(self.band, asked), came_at)
        return min(key, self.opinion_key or key)

    def _make_waiting_key(self, band: Band, since: datetime) -> str:
        return make_waiting_key(band, self.finding.malignant_score, since, self.number)


def rest_keys(case: Sequence[Listed]) -> dict[str, str | None]:
    """Return the key of each id. A case rests since something last happened with it; the end of a
    hold counts, too. None while a result is awaited or an urgent finding waits for a review: it
    must not go before somebody has done that.
    """
    if any(one.decision.awaited if one.decision else one.band is URGENT for one in case):
        return dict.fromkeys(one.id for one in case)
    since = max(
        moment
        for one in case
        for moment in (
            one.created_at,
            *([one.decision.decided_at] if one.decision else []),
            *(review.hold_ends_at for review in one.stands.reviews if review.hold_ends_at),
        )
    )
    reviewed = all(one.decision for one in case)
    return {one.id: make_rest_key(bool(one.photos), reviewed, since, one.number) for one in case}


class SubmissionSummary(Listed):
    """`sections` is the narrative as it was answered."""

    sections: dict[str, str]
    narrative_source: Mapping[str, str | None] = {"writer": "template"}
    picture_count: int = optional(default=1)


class Submission(SubmissionSummary):
    """`changed` is an id made when its patient last got to see something else. `filed_by` is the
    account that has filed it for its owner, `session_of` the key whose session key did. For an
    index, `source_patient` is the patient's number of the `source`.
    """

    finding: Finding
    context: Context
    changed: str
    thumbnail_blob: str | None = None
    former_lesion: str | None = None
    revision: int = 1
    idempotency_key: str | None = None
    request_hash: str | None = None
    session_of: str | None = optional()
    filed_by: str | None = optional()
    photo_removed_at: datetime | None = optional()
    source: Source | None = optional()
    source_patient: str | None = optional()

    @property
    def changed_at(self) -> datetime:
        return made_at(self.changed)

    @property
    def filed_request(self) -> str | None:
        """What stands for the request by which another account has filed it for its owner."""
        if not self.filed_by or not self.idempotency_key:
            return None
        return hash_of_request(self.filed_by, self.idempotency_key)

    @property
    def pictures(self) -> list["Submission"]:
        """The submission as each of its pictures alone would have made it."""
        pictures = self.finding.pictures
        blobs = self.picture_blobs or (None,) * len(pictures)
        return [
            self.model_copy(update={"finding": finding, "photo_blob": blob})
            for finding, blob in zip(pictures, blobs, strict=True)
        ] or [self]

    def of_picture(self, place: int) -> "Submission":
        """Count from 1."""
        if place > len(self.pictures):
            raise NotFound(NO_PICTURE)
        return self.pictures[place - 1]


class RecognisedKind(StoredRecord):
    modality: ModalityFinding | None = None


class SubmittedPhoto(StoredRecord):
    """A photo has an owner and facts that are known without looking at it."""

    id: str
    owner: str
    photo_blob: str | None = None
    context: Context
    finding: RecognisedKind

    @property
    def modality(self) -> Modality:
        """How it was taken: as the sender told, else as the model recognised."""
        recognised = self.finding.modality
        if self.context.modality is not Modality.UNKNOWN or recognised is None:
            return self.context.modality
        return recognised.recognised


@dataclass(frozen=True, slots=True)
class PhotoChoice:
    """What a request says about keeping its photo: `told`, by which account and in which way."""

    told: bool | None
    by: str
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinding:
    """What is filed of a finding: `photos` are to be kept, as these `blobs`. By `key` and
    `request_hash` a retry is recognised. `by` is the account that files it for its owner,
    `session_of` the key whose session key does. It is judged `again` of that finding. `moves`
    enters in error, in the same transaction, what was filed for another patient. `doctor` is its
    owner's, as far as known before.
    """

    id: str = field(default_factory=new_id)
    owner: str
    finding: Finding
    context: Context
    language: Language
    sections: dict[str, str]
    narrative_source: Mapping[str, str | None]
    key: str | None = None
    request_hash: str = ""
    lesion: str | None = None
    photos: Sequence[bytes] = ()
    blobs: tuple[str, ...] = ()
    again: Submission | None = None
    corrected: tuple[str, ...] = ()
    by: str | None = None
    session_of: str | None = None
    choice: PhotoChoice | None = None
    source: Source | None = None
    moves: Callable[[Unit], None] | None = None
    doctor: str | None = None

    def as_submission(self, *, number: int) -> Submission:
        finding, blobs, again = self.finding, self.blobs, self.again
        for_other = not again and self.by != self.owner
        submission = Submission(
            id=self.id,
            created_at=now(),
            number=number,
            owner=self.owner,
            doctor=self.doctor,
            band=finding.band,
            finding=finding,
            model_version=finding.model_version,
            context=self.context,
            language=self.language,
            sections=self.sections,
            narrative_source=self.narrative_source,
            lesion=self.lesion,
            idempotency_key=self.key,
            request_hash=self.request_hash,
            photo_blob=blobs[finding.shown_picture] if blobs else None,
            picture_blobs=blobs if finding.pictures else (),
            picture_count=max(1, len(finding.pictures)),
            changed=new_id(),
            session_of=self.session_of,
            again_of=again.number if again else None,
            corrected=self.corrected,
            photo_sent_at=again.photographed_at if again else None,
            filed_by=self.by if for_other else None,
            source=self.source,
            source_patient=self.source.patient_id if self.source else None,
        )
        alone = submission.alone()
        keys = alone.make_keys()
        if submission.lesion is None:  # else its spot is looked at, once it is there
            keys |= {"rest_key": rest_keys([alone])[submission.id]}
        return submission.model_copy(update=keys)


def hash_of_request(by: str, key: str) -> str:
    return hashlib.sha256(f"{by}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()


# The fields that order lists: `make_keys`, and `rest_keys`.
KEYS = ("queue_key", "awaited_key", "hold_key", "due_key", "rest_key")
UNREAD = {"id", "view"}


def _fields_of(view: type[Listed]) -> tuple[str, ...]:
    own = view.model_fields.keys() - UNREAD - {"finding", "context"}
    told = ("age_band", "body_site", "body_laterality", "body_side")
    return (
        *sorted(own),
        *(f"finding.{name}" for name in FindingSummary.model_fields),
        *(f"context.{name}" for name in told),
    )


LISTED_FIELDS = _fields_of(Listed)
SUMMARY_FIELDS = _fields_of(SubmissionSummary)
PHOTO_FIELDS = ("owner", "photo_blob", "context", "finding.modality")
