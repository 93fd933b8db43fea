from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.field_types import SearchText
from skinapi.base.languages import Language, LocalizedText
from skinapi.base.stored_record import optional
from skinapi.care.queue import FoundCase, FoundPatient, FoundWaiting
from skinapi.care.second_opinions import SecondOpinion
from skinapi.findings.records.read_access import in_care
from skinapi.findings.records.schemas.finding_parts import (
    CHANGES,
    FoundChangeView,
    HeadlineView,
    NumberView,
)
from skinapi.findings.records.schemas.review import FirstDecision
from skinapi.findings.records.schemas.summary import decision_view, headed_fields, percent
from skinapi.findings.records.stored_finding import Dispute, StoredFindingRow
from skinapi.findings.records.waiting_spots import WaitingSpot
from skinapi.findings.status.decisions import WaitsFor
from skinapi.findings.status.spot import LevelSource, SpotFinding
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import AgeBand, BodySide, BodySite, Laterality
from skinapi.platform.storage.ids import made_at
from skinapi.platform.web.schemas import LARGEST_PAGE, Answer, PageQuery

# The fields of a listed finding that only doctors read.
NOT_FOR_PATIENTS: dict[str, Any] = dict.fromkeys(("awaited", "due", "review"))


class PatientsQuery(PageQuery):
    """`after` is a sort key of these lists, not an id."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    after: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,52}$")] | None = Field(
        default=None, description="as in the link to the next page"
    )


class PatientSearch(PatientsQuery):
    q: SearchText | None = Field(
        default=None, description="beginning of a name, a last name or an e-mail"
    )


class QueueQuery(PatientsQuery):
    reviewed: bool | None = Field(
        default=None, description="false: only what waits for a review; true: only what does not"
    )


class DoctorsQueueQuery(QueueQuery):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 50
    urgency: Band | None = Field(
        default=None,
        description="only spots that ask for this",
    )

    unassigned: bool = Field(
        default=False,
        description="`true`: only the spots of patients without a doctor that wait for one, for "
        "the doctors whom UNASSIGNED_PATIENTS names: the most urgent first, then what is due "
        "first. `urgency` may be asked for beside it",
    )

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.unassigned and self.reviewed:
            raise ValueError("unassigned lists what waits of patients without a doctor")
        return self


class WaitingQuery(PageQuery):
    """`after` is a sort key of this list, not an id."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 50
    after: Annotated[str, StringConstraints(pattern=r"^[0-9]{13}[0-9a-f]{32}$")] | None = Field(
        default=None, description="as in the link to the next page"
    )
    kind: WaitingKind
    overdue: bool = Field(default=False, description="`true`: only what is overdue")


class WaitingKindView(Answer):
    kind: WaitingKind
    began_at: datetime = Field(serialization_alias="since")
    due_at: datetime
    overdue: bool

    @classmethod
    def list_of(cls, rows: Sequence[WaitingSpot]) -> list[Self]:
        """List each kind once, by its row that is due first."""
        first: dict[WaitingKind, WaitingSpot] = {}
        for row in sorted(rows, key=lambda row: row.key):
            first.setdefault(row.kind, row)
        return [cls.from_record(row) for row in first.values()]


class PatientInCare(Answer):
    id: str = Field(serialization_alias="_id")
    name: str
    email: str
    phone: str | None = optional("absent without one")
    waiting_band: Band | None = Field(
        description="what the most urgent spot that waits for a review asks for; null without any"
    )
    waiting_since: datetime | None = Field(description="since when that spot waits")
    waiting_submission: int | None = Field(
        description="the number of its finding to open; null if all its findings were deleted, or "
        "a record of it cannot be read"
    )

    waiting: list[WaitingKindView] = Field(
        description="what spots of the patient wait for, and messages about none: of each kind the "
        "one that is due first. The soonest due comes first"
    )
    erase_at: datetime | None = optional(
        "the account is closed, and is erased then; absent otherwise"
    )
    inactive: bool = optional(
        "the account is suspended, closed or not approved: the patient reads nothing here. Absent "
        "otherwise",
        default=False,
    )

    @classmethod
    def from_patient(cls, found: FoundPatient) -> Self:
        account = found.account
        queued = [row for row in found.waiting if row.kind is WaitingKind.REVIEW]
        first = min(queued, key=lambda row: row.urgency_key or "", default=None)
        return cls.from_record(
            account,
            inactive=not account.approved,
            waiting=WaitingKindView.list_of(found.waiting),
            waiting_band=first.urgency if first else None,
            waiting_since=first.began_at if first else None,
            waiting_submission=found.numbers.get(first.finding or "") if first else None,
        )


class LevelView(Answer):
    """How urgent a finding is, what has set that, and since when."""

    urgency: Band
    words: LocalizedText = Field(description="in the words of who asks: a doctor's, or a patient's")
    source: LevelSource = Field(serialization_alias="from")
    set_at: datetime = Field(serialization_alias="since")
    voided: bool = optional("as that of an instruction", default=False)

    @classmethod
    def from_finding(cls, finding: StoredFindingRow, *, for_doctor: bool) -> Self:
        level = finding.level

        def say(language: Language) -> str:
            words = conditions_table().band_words(level.urgency, language)
            return words.doctor_label if for_doctor else words.label

        voided = finding.spot_view.is_voided(level.review)
        return cls.from_record(level, words=LocalizedText.by(say), voided=voided)


