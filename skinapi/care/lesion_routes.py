from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import (
    BadRequest,
    ChangedMeanwhile,
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    SpotChanged,
)
from skinapi.base.field_types import Name
from skinapi.base.languages import Language
from skinapi.base.pages import Page
from skinapi.base.stored_record import optional
from skinapi.care.lesions import LesionsService, ShownLesion
from skinapi.care.queue_routes import DOCTORS, READERS
from skinapi.care.queue_schemas import DeletedFinding, ListedFinding
from skinapi.care.reminders import Reminder, ReminderKind, reminder_of
from skinapi.findings.errors import (
    FindingSigned,
    LesionFull,
    OtherPlace,
    ResultAwaited,
)
from skinapi.findings.records.lesions import (
    Place,
    lies_between,
)
from skinapi.findings.records.record_retention import RecordKept
from skinapi.findings.records.schemas.finding_answer import FindingView
from skinapi.findings.records.schemas.finding_parts import InstructionView
from skinapi.findings.records.schemas.review import DecisionView, ReviewView
from skinapi.model.conditions import conditions_table
from skinapi.model.context import BodySide, BodySite, Laterality
from skinapi.platform.storage.ids import now
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import LARGEST_PAGE, Answer, Body, Message, PageQuery, Query

# The bounds of the body map (`viewBox` in console/static/views/body_map.js).
X = Annotated[float, Field(ge=8, le=92, allow_inf_nan=False)]
Y = Annotated[float, Field(ge=2, le=186, allow_inf_nan=False)]


class PlaceFields(Body):
    """`side`, `x` and `y` are a point of the console's body map, in the units of its drawing."""

    site: BodySite
    laterality: Laterality | None = Field(
        default=None,
        description="left, right or middle of the person's body; a point says it by itself",
    )
    side: BodySide | None = None
    x: X | None = None
    y: Y | None = None

    @model_validator(mode="after")
    def _refuse_half_a_point(self) -> Self:
        if (self.x is None) != (self.y is None) or (self.x is not None and self.side is None):
            raise ValueError("x and y belong together, and to a side: send all three, or no point")
        return self

    @model_validator(mode="after")
    def _refuse_another_laterality(self) -> Self:
        if lies_between(self.site, self.laterality):
            raise ValueError("this part of the body is on the left or on the right")
        if self.laterality and self.place().laterality != self.laterality:
            raise ValueError("the point is not where `laterality` says; leave one of them out")
        return self

    def place(self) -> Place:
        point = self.model_dump(exclude={"laterality"})
        told = self.laterality if self.x is None else None
        return Place(**point, told_laterality=told)


class NewLesion(Body):
    place: PlaceFields
    name: Name | None = None


class LesionChange(Body):
    """Only what is sent is changed; `name` null removes the name."""

    place: PlaceFields | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _refuse_no_place(self) -> Self:
        if self.place is None and "place" in self.model_fields_set:
            raise ValueError("a spot has a place: send another one, or leave `place` out")
        return self

    def changes(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": self.name} if "name" in self.model_fields_set else {}
        return {**told, "place": self.place.place().stored()} if self.place else told


class ChosenLesion(Body):
    lesion: str | None = Field(description="the spot of the finding; null for a new one")
    was: str | None = Field(
        default=None,
        description="the spot where the caller saw the finding. If it is elsewhere by now, "
        "nothing is changed. Without `was` the last request counts",
    )


class Told(Body):
    needed = True

    spot_version: int = Field(
        description="the version of the spot that the patient was told of. If the spot has another "
        "one now, the answer is 409 `spot_changed`"
    )


class LanguageQuery(Query):
    lang: Language | None = Field(default=None, description="the account's unless given")


class LesionsQuery(LanguageQuery, PageQuery):
    pass


class CourseQuery(PageQuery):
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    order: Literal["oldest", "newest"] = "oldest"


class PlaceView(Answer):
    site: BodySite
    laterality: Laterality | None = Field(
        description="left, right or middle of the person's body; null where it was not said"
    )
    side: BodySide | None
    x: float | None
    y: float | None


class ReminderView(Answer):
    """What to do about a spot next, by its instruction."""

    act: ReminderKind
    says: str = Field(description="in words")
    due: date = Field(description="on which day; the day of today where that is past")
    last: bool = Field(description="whether it is to be done until that day")

    @classmethod
    def from_reminder(cls, reminder: Reminder, language: Language) -> Self:
        coming = reminder.from_today(now().date())
        acts = conditions_table().notices.reminder
        return cls.from_record(coming, says=acts[coming.act].in_language(language))


class LesionView(Answer):
    id: str
    name: str | None
    place: PlaceView | None = Field(description="null where nobody has told it")
    created_at: datetime
    findings: int = Field(description="how many")
    latest: ListedFinding | None = Field(description="the newest finding; null without any")
    deleted: DeletedFinding | None = optional(
        "the newest deleted finding, if the spot has no other; absent otherwise"
    )
    instruction: InstructionView | None = Field(
        description="what is to be done about the spot, of all that was said of it: "
        "docs/reviews.md; null without findings, deleted ones included"
    )
    decision: DecisionView | None = optional("what the current review says; absent without one")
    review: ReviewView | None = optional("the current review, with its note; absent without one")
    reminder: ReminderView | None = Field(
        default=None,
        description="what its owner can be reminded of; null without findings, and of a cancer "
        "that is proven",
    )

    @classmethod
    def from_lesion(
        cls, shown: ShownLesion, to: Subject, language: Language | None = None, **more: Any
    ) -> Self:
        """The default language is that of the account."""
        lesion, latest, status = shown
        language, for_doctor = language or to.account.language, lesion.owner != to.id
        instruction, reminder = status.instruction, reminder_of(status)
        decision = status.decision
        return cls.from_record(
            lesion,
            instruction=InstructionView.from_instruction(
                instruction, language, for_doctor=for_doctor
            )
            if instruction
            else None,
            decision=DecisionView.from_decision(decision, language) if decision else None,
            review=ReviewView.from_review(status.reviews[decision.review]) if decision else None,
            latest=ListedFinding.from_finding(latest, language, for_doctor=for_doctor)
            if latest
            else None,
            deleted=DeletedFinding.from_stub(status.newest_stub),
            reminder=ReminderView.from_reminder(reminder, language) if reminder else None,
            **more,
        )


routes: Routes[LesionsService] = Routes(access=Authenticated())


@routes.route("POST", "/lesions", status=201, raises=(BadRequest, IdempotencyKeyReused))
def create_lesion(
    lesions: LesionsService, *, body: NewLesion, subject: Subject, idempotency_key: str | None
) -> LesionView:
    """Begin a spot of the caller, at a place of the body map. It is in no list before it has a
    finding.
    """
    created = lesions.create_lesion(
        owner=subject.id, place=body.place.place(), name=body.name, key=idempotency_key
    )
    return LesionView.from_lesion(created, subject)


@routes.route("GET", "/lesions", access=Authenticated(scopes=("findings:read",)))
def list_lesions(
    lesions: LesionsService, *, query: LesionsQuery, subject: Subject
) -> Page[LesionView]:
    """The caller's own spots, oldest first, each with its newest finding."""
    page = lesions.page_owned(subject.id, query.paging)
    return page.map(partial(LesionView.from_lesion, to=subject, language=query.lang))


@routes.route("GET", "/patients/<patient>/lesions", access=READERS, raises=(NotFound,))
def list_patient_lesions(
    lesions: LesionsService, *, patient: str, query: LesionsQuery, subject: Subject
) -> Page[LesionView]:
    """The spots of one patient in care, oldest first, each with its newest finding."""
    page = lesions.list_of_patient(patient=patient, doctor=subject, paging=query.paging)
    return page.map(partial(LesionView.from_lesion, to=subject, language=query.lang))


@routes.route(
    "GET", "/lesions/<lesion>", access=Authenticated(scopes=("findings:read",)), raises=(NotFound,)
)
def show_lesion(
    lesions: LesionsService, *, lesion: str, query: LanguageQuery, subject: Subject
) -> LesionView:
    """A spot of the caller, or of a patient in the caller's care."""
    spot = lesions.get(lesion=lesion, to=subject)
    return LesionView.from_lesion(spot, subject, query.lang)


@routes.route(
    "GET",
    "/lesions/<lesion>/submissions",
    access=Authenticated(scopes=("findings:read",)),
    raises=(NotFound,),
)
def list_course(
    lesions: LesionsService, *, lesion: str, query: CourseQuery, subject: Subject
) -> Page[ListedFinding]:
    """The findings of a spot in the order of time: `order` oldest or newest first."""
    page = lesions.page_course(
        lesion=lesion,
        to=subject,
        newest_first=query.order == "newest",
        paging=query.paging,
    )
    return page.map(
        lambda item: ListedFinding.from_finding(item, for_doctor=item.owner != subject.id)
    )


@routes.route(
    "POST",
    "/lesions/<lesion>/told",
    access=DOCTORS,
    raises=(NotFound, Forbidden, SpotChanged),
)
def mark_told(lesions: LesionsService, *, lesion: str, body: Told, subject: Subject) -> Message:
    """Say, as the doctor in charge, that the patient was told what this spot version says."""
    lesions.mark_told(lesion=lesion, spot_version=body.spot_version, by=subject)
    return Message(message="Noted that the patient was told")


@routes.route("PATCH", "/lesions/<lesion>", raises=(BadRequest, NotFound))
def change_lesion(
    lesions: LesionsService, *, lesion: str, body: LesionChange, subject: Subject
) -> LesionView:
    """Give a spot of the caller another name or place; what is not sent stays."""
    changed = lesions.change_lesion(lesion=lesion, fields=body.changes(), by=subject.id)
    return LesionView.from_lesion(changed, subject)


@routes.route("DELETE", "/lesions/<lesion>", raises=(NotFound, RecordKept))
def delete_lesion(lesions: LesionsService, *, lesion: str, subject: Subject) -> Message:
    """Delete a spot of the caller with its findings. Its messages are then about no spot. A spot
    stays in the lists, without photos, if a doctor has reviewed it or is still to see it. Nothing
    is deleted that the operator must keep because a doctor has signed it.
    """
    lesions.delete_lesion(lesion=lesion, by=subject.id)
    return Message(message="Spot deleted with its findings")


@routes.route(
    "PUT",
    "/submissions/<number>/lesion",
    raises=(
        BadRequest,
        NotFound,
        LesionFull,
        OtherPlace,
        FindingSigned,
        ResultAwaited,
        ChangedMeanwhile,
    ),
)
def sort_finding(
    lesions: LesionsService, *, number: str, body: ChosenLesion, subject: Subject
) -> FindingView:
    """Move a finding to another spot of its patient, or to a new one, as the doctor in charge. The
    patient may do so if no review covers the finding.
    """
    finding, owner = lesions.sort_finding(
        number=number, lesion=body.lesion, was=body.was, by=subject
    )
    return FindingView.from_finding(finding, owner, for_doctor=owner.id != subject.id)