class DeletedFinding(Answer):
    """What is left of a finding whose photo was deleted; its level counts in the instruction."""

    number: int
    created_at: datetime

    @classmethod
    def from_stub(cls, stub: SpotFinding | None) -> Self | None:
        return cls(number=stub.number, created_at=made_at(stub.id)) if stub else None


class ListedFinding(Answer):
    """A finding in a list, in short; the whole finding is at `/submissions/{id}`."""

    id: str = Field(serialization_alias="_id")
    number: int = Field(serialization_alias="id")
    created_at: datetime
    reviewed: bool
    stated: str = Field(serialization_alias="class")
    confidence: float = Field(description="the probability of `class`, in percent")
    headline: HeadlineView
    level: LevelView
    decision: FirstDecision
    uncertain: bool
    photo_kept: bool
    awaited: WaitsFor | None = optional(
        "for doctors: what the current review of its spot waits for; absent if nothing"
    )
    due: date | None = optional(
        "for doctors: the day by which a doctor is to see the spot; absent without one"
    )
    review: LocalizedText | None = optional(
        "for doctors: what the current review says, and what has changed the spot since; absent "
        "without a review"
    )

    @classmethod
    def from_finding(
        cls,
        finding: StoredFindingRow,
        language: Language | None = None,
        *,
        for_doctor: bool,
        **more: Any,
    ) -> Self:
        judged = finding.finding
        return cls.from_record(
            finding,
            finding.context,
            judged,
            **headed_fields(judged, for_doctor=for_doctor),
            level=LevelView.from_finding(finding, for_doctor=for_doctor),
            decision=decision_view(finding, language or finding.language),
            photo_kept=finding.photo_blob is not None,
            **(_for_doctor(finding) if for_doctor else NOT_FOR_PATIENTS),
            **more,
        )


class OpinionView(Answer):
    doctor: str = Field(description="the name of who has asked; empty where the account is deleted")
    colleague: str = Field(description="the name of who is asked")
    of_me: bool = Field(description="whether that is the caller")
    in_charge: bool = optional(
        "of_me, and the caller is the doctor in charge by now, who signs a review; absent else",
        default=False,
    )
    asked_at: datetime
    question: str | None = Field(description="what the colleague is asked")
    colleague_gone: bool = optional(
        "true where the colleague is no active doctor now: nobody answers", default=False
    )


class GivenOpinion(Answer):
    id: str = Field(serialization_alias="_id")
    created_at: datetime
    signed_by: str = Field(description="the colleague's name at that time")
    question: str | None
    label: str | None
    comment: str

    @classmethod
    def from_opinion(cls, given: SecondOpinion) -> Self:
        return cls.from_record(given, signed_by=given.signature)


class CaseView(Answer):
    """What doctors have asked each other about a finding, and what its patient knows."""

    opinion: OpinionView | None = Field(description="null where none is asked for")
    opinions: list[GivenOpinion] | None = optional(
        "the second opinions that colleagues gave, the oldest first. Absent in lists"
    )
    opinion_came_at: datetime | None = Field(
        description="when a second opinion has come that the doctor in charge has not answered"
    )
    disputed: Dispute | None = optional(
        "what another system says of this signed finding, until the doctor in charge signs a "
        "review. `other_patient`: its photo is of another patient; `taken_back`: its order is "
        "taken back. Absent otherwise"
    )
    opened_at: datetime | None = optional(
        "when the patient has opened the finding since the last review was signed; absent before, "
        "and where nothing was decided"
    )
    changes: list[FoundChangeView] = optional(CHANGES, default=[])

    @classmethod
    def from_finding(
        cls,
        finding: StoredFindingRow,
        owner: Account,
        doctors: Mapping[str, Account],
        asker: str,
        given: Sequence[SecondOpinion] | None = None,
    ) -> Self:
        asked = finding.spot.opinion
        colleague = doctors.get(asked.colleague or "") if asked else None

        def name(doctor: str | None) -> str:
            account = doctors.get(doctor or "")
            return account.name if account else ""

        return cls.from_record(
            finding,
            opinion=OpinionView(
                doctor=name(asked.asker),
                colleague=name(asked.colleague),
                of_me=asked.colleague == asker,
                in_charge=asked.colleague == owner.doctor_id == asker,
                asked_at=asked.asked_at,
                question=asked.question,
                colleague_gone=colleague is None or not colleague.active_doctor,
            )
            if asked and asked.colleague
            else None,
            opinion_came_at=asked.came_at if asked else None,
            opinions=None if given is None else [*map(GivenOpinion.from_opinion, given)],
            disputed=finding.disputed,
            opened_at=finding.spot_view.decision_opened_at,
            changes=FoundChangeView.list_of(finding.spot_view.list_changes()),
        )


class OfPatient(Answer):
    patient_id: str
    patient_name: str
    patient_email: str | None = optional("absent if the patient is not in the caller's care")
    patient_phone: str | None = optional("the same, and absent without one")
    erase_at: datetime | None = optional("as that of the patient")
    inactive: bool = optional("as that of the patient", default=False)

    @staticmethod
    def fields_of(owner: Account, to: Subject) -> dict[str, Any]:
        names = ("id", "name", "email", "phone") if in_care(owner, to) else ("id", "name")
        named = {f"patient_{name}": getattr(owner, name) for name in names}
        return {**named, "erase_at": owner.erase_at, "inactive": not owner.approved}


class QueuedFinding(ListedFinding, OfPatient):
    age_band: AgeBand | None = Field(description="as it was told with the photo")
    body_site: BodySite | None = Field(description="as it was told with the photo")
    body_laterality: Laterality | None = Field(description="as it was told with the photo")
    body_side: BodySide | None = Field(description="as it was told with the photo")
    raised_by: tuple[RaisedBy, ...] = Field(description="the rules that asked for this band")
    malignant_score: float = Field(
        description="the probability that it is malignant, in percent. Within a band, what waits "
        "for a review is listed by it"
    )
    restated_malignant_score: float | None = optional(
        "the same for the server's PREVALENCE: what people read. Absent without one"
    )
    case: CaseView
    awaited: WaitsFor | None = Field(description="null if the current review waits for nothing")
    version: int = optional("as that of a finding", default=1)
    more_urgent: bool = optional("as that of a finding", default=False)
    waits_for: tuple[WaitingKind, ...] = optional(
        "with `unassigned=true`: all that the spot waits for, but visits", default=()
    )
    urgency: Band | None = optional(
        "in the queue: what the spot asks for, by which spots are ordered; absent otherwise"
    )
    deleted: DeletedFinding | None = optional(
        "in the queue, if only a deleted finding of the spot waits for a review: that one. `_id` "
        "and `id` are then those of another finding of the spot"
    )

    @classmethod
    def from_case(cls, found: FoundCase, to: Subject, **more: Any) -> Self:
        finding = found.finding
        judged = finding.finding
        return cls.from_finding(
            finding,
            for_doctor=True,
            **cls.fields_of(found.owner, to),
            malignant_score=percent(judged.malignant_score),
            restated_malignant_score=percent(judged.shown_malignant_score)
            if judged.restated
            else None,
            case=CaseView.from_finding(finding, found.owner, found.doctors, to.id),
            **more,
        )


class WaitingRow(OfPatient):
    """What a spot waits for, or a patient who has written about none. `finding` is the one to open
    for it.
    """

    lesion: str | None = Field(description="the spot; null of a message about none")
    spot_version: int | None = Field(description="of the spot; null without one")
    patient_number: NumberView | None = optional(
        "what another system calls a patient who is to be told; absent if that is not known"
    )
    patient_sent_by: str | None = optional(
        "the name of the key that sent a patient who is to be told; absent of others"
    )
    urgency: Band = Field(description="what the spot asks for")
    waiting: WaitingKindView
    waits_for: tuple[WaitingKind, ...] = optional("as that of a finding in the queue", default=())
    finding: QueuedFinding | None = Field(
        description="null if the spot has no finding, or a record of it cannot be read: then the "
        "spot is urgent"
    )
    deleted: DeletedFinding | None = optional(
        "the deleted finding, if the spot has no other; absent otherwise"
    )

    @classmethod
    def from_queue(cls, found: FoundCase | FoundWaiting, to: Subject) -> QueuedFinding | Self:
        """A spot in the queue is shown as one of its findings, if there is one."""
        if isinstance(found, FoundCase):
            return QueuedFinding.from_case(found, to, urgency=found.finding.instruction.band)
        if found.case is None:
            return cls.from_row(found, to)
        deleted = DeletedFinding.from_stub(found.status.open_stub if found.status else None)
        return QueuedFinding.from_case(
            found.case,
            to,
            urgency=found.row.urgency,
            deleted=deleted,
            waits_for=found.waits_for,
        )

    @classmethod
    def from_row(cls, found: FoundWaiting, to: Subject) -> Self:
        to_tell = found.row.kind is WaitingKind.TELLING
        status = found.status
        return cls.from_record(
            found.row,
            **cls.fields_of(found.owner, to),
            patient_number=found.number,
            patient_sent_by=found.owner.sent_by if to_tell else None,
            waiting=WaitingKindView.from_record(found.row),
            waits_for=found.waits_for,
            finding=QueuedFinding.from_case(found.case, to) if found.case else None,
            deleted=DeletedFinding.from_stub(status.newest_stub if status else None),
        )


def _for_doctor(finding: StoredFindingRow) -> dict[str, Any]:
    decision = finding.decision
    return {
        "awaited": finding.spot_view.awaited,
        "due": finding.instruction.due,
        "review": LocalizedText.by(decision.say_in_list) if decision else None,
    }
